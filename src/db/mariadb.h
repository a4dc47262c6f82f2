/* One connection to MariaDB or MySQL, as the two files of its driver share it: mariadb_open.c makes
 * it and reads back what it is, driver_mariadb.c performs calls on it. */
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
};

/* The driver's `open`, `create` and `close`. */
void *maria_open(const struct db_target *target, const struct db_settings *settings,
                 struct db_identity *identity, struct err *err) MUST_USE;
bool maria_create(const struct db_target *target, struct err *err) MUST_USE;
void maria_close(void *connection);

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
