/* Who is logged in. A session's token is known to its browser alone; the table has it hashed. Sessions end after two
 * weeks, as Django's, at log-out, with the user's password, and when the user is made inactive or deleted. */
#ifndef ADMIN_SESSIONS_H
#define ADMIN_SESSIONS_H

#include "admin/secret.h"
#include "admin/users.h"

enum { SESSION_DAYS = 14 };

/* `token` is drawn. Sessions of anybody that are over are removed. */
bool session_open(struct db_session *db, const struct secret *secret, int64_t user, char token[static TOKEN_SIZE],
                  struct err *err) MUST_USE;
/* MISSING: there is none such, it is over, or its user is not active. */
enum user_end session_find(struct db_session *db, const struct secret *secret, const char *token,
                           struct admin_user *user, struct err *err) MUST_USE;
bool session_end(struct db_session *db, const struct secret *secret, const char *token, struct err *err) MUST_USE;

#endif
