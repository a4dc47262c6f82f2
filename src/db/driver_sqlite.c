/* SQLite: a file shared by the processes of one machine, in WAL mode. It has one level
 * (SERIALIZABLE), it refuses where others wait or lose, and its only wait is our busy handler,
 * which tells the hooks of every look it takes. A statement that found the database locked at once
 * is DB_BUSY; one that waited as long as it was allowed to is DB_TIMEOUT, as it is on a server. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "db/driver.h"

enum { CACHED = 16 };
/* How long opening may wait for others that open the same file; not a wait of any statement. */
static const int64_t open_limit_ns = 10 * NS_PER_S;
static const int64_t longest_nap_ns = 2 * NS_PER_MS;

struct lite {
	sqlite3 *db;
	struct {
		char *sql;
		sqlite3_stmt *statement;
	} cache[CACHED];
	size_t next; /* the entry to be replaced */

	int64_t limit_ns; /* of the wait for a lock; 0: none */
	bool (*waiting)(void *context, int tries);
	void *context;

	int tries; /* of the call under way */
	int64_t wait_began_ns;
	bool gave_up;
	atomic_bool canceled; /* by another thread */
};

static const struct dialect dialect = {
	.for_update = "", /* BEGIN IMMEDIATE has locked the whole database already */
	.returning_id = "", /* it tells by itself */
	.new_id = "integer NOT NULL PRIMARY KEY AUTOINCREMENT",
	.id = "integer",
	.stamp = "datetime", /* kept as text */
	.new_index = "CREATE INDEX IF NOT EXISTS",
	.table_end = "",
};

/* ---- waiting --------------------------------------------------------------------------------- */

static int wait_for_lock(void *context, int count)
{
	struct lite *lite = context;
	int64_t now = clock_now_ns();

	(void)count; /* starts anew with each lock; a call has one time for all of them */
	if (lite->limit_ns == 0 || atomic_load(&lite->canceled))
		return 0;
	if (lite->tries++ == 0)
		lite->wait_began_ns = now;
	int64_t left = lite->limit_ns - (now - lite->wait_began_ns);
	if (left <= 0) {
		lite->gave_up = true;
		return 0;
	}
	if (lite->waiting != NULL && lite->waiting(lite->context, lite->tries))
		return 1;
	int64_t nap = lite->tries < 20 ? lite->tries * 100 * NS_PER_US : longest_nap_ns;
	clock_pause_ns(nap < left ? nap : left);
	return 1;
}

static void start_waiting_anew(struct lite *lite)
{
	lite->tries = 0;
	lite->gave_up = false;
	atomic_store(&lite->canceled, false);
}

static bool lite_cancel(void *connection, struct err *err)
{
	struct lite *lite = connection;

	(void)err;
	atomic_store(&lite->canceled, true);
	sqlite3_interrupt(lite->db);
	return true;
}

static void lite_on_wait(void *connection, bool (*waiting)(void *context, int tries), void *context)
{
	struct lite *lite = connection;

	lite->waiting = waiting;
	lite->context = context;
}

/* ---- what happened --------------------------------------------------------------------------- */

static enum db_err classify(const struct lite *lite, int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
		if (lite->tries > 0 && atomic_load(&lite->canceled))
			return DB_CANCELED;
		return lite->gave_up ? DB_TIMEOUT : DB_BUSY;
	case SQLITE_LOCKED:
		return DB_BUSY;
	case SQLITE_CONSTRAINT:
		return DB_CONSTRAINT;
	case SQLITE_INTERRUPT:
		return DB_CANCELED;
	case SQLITE_TOOBIG:
		return DB_RANGE;
	case SQLITE_FULL:
	case SQLITE_NOMEM:
		return DB_FULL;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
		return DB_LOST; /* the file could not be reached */
	default:
		return DB_BROKEN;
	}
}

static void fail(const struct lite *lite, struct db_outcome *outcome)
{
	outcome->native = sqlite3_extended_errcode(lite->db);
	db_outcome_fail(outcome, classify(lite, outcome->native), sqlite3_errmsg(lite->db));
}

/* ---- statements ------------------------------------------------------------------------------ */

static sqlite3_stmt *prepare(struct lite *lite, const char *sql, struct db_outcome *outcome)
{
	sqlite3_stmt *statement = NULL;
	const char *tail = NULL;

	for (size_t i = 0; i < CACHED; i++)
		if (lite->cache[i].sql != NULL && text_equal(lite->cache[i].sql, sql))
			return lite->cache[i].statement;
	if (sqlite3_prepare_v3(lite->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, &tail) !=
	    SQLITE_OK) {
		fail(lite, outcome);
		return NULL;
	}
	if (statement == NULL || tail[strspn(tail, "; \t\r\n")] != '\0') {
		sqlite3_finalize(statement);
		db_outcome_fail(outcome, DB_BROKEN, "not exactly one SQL statement");
		return NULL;
	}
	sqlite3_finalize(lite->cache[lite->next].statement);
	free(lite->cache[lite->next].sql);
	lite->cache[lite->next].sql = mem_text(sql);
	lite->cache[lite->next].statement = statement;
	lite->next = (lite->next + 1) % CACHED;
	return statement;
}

static bool bind(struct lite *lite, sqlite3_stmt *statement, const struct db_value *args,
                 struct db_outcome *outcome)
{
	size_t n = db_count_args(args);
	int code = SQLITE_OK;

	if ((size_t)sqlite3_bind_parameter_count(statement) != n) {
		db_outcome_fail(outcome, DB_BROKEN, "the statement's marks and values differ in number");
		return false;
	}
	for (int i = 0; i < (int)n && code == SQLITE_OK; i++)
		switch (args[i].type) {
		case DB_NULL:
			code = sqlite3_bind_null(statement, i + 1);
			break;
		case DB_INT:
			code = sqlite3_bind_int64(statement, i + 1, args[i].integer);
			break;
		case DB_TEXT: /* the value outlives the call, and the call resets the statement */
			code = sqlite3_bind_text64(statement, i + 1, args[i].text, args[i].length,
			                           SQLITE_STATIC, SQLITE_UTF8);
			break;
		case DB_END:
			break;
		}
	if (code != SQLITE_OK)
		fail(lite, outcome);
	return code == SQLITE_OK;
}

static void take_row(sqlite3_stmt *statement, struct db_rows *rows)
{
	int n = sqlite3_column_count(statement);
	struct db_value *cells = db_rows_add(rows, (size_t)n);

	for (int i = 0; i < n; i++)
		switch (sqlite3_column_type(statement, i)) {
		case SQLITE_NULL:
			cells[i] = db_null();
			break;
		case SQLITE_INTEGER:
			cells[i] = db_int(sqlite3_column_int64(statement, i));
			break;
		default: {
			const char *text = (const char *)sqlite3_column_text(statement, i);
			cells[i] = db_rows_text(rows, text, (size_t)sqlite3_column_bytes(statement, i));
		}
		}
}

static void run(struct lite *lite, sqlite3_stmt *statement, const struct db_call *call, struct db_rows *rows,
                struct db_outcome *outcome)
{
	int64_t changed_before = sqlite3_total_changes64(lite->db);
	int code;

	/* Cleared so that only an INSERT of this very statement can set it. */
	sqlite3_set_last_insert_rowid(lite->db, 0);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		if (rows != NULL)
			take_row(statement, rows);
	if (code != SQLITE_DONE) {
		fail(lite, outcome);
	} else if (call->verb == DB_WRITE) {
		/* sqlite3_changes() still tells of an earlier statement where this one changed no row. */
		if (sqlite3_total_changes64(lite->db) != changed_before)
			outcome->affected = sqlite3_changes64(lite->db);
		outcome->inserted_id = sqlite3_last_insert_rowid(lite->db);
	}
}

static const char *sql_of(const struct db_call *call, const char *sql)
{
	switch (call->verb) {
	case DB_BEGIN:
		return call->for_write ? "BEGIN IMMEDIATE" : "BEGIN";
	case DB_COMMIT:
		return "COMMIT";
	case DB_ROLLBACK:
		return "ROLLBACK";
	case DB_READ:
	case DB_WRITE:
		break;
	}
	return sql;
}

static void lite_perform(void *connection, const struct db_call *call, const char *sql, struct db_rows *rows,
                         struct db_outcome *outcome)
{
	struct lite *lite = connection;

	start_waiting_anew(lite);
	sqlite3_stmt *statement = prepare(lite, sql_of(call, sql), outcome);
	if (statement != NULL && bind(lite, statement, call->args, outcome))
		run(lite, statement, call, rows, outcome);
	if (statement != NULL) {
		sqlite3_reset(statement); /* ends its read lock; its error was told by the step */
		sqlite3_clear_bindings(statement);
	}
	outcome->tx = sqlite3_get_autocommit(lite->db) ? DB_TX_NONE : DB_TX_OPEN;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* SQLite keeps its locks per process: a connection that was open during a fork makes the child
 * believe that it holds its parent's locks, and the laboratory would see races that are not there. */
static atomic_int open_here;
static atomic_int opened_by;

static bool count_in(struct err *err)
{
	int me = (int)getpid();

	if (atomic_load(&open_here) > 0 && atomic_load(&opened_by) != me)
		return err_set(err, "this process was forked while an SQLite connection was open, and may "
		                    "not open another");
	atomic_store(&opened_by, me);
	atomic_fetch_add(&open_here, 1);
	return true;
}

/* One statement of opening. `answer`: the first column of its first row, "" without a row;
 * `has_row` may be NULL. Returns SQLite's code. */
static int ask(struct lite *lite, const char *sql, struct str *answer, bool *has_row)
{
	sqlite3_stmt *statement = NULL;
	size_t rows = 0;

	str_clear(answer);
	start_waiting_anew(lite);
	int code = sqlite3_prepare_v2(lite->db, sql, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);
		if (rows++ == 0 && text != NULL)
			str_add(answer, text);
	}
	sqlite3_finalize(statement);
	if (has_row != NULL)
		*has_row = rows > 0;
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static bool tell_open_error(const struct lite *lite, const struct db_target *target, struct err *err)
{
	const char *slash = strrchr(target->file, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - target->file);
	char *folder = slash == NULL ? mem_text(".") : mem_text_n(target->file, length > 0 ? length : 1);
	int code = sqlite3_extended_errcode(lite->db);

	if (code == SQLITE_NOTADB)
		err_set(err, "%s is not an SQLite database", target->file);
	else if ((code & 0xff) == SQLITE_BUSY)
		err_set(err, "%s is locked by another program", target->file);
	else if ((code & 0xff) == SQLITE_CANTOPEN && access(folder, F_OK) != 0)
		err_set(err, "the folder of %s cannot be reached: %s", target->file, strerror(errno));
	else
		err_set(err, "cannot open %s: %s", target->file, sqlite3_errmsg(lite->db));
	free(folder);
	return false;
}

/* Those that are not set by a pragma after everything else. "busy_timeout": the wait for locks is our own handler,
 * which tells the hooks of it; SQLite's own would replace it. "vfs": by which of its ways to the system the file is
 * opened. */
static const char *const by_other_means[] = {"journal_mode", "busy_timeout", "vfs"};

static bool is_a_pragma(const struct db_setting *setting)
{
	for (size_t i = 0; i < COUNT_OF(by_other_means); i++)
		if (sqlite3_stricmp(setting->name, by_other_means[i]) == 0)
			return false;
	return true;
}

/* The last one, as with pragmas. */
static const char *value_of(const struct db_settings *settings, const char *name, const char *otherwise)
{
	const char *value = otherwise;

	for (size_t i = 0; i < settings->n_sets; i++)
		if (sqlite3_stricmp(settings->sets[i].name, name) == 0)
			value = settings->sets[i].value;
	return value;
}

/* Two that switch a new file at once can be refused without any call of the busy handler. */
static bool switch_journal(struct lite *lite, const struct db_target *target, const char *mode,
                           struct err *err)
{
	const int64_t deadline = clock_now_ns() + open_limit_ns;
	struct str answer = {0};
	struct db_setting setting = {"journal_mode", mode};
	char *value = db_setting_sql(&setting, err);
	int code = SQLITE_OK;

	if (value == NULL)
		return false;
	char *sql = mem_printf("PRAGMA journal_mode = %s", value);
	do {
		if (code != SQLITE_OK)
			clock_pause_ns(NS_PER_MS);
		code = ask(lite, sql, &answer, NULL);
	} while ((code & 0xff) == SQLITE_BUSY && clock_now_ns() < deadline);
	bool ok = code == SQLITE_OK;
	if (!ok)
		tell_open_error(lite, target, err);
	else if (sqlite3_stricmp(str_text(&answer), mode) != 0)
		ok = err_set(err, "%s: journal mode '%s' is not possible, it stays '%s'", target->file, mode,
		             str_text(&answer));
	free(sql);
	free(value);
	str_fini(&answer);
	return ok;
}

/* Does a pragma that was set to `asked` read back as that? SQLite takes any word for some number. */
static bool is_as_asked(const char *asked, const char *answer)
{
	static const struct {
		const char *word, *number;
	} words[] = {
		{"off", "0"}, {"no", "0"}, {"false", "0"}, {"on", "1"}, {"yes", "1"}, {"true", "1"},
		{"none", "0"}, {"full", "1"}, {"incremental", "2"}, /* auto_vacuum */
		{"normal", "1"}, {"full", "2"}, {"extra", "3"},     /* synchronous */
		{"default", "0"}, {"file", "1"}, {"memory", "2"},   /* temp_store */
		{"fast", "2"},                                      /* secure_delete */
	};

	if (sqlite3_stricmp(asked, answer) == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (sqlite3_stricmp(asked, words[i].word) == 0 && text_equal(answer, words[i].number))
			return true;
	return false;
}

static bool set_pragma(struct lite *lite, const struct db_setting *setting, struct err *err)
{
	struct str answer = {0};
	bool known = false;
	char *value = db_setting_sql(setting, err);

	if (value == NULL)
		return false;
	char *get = mem_printf("PRAGMA %s", setting->name);
	char *set = mem_printf("PRAGMA %s = %s", setting->name, value);
	bool ok = false;
	if (ask(lite, get, &answer, &known) != SQLITE_OK || !known)
		err_set(err, "SQLite has no pragma '%s' whose value can be asked for", setting->name);
	else if (ask(lite, set, &answer, NULL) != SQLITE_OK)
		err_set(err, "PRAGMA %s: %s", setting->name, sqlite3_errmsg(lite->db));
	else if (ask(lite, get, &answer, NULL) != SQLITE_OK ||
	         !is_as_asked(setting->value, str_text(&answer)))
		err_set(err, "PRAGMA %s is '%s' after it was set to '%s'", setting->name, str_text(&answer),
		        setting->value);
	else
		ok = true;
	free(get);
	free(set);
	free(value);
	str_fini(&answer);
	return ok;
}

static bool has_level(enum db_iso iso, struct err *err)
{
	if (iso == DB_ISO_DEFAULT || iso == DB_ISO_SERVER || iso == DB_SERIALIZABLE)
		return true;
	return err_set(err, "SQLite has one isolation level, SERIALIZABLE; it has no %s", db_iso_name(iso));
}

static bool lite_set_level(void *connection, enum db_iso iso, struct db_identity *identity, bool *lost,
                           struct err *err)
{
	(void)connection;
	(void)identity; /* it was at the only one before */
	(void)lost;
	return has_level(iso, err);
}

static bool prepare_session(struct lite *lite, const struct db_target *target,
                            const struct db_settings *settings, struct err *err)
{
	struct db_setting foreign_keys = {"foreign_keys", "on"};

	if (!has_level(settings->iso, err))
		return false;
	if (!switch_journal(lite, target, value_of(settings, "journal_mode", "wal"), err) ||
	    !set_pragma(lite, &foreign_keys, err))
		return false;
	for (size_t i = 0; i < settings->n_sets; i++)
		if (is_a_pragma(&settings->sets[i]) && !set_pragma(lite, &settings->sets[i], err))
			return false;
	return true;
}

/* How long to wait for a lock: busy_timeout in milliseconds wins over what the caller would have. */
static bool read_patience(const struct db_settings *settings, int64_t *ns, struct err *err)
{
	const char *value = value_of(settings, "busy_timeout", NULL);

	*ns = settings->lock_wait_ns;
	if (value == NULL)
		return true;
	if (!num_parse(value, 0, 86400000, ns, err)) {
		err_prefix(err, "busy_timeout, in milliseconds");
		return false;
	}
	*ns *= NS_PER_MS;
	return true;
}

static void lite_close(void *connection)
{
	struct lite *lite = connection;

	for (size_t i = 0; i < CACHED; i++) {
		sqlite3_finalize(lite->cache[i].statement);
		free(lite->cache[i].sql);
	}
	sqlite3_close(lite->db);
	atomic_fetch_sub(&open_here, 1);
	free(lite);
}

static void identify(struct db_identity *identity)
{
	*identity = (struct db_identity){.engine = "sqlite", .product = "SQLite",
	                                 .isolation = "SERIALIZABLE", .snapshot_isolation = -1};
	snprintf(identity->version, sizeof identity->version, "%s", sqlite3_libversion());
}

static void *lite_open(const struct db_target *target, const struct db_settings *settings,
                       struct db_identity *identity, struct err *err)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
	                  SQLITE_OPEN_EXRESCODE;

	const char *vfs = value_of(settings, "vfs", NULL);
	if (vfs != NULL && !text_equal(vfs, "unix") && !text_equal(vfs, "unix-excl")) {
		err_set(err, "vfs is unix or, for a file that one process has alone, unix-excl; not '%s'", vfs);
		return NULL;
	}
	if (!count_in(err))
		return NULL;
	struct lite *lite = mem_new(1, sizeof *lite);
	int64_t patience_ns;
	lite->limit_ns = open_limit_ns;
	bool ok = sqlite3_open_v2(target->file, &lite->db, flags, vfs) == SQLITE_OK;
	if (!ok) {
		tell_open_error(lite, target, err);
	} else {
		sqlite3_busy_handler(lite->db, wait_for_lock, lite);
		ok = prepare_session(lite, target, settings, err) &&
		     read_patience(settings, &patience_ns, err);
	}
	if (!ok) {
		lite_close(lite);
		return NULL;
	}
	lite->limit_ns = patience_ns;
	identify(identity);
	return lite;
}

static bool lite_parse(const char *rest, struct db_target *target, struct err *err)
{
	if (strncmp(rest, "///", 3) == 0)
		rest += 2;
	else if (strncmp(rest, "//", 2) == 0)
		return err_set(err, "after 'sqlite://' an absolute path must follow");
	if (strchr(rest, '?') != NULL)
		return err_set(err, "SQLite takes no parameters (a '?' in a file's name is written %%3F)");
	char *file = db_url_decode(target, rest, strlen(rest), "file", err);
	if (file == NULL)
		return false;
	while (file[0] == '/' && file[1] == '/')
		file++;
	if (file[0] == '\0' || text_equal(file, ":memory:"))
		return err_set(err, "a database that several processes share needs a file");
	target->file = file;
	return true;
}

const struct db_driver db_driver_sqlite = {
	.schemes = (const char *const[]){"sqlite", NULL},
	.usage = "sqlite:FILE",
	.dialect = &dialect,
	.parse = lite_parse,
	.open = lite_open,
	.perform = lite_perform,
	.on_wait = lite_on_wait,
	.set_level = lite_set_level,
	.cancel = lite_cancel,
	.close = lite_close,
};
