/* What an engine's driver gives: a name, its words, and the verbs of an engine.
 *
 * How to add an engine: driver_NAME.c with one `const struct db_driver`, a line in drivers.c, and a
 * line in the conformance suite (tests/driver). Nothing above src/db may notice.
 *
 * A driver performs one call and says what happened: it never retries, sleeps, rolls back,
 * reconnects or logs. */
#ifndef DB_DRIVER_H
#define DB_DRIVER_H

#include "db/db.h"

/* The few words in which the engines' SQL differs. See dialect.h for how they are used. */
struct dialect {
	const char *for_update; /* after a SELECT: lock the rows until the transaction ends */
	const char *for_share;  /* the same, and others may read-lock them too */
	const char *returning_id; /* after an INSERT: say the new row's id */
	/* Expressions of one `?`, the lock's number, that a SELECT may yield: 1 when it is taken, 0 when it was
	 * not to be had in time; MariaDB answers NULL where the wait was cancelled. A word that is NULL: the
	 * engine lacks it, and its use is an error. */
	const char *named_lock, *named_unlock;
	const char *new_id;     /* column definition of a primary key that the engine numbers */
	const char *id;         /* column type of a reference to such a key */
	const char *stamp;      /* column type: a timestamp with microseconds, UTC */
	const char *new_index;  /* CREATE INDEX IF NOT EXISTS, as far as the engine has it */
	const char *table_end;  /* after a CREATE TABLE's closing parenthesis */
	/* How many of some connections still exist: its `%s` is replaced by a list of numbers.
	 * NULL: a connection cannot outlive its process. */
	const char *count_alive;
	/* Both answer 1 when it worked. NULL: BEGIN for writing is the lock. */
	const char *lock_migrations;
	const char *unlock_migrations;
};

enum { DB_MOST_TOGETHER = 16 };

struct db_driver {
	const char *const *schemes; /* of its URLs, NULL-terminated; the first one is its name */
	const char *usage;          /* the forms of its URLs, for errors */
	const struct dialect *dialect;
	unsigned abilities; /* of enum db_ability */
	/* Reads what follows "scheme:" and sets the target's members; texts go into its arena. An error
	 * never repeats what could be a password. */
	bool (*parse)(const char *rest, struct db_target *target, struct err *err);
	/* Opens, applies the settings, reads back into the identity. NULL and an error on failure. */
	void *(*open)(const struct db_target *target, const struct db_settings *settings,
	              struct db_identity *identity, struct err *err);
	/* `sql` has its tokens replaced (NULL for BEGIN, COMMIT, ROLLBACK). Fills the rows, which are
	 * empty or NULL, and all of the outcome but its times; outcome->tx comes in as it was. */
	void (*perform)(void *connection, const struct db_call *call, const char *sql, struct db_rows *rows,
	                struct db_outcome *outcome);
	/* Up to DB_MOST_TOGETHER statements without values up to the first that fails, as one transaction if it can;
	 * `sqls` have their tokens replaced. The outcome of the one that failed, or of all; its counts are of no
	 * account. NULL: the engine has no such thing. */
	void (*perform_all)(void *connection, const char *const *sqls, size_t n, struct db_outcome *outcome);
	/* From now on `waiting` is called with `context` whenever the client itself waits for a lock, and tells
	 * whether it has done so for it; NULL for engines whose servers wait. */
	void (*on_wait)(void *connection, bool (*waiting)(void *context, int tries), void *context);
	/* From now on `answering` is called with `context` when a statement of `perform` has been sent, with the socket
	 * by which its answer comes; see struct db_hook. NULL: the engine's client waits for itself. */
	void (*on_answer)(void *connection, bool (*answering)(void *context, int socket), void *context);
	/* The level of what follows, one of those with a name of their own; sets identity->isolation to what was
	 * read back. Not called within a transaction. False too where the connection broke: *lost is set then. */
	bool (*set_level)(void *connection, enum db_iso iso, struct db_identity *identity, bool *lost,
	                  struct err *err);
	/* See db_cut; NULL where there is no connection. */
	void (*cut)(void *connection, enum db_cut cut);
	/* Called by any thread while `perform` may be under way on another. */
	bool (*cancel)(void *connection, struct err *err);
	/* One look, by a connection that is at no other work: which of these connections wait for a lock. An
	 * answer that a later look would not repeat is DB_WAITS_NOT. NULL: see on_wait. */
	bool (*who_waits)(void *connection, const int64_t *numbers, size_t n, enum db_wait *waits,
	                  struct err *err);
	bool (*create)(const struct db_target *target, struct err *err); /* NULL: opening makes it */
	void (*close)(void *connection);
};

extern const struct db_driver db_driver_sqlite;
extern const struct db_driver db_driver_mariadb;
extern const struct db_driver db_driver_postgres;

extern const struct db_driver *const db_drivers[]; /* all of them; ends with NULL */
/* The driver of a URL's scheme, in any letter case; NULL: there is none. */
const struct db_driver *db_driver_of_scheme(const char *scheme, size_t length) MUST_USE;

/* ---- for this room --------------------------------------------------------------------------- */

const struct dialect *db_dialect(const struct db_session *session);
enum db_tx db_tx(const struct db_session *session); /* after the last call */

/* ---- for drivers ---------------------------------------------------------------------------- */

/* One more row of a result: n_cols cells to be filled. The first row settles the number. */
struct db_value *db_rows_add(struct db_rows *rows, size_t n_cols) MUST_USE;
/* A text cell; the bytes are copied into the rows' arena. */
struct db_value db_rows_text(struct db_rows *rows, const char *bytes, size_t length);
/* Sets the error and the engine's words, shortened if they are long. */
void db_outcome_fail(struct db_outcome *outcome, enum db_err err, const char *message);
size_t db_count_args(const struct db_value *args); /* up to DB_END, at most DB_MAX_ARGS */

/* Shuts a connection's socket down, TCP or unix: both ways, or so that nothing more is read, what has come
 * already included, while what is sent still leaves. */
void db_cut_socket(int socket, enum db_cut cut);

/* Undoes percent-encoding into the target's arena. `what` names the part in an error. */
char *db_url_decode(struct db_target *target, const char *text, size_t length, const char *what,
                    struct err *err) MUST_USE;
/* A driver's `parse` for servers: //user:password@host:port/name?socket=PATH. */
bool db_url_parse_server(const char *rest, struct db_target *target, struct err *err) MUST_USE;

/* A setting's value as it may stand in SQL: numbers, bare words and quoted texts as they are,
 * anything else in quotes. The name is checked too. Heap text, or NULL and an error. */
char *db_setting_sql(const struct db_setting *setting, struct err *err) MUST_USE;

#endif
