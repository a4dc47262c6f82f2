/* Connections that the server ends, and servers that die: before a statement, while it waits, while a
 * COMMIT waits, between statements. Where the server lives on it is asked what it has. test_killed ENGINE. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "actor.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* Only ends a hung test. */
#define HUNG_NS (120 * NS_PER_S)

/* A server of its own for each case, since some kill it. */
static int own_server(void **state)
{
	return world_setup(state) == 0 && world_fresh(state) == 0 ? 0 : -1;
}

static int own_server_ends(void **state)
{
	world_stale(state);
	return world_teardown(state);
}

static const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 3600 * NS_PER_S};
static const char insert[] = "INSERT INTO d VALUES (1)";

/* PostgreSQL looks at this key when the transaction ends. */
static void make_rows(const struct world *world)
{
	struct db_session *session = world_open(world);

	must(session, DB_WRITE, world->is_postgres ? "CREATE TABLE d (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
	                                           : "CREATE TABLE d (id int) {table_end}", NULL);
	must(session, DB_WRITE, "CREATE TABLE v (id int PRIMARY KEY, n int) {table_end}", NULL);
	must(session, DB_WRITE, "INSERT INTO v VALUES (1, 10), (2, 20)", NULL);
	db_close(session);
}

static void expect_lost(const struct db_outcome *outcome)
{
	if (outcome->err != DB_LOST || outcome->tx != DB_TX_UNKNOWN)
		fail_msg("%s/%s: %s", db_err_name(outcome->err), db_tx_name(outcome->tx), outcome->message);
}

static void expect_lost_for_good(struct actor *actor)
{
	static const struct {
		enum db_verb verb;
		const char *sql;
	} calls[] = {{DB_READ, "SELECT COUNT(*) FROM d"}, {DB_WRITE, insert}, {DB_COMMIT, NULL},
	             {DB_ROLLBACK, NULL}, {DB_BEGIN, NULL}, {DB_WRITE, insert}};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct db_outcome outcome = actor_attempt(actor, calls[i].verb, calls[i].sql);
		expect_lost(&outcome);
	}
}

static void expect_waiting(const struct world *world, struct actor *holder, struct actor *waiter)
{
	struct db_session *sessions[] = {actor_session(holder), actor_session(waiter)};
	enum db_wait waits[2];

	assert_true(db_who_waits(world->observer, sessions, 2, HUNG_NS, waits, NULL));
	assert_int_equal(waits[1], DB_WAITS);
}

/* Who waits for a row, or for its COMMIT, because of the other one. */
struct pair {
	struct actor *holder, *waiter;
};

static struct pair open_pair(const struct world *world)
{
	return (struct pair){actor_open(world, &patient), actor_open(world, &patient)};
}

static void wait_for_a_row(const struct world *world, const struct pair *pair)
{
	actor_must(pair->holder, DB_BEGIN, NULL);
	actor_must(pair->holder, DB_WRITE, "UPDATE v SET n = 11 WHERE id = 1");
	actor_must(pair->waiter, DB_BEGIN, NULL);
	actor_must(pair->waiter, DB_WRITE, "UPDATE v SET n = 22 WHERE id = 2");
	actor_do(pair->waiter, DB_WRITE, "UPDATE v SET n = 12 WHERE id = 1");
	expect_waiting(world, pair->holder, pair->waiter);
}

static void wait_in_a_commit(const struct world *world, const struct pair *pair)
{
	actor_must(pair->waiter, DB_BEGIN, NULL);
	if (world->is_postgres) {
		actor_must(pair->holder, DB_BEGIN, NULL);
		actor_must(pair->holder, DB_WRITE, insert);
		actor_must(pair->waiter, DB_WRITE, insert);
	} else {
		actor_must(pair->waiter, DB_WRITE, insert);
		actor_must(pair->holder, DB_WRITE, "FLUSH TABLES WITH READ LOCK");
	}
	actor_do(pair->waiter, DB_COMMIT, NULL);
	expect_waiting(world, pair->holder, pair->waiter);
}

static void close_pair(const struct pair *pair)
{
	actor_close(pair->waiter);
	actor_close(pair->holder);
}

/* ---- one connection --------------------------------------------------------------------------- */

static void await_end(const struct world *world, struct actor *actor)
{
	const int64_t connection = db_identity(actor_session(actor))->connection;
	size_t alive;

	do
		assert_true(db_count_alive(world->observer, &connection, 1, &alive, NULL));
	while (alive > 0);
}

static void end_connection(const struct world *world, struct actor *actor)
{
	char *sql = mem_printf(world->is_postgres ? "SELECT CAST(pg_terminate_backend(%lld) AS int)"
	                                          : "KILL CONNECTION %lld",
	                       (long long)db_identity(actor_session(actor))->connection);

	must(world->observer, world->is_postgres ? DB_READ : DB_WRITE, sql, NULL);
	free(sql);
}

static int64_t number(const struct world *world, const char *sql)
{
	struct db_session *session = world_open(world);
	int64_t answer = ask(session, sql, NULL);

	db_close(session);
	return answer;
}

/* BEGIN, INSERT, COMMIT, BEGIN, of which the one at `at` finds its connection ended. */
static void ended_between_statements(void **state)
{
	struct world *world = *state;
	static const enum db_verb verbs[] = {DB_BEGIN, DB_WRITE, DB_COMMIT, DB_BEGIN};

	make_rows(world);
	for (size_t at = 0; at < COUNT_OF(verbs); at++) {
		struct actor *actor = actor_open(world, &patient);
		for (size_t i = 0; i < at; i++)
			actor_must(actor, verbs[i], verbs[i] == DB_WRITE ? insert : NULL);
		end_connection(world, actor);
		await_end(world, actor);
		struct db_outcome outcome = actor_attempt(actor, verbs[at], verbs[at] == DB_WRITE ? insert : NULL);
		expect_lost(&outcome);
		expect_lost_for_good(actor);
		actor_close(actor);
		assert_int_equal(number(world, "SELECT COUNT(*) FROM d"), at == 3 ? 1 : 0);
	}
}

static void ended_while_it_waits(void **state)
{
	struct world *world = *state;

	make_rows(world);
	for (int i = 0; i < 2; i++) {
		struct pair pair = open_pair(world);
		(i == 0 ? wait_for_a_row : wait_in_a_commit)(world, &pair);
		end_connection(world, pair.waiter);
		struct db_outcome outcome = actor_wait(pair.waiter);
		expect_lost(&outcome);
		await_end(world, pair.waiter);
		expect_lost_for_good(pair.waiter);
		if (i == 0)
			actor_must(pair.holder, DB_ROLLBACK, NULL);
		else
			actor_must(pair.holder, world->is_postgres ? DB_ROLLBACK : DB_WRITE,
			           world->is_postgres ? NULL : "UNLOCK TABLES");
		close_pair(&pair);
		assert_int_equal(number(world, "SELECT SUM(n) FROM v"), 30);
		assert_int_equal(number(world, "SELECT COUNT(*) FROM d"), 0);
	}
}

/* ---- the whole server ------------------------------------------------------------------------- */

static pid_t read_pid(const struct world *world)
{
	const char *socket = world->server.socket, *slash = strrchr(socket, '/');
	int length = world->is_postgres ? (int)strlen(socket) : (int)(slash - socket), pid = 0;
	char *path = mem_printf("%.*s/pid", length, socket);
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	assert_true(pid > 1);
	fclose(file);
	free(path);
	return pid;
}

static void kill_one(pid_t pid)
{
	struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};

	if (ended.fd < 0) /* it went by itself */
		return;
	(void)kill(pid, SIGKILL);
	assert_int_equal(poll(&ended, 1, (int)(HUNG_NS / NS_PER_MS)), 1);
	close(ended.fd);
}

/* PostgreSQL is one process for each connection, which would do what it is told for a while. */
static void kill_server(const struct world *world)
{
	pid_t server = read_pid(world), children[64];
	char *path = mem_printf("/proc/%d/task/%d/children", (int)server, (int)server);
	FILE *file = fopen(path, "re");
	size_t n = 0;

	assert_non_null(file);
	while (n < COUNT_OF(children) && fscanf(file, "%d", &children[n]) == 1)
		n++;
	fclose(file);
	free(path);
	kill_one(server); /* first: it would start others */
	while (n > 0)
		kill_one(children[--n]);
}

static void a_server_that_is_gone_before_the_first_use(void **state)
{
	struct world *world = *state;
	struct actor *actor = actor_open(world, &patient);

	kill_server(world);
	expect_lost_for_good(actor);
	actor_close(actor);
	char *text = world_open_error(&world->target, &patient);
	assert_contains(text, "cannot reach the database");
	free(text);
}

static void a_server_that_dies_within_a_transaction(void **state)
{
	struct world *world = *state;
	struct actor *actor = actor_open(world, &patient);

	make_rows(world);
	actor_must(actor, DB_BEGIN, NULL);
	actor_must(actor, DB_WRITE, insert);
	kill_server(world);
	struct db_outcome outcome = actor_attempt(actor, DB_COMMIT, NULL);
	expect_lost(&outcome);
	expect_lost_for_good(actor);
	actor_close(actor);
}

static void a_server_that_dies_while(const struct world *world, void (*wait)(const struct world *, const struct pair *))
{
	make_rows(world);
	struct pair pair = open_pair(world);
	wait(world, &pair);
	kill_server(world);
	struct db_outcome outcome = actor_wait(pair.waiter);
	expect_lost(&outcome);
	expect_lost_for_good(pair.waiter);
	expect_lost_for_good(pair.holder);
	close_pair(&pair);
}

static void a_server_that_dies_during_a_statement(void **state)
{
	a_server_that_dies_while(*state, wait_for_a_row);
}

static void a_server_that_dies_during_a_commit(void **state)
{
	a_server_that_dies_while(*state, wait_in_a_commit);
}

int main(int argc, char **argv)
{
#define OWN(function) cmocka_unit_test_setup_teardown(function, own_server, own_server_ends)
	static const struct CMUnitTest cases[] = {
		OWN(ended_between_statements), OWN(ended_while_it_waits),
		OWN(a_server_that_is_gone_before_the_first_use), OWN(a_server_that_dies_within_a_transaction),
		OWN(a_server_that_dies_during_a_statement), OWN(a_server_that_dies_during_a_commit)};

	if (argc != 2) {
		fprintf(stderr, "usage: %s mariadb|postgres\n", argv[0]);
		return 2;
	}
	world_engine = argv[1];
	return cmocka_run_group_tests(cases, NULL, NULL);
}
