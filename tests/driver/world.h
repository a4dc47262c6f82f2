/* A database for a test: of its own for each case, on a real engine. SQLite in a folder that is
 * removed, MariaDB and PostgreSQL on a throw-away server; where the server cannot be started, the test
 * fails. */
#ifndef TESTS_DRIVER_WORLD_H
#define TESTS_DRIVER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/db.h"
#include "db/sandbox.h"

struct world {
	const char *engine; /* "sqlite", "mariadb", "postgres" */
	bool is_sqlite, is_postgres;
	const char *long_text;   /* type of a column that takes a text of any length */
	char *folder;            /* SQLite: of the files */
	struct sandbox *sandbox; /* servers */
	struct db_target server; /* servers: the sandbox's own address */
	struct db_session *observer; /* servers: a session on it that is at no other work */
	struct db_target target; /* of the case at hand */
	int cases;
	int port; /* not 0: the case's target is reached by TCP */
};

/* For cmocka: the group's setup and teardown, and a case's. `*state` is the world. */
extern const char *world_engine; /* to be set before the group runs; "mariadb/tcp": reached by TCP */
int world_setup(void **state);
int world_teardown(void **state);
int world_fresh(void **state);
int world_stale(void **state);
#define CASE(function) cmocka_unit_test_setup_teardown(function, world_fresh, world_stale)

/* The sandbox's address with some of it replaced; what is NULL stays. Free it. */
char *world_url(const struct world *world, const char *user, const char *name);

struct db_session *world_open(const struct world *world);
struct db_session *world_open_with(const struct world *world, const struct db_settings *settings);
/* Opening must fail; the error's text, to be freed. */
char *world_open_error(const struct db_target *target, const struct db_settings *settings);
char *world_address_error(const char *url);

#define ARGS(...) ((const struct db_value[]){__VA_ARGS__, {.type = DB_END}})

/* One statement; a BEGIN of these does not announce writes. */
struct db_outcome attempt(struct db_session *session, enum db_verb verb, const char *sql,
                          const struct db_value *args);
struct db_outcome must(struct db_session *session, enum db_verb verb, const char *sql,
                       const struct db_value *args);
/* The one whole number that a statement answers. */
int64_t ask(struct db_session *session, const char *sql, const struct db_value *args);
/* Where an error within a transaction leaves it, if the server is who found it. */
enum db_tx tx_after_error(const struct world *world, const struct db_outcome *outcome);
/* Asks the engine itself whether a transaction is open, be it an aborted one. */
bool has_tx(const struct world *world, struct db_session *session);
/* Waits until a statement answers this number; a hung test is ended by its time limit. */
void await(struct db_session *session, const char *sql, int64_t number);

#define assert_contains(text, part) assert_contains_at((text), (part), __FILE__, __LINE__)
void assert_contains_at(const char *text, const char *part, const char *file, int line);

/* Forks `n` processes that start at once and call `work`, which returns 0 when it is content; with
 * no SQLite session open here. Returns how many were. */
int run_together(int n, int (*work)(const struct world *world, int number), const struct world *world);

#endif
