/* One connection to PostgreSQL, as the files of its driver share it: postgres_open.c makes it and reads
 * back what it is, driver_postgres.c performs calls on it, postgres_marks.c writes their SQL, postgres_waits.c watches
 * others. */
#ifndef DB_POSTGRES_H
#define DB_POSTGRES_H

#include <libpq-fe.h>

#include "db/driver.h"

enum { PG_KEPT = 64 };

struct pg {
	PGconn *conn;
	PGcancel *cancel; /* made once: usable from any thread, even while the connection is */
	/* Prepared on the server under the name "racy_INDEX", each for one choice of whole numbers among
	 * its values, since the server settles their types when it prepares. */
	struct {
		char *sql;
		unsigned integers; /* bit i: value i is one */
		size_t n_marks;
	} kept[PG_KEPT];
	size_t n_kept;
	bool (*answering)(void *context, int socket); /* NULL: nobody waits for us */
	void *context;
	bool observes;    /* the question who waits is prepared too */
	bool lose_answer; /* of the next statement: the socket is cut when that is sent */
};

/* The driver's `open`, `set_level`, `create` and `close`. */
void *pg_open(const struct db_target *target, const struct db_settings *settings,
              struct db_identity *identity, struct err *err) MUST_USE;
bool pg_set_level(void *connection, enum db_iso iso, struct db_identity *identity, bool *lost,
                  struct err *err) MUST_USE;
bool pg_create(const struct db_target *target, struct err *err) MUST_USE;
void pg_close(void *connection);

/* The driver's `cancel` and `who_waits`. */
bool pg_cancel(void *connection, struct err *err) MUST_USE;
bool pg_who_waits(void *connection, const int64_t *numbers, size_t n, enum db_wait *waits, struct err *err) MUST_USE;

/* Product and version out of the server's own words. */
void pg_identify(const char *words, struct db_identity *identity);
/* Is the level that was read back the one that was asked for? */
bool pg_is_as_asked(const struct db_identity *identity, enum db_iso iso, struct err *err) MUST_USE;

/* The statement with $1, $2, ... for its `?` marks; those in quoted texts, names and comments are none.
 * Heap text; *n_marks is how many there were. */
char *pg_number_marks(const char *sql, size_t *n_marks) MUST_USE;

/* What an SQLSTATE means. */
enum db_err pg_classify(const char *sqlstate);

#endif
