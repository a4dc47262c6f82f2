/* MariaDB and MySQL, by libmariadb: prepared statements over the binary protocol, whole results. The
 * server's error number decides what failed and where the transaction is: after a deadlock the
 * server has ended it while the client's own flag still says that it is open. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "db/mariadb.h"

static const struct dialect dialect = {
	.for_update = "FOR UPDATE",
	.for_share = "LOCK IN SHARE MODE",
	.returning_id = "", /* it tells by itself */
	/* They know nothing of transactions; as patient as the waits for rows are. */
	.named_lock = "GET_LOCK(CONCAT('racy ', CRC32(DATABASE()), ' ', ?), @@innodb_lock_wait_timeout)",
	.named_unlock = "RELEASE_LOCK(CONCAT('racy ', CRC32(DATABASE()), ' ', ?))",
	.new_id = "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY",
	.id = "bigint",
	.stamp = "datetime(6)",
	.new_index = "CREATE INDEX /*M! IF NOT EXISTS */", /* MySQL has no such words, and reads a comment */
	.table_end = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
	.count_alive = "SELECT COUNT(*) FROM information_schema.processlist WHERE id IN (%s)",
	/* Named locks are the server's, not the database's. */
	.lock_migrations = "SELECT GET_LOCK(CONCAT('racy_migration:', MD5(DATABASE())), 120)",
	.unlock_migrations = "SELECT RELEASE_LOCK(CONCAT('racy_migration:', MD5(DATABASE())))",
};

/* ---- what happened --------------------------------------------------------------------------- */

enum {
	RECORD_CHANGED = 1020,
	LOCK_WAIT_TIMEOUT = 1205,
	DEADLOCK = 1213,
};

static const struct {
	unsigned int code;
	enum db_err err;
} meanings[] = {
	{RECORD_CHANGED, DB_SERIALIZATION},
	{LOCK_WAIT_TIMEOUT, DB_TIMEOUT},
	{DEADLOCK, DB_DEADLOCK},
	{3572, DB_BUSY},       /* MySQL's NOWAIT */
	{1048, DB_CONSTRAINT}, /* NULL where there must be none */
	{1062, DB_CONSTRAINT}, /* unique; 1586 with the key's name */
	{1586, DB_CONSTRAINT},
	{1216, DB_CONSTRAINT}, /* foreign keys, for users who may not see the tables; 1217 too */
	{1217, DB_CONSTRAINT},
	{1451, DB_CONSTRAINT}, /* foreign keys */
	{1452, DB_CONSTRAINT},
	{3819, DB_CONSTRAINT}, /* CHECK, MySQL */
	{4025, DB_CONSTRAINT}, /* CHECK, MariaDB */
	{1264, DB_RANGE},
	{1406, DB_RANGE}, /* a text longer than its column */
	{1690, DB_RANGE}, /* a sum beyond 64 bits */
	{1021, DB_FULL}, /* the disk; 3 and 1026 while a file of its own is written */
	{3, DB_FULL},
	{1026, DB_FULL},
	{1114, DB_FULL}, /* a table */
	{1037, DB_FULL}, /* memory; 1041 too */
	{1041, DB_FULL},
	{1206, DB_FULL}, /* InnoDB's, for locks */
	{1317, DB_CANCELED}, /* KILL QUERY */
	{1969, DB_CANCELED}, /* max_statement_time, MariaDB */
	{3024, DB_CANCELED}, /* max_execution_time, MySQL */
	{1053, DB_LOST},     /* the server shuts down */
	{1927, DB_LOST},     /* KILL of the connection while a statement ran */
	{2002, DB_LOST},
	{2006, DB_LOST},
	{2013, DB_LOST},
	{2055, DB_LOST},
	{4031, DB_LOST}, /* idle for too long, MySQL */
};

enum db_err maria_classify(unsigned int code)
{
	for (size_t i = 0; i < COUNT_OF(meanings); i++)
		if (meanings[i].code == code)
			return meanings[i].err;
	return DB_BROKEN;
}

enum db_tx maria_tx_after(unsigned int code, enum db_verb verb, enum db_tx before, bool timeout_ends_tx)
{
	if (maria_classify(code) == DB_LOST)
		return DB_TX_UNKNOWN;
	if (code == DEADLOCK || code == RECORD_CHANGED || (code == LOCK_WAIT_TIMEOUT && timeout_ends_tx))
		return DB_TX_NONE;
	if (verb == DB_COMMIT || verb == DB_ROLLBACK)
		return DB_TX_UNKNOWN; /* it failed half-way, and no error packet tells where */
	return before;
}

/* A deadlock of rows has ended the transaction; one of locks by name has the same number and has not. Where
 * a statement asks for both, neither can be told. */
static enum db_tx tx_after_deadlock(const char *sql, enum db_tx before)
{
	if (sql == NULL || (strstr(sql, "{named_lock}") == NULL && strcasestr(sql, "GET_LOCK(") == NULL))
		return DB_TX_NONE;
	return strcasestr(sql, "FROM") == NULL ? before : DB_TX_UNKNOWN;
}

static bool fail(struct maria *maria, const struct db_call *call, struct db_outcome *outcome,
                 unsigned int code, const char *sqlstate, const char *message)
{
	outcome->native = (int)code;
	snprintf(outcome->sqlstate, sizeof outcome->sqlstate, "%s", sqlstate);
	db_outcome_fail(outcome, maria_classify(code), message);
	outcome->tx = code == DEADLOCK ? tx_after_deadlock(call->sql, outcome->tx)
	                               : maria_tx_after(code, call->verb, outcome->tx, maria->timeout_ends_tx);
	return false;
}

static bool fail_statement(struct maria *maria, const struct db_call *call, struct db_outcome *outcome,
                           MYSQL_STMT *statement)
{
	return fail(maria, call, outcome, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
	            mysql_stmt_error(statement));
}

/* After success the server's own flag can be believed. */
static void take_tx(const struct maria *maria, struct db_outcome *outcome)
{
	unsigned int status = 0;

	if (mariadb_get_infov(maria->mysql, MARIADB_CONNECTION_SERVER_STATUS, &status) != 0)
		outcome->tx = DB_TX_UNKNOWN;
	else
		outcome->tx = (status & SERVER_STATUS_IN_TRANS) != 0 ? DB_TX_OPEN : DB_TX_NONE;
}

/* ---- a connection that breaks ------------------------------------------------------------------ */

/* An answer is cut off when its statement is sent and not before: what is prepared first would else not
 * be carried out at all. */
static void maria_cut(void *connection, enum db_cut cut)
{
	struct maria *maria = connection;

	if (cut == DB_CUT_ANSWERS)
		maria->lose_answer = true;
	else
		db_cut_socket(mysql_get_socket(maria->mysql), cut);
}

static void before_sending(struct maria *maria)
{
	if (maria->lose_answer)
		db_cut_socket(mysql_get_socket(maria->mysql), DB_CUT_ANSWERS);
	maria->lose_answer = false;
}

/* ---- statements ------------------------------------------------------------------------------ */

void maria_forget(struct maria *maria, size_t index)
{
	if (maria->cache[index].statement != NULL)
		mysql_stmt_close(maria->cache[index].statement);
	free(maria->cache[index].sql);
	maria->cache[index].statement = NULL;
	maria->cache[index].sql = NULL;
}

static void forget(struct maria *maria, const MYSQL_STMT *statement)
{
	for (size_t i = 0; i < MARIA_CACHED; i++)
		if (maria->cache[i].statement == statement)
			maria_forget(maria, i);
}

static MYSQL_STMT *prepare(struct maria *maria, const struct db_call *call, const char *sql,
                           struct db_outcome *outcome)
{
	const my_bool measure = 1;

	for (size_t i = 0; i < MARIA_CACHED; i++)
		if (maria->cache[i].sql != NULL && text_equal(maria->cache[i].sql, sql))
			return maria->cache[i].statement;
	MYSQL_STMT *statement = mysql_stmt_init(maria->mysql);
	if (statement == NULL)
		abort(); /* only when memory is out */
	mysql_stmt_attr_set(statement, STMT_ATTR_UPDATE_MAX_LENGTH, &measure);
	if (mysql_stmt_prepare(statement, sql, strlen(sql)) != 0) {
		fail_statement(maria, call, outcome, statement);
		mysql_stmt_close(statement);
		return NULL;
	}
	maria_forget(maria, maria->next);
	maria->cache[maria->next].sql = mem_text(sql);
	maria->cache[maria->next].statement = statement;
	maria->next = (maria->next + 1) % MARIA_CACHED;
	return statement;
}

static bool execute(struct maria *maria, const struct db_call *call, MYSQL_STMT *statement,
                    struct db_outcome *outcome)
{
	MYSQL_BIND binds[DB_MAX_ARGS] = {0};
	long long integers[DB_MAX_ARGS];
	size_t n = db_count_args(call->args);

	if (mysql_stmt_param_count(statement) != n) {
		db_outcome_fail(outcome, DB_BROKEN, "the statement's marks and values differ in number");
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct db_value *value = &call->args[i];
		switch (value->type) {
		case DB_INT:
			integers[i] = value->integer;
			binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
			binds[i].buffer = &integers[i];
			break;
		case DB_TEXT:
			binds[i].buffer_type = MYSQL_TYPE_STRING;
			binds[i].buffer = (char *)value->text;
			binds[i].buffer_length = value->length;
			break;
		case DB_NULL:
		case DB_END:
			binds[i].buffer_type = MYSQL_TYPE_NULL;
			break;
		}
	}
	if (n > 0 && mysql_stmt_bind_param(statement, binds) != 0)
		return fail_statement(maria, call, outcome, statement);
	before_sending(maria);
	if (mysql_stmt_execute(statement) != 0)
		return fail_statement(maria, call, outcome, statement);
	return true;
}

/* ---- results --------------------------------------------------------------------------------- */

struct column {
	bool is_whole, is_unsigned, is_decimal;
	long long whole;
	char *bytes;
	unsigned long length;
	my_bool is_null;
};

static bool is_whole(enum enum_field_types type)
{
	return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
	       type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

static void bind_column(struct arena *arena, const MYSQL_FIELD *field, struct column *column,
                        MYSQL_BIND *bind)
{
	const unsigned long least = 64; /* for what is a number or a time on the wire, and a text here */

	column->is_whole = is_whole(field->type);
	column->is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
	column->is_decimal = field->type == MYSQL_TYPE_NEWDECIMAL || field->type == MYSQL_TYPE_DECIMAL;
	bind->is_null = &column->is_null;
	bind->length = &column->length;
	if (column->is_whole) {
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = &column->whole;
		bind->is_unsigned = column->is_unsigned;
	} else {
		bind->buffer_type = MYSQL_TYPE_STRING;
		bind->buffer_length = (field->max_length > least ? field->max_length : least) + 1;
		bind->buffer = column->bytes = arena_new(arena, bind->buffer_length, 1);
	}
}

/* SUM() of whole numbers is a DECIMAL here; it becomes the whole number that it is. */
static struct db_value take_value(struct db_rows *rows, const struct column *column)
{
	int64_t number;

	if (column->is_null)
		return db_null();
	if (column->is_whole && column->is_unsigned && column->whole < 0) {
		char *digits = mem_printf("%llu", (unsigned long long)column->whole);
		struct db_value text = db_rows_text(rows, digits, strlen(digits));
		free(digits);
		return text;
	}
	if (column->is_whole)
		return db_int(column->whole);
	struct db_value text = db_rows_text(rows, column->bytes, column->length);
	if (column->is_decimal && num_parse(text.text, INT64_MIN, INT64_MAX, &number, NULL))
		return db_int(number);
	return text;
}

static bool fetch(struct maria *maria, const struct db_call *call, MYSQL_STMT *statement,
                  MYSQL_RES *names, struct db_rows *rows, struct db_outcome *outcome)
{
	const unsigned int n = mysql_num_fields(names);
	const MYSQL_FIELD *fields = mysql_fetch_fields(names);
	struct arena arena = {0};
	struct column *columns = arena_new(&arena, n, sizeof *columns);
	MYSQL_BIND *binds = arena_new(&arena, n, sizeof *binds);
	int code;

	for (unsigned int i = 0; i < n; i++)
		bind_column(&arena, &fields[i], &columns[i], &binds[i]);
	code = mysql_stmt_bind_result(statement, binds) == 0 ? 0 : 1;
	while (code == 0 && (code = mysql_stmt_fetch(statement)) == 0) {
		struct db_value *cells = db_rows_add(rows, n);
		for (unsigned int i = 0; i < n; i++)
			cells[i] = take_value(rows, &columns[i]);
	}
	arena_fini(&arena);
	if (code == MYSQL_DATA_TRUNCATED)
		db_outcome_fail(outcome, DB_BROKEN, "a value was longer than the server had said");
	else if (code != MYSQL_NO_DATA)
		fail_statement(maria, call, outcome, statement);
	return code == MYSQL_NO_DATA;
}

/* All of the result is taken from the server even where nobody wants it. */
static bool take_result(struct maria *maria, const struct db_call *call, MYSQL_STMT *statement,
                        struct db_rows *rows, struct db_outcome *outcome)
{
	MYSQL_RES *names = mysql_stmt_result_metadata(statement);

	if (names == NULL)
		return true;
	bool ok = mysql_stmt_store_result(statement) == 0 || fail_statement(maria, call, outcome, statement);
	if (ok && rows != NULL)
		ok = fetch(maria, call, statement, names, rows, outcome);
	mysql_free_result(names);
	return ok;
}

static void perform_statement(struct maria *maria, const struct db_call *call, const char *sql,
                              struct db_rows *rows, struct db_outcome *outcome)
{
	MYSQL_STMT *statement = prepare(maria, call, sql, outcome);

	if (statement == NULL)
		return;
	bool executed = execute(maria, call, statement, outcome);
	if (executed && take_result(maria, call, statement, rows, outcome)) {
		if (call->verb == DB_WRITE) {
			outcome->affected = (int64_t)mysql_stmt_affected_rows(statement);
			outcome->inserted_id = (int64_t)mysql_stmt_insert_id(statement);
		}
		take_tx(maria, outcome);
	}
	/* libmariadb never gets over a result that has more or fewer columns than it had before (2057), nor
	 * over one that an error broke off: the statement's next execution would wait for the rest for ever. */
	if (outcome->err == DB_BROKEN || (executed && outcome->err != DB_OK))
		forget(maria, statement);
	else
		mysql_stmt_free_result(statement);
}

static void perform_plain(struct maria *maria, const struct db_call *call, const char *sql,
                          struct db_outcome *outcome)
{
	before_sending(maria);
	if (mysql_query(maria->mysql, sql) != 0)
		fail(maria, call, outcome, mysql_errno(maria->mysql), mysql_sqlstate(maria->mysql),
		     mysql_error(maria->mysql));
	else
		take_tx(maria, outcome);
}

static void maria_perform(void *connection, const struct db_call *call, const char *sql,
                          struct db_rows *rows, struct db_outcome *outcome)
{
	struct maria *maria = connection;

	switch (call->verb) {
	case DB_BEGIN:
		perform_plain(maria, call, "START TRANSACTION", outcome);
		break;
	case DB_COMMIT:
		perform_plain(maria, call, "COMMIT", outcome);
		break;
	case DB_ROLLBACK:
		perform_plain(maria, call, "ROLLBACK", outcome);
		break;
	case DB_READ:
	case DB_WRITE:
		perform_statement(maria, call, sql, rows, outcome);
		break;
	}
}

const struct db_driver db_driver_mariadb = {
	.schemes = (const char *const[]){"mysql", "mariadb", NULL},
	.usage = "mysql://user:password@host:port/name (or mariadb://...) | mysql://user@/name?socket=PATH",
	.dialect = &dialect,
	.abilities = DB_HAS_NAMED_LOCKS | DB_HAS_SHARE_LOCKS | DB_HAS_CONNECTIONS |
	             DB_HAS_DIRTY_READS,
	.parse = db_url_parse_server,
	.open = maria_open,
	.perform = maria_perform,
	.set_level = maria_set_level,
	.cut = maria_cut,
	.create = maria_create,
	.close = maria_close,
	.cancel = maria_cancel,
	.who_waits = maria_who_waits,
};
