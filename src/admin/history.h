/* Who changed what when: one row for each object that a person changed, written in the database transaction of the
 * change itself, so that neither is there without the other. */
#ifndef ADMIN_HISTORY_H
#define ADMIN_HISTORY_H

#include <jansson.h>

#include "db/db.h"

enum history_object { HISTORY_ACCOUNT, HISTORY_TRANSACTION, HISTORY_USER };
enum history_action {
	HISTORY_ADD, HISTORY_CHANGE, HISTORY_DELETE, HISTORY_RESET, HISTORY_PASSWORD, HISTORY_LOGIN
};

struct history_note {
	const char *user; /* the name of who did it */
	enum history_action action;
	enum history_object object;
	int64_t id;
	json_t *changes; /* {"balance": [100, 50]}; NULL: nothing to tell. Not taken over */
};
/* In the session's open transaction. */
bool history_write(struct db_session *session, const struct history_note *note, struct err *err) MUST_USE;

enum { HISTORY_MOST_ROWS = 100 };

struct history_ask {
	const enum history_object *object; /* NULL: all that `users` allows */
	int64_t id;                        /* with `object`: that one's; 0: all of them */
	bool users;                        /* what was done to users may be seen */
	int64_t before;                    /* ids below this one; 0: from the newest on */
	int limit;                         /* 1 to HISTORY_MOST_ROWS */
};
/* An array of entries as docs/api.md has them, the newest first, to be given back with json_decref. *next is the
 * `before` of the page that follows, 0: there is none. NULL: the error. */
json_t *history_list(struct db_session *session, const struct history_ask *ask, int64_t *next,
                     struct err *err) MUST_USE;

const char *history_object_name(enum history_object object);
bool history_object_of_name(const char *name, enum history_object *object) MUST_USE;
const char *history_action_name(enum history_action action);

#endif
