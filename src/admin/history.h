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

#endif
