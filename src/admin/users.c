/* Users as rows. Changes that could leave nobody who may change users lock all who may first. */
#include "admin/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/ledger_change.h"
#include "admin/ledger_time.h"
#include "base/clock.h"
#include "base/mem.h"

#define COLUMNS "id, username, email, password, superuser, active, joined, last_login"

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* What is not ASCII is taken for a letter, but for what is not seen or turns the direction of writing. */
static bool is_name_point(unsigned c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		       (c != 0 && strchr("@.+-_", (int)c) != NULL);
	return c > 0xA0 && c != 0xAD && !(c >= 0x2000 && c <= 0x206F) && c != 0x3000 && c != 0xFEFF &&
	       !(c >= 0xE000 && c <= 0xF8FF) && !(c >= 0xFFF0 && c <= 0xFFFF) && c < 0xE0000;
}

/* The next code point of well-formed UTF-8; 0 where it is not. */
static unsigned next_point(const unsigned char **at)
{
	unsigned c = *(*at)++;
	int more = c < 0x80 ? 0 : (c & 0xE0) == 0xC0 ? 1 : (c & 0xF0) == 0xE0 ? 2 : (c & 0xF8) == 0xF0 ? 3 : -1;

	if (more < 0)
		return 0;
	c = more == 0 ? c : c & (0x3FU >> more);
	for (; more > 0; more--, (*at)++) {
		if ((**at & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (**at & 0x3FU);
	}
	return c;
}

const char *user_name_fault(const char *name)
{
	if (*name == '\0')
		return "This field cannot be blank.";
	if (text_columns(name) > USER_NAME_MOST)
		return "A user name has at most 150 characters.";
	for (const unsigned char *at = (const unsigned char *)name; *at != '\0';)
		if (!is_name_point(next_point(&at)))
			return "A user name may contain only letters, digits and @/./+/-/_ characters.";
	return NULL;
}

/* Empty is fine. An address is proven by a letter to it; this catches what was mistyped. */
const char *user_email_fault(const char *email)
{
	const char *at = strrchr(email, '@');

	if (*email == '\0')
		return NULL;
	if (text_columns(email) > USER_EMAIL_MOST)
		return "An e-mail address has at most 254 characters.";
	if (at == NULL || at == email || at[1] == '\0' || strpbrk(email, " \t\r\n<>\"") != NULL)
		return "Enter a valid e-mail address.";
	return NULL;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void take_text(char *to, size_t size, const struct db_value *cell)
{
	(void)snprintf(to, size, "%s", cell->type == DB_TEXT ? cell->text : "");
}

static void take_user(const struct db_rows *rows, size_t row, struct admin_user *user)
{
	struct arena arena = {0};

	*user = (struct admin_user){
		.id = db_cell(rows, row, 0)->integer,
		.superuser = db_cell(rows, row, 4)->integer != 0,
		.active = db_cell(rows, row, 5)->integer != 0,
	};
	take_text(user->username, sizeof user->username, db_cell(rows, row, 1));
	take_text(user->email, sizeof user->email, db_cell(rows, row, 2));
	take_text(user->password, sizeof user->password, db_cell(rows, row, 3));
	(void)snprintf(user->joined, sizeof user->joined, "%.31s", ledger_time_of_cell(db_cell(rows, row, 6), &arena));
	if (db_cell(rows, row, 7)->type == DB_TEXT)
		(void)snprintf(user->last_login, sizeof user->last_login, "%.31s",
		               ledger_time_of_cell(db_cell(rows, row, 7), &arena));
	arena_fini(&arena);
}

static enum user_end read_one(struct db_session *session, const char *sql, struct db_value key,
                              struct admin_user *user, struct err *err)
{
	struct db_rows rows = {0};
	enum user_end end = USER_FAILED;

	if (db_run(session, DB_READ, sql, (const struct db_value[]){key, {0}}, &rows, NULL, err))
		end = rows.n_rows > 0 ? USER_OK : USER_MISSING;
	if (end == USER_OK)
		take_user(&rows, 0, user);
	db_rows_fini(&rows);
	return end;
}

enum user_end user_by_id(struct db_session *session, int64_t id, struct admin_user *user, struct err *err)
{
	return read_one(session, "SELECT " COLUMNS " FROM racy_user WHERE id = ?", db_int(id), user, err);
}

enum user_end user_by_name(struct db_session *session, const char *name, struct admin_user *user, struct err *err)
{
	enum user_end end =
		read_one(session, "SELECT " COLUMNS " FROM racy_user WHERE username = ?", db_text(name), user, err);

	return end == USER_OK && !text_equal(user->username, name) ? USER_MISSING : end;
}

static bool read_number(struct db_session *session, const char *sql, const struct db_value *args, int64_t *number,
                        struct err *err)
{
	struct db_rows rows = {0};
	bool ok = db_run(session, DB_READ, sql, args, &rows, NULL, err);

	if (ok)
		*number = db_cell(&rows, 0, 0)->integer;
	db_rows_fini(&rows);
	return ok;
}

bool users_any(struct db_session *session, bool *any, struct err *err)
{
	int64_t n = 0;
	bool ok = read_number(session, "SELECT COUNT(*) FROM racy_user", NULL, &n, err);

	*any = n > 0;
	return ok;
}

/* LIKE with what stands for itself: '!' before what would not. */
static char *pattern_of(const char *search)
{
	struct str pattern = {0};

	str_add_char(&pattern, '%');
	for (; search != NULL && *search != '\0'; search++) {
		if (*search == '%' || *search == '_' || *search == '!')
			str_add_char(&pattern, '!');
		str_add_char(&pattern, *search);
	}
	str_add_char(&pattern, '%');
	return str_take(&pattern);
}

bool users_count(struct db_session *session, const char *search, int64_t *n, struct err *err)
{
	char *pattern = pattern_of(search);
	bool ok = read_number(session,
	                      "SELECT COUNT(*) FROM racy_user WHERE username LIKE ? ESCAPE '!'"
	                      " OR email LIKE ? ESCAPE '!'",
	                      (const struct db_value[]){db_text(pattern), db_text(pattern), {0}}, n, err);

	free(pattern);
	return ok;
}

bool users_list(struct db_session *session, const struct users_ask *ask, struct admin_user **list, size_t *n,
                bool *more, struct err *err)
{
	char *pattern = pattern_of(ask->search);
	const struct db_value args[] = {db_text(pattern), db_text(pattern), db_text(ask->after != NULL ?
	                                                                            ask->after : ""),
	                                db_int(ask->limit + 1), {0}};
	struct db_rows rows = {0};
	bool ok = db_run(session, DB_READ,
	                 "SELECT " COLUMNS " FROM racy_user"
	                 " WHERE (username LIKE ? ESCAPE '!' OR email LIKE ? ESCAPE '!')"
	                 " AND username > ? ORDER BY username LIMIT ?", args, &rows, NULL, err);

	*n = rows.n_rows > (size_t)ask->limit ? (size_t)ask->limit : rows.n_rows;
	*more = rows.n_rows > *n;
	*list = mem_new(*n, sizeof **list);
	for (size_t i = 0; ok && i < *n; i++)
		take_user(&rows, i, &(*list)[i]);
	db_rows_fini(&rows);
	free(pattern);
	return ok;
}

/* ---- changes ----------------------------------------------------------------------------------------- */

struct work {
	int64_t id;
	const struct admin_user *loaded, *values;
	const char *hash;
	enum user_end end; /* where it is not the ledger's */
};

/* What is not done undoes all of it. */
static enum ledger_end give_up(struct work *work, enum user_end end)
{
	work->end = end;
	return LEDGER_MISSING;
}

static enum user_end make(const struct ledger_who *who, ledger_work *do_it, struct work *work, json_t **conflicts,
                          struct err *err)
{
	work->end = USER_OK;
	switch (ledger_make(who, do_it, work, conflicts, err)) {
	case LEDGER_OK: return USER_OK;
	case LEDGER_CHANGED: return USER_CHANGED;
	case LEDGER_MISSING: return work->end;
	case LEDGER_NO_ACCOUNT:
	case LEDGER_BAD_PLACE:
	case LEDGER_FAILED: break;
	}
	return USER_FAILED;
}

static enum user_end name_is_free(struct ledger_change *change, const char *name, int64_t own)
{
	int64_t n;
	const struct db_value args[] = {db_text(name), db_int(own), {0}};

	if (!read_number(change->who->session, "SELECT COUNT(*) FROM racy_user WHERE username = ? AND id <> ?",
	                 args, &n,
	                 change->err))
		return USER_FAILED;
	return n == 0 ? USER_OK : USER_TAKEN;
}

static json_t *flags_and_names(const struct admin_user *user)
{
	return json_pack("{s[ns] s[ns] s[nb] s[nb]}", "username", user->username, "email", user->email, "superuser",
	                 user->superuser, "active", user->active);
}

static enum ledger_end add(struct ledger_change *change, void *context)
{
	struct work *work = context;
	const struct admin_user *user = work->values;
	enum user_end is_free = name_is_free(change, user->username, 0);
	char now[CLOCK_STAMP_SIZE];

	if (is_free != USER_OK)
		return give_up(work, is_free);
	clock_stamp(clock_wall_us(), now);
	const struct db_value args[] = {
		db_text(user->username), db_text(user->email), db_text(user->password), db_int(user->superuser),
		db_int(user->active),    db_text(now),         {0},
	};
	return ledger_insert(change, "INSERT INTO racy_user (username, email, password, superuser, active, joined)"
	                             " VALUES (?, ?, ?, ?, ?, ?) {returning_id}", args, &work->id) &&
	       ledger_note(change, HISTORY_ADD, HISTORY_USER, work->id, flags_and_names(user))
		? LEDGER_OK
		: LEDGER_FAILED;
}

enum user_end user_add(const struct ledger_who *who, const struct admin_user *values, int64_t *id, struct err *err)
{
	struct work work = {.values = values};
	enum user_end end = make(who, add, &work, NULL, err);

	*id = work.id;
	return end;
}

/* Is anybody else active and a superuser? All who are stay so until the end of this transaction. */
static enum user_end others_remain(struct ledger_change *change, int64_t id)
{
	struct db_rows rows = {0};
	enum user_end end = USER_FAILED;

	if (db_run(change->who->session, DB_READ,
	           "SELECT id FROM racy_user WHERE superuser = 1 AND active = 1 ORDER BY id {for_update}", NULL,
	           	&rows, NULL,
	           change->err))
		end = USER_LAST;
	for (size_t i = 0; end == USER_LAST && i < rows.n_rows; i++)
		if (db_cell(&rows, i, 0)->integer != id)
			end = USER_OK;
	db_rows_fini(&rows);
	return end;
}

static enum user_end lock_user(struct ledger_change *change, int64_t id, struct admin_user *now)
{
	return read_one(change->who->session, "SELECT " COLUMNS " FROM racy_user WHERE id = ? {for_update}",
	                db_int(id), now,
	                change->err);
}

static void compare_text(struct ledger_change *change, int64_t id, const char *field, const char *loaded,
                         const char *now, const char *yours)
{
	if (!text_equal(loaded, now))
		ledger_conflict(change, HISTORY_USER, id, field, json_string(loaded), json_string(now),
		                json_string(yours));
}

static void compare_flag(struct ledger_change *change, int64_t id, const char *field, bool loaded, bool now, bool yours)
{
	if (loaded != now)
		ledger_conflict(change, HISTORY_USER, id, field, json_boolean(loaded), json_boolean(now),
		                json_boolean(yours));
}

static void compare(struct ledger_change *change, const struct work *work, const struct admin_user *now)
{
	const struct admin_user *loaded = work->loaded, *values = work->values;

	compare_text(change, work->id, "username", loaded->username, now->username, values->username);
	compare_text(change, work->id, "email", loaded->email, now->email, values->email);
	compare_flag(change, work->id, "superuser", loaded->superuser, now->superuser, values->superuser);
	compare_flag(change, work->id, "active", loaded->active, now->active, values->active);
}

static json_t *differences(const struct admin_user *now, const struct admin_user *values)
{
	json_t *told = json_object();

	if (!text_equal(now->username, values->username))
		json_object_set_new(told, "username", json_pack("[ss]", now->username, values->username));
	if (!text_equal(now->email, values->email))
		json_object_set_new(told, "email", json_pack("[ss]", now->email, values->email));
	if (now->superuser != values->superuser)
		json_object_set_new(told, "superuser", json_pack("[bb]", now->superuser, values->superuser));
	if (now->active != values->active)
		json_object_set_new(told, "active", json_pack("[bb]", now->active, values->active));
	return told;
}

static bool end_sessions(struct ledger_change *change, int64_t id)
{
	return ledger_write(change, "DELETE FROM racy_session WHERE user_id = ?",
	                    (const struct db_value[]){db_int(id), {0}}, NULL);
}

static enum ledger_end write_values(struct ledger_change *change, struct work *work, const struct admin_user *now)
{
	const struct admin_user *values = work->values;
	const struct db_value args[] = {
		db_text(values->username), db_text(values->email), db_int(values->superuser), db_int(values->active),
		db_int(work->id),          {0},
	};

	return ledger_write(change,
	                    "UPDATE racy_user SET username = ?, email = ?, superuser = ?, active = ? WHERE id = ?",
	                    args, NULL) &&
	       (values->active || end_sessions(change, work->id)) &&
	       ledger_note(change, HISTORY_CHANGE, HISTORY_USER, work->id, differences(now, values))
		? LEDGER_OK
		: LEDGER_FAILED;
}

static enum ledger_end change_it(struct ledger_change *change, void *context)
{
	struct work *work = context;
	bool powerful = work->values->superuser && work->values->active;
	struct admin_user now;
	enum user_end end = powerful ? USER_OK : others_remain(change, work->id);
	enum user_end found = end == USER_FAILED ? end : lock_user(change, work->id, &now);

	if (found != USER_OK)
		return found == USER_FAILED ? LEDGER_FAILED : give_up(work, found);
	compare(change, work, &now);
	if (json_array_size(change->conflicts) > 0)
		return LEDGER_CHANGED;
	if (end == USER_LAST && now.superuser && now.active)
		return give_up(work, USER_LAST);
	end = name_is_free(change, work->values->username, work->id);
	if (end != USER_OK)
		return end == USER_FAILED ? LEDGER_FAILED : give_up(work, end);
	return write_values(change, work, &now);
}

enum user_end user_change(const struct ledger_who *who, int64_t id, const struct admin_user *loaded,
                          const struct admin_user *values, json_t **conflicts, struct err *err)
{
	struct work work = {.id = id, .loaded = loaded, .values = values};

	return make(who, change_it, &work, conflicts, err);
}

static enum ledger_end set_password(struct ledger_change *change, void *context)
{
	struct work *work = context;
	const struct db_value args[] = {db_text(work->hash), db_int(work->id), {0}};
	int64_t affected = 0;

	if (!ledger_write(change, "UPDATE racy_user SET password = ? WHERE id = ?", args, &affected))
		return LEDGER_FAILED;
	if (affected == 0)
		return give_up(work, USER_MISSING);
	return end_sessions(change, work->id) && ledger_note(change, HISTORY_PASSWORD, HISTORY_USER, work->id, NULL)
		? LEDGER_OK
		: LEDGER_FAILED;
}

enum user_end user_set_password(const struct ledger_who *who, int64_t id, const char *hash, struct err *err)
{
	struct work work = {.id = id, .hash = hash};

	return make(who, set_password, &work, NULL, err);
}

static enum ledger_end remove_it(struct ledger_change *change, void *context)
{
	struct work *work = context;
	struct admin_user now;
	enum user_end rest = others_remain(change, work->id);
	enum user_end found = rest == USER_FAILED ? rest : lock_user(change, work->id, &now);

	if (found != USER_OK)
		return found == USER_FAILED ? LEDGER_FAILED : give_up(work, found);
	if (rest == USER_LAST && now.superuser && now.active)
		return give_up(work, USER_LAST);
	return end_sessions(change, work->id) &&
	       ledger_write(change, "DELETE FROM racy_user WHERE id = ?",
	                    (const struct db_value[]){db_int(work->id), {0}}, NULL) &&
	       ledger_note(change, HISTORY_DELETE, HISTORY_USER, work->id,
	                   json_pack("{s[sn]}", "username", now.username))
		? LEDGER_OK
		: LEDGER_FAILED;
}

enum user_end user_delete(const struct ledger_who *who, int64_t id, struct err *err)
{
	struct work work = {.id = id};

	return make(who, remove_it, &work, NULL, err);
}

static enum ledger_end note_login(struct ledger_change *change, void *context)
{
	const struct work *work = context;
	char now[CLOCK_STAMP_SIZE];

	clock_stamp(clock_wall_us(), now);
	return ledger_write(change, "UPDATE racy_user SET last_login = ? WHERE id = ?",
	                    (const struct db_value[]){db_text(now), db_int(work->id), {0}}, NULL) &&
	       ledger_note(change, HISTORY_LOGIN, HISTORY_USER, work->id, NULL)
		? LEDGER_OK
		: LEDGER_FAILED;
}

bool user_note_login(const struct ledger_who *who, int64_t id, struct err *err)
{
	struct work work = {.id = id};

	return make(who, note_login, &work, NULL, err) == USER_OK;
}
