/* Connections that break in the middle of an operation: what was told of each call, and what the server
 * then has, once it has no such connection any more. By unix sockets and by TCP, which behave differently
 * when half of them is shut down. test_cut ENGINE[/tcp]. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/driver.h"
#include "world.h"

static void make_rows(const struct world *world)
{
	struct db_session *session = world_open(world);
	char *sql = mem_printf("CREATE TABLE v (n bigint, s %s) {table_end}", world->long_text);

	must(session, DB_WRITE, sql, NULL);
	free(sql);
	db_close(session);
}

/* Cuts before the call of this number, from 0, as an experiment's fault does. */
struct fault {
	struct db_session *session;
	int at, calls;
	enum db_cut cut;
};

static bool strike(void *context, const struct db_call *call)
{
	struct fault *fault = context;

	(void)call;
	return fault->calls++ != fault->at || db_cut(fault->session, fault->cut);
}

static void assert_lost(const struct db_outcome *outcome)
{
	if (outcome->err != DB_LOST || outcome->tx != DB_TX_UNKNOWN)
		fail_msg("%s/%s: %s", db_err_name(outcome->err), db_tx_name(outcome->tx), outcome->message);
	assert_false(db_err_is_refusal(outcome->err));
}

/* No call of it reaches a server again, whatever it is. */
static void assert_of_no_more_use(struct db_session *session)
{
	static const struct {
		enum db_verb verb;
		const char *sql;
	} calls[] = {{DB_COMMIT, NULL}, {DB_ROLLBACK, NULL}, {DB_BEGIN, NULL}, {DB_READ, "SELECT 1"},
	             {DB_WRITE, "INSERT INTO v (n) VALUES (1)"}, {DB_WRITE, "INSERT INTO v (n) VALUES (?)"}};
	bool lost = false;

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		bool marked = calls[i].sql != NULL && strchr(calls[i].sql, '?') != NULL;
		struct db_outcome outcome = attempt(session, calls[i].verb, calls[i].sql,
		                                    marked ? ARGS(db_int(1)) : NULL);
		assert_lost(&outcome);
	}
	assert_false(db_set_level(session, DB_SERIALIZABLE, &lost, NULL));
	assert_true(lost);
}

static int64_t rows_in_the_end(const struct world *world, int64_t connection)
{
	struct db_session *session = world_open(world);
	size_t alive;

	do
		assert_true(db_count_alive(world->observer, &connection, 1, &alive, NULL));
	while (alive > 0);
	int64_t rows = ask(session, "SELECT COUNT(*) FROM v", NULL);
	must(session, DB_WRITE, "DELETE FROM v", NULL);
	db_close(session);
	return rows;
}

static const char insert[] = "INSERT INTO v (n) VALUES (?)";

/* BEGIN, INSERT, COMMIT; or an INSERT alone, which is call 0. How many rows there are in the end. */
static int64_t cut_at(const struct world *world, bool alone, int at, enum db_cut cut, bool prepared)
{
	struct db_session *session = world_open(world);
	struct fault fault = {session, at, 0, cut};
	const struct db_hook hook = {.context = &fault, .before = strike};
	const enum db_verb verbs[] = {DB_BEGIN, DB_WRITE, DB_COMMIT};
	const int64_t connection = db_identity(session)->connection;

	if (prepared) {
		must(session, DB_WRITE, insert, ARGS(db_int(7)));
		must(session, DB_WRITE, "DELETE FROM v", NULL);
	}
	db_add_hook(session, &hook);
	for (int i = 0; i <= at; i++) {
		enum db_verb verb = alone ? DB_WRITE : verbs[i];
		bool writes = verb == DB_WRITE;
		struct db_outcome outcome = attempt(session, verb, writes ? insert : NULL,
		                                    writes ? ARGS(db_int(i)) : NULL);
		if (i < at)
			assert_int_equal(outcome.err, DB_OK);
		else
			assert_lost(&outcome);
	}
	assert_of_no_more_use(session);
	db_close(session);
	return rows_in_the_end(world, connection);
}

static void what_is_cut_before_it_does_not_arrive(void **state)
{
	struct world *world = *state;

	make_rows(world);
	for (int prepared = 0; prepared < 2; prepared++) {
		for (int at = 0; at < 3; at++)
			assert_int_equal(cut_at(world, false, at, DB_CUT_ALL, prepared), 0);
		assert_int_equal(cut_at(world, true, 0, DB_CUT_ALL, prepared), 0);
	}
}

/* Once: what a client library tried again by itself would be there twice. */
static void what_only_lacks_its_answer_is_carried_out_once(void **state)
{
	struct world *world = *state;

	make_rows(world);
	for (int prepared = 0; prepared < 2; prepared++)
		for (int round = 0; round < 5; round++) {
			assert_int_equal(cut_at(world, false, 0, DB_CUT_ANSWERS, prepared), 0); /* begun only */
			assert_int_equal(cut_at(world, false, 1, DB_CUT_ANSWERS, prepared), 0); /* not committed */
			assert_int_equal(cut_at(world, false, 2, DB_CUT_ANSWERS, prepared), 1);
			assert_int_equal(cut_at(world, true, 0, DB_CUT_ANSWERS, prepared), 1);
		}
}

/* More than goes out at once, and more than comes back at once. */
static void much_is_sent_and_much_is_lost(void **state)
{
	struct world *world = *state;
	char *text = mem_new(1000001, 1);

	make_rows(world);
	memset(text, 'x', 1000000);
	for (int i = 0; i < 2; i++) {
		struct db_session *session = world_open(world);
		const int64_t connection = db_identity(session)->connection;
		struct db_rows rows = {0};
		struct db_outcome outcome;
		must(session, DB_WRITE, "INSERT INTO v (s) VALUES (?)", ARGS(db_text(text)));
		assert_true(db_cut(session, DB_CUT_ANSWERS));
		if (i == 0)
			outcome = attempt(session, DB_WRITE, "INSERT INTO v (s) VALUES (?)", ARGS(db_text(text)));
		else
			assert_false(db_run(session, DB_READ, "SELECT s FROM v", NULL, &rows, &outcome, NULL));
		assert_lost(&outcome);
		assert_int_equal(rows.n_rows, 0);
		db_close(session);
		assert_int_equal(rows_in_the_end(world, connection), i == 0 ? 2 : 1);
	}
	free(text);
}

/* What the server refuses to prepare has no answer to lose: the next statement has. */
static void a_statement_that_is_none_does_not_use_the_cut_up(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);

	make_rows(world);
	assert_true(db_cut(session, DB_CUT_ANSWERS));
	assert_int_equal(attempt(session, DB_WRITE, "SELEC", NULL).err, DB_BROKEN);
	for (int i = 0; i < 70; i++) { /* more than are kept prepared, in vain */
		char *sql = mem_printf("SELECT ? + %d", i);
		assert_int_equal(attempt(session, DB_READ, sql, NULL).err, DB_BROKEN);
		free(sql);
	}
	struct db_outcome outcome = attempt(session, DB_WRITE, insert, ARGS(db_int(1)));
	assert_lost(&outcome);
	const int64_t connection = db_identity(session)->connection;
	db_close(session);
	assert_int_equal(rows_in_the_end(world, connection), 1);
}

/* PostgreSQL's are sent otherwise when enough are kept prepared. */
static void a_statement_too_many_to_be_kept(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	const int64_t connection = db_identity(session)->connection;

	make_rows(world);
	for (int i = 0; i < 70; i++) {
		char *sql = mem_printf("SELECT ? + %d", i);
		assert_int_equal(ask(session, sql, ARGS(db_int(1))), 1 + i);
		free(sql);
	}
	assert_true(db_cut(session, DB_CUT_ANSWERS));
	struct db_outcome outcome = attempt(session, DB_WRITE, insert, ARGS(db_int(1)));
	assert_lost(&outcome);
	assert_of_no_more_use(session);
	db_close(session);
	assert_int_equal(rows_in_the_end(world, connection), 1);
}

static void where_there_is_no_connection_none_is_cut(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);

	make_rows(world);
	assert_false(db_cut(session, DB_CUT_ALL));
	assert_false(db_cut(session, DB_CUT_ANSWERS));
	assert_int_equal(must(session, DB_WRITE, insert, ARGS(db_int(1))).tx, DB_TX_NONE);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 1);
	db_close(session);
}

/* ---- the sockets themselves -------------------------------------------------------------------- */

static void join_by_tcp(int ends[2])
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof name;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&name, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &length), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&name, length), 0);
	ends[1] = accept(listener, NULL, NULL);
	assert_true(ends[1] >= 0);
	close(listener);
}

/* An answer that is there before anybody looks is lost too. */
static void answers_are_lost_however_fast_they_come(void **state)
{
	char *sent = mem_new(100000, 1), *came = mem_new(100000, 1);
	int ends[2];

	(void)state;
	memset(sent, 'q', 100000);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			join_by_tcp(ends);
		else
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(send(ends[1], "early", 5, MSG_NOSIGNAL), 5);
		db_cut_socket(ends[0], DB_CUT_ANSWERS);
		assert_int_equal(send(ends[0], sent, 100000, MSG_NOSIGNAL), 100000);
		assert_int_equal(recv(ends[1], came, 100000, MSG_WAITALL), 100000);
		assert_memory_equal(sent, came, 100000);
		(void)send(ends[1], "answer", 6, MSG_NOSIGNAL);
		assert_int_equal(recv(ends[0], came, 100000, 0), 0);
		db_cut_socket(ends[0], DB_CUT_ALL);
		assert_int_equal(send(ends[0], "more", 4, MSG_NOSIGNAL), -1);
		assert_int_equal(recv(ends[1], came, 100000, 0), 0);
		close(ends[0]);
		close(ends[1]);
	}
	free(came);
	free(sent);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest sqlite[] = {CASE(where_there_is_no_connection_none_is_cut)};
	static const struct CMUnitTest servers[] = {
		CASE(what_is_cut_before_it_does_not_arrive), CASE(what_only_lacks_its_answer_is_carried_out_once),
		CASE(much_is_sent_and_much_is_lost), CASE(a_statement_that_is_none_does_not_use_the_cut_up),
		CASE(a_statement_too_many_to_be_kept),
		cmocka_unit_test(answers_are_lost_however_fast_they_come),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s sqlite|mariadb[/tcp]|postgres[/tcp]\n", argv[0]);
		return 2;
	}
	world_engine = argv[1];
	if (text_equal(world_engine, "sqlite"))
		return cmocka_run_group_tests(sqlite, world_setup, world_teardown);
	return cmocka_run_group_tests(servers, world_setup, world_teardown);
}
