/* Passwords: how they are kept (argon2id, by libsodium), and which ones are weak. */
#ifndef ADMIN_PASSWORDS_H
#define ADMIN_PASSWORDS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum { PASSWORD_HASH_SIZE = 128, PASSWORD_MOST = 1024 /* bytes */ };

/* Takes a tenth of a second and 64 MiB, on purpose; two at a time at most, the others wait. */
bool password_hash(const char *password, char hash[static PASSWORD_HASH_SIZE], struct err *err) MUST_USE;
/* The same price. `hash` NULL: there is no such user; it answers false after the time that one takes. */
bool password_fits(const char *password, const char *hash) MUST_USE;

/* Each reason why it is weak as a sentence on a line of its own; true: there is none. As Django judges by default. */
bool password_is_strong(const char *password, const char *username, const char *email, struct str *reasons) MUST_USE;
/* One of those that everybody tries first; any letter case. */
bool password_is_common(const char *password) MUST_USE;

#endif
