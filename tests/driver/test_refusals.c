/* What each engine answers when it does not do as it is told while its connection stands: deadlocks,
 * rows that changed, locks that were not to be had, statements cancelled from another thread. For each
 * the pair (what failed, where the transaction is) is held against the engine's own word, and the
 * statements that reached the engine are counted: a driver retries nothing and rolls nothing back.
 * test_refusals ENGINE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "log.h"

/* Only ends a hung test. */
#define HUNG_NS (120 * NS_PER_S)

static const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 3600 * NS_PER_S};
static const struct db_settings impatient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 1};

static void make_rows(const struct world *world)
{
	struct db_session *session = world_open(world);

	must(session, DB_WRITE, "CREATE TABLE v (id int PRIMARY KEY, n int) {table_end}", NULL);
	must(session, DB_WRITE, "INSERT INTO v VALUES (1, 10), (2, 20)", NULL);
	db_close(session);
}

static int64_t number(const struct world *world, const char *sql)
{
	struct db_session *session = world_open(world);
	int64_t answer = ask(session, sql, NULL);

	db_close(session);
	return answer;
}

/* One of the three, by engine. */
static int of_engine(const struct world *world, int sqlite, int mariadb, int postgres)
{
	return world->is_sqlite ? sqlite : world->is_postgres ? postgres : mariadb;
}

static void expect(const struct world *world, struct actor *actor, const struct db_outcome *outcome,
                   enum db_err err, int sqlite, int mariadb, int postgres)
{
	const int tx = of_engine(world, sqlite, mariadb, postgres);

	if (outcome->err != err || (int)outcome->tx != tx)
		fail_msg("%s/%s instead of %s/%s: %s", db_err_name(outcome->err), db_tx_name(outcome->tx),
		         db_err_name(err), db_tx_name((enum db_tx)tx), outcome->message);
	assert_int_equal(actor_has_tx(actor), tx != DB_TX_NONE);
}

static void expect_waiting(const struct world *world, struct actor *holder, struct actor *waiter)
{
	struct db_session *sessions[] = {actor_session(holder), actor_session(waiter)};
	enum db_wait waits[2];

	assert_true(db_who_waits(world->observer, sessions, 2, HUNG_NS, waits, NULL));
	assert_int_equal(waits[1], DB_WAITS);
}

/* ---- refused by the engine -------------------------------------------------------------------- */

/* On SQLite both have read and want to write: the second is refused at once. */
static void a_deadlock_refuses_one(void **state)
{
	struct world *world = *state;

	make_rows(world);
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &patient);
	struct actor *actors[] = {actor_open(world, &settings), actor_open(world, &settings)};
	static const char *const sql[] = {"UPDATE v SET n = n + 1 WHERE id = 1", "UPDATE v SET n = n + 1 WHERE id = 2"};
	for (int i = 0; i < 2; i++) {
		actor_must(actors[i], DB_BEGIN, NULL);
		if (world->is_sqlite)
			actor_ask(actors[i], "SELECT COUNT(*) FROM v");
		else
			actor_must(actors[i], DB_WRITE, sql[i]);
	}
	if (world->is_sqlite) {
		actor_must(actors[0], DB_WRITE, sql[0]);
	} else {
		actor_do(actors[0], DB_WRITE, sql[1]);
		expect_waiting(world, actors[1], actors[0]);
	}
	actor_do(actors[1], DB_WRITE, sql[0]);
	struct db_outcome outcomes[] = {actor_wait(actors[0]), actor_wait(actors[1])};
	const int loser = outcomes[0].err != DB_OK ? 0 : 1; /* the engine chooses */
	assert_int_equal(outcomes[1 - loser].err, DB_OK);
	assert_int_equal(outcomes[1 - loser].tx, DB_TX_OPEN);
	assert_true(db_err_is_refusal(outcomes[loser].err));
	char *seen = log_read(log, actors[loser]);
	assert_string_equal(seen, world->is_sqlite ? "BEGIN SELECT UPDATE" : "BEGIN UPDATE UPDATE");
	expect(world, actors[loser], &outcomes[loser], world->is_sqlite ? DB_BUSY : DB_DEADLOCK, DB_TX_OPEN,
	       DB_TX_NONE, DB_TX_ABORTED);
	actor_must(actors[1 - loser], DB_COMMIT, NULL);
	free(seen);
	actor_close(actors[0]);
	actor_close(actors[1]);
	log_close(log);
	assert_int_equal(number(world, "SELECT SUM(n) FROM v"), world->is_sqlite ? 31 : 32);
}

static void a_changed_row_is_refused_to_a_snapshot(void **state)
{
	struct world *world = *state;
	const struct db_setting on = {"innodb_snapshot_isolation", "on"};
	const bool is_mariadb = !world->is_sqlite && !world->is_postgres;
	const struct db_settings strict = {.iso = world->is_sqlite ? DB_SERIALIZABLE : DB_REPEATABLE_READ,
	                                   .sets = &on, .n_sets = is_mariadb, .lock_wait_ns = patient.lock_wait_ns};

	make_rows(world);
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &strict);
	struct actor *late = actor_open(world, &settings), *first = actor_open(world, &patient);
	actor_must(late, DB_BEGIN, NULL);
	assert_int_equal(actor_ask(late, "SELECT n FROM v WHERE id = 1"), 10);
	actor_must(first, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1");
	struct db_outcome outcome = actor_attempt(late, DB_WRITE, "UPDATE v SET n = 12 WHERE id = 1");
	char *seen = log_read(log, late);
	assert_string_equal(seen, "BEGIN SELECT UPDATE");
	assert_true(db_err_is_refusal(outcome.err));
	expect(world, late, &outcome, world->is_sqlite ? DB_BUSY : DB_SERIALIZATION, DB_TX_OPEN, DB_TX_NONE,
	       DB_TX_ABORTED);
	free(seen);
	actor_close(late);
	actor_close(first);
	log_close(log);
	assert_int_equal(number(world, "SELECT n FROM v WHERE id = 1"), 11);
}

static void a_lock_that_is_not_to_be_had(void **state)
{
	struct world *world = *state;

	make_rows(world);
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &impatient);
	struct actor *holder = actor_open(world, &patient), *late = actor_open(world, &settings);
	actor_must(holder, DB_BEGIN, NULL);
	actor_must(holder, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1");
	actor_must(late, DB_BEGIN, NULL);
	struct db_outcome outcome = actor_attempt(late, DB_WRITE, "UPDATE v SET n = 12 WHERE id = 1");
	char *seen = log_read(log, late);
	assert_string_equal(seen, "BEGIN UPDATE"); /* SQLite looked again and again, with one statement */
	expect(world, late, &outcome, DB_TIMEOUT, DB_TX_OPEN, DB_TX_OPEN, DB_TX_ABORTED);
	actor_must(holder, DB_COMMIT, NULL);
	free(seen);
	actor_close(late);
	actor_close(holder);
	log_close(log);
}

static void what_a_constraint_forbids(void **state)
{
	struct world *world = *state;

	make_rows(world);
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &patient);
	struct actor *actor = actor_open(world, &settings);
	actor_must(actor, DB_BEGIN, NULL);
	actor_must(actor, DB_WRITE, "INSERT INTO v VALUES (3, 30)");
	struct db_outcome outcome = actor_attempt(actor, DB_WRITE, "INSERT INTO v VALUES (3, 31)");
	enum db_err at_the_end = actor_attempt(actor, DB_COMMIT, NULL).err;
	char *seen = log_read(log, actor);
	assert_string_equal(seen, "BEGIN INSERT INSERT COMMIT");
	assert_int_equal(outcome.err, DB_CONSTRAINT);
	assert_int_equal(outcome.tx, of_engine(world, DB_TX_OPEN, DB_TX_OPEN, DB_TX_ABORTED));
	assert_int_equal(at_the_end, of_engine(world, DB_OK, DB_OK, DB_BROKEN));
	free(seen);
	actor_close(actor);
	log_close(log);
	assert_int_equal(number(world, "SELECT COUNT(*) FROM v"), of_engine(world, 3, 3, 2));
}

/* ---- a COMMIT that is refused ------------------------------------------------------------------ */

/* A key that is looked at when the transaction ends: SQLite leaves that open, to be mended. */
static void what_a_constraint_forbids_at_the_end(void **state)
{
	struct world *world = *state;

	make_rows(world);
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &patient);
	struct actor *actor = actor_open(world, &settings);
	actor_must(actor, DB_WRITE, "CREATE TABLE c (v int REFERENCES v (id) DEFERRABLE INITIALLY DEFERRED)");
	actor_must(actor, DB_BEGIN, NULL);
	actor_must(actor, DB_WRITE, "INSERT INTO c VALUES (99)");
	struct db_outcome outcome = actor_attempt(actor, DB_COMMIT, NULL);
	char *seen = log_read(log, actor);
	assert_string_equal(seen, "BEGIN INSERT COMMIT");
	expect(world, actor, &outcome, DB_CONSTRAINT, DB_TX_OPEN, DB_TX_NONE, DB_TX_NONE);
	free(seen);
	actor_close(actor);
	log_close(log);
	assert_int_equal(number(world, "SELECT COUNT(*) FROM c"), 0);
}

/* Each reads what the other one writes. The one that comes second is refused when it commits. */
static void what_cannot_be_put_in_order(void **state)
{
	struct world *world = *state;
	const struct db_settings strict = {.iso = DB_SERIALIZABLE, .lock_wait_ns = patient.lock_wait_ns};

	make_rows(world);
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &strict);
	struct actor *actors[] = {actor_open(world, &settings), actor_open(world, &settings)};
	static const char *const sql[] = {"UPDATE v SET n = 0 WHERE id = 1", "UPDATE v SET n = 0 WHERE id = 2"};
	for (int i = 0; i < 2; i++) {
		actor_must(actors[i], DB_BEGIN, NULL);
		assert_int_equal(actor_ask(actors[i], "SELECT SUM(n) FROM v"), 30);
	}
	for (int i = 0; i < 2; i++)
		actor_must(actors[i], DB_WRITE, sql[i]);
	actor_must(actors[0], DB_COMMIT, NULL);
	struct db_outcome outcome = actor_attempt(actors[1], DB_COMMIT, NULL);
	char *seen = log_read(log, actors[1]);
	assert_string_equal(seen, "BEGIN SELECT UPDATE COMMIT");
	expect(world, actors[1], &outcome, DB_SERIALIZATION, DB_TX_NONE, DB_TX_NONE, DB_TX_NONE);
	free(seen);
	actor_close(actors[0]);
	actor_close(actors[1]);
	log_close(log);
	assert_int_equal(number(world, "SELECT SUM(n) FROM v"), 20);
}

/* ---- cancelled from another thread ------------------------------------------------------------ */

/* A request that comes before its statement finds nothing to end: it is made until it is heard. */
static struct db_outcome cancel(struct actor *actor)
{
	struct err err = {0};

	do
		if (!db_cancel(actor_session(actor), &err))
			fail_msg("%s", err_text(&err));
	while (!actor_is_done(actor) && (clock_pause_ns(NS_PER_MS), true));
	return actor_wait(actor);
}

static void cancelled_while_it_waits_for_a_lock(void **state)
{
	struct world *world = *state;

	make_rows(world);
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &patient);
	struct actor *holder = actor_open(world, &patient), *waiter = actor_open(world, &settings);
	actor_must(holder, DB_BEGIN, NULL);
	actor_must(holder, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1");
	actor_must(waiter, DB_BEGIN, NULL);
	actor_do(waiter, DB_WRITE, "UPDATE v SET n = 12 WHERE id = 1");
	expect_waiting(world, holder, waiter);
	struct db_outcome outcome = cancel(waiter);
	char *seen = log_read(log, waiter);
	assert_string_equal(seen, "BEGIN UPDATE");
	assert_false(db_err_is_refusal(outcome.err));
	expect(world, waiter, &outcome, DB_CANCELED, DB_TX_OPEN, DB_TX_OPEN, DB_TX_ABORTED);
	actor_must(waiter, DB_ROLLBACK, NULL);
	/* Without a transaction, and the session serves again afterwards. */
	actor_do(waiter, DB_WRITE, "UPDATE v SET n = 12 WHERE id = 1");
	expect_waiting(world, holder, waiter);
	outcome = cancel(waiter);
	expect(world, waiter, &outcome, DB_CANCELED, DB_TX_NONE, DB_TX_NONE, DB_TX_NONE);
	actor_must(holder, DB_COMMIT, NULL);
	actor_must(waiter, DB_WRITE, "UPDATE v SET n = n + 100 WHERE id = 1");
	free(seen);
	actor_close(waiter);
	actor_close(holder);
	log_close(log);
	assert_int_equal(number(world, "SELECT n FROM v WHERE id = 1"), 111);
}

static void cancelled_while_it_runs(void **state)
{
	struct world *world = *state;
	static const char sqlite[] = "WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i) "
	                             "SELECT COUNT(*) FROM i";

	make_rows(world);
	struct actor *actor = actor_open(world, &patient);
	for (int round = 0; round < 2; round++) {
		actor_must(actor, DB_BEGIN, NULL);
		actor_must(actor, DB_WRITE, "UPDATE v SET n = 0");
		actor_do(actor, DB_READ, world->is_sqlite ? sqlite : world->is_postgres ? "SELECT pg_sleep(3600)"
		                                                                    : "SELECT SLEEP(3600)");
		struct db_outcome outcome = cancel(actor);
		expect(world, actor, &outcome, DB_CANCELED, DB_TX_OPEN, DB_TX_OPEN, DB_TX_ABORTED);
		actor_must(actor, DB_ROLLBACK, NULL);
	}
	assert_int_equal(actor_ask(actor, "SELECT SUM(n) FROM v"), 30);
	actor_close(actor);
}

static bool stopped_before_it_wrote(const struct world *world, struct actor *actor, const struct db_outcome *outcome)
{
	if (!world->is_sqlite || outcome->tx != DB_TX_OPEN)
		return false;
	actor_must(actor, DB_ROLLBACK, NULL); /* it fails where none is open */
	return true;
}

/* SQLite undoes the whole transaction where it has to stop in the middle of a write; not where the statement
 * had not yet begun to write, which is no case of this test. */
static void cancelled_while_it_writes(void **state)
{
	struct world *world = *state;
	static const char sqlite[] = "INSERT INTO v WITH RECURSIVE i (n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM i) "
	                             "SELECT n, 0 FROM i";

	make_rows(world);
	struct actor *actor = actor_open(world, &patient);
	struct db_outcome outcome;
	do {
		actor_must(actor, DB_BEGIN, NULL);
		actor_must(actor, DB_WRITE, "UPDATE v SET n = 0");
		actor_do(actor, DB_WRITE, world->is_sqlite ? sqlite
		                          : world->is_postgres ? "INSERT INTO v SELECT 3, 0 FROM pg_sleep(3600)"
		                                               : "INSERT INTO v SELECT 3, SLEEP(3600)");
		outcome = cancel(actor);
	} while (stopped_before_it_wrote(world, actor, &outcome));
	expect(world, actor, &outcome, DB_CANCELED, DB_TX_NONE, DB_TX_OPEN, DB_TX_ABORTED);
	actor_close(actor);
	assert_int_equal(number(world, "SELECT COUNT(*) FROM v"), 2);
	assert_int_equal(number(world, "SELECT SUM(n) FROM v"), 30);
}

static void who_does_nothing_is_not_disturbed(void **state)
{
	struct world *world = *state;

	make_rows(world);
	struct actor *actor = actor_open(world, &patient);
	actor_must(actor, DB_BEGIN, NULL);
	for (int i = 0; i < 20; i++) {
		assert_true(db_cancel(actor_session(actor), NULL));
		actor_must(actor, DB_WRITE, "UPDATE v SET n = n + 1 WHERE id = 1");
	}
	assert_true(db_cancel(actor_session(actor), NULL));
	actor_must(actor, DB_COMMIT, NULL);
	actor_close(actor);
	assert_int_equal(number(world, "SELECT n FROM v WHERE id = 1"), 30);
}

int main(int argc, char **argv)
{
#define EVERYWHERE \
	CASE(a_deadlock_refuses_one), CASE(a_changed_row_is_refused_to_a_snapshot), \
	CASE(a_lock_that_is_not_to_be_had), CASE(what_a_constraint_forbids), \
	CASE(cancelled_while_it_waits_for_a_lock), CASE(cancelled_while_it_runs), \
	CASE(cancelled_while_it_writes), CASE(who_does_nothing_is_not_disturbed)
	/* MariaDB refuses no COMMIT of its own, and waits where PostgreSQL looks at the end. */
	static const struct CMUnitTest mariadb[] = {EVERYWHERE};
	static const struct CMUnitTest sqlite[] = {EVERYWHERE, CASE(what_a_constraint_forbids_at_the_end)};
	static const struct CMUnitTest postgres[] = {EVERYWHERE, CASE(what_a_constraint_forbids_at_the_end),
	                                             CASE(what_cannot_be_put_in_order)};

	if (argc != 2) {
		fprintf(stderr, "usage: %s sqlite|mariadb|postgres\n", argv[0]);
		return 2;
	}
	world_engine = argv[1];
	if (text_equal(world_engine, "sqlite"))
		return cmocka_run_group_tests(sqlite, world_setup, world_teardown);
	if (text_equal(world_engine, "postgres"))
		return cmocka_run_group_tests(postgres, world_setup, world_teardown);
	return cmocka_run_group_tests(mariadb, world_setup, world_teardown);
}
