/* Users: who may log in to the pages. Each change is one database transaction together with its note in the history. */
#ifndef ADMIN_USERS_H
#define ADMIN_USERS_H

#include <jansson.h>

#include "admin/ledger.h"
#include "admin/passwords.h"

enum { USER_NAME_MOST = 150, USER_EMAIL_MOST = 254, USER_MOST_ROWS = 100 }; /* characters */

struct admin_user {
	int64_t id;
	char username[USER_NAME_MOST * 4 + 1];
	char email[USER_EMAIL_MOST * 4 + 1];
	char password[PASSWORD_HASH_SIZE];
	bool superuser, active;
	char joined[32], last_login[32]; /* "2026-11-24T09:30:00.000000Z"; last_login "": never */
};

enum user_end {
	USER_OK,
	USER_MISSING,
	USER_TAKEN,   /* another one has the name */
	USER_LAST,    /* nobody would be left who is active and a superuser */
	USER_CHANGED, /* it has other values by now: *conflicts; nothing was written */
	USER_FAILED,  /* the error */
};

/* What is wrong with it, as a sentence; NULL: nothing. */
const char *user_name_fault(const char *name);
const char *user_email_fault(const char *email);

bool users_any(struct db_session *session, bool *any, struct err *err) MUST_USE;
enum user_end user_by_id(struct db_session *session, int64_t id, struct admin_user *user, struct err *err) MUST_USE;
/* The very name: where the database finds it in another letter case it is not this one. */
enum user_end user_by_name(struct db_session *session, const char *name, struct admin_user *user,
                           struct err *err) MUST_USE;

/* By name. `search`: part of a name or an address; NULL: all. `after`: the last name of the page before; NULL. The
 * array is the heap's; *more: a page follows. */
struct users_ask {
	const char *search, *after;
	int limit;
};
bool users_list(struct db_session *session, const struct users_ask *ask, struct admin_user **list, size_t *n,
                bool *more, struct err *err) MUST_USE;
bool users_count(struct db_session *session, const char *search, int64_t *n, struct err *err) MUST_USE;

/* `password` is a hash. */
enum user_end user_add(const struct ledger_who *who, const struct admin_user *values, int64_t *id,
                       struct err *err) MUST_USE;
/* Names, address and flags; `loaded` are those that the form was filled with. Who is made inactive is logged out. */
enum user_end user_change(const struct ledger_who *who, int64_t id, const struct admin_user *loaded,
                          const struct admin_user *values, json_t **conflicts, struct err *err) MUST_USE;
/* All sessions of the user end. */
enum user_end user_set_password(const struct ledger_who *who, int64_t id, const char *hash,
                                struct err *err) MUST_USE;
enum user_end user_delete(const struct ledger_who *who, int64_t id, struct err *err) MUST_USE;
/* It logged in now. */
bool user_note_login(const struct ledger_who *who, int64_t id, struct err *err) MUST_USE;

#endif
