/* What is MariaDB's alone while it works: deadlocks, lock waits, snapshots, broken connections. What an
 * error is said to have done to the transaction is held against what the server itself answers. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/mariadb.h"
#include "world.h"

static const struct db_settings plain = {.iso = DB_ISO_DEFAULT};
static const char waiting[] = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.global_status "
                              "WHERE VARIABLE_NAME = 'Innodb_row_lock_current_waits'";

static void make_rows(struct db_session *session)
{
	must(session, DB_WRITE, "CREATE TABLE v (id int PRIMARY KEY, n int) {table_end}", NULL);
	must(session, DB_WRITE, "INSERT INTO v VALUES (1, 10), (2, 20)", NULL);
}

static void kill_it(struct db_session *session, const char *what, int64_t connection)
{
	char *sql = mem_printf("KILL %s %lld", what, (long long)connection);

	must(session, DB_WRITE, sql, NULL);
	free(sql);
}

/* ---- a second session on a thread of its own -------------------------------------------------- */

/* Runs up to three statements in a transaction and says how the last one ended. cmocka's asserts
 * belong to the main thread, so everything is written down and looked at after the join. */
struct other {
	const struct world *world;
	const char *first, *second;
	pthread_barrier_t both_hold; /* after the first statement */
	pthread_t thread;

	bool opened, first_done, asked;
	int64_t connection;
	struct db_outcome second_outcome;
	int64_t in_transaction; /* after the second, by the server's own word */
};

static bool number_of(struct db_session *session, const char *sql, int64_t *number)
{
	struct db_rows rows = {0};
	bool ok = db_run(session, DB_READ, sql, NULL, &rows, NULL, NULL);

	if (ok)
		*number = db_cell(&rows, 0, 0)->integer;
	db_rows_fini(&rows);
	return ok;
}

static void *run_other(void *context)
{
	struct other *other = context;
	struct db_session *session = db_open(&other->world->target, &plain, NULL);

	other->opened = session != NULL;
	if (session != NULL) {
		other->connection = db_identity(session)->connection;
		other->first_done = db_run(session, DB_BEGIN, NULL, NULL, NULL, NULL, NULL) &&
		                    (other->first == NULL ||
		                     db_run(session, DB_WRITE, other->first, NULL, NULL, NULL, NULL));
	}
	pthread_barrier_wait(&other->both_hold);
	if (session != NULL) {
		const struct db_call call = {.verb = DB_WRITE, .sql = other->second};
		enum db_err err = db_exec(session, &call, NULL, &other->second_outcome);
		if (err != DB_LOST)
			other->asked = number_of(session, "SELECT @@in_transaction", &other->in_transaction);
		if (other->second_outcome.tx == DB_TX_OPEN &&
		    !db_run(session, DB_COMMIT, NULL, NULL, NULL, NULL, NULL))
			other->asked = false;
	}
	db_close(session);
	return NULL;
}

/* Returns when the other session holds what its first statement takes. */
static void start_other(struct other *other, const struct world *world, const char *first, const char *second)
{
	*other = (struct other){.world = world, .first = first, .second = second, .in_transaction = -1};
	assert_int_equal(pthread_barrier_init(&other->both_hold, NULL, 2), 0);
	assert_int_equal(pthread_create(&other->thread, NULL, run_other, other), 0);
	pthread_barrier_wait(&other->both_hold);
	assert_true(other->opened);
	assert_true(other->first_done);
}

static void join_other(struct other *other)
{
	assert_int_equal(pthread_join(other->thread, NULL), 0);
	pthread_barrier_destroy(&other->both_hold);
}

/* ---- deadlock -------------------------------------------------------------------------------- */

static void a_deadlock_ends_the_victims_transaction(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	struct other other;

	make_rows(session);
	must(session, DB_BEGIN, NULL, NULL);
	must(session, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1", NULL);
	start_other(&other, world, "UPDATE v SET n = 22 WHERE id = 2", "UPDATE v SET n = 12 WHERE id = 1");
	struct db_outcome mine = attempt(session, DB_WRITE, "UPDATE v SET n = 21 WHERE id = 2", NULL);
	const bool i_lost = mine.err != DB_OK;
	if (i_lost)
		assert_int_equal(has_tx(world, session), mine.tx == DB_TX_OPEN);
	else
		must(session, DB_COMMIT, NULL, NULL);
	join_other(&other);
	const struct db_outcome *victim = i_lost ? &mine : &other.second_outcome;
	const struct db_outcome *winner = i_lost ? &other.second_outcome : &mine;
	assert_int_equal(victim->err, DB_DEADLOCK);
	assert_int_equal(victim->native, 1213);
	assert_string_equal(victim->sqlstate, "40001");
	assert_int_equal(victim->tx, DB_TX_NONE);
	assert_true(db_err_is_refusal(victim->err));
	assert_int_equal(winner->err, DB_OK);
	assert_int_equal(winner->tx, DB_TX_OPEN);
	assert_true(other.asked);
	assert_int_equal(other.in_transaction, i_lost ? 1 : 0);
	assert_int_equal(ask(session, "SELECT SUM(n) FROM v", NULL), i_lost ? 12 + 22 : 11 + 21);
	db_close(session);
}

/* ---- waiting for a lock ---------------------------------------------------------------------- */

static void a_lock_timeout_leaves_the_transaction_open(void **state)
{
	struct world *world = *state;
	const struct db_setting at_once = {"innodb_lock_wait_timeout", "0"};
	const struct db_settings settings = {.iso = DB_ISO_DEFAULT, .sets = &at_once, .n_sets = 1};
	struct db_session *holder = world_open(world), *late = world_open_with(world, &settings);

	make_rows(holder);
	must(holder, DB_BEGIN, NULL, NULL);
	must(holder, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1", NULL);
	must(late, DB_BEGIN, NULL, NULL);
	must(late, DB_WRITE, "UPDATE v SET n = 22 WHERE id = 2", NULL);
	static const char *const statements[] = {
		"UPDATE v SET n = 12 WHERE id = 1", "SELECT n FROM v WHERE id = 1 {for_update}",
		"SELECT n FROM v WHERE id = 1 FOR UPDATE NOWAIT",
	};
	for (size_t i = 0; i < COUNT_OF(statements); i++) {
		struct db_outcome outcome = attempt(late, DB_WRITE, statements[i], NULL);
		assert_int_equal(outcome.err, DB_TIMEOUT);
		assert_int_equal(outcome.native, 1205);
		assert_int_equal(outcome.tx, DB_TX_OPEN);
		assert_true(has_tx(world, late));
	}
	must(late, DB_COMMIT, NULL, NULL);
	must(holder, DB_COMMIT, NULL, NULL);
	assert_int_equal(ask(holder, "SELECT SUM(n) FROM v", NULL), 11 + 22); /* what it did before stays */
	db_close(late);
	db_close(holder);
}

static void a_lock_that_is_given_back_is_waited_for(void **state)
{
	struct world *world = *state;
	struct db_session *holder = world_open(world);
	struct other other;

	make_rows(holder);
	must(holder, DB_BEGIN, NULL, NULL);
	must(holder, DB_WRITE, "UPDATE v SET n = n + 1 WHERE id = 1", NULL);
	start_other(&other, world, NULL, "UPDATE v SET n = n * 2 WHERE id = 1");
	await(holder, waiting, 1);
	must(holder, DB_COMMIT, NULL, NULL);
	join_other(&other);
	assert_int_equal(other.second_outcome.err, DB_OK);
	assert_int_equal(ask(holder, "SELECT n FROM v WHERE id = 1", NULL), 22);
	db_close(holder);
}

static void a_changed_row_ends_a_snapshots_transaction(void **state)
{
	struct world *world = *state;
	const struct db_setting on = {"innodb_snapshot_isolation", "on"};
	const struct db_settings settings = {.iso = DB_REPEATABLE_READ, .sets = &on, .n_sets = 1};
	struct db_session *late = world_open_with(world, &settings), *first = world_open(world);

	assert_int_equal(db_identity(late)->snapshot_isolation, 1);
	assert_int_equal(db_identity(first)->snapshot_isolation, 0);
	make_rows(first);
	must(late, DB_BEGIN, NULL, NULL);
	assert_int_equal(ask(late, "SELECT n FROM v WHERE id = 1", NULL), 10);
	must(first, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1", NULL);
	struct db_outcome outcome = attempt(late, DB_WRITE, "UPDATE v SET n = 12 WHERE id = 1", NULL);
	assert_int_equal(outcome.err, DB_SERIALIZATION);
	assert_int_equal(outcome.native, 1020);
	assert_int_equal(outcome.tx, DB_TX_NONE);
	assert_true(db_err_is_refusal(outcome.err));
	assert_false(has_tx(world, late));
	assert_int_equal(ask(first, "SELECT n FROM v WHERE id = 1", NULL), 11);
	db_close(late);
	db_close(first);
}

/* ---- cut off --------------------------------------------------------------------------------- */

static void a_killed_connection_is_lost_and_stays_so(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world), *killer = world_open(world);
	const int64_t connection = db_identity(session)->connection;
	size_t alive;

	make_rows(killer);
	must(session, DB_READ, "SELECT * FROM v", NULL); /* kept prepared */
	must(session, DB_BEGIN, NULL, NULL);
	must(session, DB_WRITE, "UPDATE v SET n = 0", NULL);
	kill_it(killer, "CONNECTION", connection);
	do
		assert_true(db_count_alive(killer, &connection, 1, &alive, NULL));
	while (alive > 0);
	static const struct {
		enum db_verb verb;
		const char *sql;
	} after[] = {{DB_COMMIT, NULL}, {DB_READ, "SELECT * FROM v"}, {DB_WRITE, "UPDATE v SET n = 1"},
	             {DB_BEGIN, NULL}, {DB_ROLLBACK, NULL}};
	for (size_t i = 0; i < COUNT_OF(after); i++) {
		struct db_outcome outcome = attempt(session, after[i].verb, after[i].sql, NULL);
		assert_int_equal(outcome.err, DB_LOST);
		assert_int_equal(outcome.tx, DB_TX_UNKNOWN);
		assert_false(db_err_is_refusal(outcome.err));
	}
	await(killer, "SELECT SUM(n) FROM v", 30); /* never reconnected, never written */
	db_close(session);
	db_close(killer);
}

static void killed_while_it_waits_for_a_lock(void **state)
{
	struct world *world = *state;
	struct db_session *holder = world_open(world), *killer = world_open(world);
	static const char *const what[] = {"CONNECTION", "QUERY"};

	make_rows(holder);
	for (size_t i = 0; i < COUNT_OF(what); i++) {
		struct other other;
		must(holder, DB_BEGIN, NULL, NULL);
		must(holder, DB_WRITE, "UPDATE v SET n = 10 WHERE id = 1", NULL);
		start_other(&other, world, "UPDATE v SET n = n + 1 WHERE id = 2",
		            "UPDATE v SET n = 12 WHERE id = 1");
		await(killer, waiting, 1);
		kill_it(killer, what[i], other.connection);
		join_other(&other);
		assert_int_equal(other.second_outcome.err, i == 0 ? DB_LOST : DB_CANCELED);
		assert_int_equal(other.second_outcome.tx, i == 0 ? DB_TX_UNKNOWN : DB_TX_OPEN);
		assert_int_equal(other.in_transaction, i == 0 ? -1 : 1);
		must(holder, DB_COMMIT, NULL, NULL);
	}
	await(killer, "SELECT n FROM v WHERE id = 2", 21); /* the second one's own commit */
	db_close(killer);
	db_close(holder);
}

static void a_statement_beyond_its_time_is_canceled(void **state)
{
	const struct db_setting limit = {"max_statement_time", "0.01"};
	struct db_session *session = world_open_with(
	        *state, &(struct db_settings){.iso = DB_ISO_DEFAULT, .sets = &limit, .n_sets = 1});

	must(session, DB_BEGIN, NULL, NULL);
	struct db_outcome outcome = attempt(session, DB_READ, "SELECT SLEEP(600)", NULL);
	assert_int_equal(outcome.err, DB_CANCELED);
	assert_int_equal(outcome.native, 1969);
	assert_int_equal(outcome.tx, DB_TX_OPEN);
	assert_true(has_tx(*state, session));
	db_close(session);
}

/* A client that is killed while its statement waits leaves a connection behind that writes later. */
static void a_dead_clients_statement_is_still_alive(void **state)
{
	struct world *world = *state;
	struct db_session *holder = world_open(world), *looker = world_open(world);
	int64_t connection = 0;
	size_t alive = 77;
	int pipe_ends[2], status;

	make_rows(holder);
	must(holder, DB_BEGIN, NULL, NULL);
	must(holder, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1", NULL);
	assert_int_equal(pipe(pipe_ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct db_session *own = db_open(&world->target, &plain, NULL);
		connection = own != NULL ? db_identity(own)->connection : 0;
		if (write(pipe_ends[1], &connection, sizeof connection) != sizeof connection || own == NULL)
			_exit(1);
		(void)attempt(own, DB_WRITE, "UPDATE v SET n = n + 100 WHERE id = 1", NULL);
		_exit(2);
	}
	assert_int_equal(read(pipe_ends[0], &connection, sizeof connection), sizeof connection);
	assert_true(connection > 0);
	await(looker, waiting, 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_true(db_count_alive(looker, &connection, 1, &alive, NULL));
	assert_int_equal(alive, 1);
	const int64_t list[] = {connection, 1 << 30, db_identity(holder)->connection};
	assert_true(db_count_alive(looker, list, COUNT_OF(list), &alive, NULL));
	assert_int_equal(alive, 2);
	must(holder, DB_COMMIT, NULL, NULL);
	do
		assert_true(db_count_alive(looker, &connection, 1, &alive, NULL));
	while (alive > 0);
	assert_int_equal(ask(looker, "SELECT n FROM v WHERE id = 1", NULL), 111);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	db_close(looker);
	db_close(holder);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void what_does_not_fit_is_refused_whole(void **state)
{
	struct world *world = *state;
	struct db_session *root = world_open(world);
	static const char *const too_much[] = {
		"UPDATE r SET n = n + 2147483647", "UPDATE r SET n = 2147483648",
		"UPDATE r SET n = -2147483649", "UPDATE r SET s = 'four'", "UPDATE r SET b = b + 1",
		"INSERT INTO r (n, s, b) VALUES (9999999999, 'x', 1)",
	};

	must(root, DB_WRITE, "CREATE TABLE r (n int, s varchar(3), b bigint) {table_end}", NULL);
	must(root, DB_WRITE, "INSERT INTO r VALUES (1, 'abc', 9223372036854775807)", NULL);
	/* A server that would cut values instead: the session does not let it. */
	must(root, DB_WRITE, "SET GLOBAL sql_mode = ''", NULL);
	struct db_session *session = world_open(world);
	must(root, DB_WRITE, "SET GLOBAL sql_mode = DEFAULT", NULL);
	for (size_t i = 0; i < COUNT_OF(too_much); i++) {
		must(session, DB_BEGIN, NULL, NULL);
		struct db_outcome outcome = attempt(session, DB_WRITE, too_much[i], NULL);
		assert_int_equal(outcome.err, DB_RANGE);
		assert_int_equal(outcome.tx, DB_TX_OPEN);
		assert_true(has_tx(world, session));
		must(session, DB_COMMIT, NULL, NULL);
	}
	assert_int_equal(ask(root, "SELECT COUNT(*) FROM r WHERE n = 1 AND s = 'abc' AND b = ?",
	                     ARGS(db_int(INT64_MAX))), 1);
	assert_int_equal(ask(root, "SELECT COUNT(*) FROM r", NULL), 1);
	db_close(session);
	db_close(root);
}

static void each_type_comes_as_a_number_or_a_text(void **state)
{
	struct db_session *session = world_open(*state);
	static const struct {
		const char *sql, *text; /* NULL: a whole number */
		int64_t number;
	} types[] = {
		{"CAST(18446744073709551615 AS UNSIGNED)", "18446744073709551615", 0},
		{"CAST(9223372036854775807 AS UNSIGNED)", NULL, INT64_MAX},
		{"CAST(-7 AS DECIMAL(20,0))", NULL, -7},
		{"CAST(7 AS DECIMAL(20,2))", "7.00", 0},
		{"CAST(99999999999999999999 AS DECIMAL(30,0))", "99999999999999999999", 0},
		{"1.5e0", "1.5", 0},
		{"CAST('2026-11-23 18:22:01.5' AS DATETIME(6))", "2026-11-23 18:22:01.500000", 0},
		{"CAST('2026-11-23' AS DATE)", "2026-11-23", 0},
		{"TRUE", NULL, 1},
		{"@@time_zone", "+00:00", 0},
		{"@@character_set_client", "utf8mb4", 0},
		{"@@character_set_connection", "utf8mb4", 0},
		{"@@character_set_results", "utf8mb4", 0},
	};

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct db_rows rows = {0};
		char *sql = mem_printf("SELECT %s", types[i].sql);
		assert_true(db_run(session, DB_READ, sql, NULL, &rows, NULL, NULL));
		const struct db_value *value = db_cell(&rows, 0, 0);
		assert_int_equal(value->type, types[i].text != NULL ? DB_TEXT : DB_INT);
		if (types[i].text != NULL)
			assert_string_equal(value->text, types[i].text);
		else
			assert_true(value->integer == types[i].number);
		free(sql);
		db_rows_fini(&rows);
	}
	db_close(session);
}

static void a_transaction_that_the_server_opens_or_ends_is_seen(void **state)
{
	struct world *world = *state;
	const struct db_setting chain = {"completion_type", "CHAIN"};
	struct db_session *session = world_open_with(
	        world, &(struct db_settings){.iso = DB_ISO_DEFAULT, .sets = &chain, .n_sets = 1});

	make_rows(session);
	must(session, DB_BEGIN, NULL, NULL);
	/* DDL commits by itself. */
	assert_int_equal(must(session, DB_WRITE, "CREATE TABLE w (n int)", NULL).tx, DB_TX_NONE);
	assert_false(has_tx(world, session));
	must(session, DB_BEGIN, NULL, NULL);
	assert_int_equal(must(session, DB_COMMIT, NULL, NULL).tx, DB_TX_OPEN); /* COMMIT AND CHAIN */
	assert_true(has_tx(world, session));
	db_close(session);
}

/* ---- by the number alone, where no such server is at hand ------------------------------------- */

static void an_error_number_says_where_the_transaction_is(void **state)
{
	(void)state;
	assert_int_equal(maria_tx_after(1205, DB_WRITE, DB_TX_OPEN, false), DB_TX_OPEN);
	assert_int_equal(maria_tx_after(1205, DB_WRITE, DB_TX_OPEN, true), DB_TX_NONE);
	assert_int_equal(maria_tx_after(1062, DB_WRITE, DB_TX_NONE, false), DB_TX_NONE);
	assert_int_equal(maria_tx_after(1213, DB_COMMIT, DB_TX_OPEN, false), DB_TX_NONE); /* Galera */
	assert_int_equal(maria_tx_after(1180, DB_COMMIT, DB_TX_OPEN, false), DB_TX_UNKNOWN);
	assert_int_equal(maria_classify(3572), DB_BUSY); /* MySQL's NOWAIT */
	assert_int_equal(maria_classify(3024), DB_CANCELED);
	assert_int_equal(maria_classify(4031), DB_LOST);
	assert_int_equal(maria_classify(1114), DB_FULL);
	assert_int_equal(maria_classify(12345), DB_BROKEN);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(a_deadlock_ends_the_victims_transaction),
		CASE(a_lock_timeout_leaves_the_transaction_open),
		CASE(a_lock_that_is_given_back_is_waited_for),
		CASE(a_changed_row_ends_a_snapshots_transaction),
		CASE(a_killed_connection_is_lost_and_stays_so),
		CASE(killed_while_it_waits_for_a_lock),
		CASE(a_statement_beyond_its_time_is_canceled),
		CASE(a_dead_clients_statement_is_still_alive),
		CASE(what_does_not_fit_is_refused_whole),
		CASE(each_type_comes_as_a_number_or_a_text),
		CASE(a_transaction_that_the_server_opens_or_ends_is_seen),
		CASE(an_error_number_says_where_the_transaction_is),
	};

	world_engine = "mariadb";
	return cmocka_run_group_tests(cases, world_setup, world_teardown);
}
