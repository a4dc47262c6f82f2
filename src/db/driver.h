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
	const char *for_update; /* after a SELECT: lock the row until the transaction ends */
	const char *new_id;     /* column definition of a primary key that the engine numbers */
	const char *stamp;      /* column type: a timestamp with microseconds, UTC */
	const char *table_end;  /* after a CREATE TABLE's closing parenthesis */
	/* How many of some connections still exist: its `%s` is replaced by a list of numbers.
	 * NULL: a connection cannot outlive its process. */
	const char *count_alive;
	const char *lock_migrations;   /* NULL: BEGIN for writing is the lock */
	const char *unlock_migrations;
};

struct db_driver {
	const char *const *schemes; /* of its URLs, NULL-terminated; the first one is its name */
	const struct dialect *dialect;
	/* Reads what follows "scheme:" and sets the target's members. */
	bool (*parse)(const char *rest, struct db_target *target, struct err *err);
	/* Opens, applies the settings, reads back into the identity. NULL and an error on failure. */
	void *(*open)(const struct db_target *target, const struct db_settings *settings,
	              struct db_identity *identity, struct err *err);
	/* `sql` has its tokens replaced. Fills the rows and all of the outcome but its times. `waiting`
	 * is called with `context` whenever the client itself waits; NULL for engines that wait. */
	void (*perform)(void *connection, const struct db_call *call, const char *sql, struct db_rows *rows,
	                struct db_outcome *outcome);
	void (*on_wait)(void *connection, void (*waiting)(void *context, int tries), void *context);
	bool (*create)(const struct db_target *target, struct err *err); /* NULL: opening makes it */
	void (*close)(void *connection);
};

extern const struct db_driver db_driver_sqlite;
extern const struct db_driver db_driver_mariadb;

/* The driver of a URL's scheme; NULL and an error that lists them all. */
const struct db_driver *db_driver_of_scheme(const char *scheme, size_t length, struct err *err) MUST_USE;

/* For drivers. */
struct db_value *db_rows_start(struct db_rows *rows, size_t n_rows, size_t n_cols);
void db_outcome_message(struct db_outcome *outcome, const char *message);
size_t db_count_args(const struct db_value *args); /* up to DB_END, at most DB_MAX_ARGS */

#endif
