/* The history, by rising numbers. */
#include "admin/history.h"

#include <stdlib.h>
#include <string.h>

#include "admin/ledger_time.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

const char *history_object_name(enum history_object object)
{
	switch (object) {
	case HISTORY_ACCOUNT: return "account";
	case HISTORY_TRANSACTION: return "transaction";
	case HISTORY_USER: return "user";
	}
	return "?";
}

bool history_object_of_name(const char *name, enum history_object *object)
{
	for (*object = HISTORY_ACCOUNT; *object <= HISTORY_USER; (*object)++)
		if (strcmp(name, history_object_name(*object)) == 0)
			return true;
	return false;
}

const char *history_action_name(enum history_action action)
{
	switch (action) {
	case HISTORY_ADD: return "add";
	case HISTORY_CHANGE: return "change";
	case HISTORY_DELETE: return "delete";
	case HISTORY_RESET: return "reset";
	case HISTORY_PASSWORD: return "password";
	case HISTORY_LOGIN: return "login";
	}
	return "?";
}

bool history_write(struct db_session *session, const struct history_note *note, struct err *err)
{
	char *changes = note->changes != NULL ? json_dumps(note->changes, JSON_COMPACT) : NULL;
	char now[CLOCK_STAMP_SIZE];

	clock_stamp(clock_wall_us(), now);
	const struct db_value args[] = {
		db_text(now),         db_text(note->user), db_text(history_action_name(note->action)),
		db_text(history_object_name(note->object)), db_int(note->id), db_text(changes), {0},
	};
	bool ok = db_run(session, DB_WRITE,
	                 "INSERT INTO racy_history (made_at, username, action, object, object_id, changes)"
	                 " VALUES (?, ?, ?, ?, ?, ?)", args, NULL, NULL, err);
	free(changes);
	return ok;
}

static json_t *entry_of(const struct db_rows *rows, size_t i, struct arena *arena)
{
	const struct db_value *changes = db_cell(rows, i, 6);
	json_t *told = changes->type == DB_TEXT ? json_loads(changes->text, 0, NULL) : NULL;

	return json_pack("{sI ss ss ss ss sI so}", "id", (json_int_t)db_cell(rows, i, 0)->integer,
	                 "at", ledger_time_of_cell(db_cell(rows, i, 1), arena), "user", db_cell(rows, i, 2)->text,
	                 "action", db_cell(rows, i, 3)->text, "object", db_cell(rows, i, 4)->text,
	                 "object_id", (json_int_t)db_cell(rows, i, 5)->integer,
	                 "changes", told != NULL ? told : json_object());
}

static char *query_of(const struct history_ask *ask, struct db_value *args)
{
	struct str sql = {0};
	size_t n = 0;

	str_add(&sql,
	        "SELECT id, made_at, username, action, object, object_id, changes FROM racy_history WHERE id < ?");
	args[n++] = db_int(ask->before > 0 ? ask->before : INT64_MAX);
	if (ask->object != NULL) {
		str_add(&sql, " AND object = ?");
		args[n++] = db_text(history_object_name(*ask->object));
		if (ask->id > 0) {
			str_add(&sql, " AND object_id = ?");
			args[n++] = db_int(ask->id);
		}
	}
	if (!ask->users)
		str_add(&sql, " AND object <> 'user'");
	str_add(&sql, " ORDER BY id DESC LIMIT ?");
	args[n++] = db_int(ask->limit + 1);
	args[n] = (struct db_value){0};
	return str_take(&sql);
}

json_t *history_list(struct db_session *session, const struct history_ask *ask, int64_t *next, struct err *err)
{
	struct db_value args[DB_MAX_ARGS];
	char *sql = query_of(ask, args);
	struct db_rows rows = {0};
	struct arena arena = {0};
	json_t *list = NULL;

	*next = 0;
	if (db_run(session, DB_READ, sql, args, &rows, NULL, err)) {
		list = json_array();
		for (size_t i = 0; i < rows.n_rows && i < (size_t)ask->limit; i++)
			json_array_append_new(list, entry_of(&rows, i, &arena));
		if (rows.n_rows > (size_t)ask->limit)
			*next = db_cell(&rows, (size_t)ask->limit - 1, 0)->integer;
	}
	db_rows_fini(&rows);
	arena_fini(&arena);
	free(sql);
	return list;
}
