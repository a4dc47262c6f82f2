/* The secret key: what tokens are hashed with before they are stored or shown. It lives in a file of the state
 * directory, of its owner alone; without it the tokens in the database are of no use, and with it they are not to be
 * found out either. */
#ifndef ADMIN_SECRET_H
#define ADMIN_SECRET_H

#include <stddef.h>

#include "base/err.h"

enum { SECRET_SIZE = 32, TOKEN_SIZE = 44, SECRET_MARK_SIZE = 65 };

struct secret {
	unsigned char key[SECRET_SIZE];
};
/* Reads FOLDER/secret, or makes it, mode 0600; of several that make it at once all get the same. A file that others
 * may read is an error. */
bool secret_load(const char *folder, struct secret *secret, struct err *err) MUST_USE;

/* A fresh token for a cookie: 256 random bits, 43 characters of base64url. */
void token_draw(char token[static TOKEN_SIZE]);
/* 64 hexadecimal digits: BLAKE2b of the text under the key. `purpose` keeps what the marks are for apart. */
void secret_mark(const struct secret *secret, const char *purpose, const char *text,
                 char mark[static SECRET_MARK_SIZE]);
/* In a time that tells nothing of where they differ. */
bool secret_same(const char *a, const char *b) MUST_USE;

#endif
