/* What not every engine has, and what a session can be brought to: levels, locks by number. Each is held
 * against what the engine then does, and the statements that it takes are counted. test_abilities ENGINE. */
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
	must(session, DB_WRITE, "INSERT INTO v VALUES (1, 10)", NULL);
	db_close(session);
}

static void an_engine_says_what_it_has(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	const unsigned abilities = db_abilities(&world->target);
	const unsigned expected = world->is_sqlite ? 0
	        : DB_HAS_NAMED_LOCKS | DB_HAS_SHARE_LOCKS | DB_HAS_CONNECTIONS |
	                  (unsigned)(world->is_postgres ? DB_NAMED_LOCKS_END : DB_HAS_DIRTY_READS);

	assert_int_equal(abilities, expected);
	assert_int_equal(db_session_abilities(session), abilities);
	make_rows(world);
	struct db_outcome outcome = attempt(session, DB_READ, "SELECT n FROM v {for_share}", NULL);
	assert_int_equal(outcome.err, (abilities & DB_HAS_SHARE_LOCKS) != 0 ? DB_OK : DB_BROKEN);
	if (outcome.err != DB_OK)
		assert_contains(outcome.message, "nothing that {for_share}");
	outcome = attempt(session, DB_READ, "SELECT {named_lock}", ARGS(db_int(7)));
	assert_int_equal(outcome.err, (abilities & DB_HAS_NAMED_LOCKS) != 0 ? DB_OK : DB_BROKEN);
	if (outcome.err != DB_OK)
		assert_contains(outcome.message, "nothing that {named_lock}");
	if ((abilities & DB_NAMED_LOCKS_END) != 0) {
		outcome = attempt(session, DB_READ, "SELECT {named_unlock}", ARGS(db_int(7)));
		assert_int_equal(outcome.err, DB_BROKEN);
		assert_contains(outcome.message, "nothing that {named_unlock}");
	}
	db_close(session);
}

/* ---- levels ----------------------------------------------------------------------------------- */

static const char *level_of(struct db_session *session)
{
	return db_identity(session)->isolation;
}

static void must_set(struct db_session *session, enum db_iso iso)
{
	struct err err = {0};
	bool lost = true;

	if (!db_set_level(session, iso, &lost, &err))
		fail_msg("%s", err_text(&err));
	assert_false(lost);
}

static void must_not_set(struct db_session *session, enum db_iso iso, const char *why)
{
	struct err err = {0};
	bool lost = true;

	assert_false(db_set_level(session, iso, &lost, &err));
	assert_false(lost);
	assert_contains(err_text(&err), why);
	err_fini(&err);
}

/* Does a transaction see what another one commits meanwhile? 1; 0: what it saw before; or that one waits. */
static enum { SEES_NEW, SEES_OLD, LOCKS } behaviour(const struct world *world, struct db_session *session)
{
	static const char read[] = "SELECT n FROM v WHERE id = 1";
	struct db_session *other = world_open_with(world, &impatient);

	must(session, DB_BEGIN, NULL, NULL);
	int64_t before = ask(session, read, NULL);
	struct db_outcome outcome = attempt(other, DB_WRITE, "UPDATE v SET n = n + 1", NULL);
	bool same = ask(session, read, NULL) == before;
	must(session, DB_COMMIT, NULL, NULL);
	db_close(other);
	return outcome.err != DB_OK ? LOCKS : same ? SEES_OLD : SEES_NEW;
}

static void a_session_changes_its_level(void **state)
{
	struct world *world = *state;
	const struct db_settings rr = {.iso = DB_REPEATABLE_READ};
	struct db_session *session = world_open(world), *opened_at_rr = world_open_with(world, &rr);

	make_rows(world);
	assert_string_equal(level_of(session), "READ COMMITTED");
	assert_int_equal(behaviour(world, session), SEES_NEW);
	must_set(session, DB_REPEATABLE_READ);
	assert_string_equal(level_of(session), "REPEATABLE READ");
	assert_int_equal(behaviour(world, session), SEES_OLD);
	must_set(session, DB_SERIALIZABLE);
	assert_string_equal(level_of(session), "SERIALIZABLE");
	assert_int_equal(behaviour(world, session), world->is_postgres ? SEES_OLD : LOCKS);
	must_set(session, DB_READ_UNCOMMITTED);
	assert_string_equal(level_of(session), "READ UNCOMMITTED");
	must_set(session, DB_ISO_DEFAULT);
	assert_string_equal(level_of(session), "READ COMMITTED");
	assert_int_equal(behaviour(world, session), SEES_NEW);
	must_set(opened_at_rr, DB_READ_COMMITTED);
	assert_int_equal(behaviour(world, opened_at_rr), SEES_NEW);
	must_set(opened_at_rr, DB_ISO_DEFAULT);
	assert_string_equal(level_of(opened_at_rr), "REPEATABLE READ");
	assert_int_equal(behaviour(world, opened_at_rr), SEES_OLD);
	must_not_set(session, DB_ISO_SERVER, "level that its server made it at");
	assert_string_equal(level_of(session), "READ COMMITTED");
	db_close(opened_at_rr);
	db_close(session);
}

/* Whose session was left as the server made it is brought back to just that. */
static void the_servers_own_level_is_come_back_to(void **state)
{
	struct world *world = *state;
	const struct db_settings as_made = {.iso = DB_ISO_SERVER};
	struct db_session *session = world_open_with(world, &as_made);
	char *own = mem_text(level_of(session));

	assert_string_equal(own, world->is_postgres ? "READ COMMITTED" : "REPEATABLE READ");
	must_set(session, DB_SERIALIZABLE);
	must_set(session, DB_ISO_DEFAULT);
	assert_string_equal(level_of(session), own);
	free(own);
	db_close(session);
}

static void a_transaction_keeps_its_level(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);

	must(session, DB_BEGIN, NULL, NULL);
	must_not_set(session, DB_SERIALIZABLE, "within a transaction");
	must_not_set(session, DB_ISO_DEFAULT, "within a transaction");
	(void)attempt(session, DB_READ, "SELEC", NULL); /* on PostgreSQL that aborts it */
	must_not_set(session, DB_SERIALIZABLE, "within a transaction");
	must(session, DB_ROLLBACK, NULL, NULL);
	must_set(session, DB_SERIALIZABLE);
	assert_string_equal(level_of(session), "SERIALIZABLE");
	db_close(session);
}

static void a_level_that_is_there_costs_nothing(void **state)
{
	struct world *world = *state;
	struct log *log = log_open(world);
	const struct db_settings settings = log_settings(log, &patient);
	struct actor *actor = actor_open(world, &settings);

	actor_must(actor, DB_BEGIN, NULL);
	actor_must(actor, DB_COMMIT, NULL);
	must_set(actor_session(actor), DB_ISO_DEFAULT);
	must_set(actor_session(actor), world->is_sqlite ? DB_SERIALIZABLE : DB_READ_COMMITTED);
	char *seen = log_read(log, actor);
	assert_string_equal(seen, "BEGIN COMMIT");
	free(seen);
	if (!world->is_sqlite) {
		must_set(actor_session(actor), DB_SERIALIZABLE);
		must_set(actor_session(actor), DB_SERIALIZABLE);
		seen = log_read(log, actor);
		assert_string_equal(seen, "BEGIN COMMIT SET SHOW");
		free(seen);
	}
	actor_close(actor);
	log_close(log);
}

static void a_level_that_is_lacking_is_an_error_that_names_what_there_is(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	const struct db_settings rc = {.iso = DB_READ_COMMITTED};

	must_not_set(session, DB_READ_COMMITTED, "SERIALIZABLE; it has no READ COMMITTED");
	must_not_set(session, DB_REPEATABLE_READ, "SERIALIZABLE; it has no REPEATABLE READ");
	must_not_set(session, DB_READ_UNCOMMITTED, "SERIALIZABLE; it has no READ UNCOMMITTED");
	must_set(session, DB_SERIALIZABLE);
	must_set(session, DB_ISO_DEFAULT);
	assert_string_equal(level_of(session), "SERIALIZABLE");
	char *text = world_open_error(&world->target, &rc);
	assert_contains(text, "SERIALIZABLE; it has no READ COMMITTED");
	free(text);
	db_close(session);
}

static void a_session_that_broke_has_no_level(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	struct err err = {0};
	bool lost = false;

	assert_true(db_cut(session, DB_CUT_ALL));
	assert_false(db_set_level(session, DB_SERIALIZABLE, &lost, &err));
	assert_true(lost);
	err_fini(&err);
	lost = false; /* and that is remembered, without another look */
	assert_false(db_set_level(session, DB_ISO_DEFAULT, &lost, &err));
	assert_true(lost);
	assert_contains(err_text(&err), "broke");
	err_fini(&err);
	assert_false(db_set_level(session, DB_SERIALIZABLE, NULL, NULL));
	db_close(session);
}

/* ---- locks by number --------------------------------------------------------------------------- */

static void expect_wait(const struct world *world, struct actor *holder, struct actor *waiter, enum db_wait wait)
{
	struct db_session *sessions[] = {actor_session(holder), actor_session(waiter)};
	enum db_wait waits[2];

	assert_true(db_who_waits(world->observer, sessions, 2, HUNG_NS, waits, NULL));
	assert_int_equal(waits[1], wait);
}

static struct db_rows read_lock(struct db_session *session, const char *sql, int64_t number)
{
	struct db_rows rows = {0};
	struct err err = {0};

	if (!db_run(session, DB_READ, sql, ARGS(db_int(number)), &rows, NULL, &err))
		fail_msg("%s", err_text(&err));
	assert_int_equal(rows.n_rows, 1);
	assert_int_equal(rows.n_cols, 1);
	return rows;
}

static int64_t lock_answer(struct db_session *session, const char *sql, int64_t number)
{
	struct db_rows rows = read_lock(session, sql, number);
	assert_int_equal(db_cell(&rows, 0, 0)->type, DB_INT);
	int64_t answer = db_cell(&rows, 0, 0)->integer;

	db_rows_fini(&rows);
	return answer;
}

static void a_lock_is_taken_by_one_at_a_time(void **state)
{
	struct world *world = *state;
	const bool ends = (db_abilities(&world->target) & DB_NAMED_LOCKS_END) != 0;
	struct db_session *holder = world_open(world), *other = world_open_with(world, &impatient);

	must(holder, DB_BEGIN, NULL, NULL);
	must(other, DB_BEGIN, NULL, NULL);
	assert_int_equal(lock_answer(holder, "SELECT {named_lock}", INT64_MAX), 1);
	assert_int_equal(lock_answer(holder, "SELECT {named_lock}", INT64_MIN), 1);
	assert_int_equal(lock_answer(other, "SELECT {named_lock}", 0), 1);
	struct db_value n = db_int(INT64_MAX);
	if (ends) { /* an error, of which lock_timeout is the reason */
		struct db_outcome outcome = attempt(other, DB_READ, "SELECT {named_lock}", ARGS(n));
		assert_int_equal(outcome.err, DB_TIMEOUT);
		assert_int_equal(outcome.tx, DB_TX_ABORTED);
		assert_true(has_tx(world, other));
		must(other, DB_ROLLBACK, NULL, NULL);
	} else {
		assert_int_equal(lock_answer(other, "SELECT {named_lock}", INT64_MAX), 0);
		assert_true(has_tx(world, other));
		must(other, DB_COMMIT, NULL, NULL);
	}
	must(holder, DB_COMMIT, NULL, NULL);
	if (!ends) {
		assert_int_equal(lock_answer(other, "SELECT {named_lock}", INT64_MAX), 0);
		assert_int_equal(lock_answer(holder, "SELECT {named_unlock}", INT64_MAX), 1);
		struct db_rows rows = read_lock(holder, "SELECT {named_unlock}", 4711); /* nobody's */
		assert_int_equal(db_cell(&rows, 0, 0)->type, DB_NULL);
		db_rows_fini(&rows);
	}
	assert_int_equal(lock_answer(other, "SELECT {named_lock}", INT64_MAX), 1);
	db_close(holder); /* what is held goes with the connection */
	db_close(other);
}

static void who_wants_a_lock_waits_for_it(void **state)
{
	struct world *world = *state;
	const bool ends = (db_abilities(&world->target) & DB_NAMED_LOCKS_END) != 0;
	struct actor *holder = actor_open(world, &patient), *waiter = actor_open(world, &patient);
	static const char lock[] = "SELECT {named_lock}";

	for (int round = 0; round < 3; round++) {
		actor_must(holder, DB_BEGIN, NULL);
		assert_int_equal(actor_ask_with(holder, lock, ARGS(db_int(5))), 1);
		actor_must(waiter, DB_BEGIN, NULL);
		actor_do_with(waiter, DB_READ, lock, ARGS(db_int(5)));
		expect_wait(world, holder, waiter, DB_WAITS);
		actor_must(holder, round == 1 ? DB_ROLLBACK : DB_COMMIT, NULL);
		if (!ends) {
			expect_wait(world, holder, waiter, DB_WAITS);
			assert_int_equal(actor_ask_with(holder, "SELECT {named_unlock}", ARGS(db_int(5))), 1);
		}
		expect_wait(world, holder, waiter, DB_WAITS_NOT);
		assert_int_equal(actor_wait(waiter).err, DB_OK);
		actor_must(waiter, DB_COMMIT, NULL);
		if (!ends)
			assert_int_equal(actor_ask_with(waiter, "SELECT {named_unlock}", ARGS(db_int(5))), 1);
	}
	actor_close(waiter);
	actor_close(holder);
}

/* On MariaDB that leaves the transaction open, unlike a deadlock of rows, whose number it has. */
static void a_deadlock_of_locks_refuses_one(void **state)
{
	struct world *world = *state;
	struct actor *actors[] = {actor_open(world, &patient), actor_open(world, &patient)};
	static const char lock[] = "SELECT {named_lock}";

	make_rows(world);
	for (int i = 0; i < 2; i++) {
		actor_must(actors[i], DB_BEGIN, NULL);
		actor_must(actors[i], DB_WRITE, i == 0 ? "INSERT INTO v VALUES (2, 0)" : "INSERT INTO v VALUES (3, 0)");
		assert_int_equal(actor_ask_with(actors[i], lock, ARGS(db_int(i))), 1);
	}
	actor_do_with(actors[0], DB_READ, lock, ARGS(db_int(1)));
	expect_wait(world, actors[1], actors[0], DB_WAITS);
	actor_do_with(actors[1], DB_READ, lock, ARGS(db_int(0)));
	int loser = -1;
	while (loser < 0)
		for (int i = 0; i < 2 && loser < 0; i++)
			loser = actor_is_done(actors[i]) && actor_wait(actors[i]).err != DB_OK ? i : -1;
	struct db_outcome outcome = actor_wait(actors[loser]);
	assert_int_equal(outcome.err, DB_DEADLOCK);
	assert_int_equal(outcome.tx, world->is_postgres ? DB_TX_ABORTED : DB_TX_OPEN);
	assert_true(actor_has_tx(actors[loser]));
	actor_close(actors[loser]);
	assert_int_equal(actor_wait(actors[1 - loser]).err, DB_OK);
	actor_must(actors[1 - loser], DB_COMMIT, NULL);
	actor_close(actors[1 - loser]);
	struct db_session *session = world_open(world);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 2);
	db_close(session);
}

/* MariaDB's rows and named locks do not know of each other: nobody sees that circle, and only time ends it. */
static void a_circle_of_a_lock_and_a_row(void **state)
{
	struct world *world = *state;
	struct actor *actors[] = {actor_open(world, &patient), actor_open(world, &patient)};
	struct db_session *sessions[] = {actor_session(actors[0]), actor_session(actors[1])};
	static const char lock[] = "SELECT {named_lock}", update[] = "UPDATE v SET n = n + 1";
	enum db_wait waits[2];

	make_rows(world);
	actor_must(actors[0], DB_BEGIN, NULL);
	actor_must(actors[0], DB_WRITE, update);
	actor_must(actors[1], DB_BEGIN, NULL);
	assert_int_equal(actor_ask_with(actors[1], lock, ARGS(db_int(9))), 1);
	actor_do_with(actors[0], DB_READ, lock, ARGS(db_int(9)));
	expect_wait(world, actors[1], actors[0], DB_WAITS);
	actor_do(actors[1], DB_WRITE, update);
	if (world->is_postgres) {
		/* The one's end lets the other go on. */
		while (!actor_is_done(actors[0]) || !actor_is_done(actors[1]))
			clock_pause_ns(NS_PER_MS);
		int loser = actor_wait(actors[0]).err != DB_OK ? 0 : 1;
		assert_int_equal(actor_wait(actors[loser]).err, DB_DEADLOCK);
	} else {
		assert_true(db_who_waits(world->observer, sessions, 2, HUNG_NS, waits, NULL));
		assert_int_equal(waits[0], DB_WAITS);
		assert_int_equal(waits[1], DB_WAITS);
		while (!actor_is_done(actors[0]))
			assert_true(db_cancel(sessions[0], NULL));
		struct db_outcome outcome = actor_wait(actors[0]);
		assert_int_equal(outcome.err, DB_OK); /* the one wait whose end is no error: its answer is NULL */
		assert_int_equal(outcome.tx, DB_TX_OPEN);
		assert_int_equal(db_cell(actor_rows(actors[0]), 0, 0)->type, DB_NULL);
		assert_true(actor_has_tx(actors[0]));
	}
	actor_close(actors[0]);
	actor_close(actors[1]);
}

int main(int argc, char **argv)
{
#define EVERYWHERE \
	CASE(an_engine_says_what_it_has), CASE(a_transaction_keeps_its_level), \
	CASE(a_level_that_is_there_costs_nothing)
	static const struct CMUnitTest sqlite[] = {
		EVERYWHERE, CASE(a_level_that_is_lacking_is_an_error_that_names_what_there_is)};
	static const struct CMUnitTest servers[] = {
		EVERYWHERE, CASE(a_session_changes_its_level), CASE(the_servers_own_level_is_come_back_to),
		CASE(a_session_that_broke_has_no_level), CASE(a_lock_is_taken_by_one_at_a_time),
		CASE(who_wants_a_lock_waits_for_it), CASE(a_deadlock_of_locks_refuses_one),
		CASE(a_circle_of_a_lock_and_a_row)};

	if (argc != 2) {
		fprintf(stderr, "usage: %s sqlite|mariadb|postgres\n", argv[0]);
		return 2;
	}
	world_engine = argv[1];
	if (text_equal(world_engine, "sqlite"))
		return cmocka_run_group_tests(sqlite, world_setup, world_teardown);
	return cmocka_run_group_tests(servers, world_setup, world_teardown);
}
