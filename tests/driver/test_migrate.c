/* Migrations on every engine: in order, once, by many at the same time, and never backwards.
 * test_migrate ENGINE. */
#include <stdio.h>
#include <string.h>

#include "world.h"

static const struct db_migration two[] = {
	{"first", (const char *const[]){"CREATE TABLE IF NOT EXISTS m (id {new_id}, n int) {table_end}",
	                                "INSERT INTO m (n) VALUES (1)", NULL}},
	{"second", (const char *const[]){"INSERT INTO m (n) SELECT n + 10 FROM m", NULL}},
};
static const struct db_migration three[] = {
	{"first", (const char *const[]){"SELECT must, not, run", NULL}},
	{"second", (const char *const[]){"SELECT must, not, run", NULL}},
	{"third", (const char *const[]){"INSERT INTO m (n) VALUES (100)", NULL}},
};

static void each_number_is_applied_once_and_in_order(void **state)
{
	struct db_session *session = world_open(*state);
	size_t applied = 77;

	assert_true(db_migrate(session, "a", two, 1, &applied, NULL));
	assert_int_equal(applied, 1);
	assert_true(db_migrate(session, "a", two, 2, &applied, NULL));
	assert_int_equal(applied, 1);
	assert_int_equal(ask(session, "SELECT SUM(n) FROM m", NULL), 12);
	assert_true(db_migrate(session, "a", two, 2, &applied, NULL));
	assert_int_equal(applied, 0);
	assert_true(db_migrate(session, "a", three, 3, NULL, NULL));
	assert_int_equal(ask(session, "SELECT SUM(n) FROM m", NULL), 112);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM racy_migration WHERE scope = 'a' AND "
	                              "((number = 1 AND name = 'first') OR (number = 2 AND name = 'second') "
	                              "OR (number = 3 AND name = 'third')) AND applied_at > '2026-01-01'",
	                     NULL), 3);
	/* Another scope counts from one again. */
	assert_true(db_migrate(session, "b", &three[2], 1, &applied, NULL));
	assert_int_equal(applied, 1);
	assert_int_equal(ask(session, "SELECT SUM(n) FROM m", NULL), 212);
	db_close(session);
}

static void a_schema_of_a_newer_program_is_refused(void **state)
{
	struct db_session *session = world_open(*state);
	struct err err = {0};
	size_t applied = 77;

	assert_true(db_migrate(session, "a", two, 2, NULL, NULL));
	assert_false(db_migrate(session, "a", two, 1, &applied, &err));
	assert_int_equal(applied, 0);
	assert_contains(err_text(&err), "newer racy");
	err_fini(&err);
	db_close(session);
}

static void a_step_that_fails_is_named_and_can_be_repeated(void **state)
{
	struct db_session *session = world_open(*state), *other = world_open(*state);
	const struct db_migration bad[] = {
		two[0], {"broken step", (const char *const[]){"INSERT INTO nowhere (n) VALUES (1)", NULL}},
	};
	struct err err = {0};
	size_t applied = 77;

	assert_false(db_migrate(session, "a", bad, 2, &applied, &err));
	assert_int_equal(applied, 0);
	assert_contains(err_text(&err), "broken step");
	assert_contains(err_text(&err), "nowhere");
	err_fini(&err);
	/* The lock was given back: the other session is not kept waiting. */
	assert_true(db_migrate(other, "a", two, 2, NULL, NULL));
	assert_int_equal(ask(session, "SELECT SUM(n) FROM m", NULL), 12);
	db_close(other);
	db_close(session);
}

static void a_schema_is_not_changed_within_a_transaction(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	struct err err = {0};

	must(session, DB_BEGIN, NULL, NULL);
	assert_false(db_migrate(session, "a", two, 2, NULL, &err));
	assert_contains(err_text(&err), "within a transaction");
	assert_true(has_tx(world, session));
	must(session, DB_ROLLBACK, NULL, NULL);
	err_fini(&err);
	db_close(session);
}

static void who_finds_all_done_waits_for_nobody(void **state)
{
	struct db_session *session = world_open(*state), *writer = world_open(*state);
	const struct db_call begin = {.verb = DB_BEGIN, .for_write = true};
	struct db_outcome outcome;
	size_t applied = 77;

	assert_true(db_migrate(session, "a", two, 2, NULL, NULL));
	assert_int_equal(db_exec(writer, &begin, NULL, &outcome), DB_OK);
	must(writer, DB_WRITE, "INSERT INTO m (n) VALUES (5)", NULL);
	assert_true(db_migrate(session, "a", two, 2, &applied, NULL));
	assert_int_equal(applied, 0);
	must(writer, DB_ROLLBACK, NULL, NULL);
	db_close(writer);
	db_close(session);
}

static int migrate_in_a_process(const struct world *world, int number)
{
	const struct db_settings settings = {.iso = DB_ISO_DEFAULT};
	struct err err = {0};
	size_t applied = 77;
	struct db_session *session = db_open(&world->target, &settings, &err);
	bool ok = session != NULL && db_migrate(session, "a", two, 2, &applied, &err);

	if (!ok)
		print_error("process %d: %s\n", number, err_text(&err));
	db_close(session);
	err_fini(&err);
	return ok && (applied == 0 || applied == 2) ? 0 : 1;
}

static void eight_processes_migrate_a_new_database_at_once(void **state)
{
	struct world *world = *state;

	for (int round = 0; round < 5; round++) {
		assert_int_equal(run_together(8, migrate_in_a_process, world), 8);
		struct db_session *session = world_open(world);
		assert_int_equal(ask(session, "SELECT SUM(n) FROM m", NULL), 12);
		assert_int_equal(ask(session, "SELECT COUNT(*) FROM racy_migration", NULL), 2);
		db_close(session);
		world_stale(state);
		assert_int_equal(world_fresh(state), 0);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest cases[] = {
		CASE(each_number_is_applied_once_and_in_order),
		CASE(a_schema_of_a_newer_program_is_refused),
		CASE(a_step_that_fails_is_named_and_can_be_repeated),
		CASE(a_schema_is_not_changed_within_a_transaction),
		CASE(who_finds_all_done_waits_for_nobody),
		CASE(eight_processes_migrate_a_new_database_at_once),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s sqlite|mariadb|postgres\n", argv[0]);
		return 2;
	}
	world_engine = argv[1];
	return cmocka_run_group_tests(cases, world_setup, world_teardown);
}
