/* Several statements at once, on every engine: test_together ENGINE. */
#include <stdio.h>

#include "world.h"

static bool run_all(struct db_session *session, const char *const *sqls, size_t n)
{
	struct err err = {0};
	bool ok = db_run_all(session, sqls, n, &err);

	assert_true(ok == (err.text == NULL));
	err_fini(&err);
	return ok;
}

static void several_are_carried_out_up_to_the_first_that_fails(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	static const char *const twenty[20] = {
		"INSERT INTO p VALUES (1)", "INSERT INTO p VALUES (2)", "UPDATE p SET n = n + 10",
		"DELETE FROM p WHERE n = 11", "INSERT INTO p VALUES (21)", "INSERT INTO p VALUES (22)",
		"INSERT INTO p VALUES (23)", "INSERT INTO p VALUES (24)", "INSERT INTO p VALUES (25)",
		"INSERT INTO p VALUES (26)", "INSERT INTO p VALUES (27)", "INSERT INTO p VALUES (28)",
		"INSERT INTO p VALUES (29)", "INSERT INTO p VALUES (30)", "INSERT INTO p VALUES (31)",
		"INSERT INTO p VALUES (32)", "INSERT INTO p VALUES (33)", "INSERT INTO p VALUES (34)",
		"INSERT INTO p VALUES (35)", "DELETE FROM p WHERE n > 20",
	};
	static const char *const twice[] = {"INSERT INTO p VALUES (5)", "INSERT INTO p VALUES (5)",
	                                    "INSERT INTO p VALUES (6)"};
	static const char *const in_turn[] = {"CREATE TABLE q (n int) {table_end}", "INSERT INTO q VALUES (1)"};
	static const char *const senseless[] = {"INSERT INTO p VALUES (7)", "INSERT INTO nowhere VALUES (1)"};

	must(session, DB_WRITE, "CREATE TABLE p (n int PRIMARY KEY) {table_end}", NULL);
	for (int i = 0; i < 3; i++) {
		assert_true(run_all(session, twenty, 4));
		assert_true(run_all(session, twenty + 4, 16));
		assert_int_equal(ask(session, "SELECT n FROM p", NULL), 12);
		must(session, DB_WRITE, "DELETE FROM p", NULL);
		assert_true(run_all(session, twenty, 20));
		assert_int_equal(ask(session, "SELECT n FROM p", NULL), 12);
		must(session, DB_WRITE, "DELETE FROM p", NULL);
	}
	assert_false(run_all(session, twice, 3));
	assert_false(has_tx(world, session));
	/* All or none where they were one transaction. */
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM p", NULL), world->is_postgres ? 0 : 1);
	assert_false(run_all(session, senseless, 2));
	assert_true(run_all(session, in_turn, 2));
	assert_int_equal(ask(session, "SELECT n FROM q", NULL), 1);
	assert_true(run_all(session, twenty, 0));
	db_close(session);
}

static void what_is_put_off_fails_at_the_end(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	static const char *const orphan[] = {"INSERT INTO c VALUES (1)", "INSERT INTO c VALUES (2)"};
	static const char *const copies[] = {"COPY d TO STDOUT", "INSERT INTO d VALUES (1)"};

	if (world->is_postgres) {
		must(session, DB_WRITE, "CREATE TABLE d (n int PRIMARY KEY)", NULL);
		must(session, DB_WRITE, "CREATE TABLE c (n int REFERENCES d (n) DEFERRABLE INITIALLY DEFERRED)", NULL);
		for (int i = 0; i < 2; i++) {
			assert_false(run_all(session, orphan, 2));
			assert_int_equal(ask(session, "SELECT COUNT(*) FROM c", NULL), 0);
			assert_false(run_all(session, copies, 2));
		}
		must(session, DB_WRITE, "INSERT INTO d VALUES (1)", NULL);
	}
	db_close(session);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest cases[] = {
		CASE(several_are_carried_out_up_to_the_first_that_fails),
		CASE(what_is_put_off_fails_at_the_end),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_together ENGINE\n");
		return 2;
	}
	world_engine = argv[1];
	return cmocka_run_group_tests(cases, world_setup, world_teardown);
}
