/* The database as everybody above src/db sees it: sessions, calls, outcomes.
 *
 * Every statement of every tool passes one function, db_exec: the hooks' `before`, the driver, the
 * hooks' `after`. It never retries, sleeps, rolls back or reconnects: in a race laboratory that
 * would falsify history. */
#ifndef DB_DB_H
#define DB_DB_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* What failed. */
enum db_err {
	DB_OK,
	DB_BUSY,          /* the lock was not to be had, and nobody waited (SQLITE_BUSY, BUSY_SNAPSHOT) */
	DB_DEADLOCK,      /* MariaDB 1213, PostgreSQL 40P01 */
	DB_SERIALIZATION, /* MariaDB 1020 under innodb_snapshot_isolation, PostgreSQL 40001 */
	DB_CONSTRAINT,
	DB_TIMEOUT,       /* waited for a lock as long as was allowed: MariaDB 1205 and PostgreSQL 55P03
	                   * (their NOWAIT says the same), SQLITE_BUSY at the end of lock_wait_ns */
	DB_CANCELED,      /* by somebody else (KILL QUERY) or by a limit on the statement's time */
	DB_LOST,          /* the connection broke: the outcome of a commit or a write may be unknown */
	DB_REFUSED,       /* by a hook, before the statement reached the server */
	DB_RANGE,         /* a value does not fit its column (MariaDB 1264, PostgreSQL 22003): nothing was
	                   * written */
	DB_FULL,          /* the engine had no room for it, on its disk or in memory: MariaDB 1021, 1114, ...,
	                   * PostgreSQL 53100, 53200, SQLITE_FULL, SQLITE_NOMEM */
	DB_BROKEN,        /* a bug: bad SQL, a missing table, a wrong number of values, going on in a
	                   * transaction that an error has aborted */
};
/* "busy", "deadlock", "lock_timeout", ...: the reason that refused requests are counted under. */
const char *db_err_name(enum db_err err);
/* The reason's inverse; false if there is no such name. */
bool db_err_of_name(const char *name, enum db_err *err) MUST_USE;
/* The database refused an honest request and may accept it when it is made again: BUSY, DEADLOCK,
 * SERIALIZATION, TIMEOUT. */
bool db_err_is_refusal(enum db_err err);

/* Where the call left the transaction on the server, whatever the client's flags say. ABORTED: an
 * error within it has undone it, and the server refuses all but its end (PostgreSQL; COMMIT is then
 * DB_BROKEN and leaves NONE). */
enum db_tx { DB_TX_NONE, DB_TX_OPEN, DB_TX_ABORTED, DB_TX_UNKNOWN };
const char *db_tx_name(enum db_tx tx);

/* DEFAULT: what the framework sets (READ COMMITTED on MySQL and MariaDB, as Django does; else the
 * server's, which is READ COMMITTED on PostgreSQL where nobody changed it). SERVER: leave the session
 * as the server made it. PostgreSQL has READ UNCOMMITTED in name only: it answers that name and does
 * as at READ COMMITTED. */
enum db_iso {
	DB_ISO_DEFAULT,
	DB_ISO_SERVER,
	DB_READ_UNCOMMITTED,
	DB_READ_COMMITTED,
	DB_REPEATABLE_READ,
	DB_SERIALIZABLE
};
/* "READ COMMITTED", ...; for the first two "default" and "server". */
const char *db_iso_name(enum db_iso iso);
/* Any letter case; '-' and '_' count as a space. The error lists the choices. */
bool db_iso_parse(const char *text, enum db_iso *iso, struct err *err) MUST_USE;

/* ---- where ---------------------------------------------------------------------------------- */

struct db_driver;

/* A database's address, parsed once. Made by db_target_parse, given back by db_target_fini. */
struct db_target {
	const struct db_driver *driver;
	struct arena arena; /* owns the texts */
	const char *text;   /* see db_target_text */
	const char *file;   /* SQLite: the path */
	const char *host;   /* servers: NULL when a socket is used */
	int port;           /* 0: the engine's own */
	const char *socket; /* servers: a unix socket; a directory for PostgreSQL; NULL with no host
	                     * either: the engine's default socket */
	const char *user;
	const char *password; /* NULL: none. Never printed; see db_target_text */
	const char *name;
};

/* sqlite:FILE | sqlite:///abs/file | mysql://user:password@host:port/name | mariadb://...
 * | mysql://user@/name?socket=/run/mysqld/mysqld.sock (also mysql://user@%2Frun%2F...sock/name)
 * | postgresql://user:password@host:port/name | postgres://...
 * | postgresql://user@/name?socket=/run/postgresql (or the socket in it, .../.s.PGSQL.5433).
 * MySQL's "localhost" without a port is the default socket, as every client of it has it; with a
 * port, or any other host, it is TCP. What a PostgreSQL address leaves out is taken from PGHOST,
 * PGUSER, PGPASSWORD, ~/.pgpass and so on, as every client of it does. Percent-encoding is undone;
 * anything that is not understood is an error that shows the forms and never repeats what could be a
 * password. On failure there is nothing to give back. */
bool db_target_parse(const char *url, struct db_target *target, struct err *err) MUST_USE;
/* The URL without its password: "mysql://app:***@db:3306/shop". Lives as long as the target. */
const char *db_target_text(const struct db_target *target);
void db_target_fini(struct db_target *target);

/* ---- sessions ------------------------------------------------------------------------------- */

struct db_setting {
	const char *name, *value;
};

struct db_settings {
	enum db_iso iso;
	/* --set name=value: session variables, SQLite: pragmas, and "vfs" (unix or unix-excl) */
	const struct db_setting *sets;
	size_t n_sets;
	int64_t lock_wait_ns; /* how long a statement may wait for a lock; 0: the engine's default.
	                       * SQLite has none of its own: 0 answers DB_BUSY at once. Rounded up:
	                       * MariaDB counts in whole seconds, PostgreSQL in milliseconds. */
	/* What a server on this machine does for the session it does on these processors, where that can be arranged
	 * and leaves nothing behind: a process of PostgreSQL's ends with its session; a thread of MariaDB's does not,
	 * so only in a server that this process started. NULL: on any. Read by db_open only. */
	const cpu_set_t *server_cpus;
};

/* What was read back from the session, never what was asked for. */
struct db_identity {
	char engine[16];    /* "sqlite", "mariadb", "mysql", "postgres": for programs */
	char product[32];   /* "MariaDB", "MySQL", "SQLite", "PostgreSQL": for people */
	char version[64];   /* "10.11.19" */
	char isolation[32]; /* "READ COMMITTED" */
	int snapshot_isolation; /* innodb_snapshot_isolation: 0, 1, or -1 where it does not exist */
	int64_t connection;     /* the server's own number of this connection; 0: it has none */
};

/* Used by the process that opened it only, and by one thread at a time (but for db_identity and what stands under "from
 * other threads", as long as it is open): a forked child that
 * touches it is aborted, since it would speak on its parent's connection. */
struct db_session;

/* NULL and an error when there is no such server, file or database, the level does not exist on
 * the engine, a setting is not known, or what was read back is not what was asked for. */
struct db_session *db_open(const struct db_target *target, const struct db_settings *settings,
                           struct err *err) MUST_USE;
/* NULL is fine. The engine rolls an open transaction back. */
void db_close(struct db_session *session);
const struct db_identity *db_identity(const struct db_session *session);

/* The server itself says how long a statement waits for a lock (MariaDB: innodb_lock_wait_timeout,
 * 50 s if nobody changed it; PostgreSQL: lock_timeout, for ever). False for SQLite, where who waits
 * must say for how long. */
bool db_limits_lock_waits(const struct db_target *target);

/* From now on the session's transactions, and its lone statements, run at this level; DEFAULT: at the one that
 * it was opened with (SERVER cannot be told from that any more, and is an error). The identity tells the level
 * as read back. Sends nothing where it is at that level already; no hook sees what is sent. False: the engine
 * lacks it, or the session is in a transaction; or the connection broke, and the session is of no more use:
 * then *lost, which may be NULL, is set. */
bool db_set_level(struct db_session *session, enum db_iso iso, bool *lost, struct err *err) MUST_USE;

/* What not every engine has. */
enum db_ability {
	DB_HAS_NAMED_LOCKS = 1, /* {named_lock}, which ends with the transaction or by {named_unlock}: see next */
	DB_NAMED_LOCKS_END = 2, /* a named lock ends with its transaction (and has no other end) */
	DB_HAS_SHARE_LOCKS = 4, /* {for_share} */
	DB_HAS_CONNECTIONS = 8, /* there is a connection that can break: see db_cut */
	DB_HAS_DIRTY_READS = 16, /* READ UNCOMMITTED shows what is not committed (not so on PostgreSQL) */
};
/* A set of enum db_ability. */
unsigned db_abilities(const struct db_target *target);
unsigned db_session_abilities(const struct db_session *session);
/* "locks by name", ...: what an engine without this ability lacks, for people. */
const char *db_ability_name(enum db_ability ability);
/* The same of the first ability that is needed and not there; NULL: none is lacking. */
const char *db_lacking(const struct db_target *target, unsigned needs);

/* After it, the database exists: a server's is made where it is missing (CREATE DATABASE),
 * SQLite's by opening it. Needs no right to make databases where it is there already. */
bool db_create(const struct db_target *target, struct err *err) MUST_USE;

/* How many of these connections (db_identity.connection) still exist on the server: one that was
 * cut off while it waited for a lock stays, and may still write. Always 0 on SQLite, where a
 * process that ended holds nothing. False when the server could not be asked. */
bool db_count_alive(struct db_session *session, const int64_t *connections, size_t n, size_t *alive,
                    struct err *err) MUST_USE;

/* ---- calls ---------------------------------------------------------------------------------- */

enum db_type { DB_END, DB_NULL, DB_INT, DB_TEXT }; /* DB_END ends a list of values */

struct db_value {
	enum db_type type;
	int64_t integer;
	const char *text; /* UTF-8; may not contain NUL when it is sent (DB_BROKEN) */
	size_t length;
};
static inline struct db_value db_int(int64_t integer)
{
	return (struct db_value){.type = DB_INT, .integer = integer};
}
struct db_value db_text(const char *text);
static inline struct db_value db_null(void)
{
	return (struct db_value){.type = DB_NULL};
}

enum { DB_MAX_ARGS = 8 };

/* What a statement does beyond reading or writing a value; for who records, the engine is not told. */
enum db_trait {
	DB_LOCKS = 1, /* a read: nobody else can write what it read until its transaction ends */
	DB_ADDS = 2,  /* a write: `value` is added to what is there, whatever that is */
};

enum db_verb { DB_BEGIN, DB_READ, DB_WRITE, DB_COMMIT, DB_ROLLBACK };
const char *db_verb_name(enum db_verb verb); /* "begin", ... */

/* One statement. SQL is written once for all engines: `?` marks for values, and `{tokens}` for the
 * few words that differ (see dialect.h). Values are bound, never pasted in. */
struct db_call {
	enum db_verb verb;
	bool for_write;    /* BEGIN: writes will follow (SQLite: BEGIN IMMEDIATE; elsewhere nothing) */
	const char *label; /* "read balance": the step's name; NULL: laboratory's own, not recorded */
	const char *sql;   /* READ and WRITE: one statement; the last few are kept prepared */
	struct db_value args[DB_MAX_ARGS]; /* up to the first DB_END; one for each `?` or DB_BROKEN */
	/* What it touches, for who records: a row of a table, and the value a write puts there. */
	const char *table;
	int64_t key;
	int64_t value;
	unsigned traits; /* of enum db_trait */
};

/* A READ's whole result; other verbs have none. `struct db_rows rows = {0};`, then db_rows_fini; used
 * again, it is emptied first. Whole numbers are DB_INT, a SUM() of them and truth values (1, 0) too; a
 * number beyond 64 bits and all else is DB_TEXT. */
struct db_rows {
	size_t n_rows, n_cols;
	struct db_value *cells; /* n_rows * n_cols, row by row; texts are NUL-terminated */
	size_t capacity;        /* of cells */
	struct arena arena;     /* owns the texts */
};
/* Aborts where there is no such cell. */
const struct db_value *db_cell(const struct db_rows *rows, size_t row, size_t col);
void db_rows_fini(struct db_rows *rows);

struct db_outcome {
	enum db_err err;
	enum db_tx tx;
	int64_t affected;    /* writes: rows that matched, changed or not */
	int64_t inserted_id; /* an INSERT that ends with {returning_id}: the new row's id; else 0 */
	int64_t began_ns, ended_ns;
	int native;       /* the engine's own number: 1213, SQLITE_BUSY_SNAPSHOT, ...; 0: none, as with
	                   * PostgreSQL, whose own is the SQLSTATE */
	char sqlstate[6]; /* "" where the engine has none */
	char message[256]; /* the engine's own words; a longer one ends in "..." */
};

/* The funnel. `rows` may be NULL where no result is wanted. Returns outcome->err. */
enum db_err db_exec(struct db_session *session, const struct db_call *call, struct db_rows *rows,
                    struct db_outcome *outcome) MUST_USE;

/* The call as a person would type it, tokens and values written out; for people, never sent. Heap. */
char *db_sql_text(const struct db_session *session, const struct db_call *call) MUST_USE;

/* The same of SQL alone: tokens as that engine has them. */
char *db_sql_for(const struct db_target *target, const char *sql) MUST_USE;

/* For the laboratory's own housekeeping: one statement, its failure as a text for a person.
 * `args` (up to DB_END), `rows` and `outcome` may be NULL. */
bool db_run(struct db_session *session, enum db_verb verb, const char *sql, const struct db_value *args,
            struct db_rows *rows, struct db_outcome *outcome, struct err *err) MUST_USE;

/* The same of several writes without values, one after the other up to the first that fails. Of a session without
 * hooks, which may not see them. In one round trip, and as one transaction then, where the engine has such a thing and
 * the statements allow it (PostgreSQL's pipelines: INSERT, UPDATE and DELETE, up to 16); else each by itself. */
bool db_run_all(struct db_session *session, const char *const *sqls, size_t n, struct err *err) MUST_USE;

/* Who watches or disturbs a session. Any function may be NULL. Hooks run in the order in which they
 * were added, `after` in the reverse order, all on the session's own thread. Each `before` that was
 * called is followed by its `after`: where one refuses, those behind it see neither. */
struct db_hook {
	void *context;
	/* False refuses the statement: it ends as DB_REFUSED and never reaches the server. */
	bool (*before)(void *context, const struct db_call *call);
	/* The client itself waits for a lock (SQLite's busy handler), for the n-th time in this call. True: the
	 * hook has waited in its own way, and the client looks for the lock again at once. */
	bool (*waiting)(void *context, const struct db_call *call, int tries);
	void (*after)(void *context, const struct db_call *call, const struct db_rows *rows,
	              const struct db_outcome *outcome);
	/* The statement has been sent, and its answer will come by this socket (engines of db_answers_by_hook). True:
	 * the hook has waited in its own way until there may be something to be read; it is called anew where that is
	 * not all. False: the client itself shall wait. */
	bool (*answering)(void *context, const struct db_call *call, int socket);
};
/* A hook may wait for the server's answers. */
bool db_answers_by_hook(const struct db_target *target);
/* The hook must live as long as the session. Not from within a hook. */
void db_add_hook(struct db_session *session, const struct db_hook *hook);

/* ---- from other threads ----------------------------------------------------------------------- */

/* Asks the engine to end the statement that the session performs, which then answers DB_CANCELED
 * unless it is done already. Nothing happens to a session that performs none; one that begins
 * meanwhile may be hit. Makes no statement of the session's own: it goes by a connection beside it
 * (MariaDB: KILL QUERY; PostgreSQL: a cancel request). False: the request could not be made. */
bool db_cancel(struct db_session *session, struct err *err) MUST_USE;

/* Breaks the session's connection, for tests of what happens then. The socket is shut down, nothing is
 * pretended: ALL: what the session sends next does not arrive. ANSWERS: the next statement arrives and is
 * carried out, and its answer is lost (one that the server will not even prepare is answered, and nothing is
 * lost yet). The call is DB_LOST with DB_TX_UNKNOWN either way, and so are all after it. By the session's own
 * thread, from a hook's `before` say. False where there is no connection (DB_HAS_CONNECTIONS), and nothing
 * happens. */
enum db_cut { DB_CUT_ALL, DB_CUT_ANSWERS };
bool db_cut(struct db_session *session, enum db_cut cut);

/* One more each time that the driver begins or ends a call of the session: odd while it performs one.
 * Who has told another thread to make a call knows by it when that has begun. */
uint64_t db_turns(struct db_session *session);

/* Does a session's statement wait for a lock? */
enum db_wait {
	DB_WAITS_NOT,     /* it performs none, or none yet */
	DB_WAITS,         /* and goes on only when another session does something */
	DB_WAITS_UNKNOWN, /* cannot tell */
};
const char *db_wait_name(enum db_wait wait); /* "not", "waits", "unknown" */

/* Looks until it is settled: each of these sessions performs nothing or waits, all at one time. What
 * is answered then stays true until somebody acts, or the engine ends a deadlock or a wait that took
 * too long. `observer` is a session on the same server that is used for nothing else meanwhile; NULL on
 * SQLite. `sessions` are all that are at work. Looks for up to limit_ns, after which it is UNKNOWN of
 * - a statement that still runs, without waiting;
 * - one that waits for what somebody else may hold: PostgreSQL names the holder; on MariaDB any other
 *   open transaction is reason enough, and for GET_LOCK and metadata any other connection; SQLite
 *   cannot see others, so they are your matter there;
 * - one that waits for GET_LOCK or metadata on a MariaDB whose threads cannot be looked at, since it is
 *   not on this machine and reached by a unix socket: its process list tells their end late.
 * False: the observer could not ask (MariaDB wants the PROCESS privilege). */
bool db_who_waits(struct db_session *observer, struct db_session *const *sessions, size_t n, int64_t limit_ns,
                  enum db_wait *waits, struct err *err) MUST_USE;

/* ---- schema --------------------------------------------------------------------------------- */

/* Numbered from 1, in order, never changed once published. Each statement must be repeatable
 * (IF NOT EXISTS), since MariaDB's DDL commits by itself and a crash may come between. */
struct db_migration {
	const char *name;
	const char *const *statements; /* ends with NULL; {tokens} as in db_call */
};

/* Brings the schema up to date; idempotent; safe when several processes start at once.
 * What was done is kept in racy's own table racy_migration(scope, number, name, applied_at).
 * `applied`: how many were new; may be NULL. */
bool db_migrate(struct db_session *session, const char *scope, const struct db_migration *migrations,
                size_t n, size_t *applied, struct err *err) MUST_USE;

#endif
