/* One connection to MariaDB or MySQL, as the files of its driver share it: mariadb_open.c makes it and
 * reads back what it is, driver_mariadb.c performs calls on it, mariadb_waits.c watches others. */
#ifndef DB_MARIADB_H
#define DB_MARIADB_H

#include <mysql.h>

#include "db/driver.h"

enum { MARIA_CACHED = 16 };

struct maria {
	MYSQL *mysql;
	struct {
		char *sql;
		MYSQL_STMT *statement;
	} cache[MARIA_CACHED];
	size_t next; /* the entry to be replaced */
	bool timeout_ends_tx; /* innodb_rollback_on_timeout: 1205 undoes the whole transaction */
	bool is_mariadb;
	struct db_target server; /* where it is: its cancelling needs a connection beside it */
	int64_t number;          /* the server's own of this connection */
	bool lose_answer;        /* of the next statement: the socket is cut when that is sent */
};

/* The driver's `open`, `set_level`, `create`, `close`, `cancel` and `who_waits`. */
void *maria_open(const struct db_target *target, const struct db_settings *settings,
                 struct db_identity *identity, struct err *err) MUST_USE;
bool maria_set_level(void *connection, enum db_iso iso, struct db_identity *identity, bool *lost,
                     struct err *err) MUST_USE;
bool maria_create(const struct db_target *target, struct err *err) MUST_USE;
void maria_close(void *connection);
bool maria_cancel(void *connection, struct err *err) MUST_USE;
bool maria_who_waits(void *connection, const int64_t *numbers, size_t n, enum db_wait *waits,
                     struct err *err) MUST_USE;

/* What `SHOW ENGINE INNODB STATUS` says of the transactions that there are: calls `found` for each, in no
 * order, with the number of its connection (0: of none). False: some may be missing. */
typedef void maria_found(void *context, int64_t connection, bool is_open, bool waits);
bool maria_read_status(const char *status, maria_found *found, void *context) MUST_USE;

void maria_forget(struct maria *maria, size_t index); /* one of the cached statements */

/* Engine, product and version out of the server's own words. */
void maria_identify(const char *version, const char *comment, struct db_identity *identity);
/* Is the level that was read back the one that was asked for? */
bool maria_is_as_asked(const struct db_identity *identity, enum db_iso iso, struct err *err) MUST_USE;

/* What an error number means, and where it leaves a transaction that was at `before` (the
 * client's own flag still says "open" after the server has ended it). */
enum db_err maria_classify(unsigned int code);
enum db_tx maria_tx_after(unsigned int code, enum db_verb verb, enum db_tx before, bool timeout_ends_tx);

#endif
