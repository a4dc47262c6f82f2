/* A hook that waits for a server's answers, on every engine: test_answering ENGINE. What it promises: it is asked
 * between a statement's `before` and `after` and nowhere else, the answer is the same as without it, another statement
 * may be performed meanwhile by the same thread, and a hook that does not want to wait costs nothing but the wait. */
#include <poll.h>
#include <stdio.h>

#include "world.h"

struct watcher {
	struct db_hook hook;
	bool within, waits;
	int looks; /* of the call under way */
	/* Performed at the first look that finds nothing to be read. */
	struct db_session *holder;
	enum db_verb verb;
	char sql[80];
};

static bool before(void *context, const struct db_call *call)
{
	struct watcher *watcher = context;

	(void)call;
	assert_false(watcher->within);
	watcher->within = true;
	watcher->looks = 0;
	return true;
}

static void after(void *context, const struct db_call *call, const struct db_rows *rows,
                  const struct db_outcome *outcome)
{
	struct watcher *watcher = context;

	(void)call, (void)rows, (void)outcome;
	assert_true(watcher->within);
	watcher->within = false;
}

/* What the holder does is performed from within the other session's wait, as the scheduler of an exploration does. */
static bool answering(void *context, const struct db_call *call, int socket)
{
	struct watcher *watcher = context;
	struct pollfd answer = {.fd = socket, .events = POLLIN};

	assert_true(watcher->within);
	assert_true(socket >= 0 && call != NULL);
	watcher->looks++;
	if (!watcher->waits)
		return false;
	/* A statement that the server does not know yet is prepared first, which is answered at once. */
	if (watcher->holder != NULL && poll(&answer, 1, 50) == 0) {
		struct db_session *holder = watcher->holder;
		watcher->holder = NULL;
		must(holder, watcher->verb, watcher->verb == DB_COMMIT ? NULL : watcher->sql, NULL);
	}
	assert_int_equal(poll(&answer, 1, -1), 1);
	return true;
}

static void watch(struct watcher *watcher, struct db_session *session)
{
	watcher->hook = (struct db_hook){.context = watcher, .before = before, .after = after, .answering = answering};
	db_add_hook(session, &watcher->hook);
}

static void a_hook_waits_for_the_answer(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	struct watcher watcher = {.waits = true};
	bool asked = db_answers_by_hook(&world->target);

	assert_true(asked == world->is_postgres);
	watch(&watcher, session);
	must(session, DB_WRITE, "CREATE TABLE w (id int PRIMARY KEY, n int) {table_end}", NULL);
	must(session, DB_WRITE, "INSERT INTO w VALUES (1, 7)", NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(session, "SELECT n FROM w WHERE id = ?", ARGS(db_int(1))), 7);
		assert_true((watcher.looks > 0) == asked);
	}
	/* One that the server refuses is answered as well. */
	assert_int_equal(attempt(session, DB_WRITE, "INSERT INTO w VALUES (1, 8)", NULL).err, DB_CONSTRAINT);
	assert_true((watcher.looks > 0) == asked);
	must(session, DB_BEGIN, NULL, NULL);
	must(session, DB_WRITE, "UPDATE w SET n = 9", NULL);
	must(session, DB_ROLLBACK, NULL, NULL);
	assert_int_equal(ask(session, "SELECT n FROM w", NULL), 7);
	assert_false(watcher.within);
	db_close(session);
}

static void what_waits_for_a_lock_waits_in_the_hook(void **state)
{
	struct world *world = *state;

	if (!db_answers_by_hook(&world->target))
		return;
	struct db_session *holder = world_open(world), *session = world_open(world);
	struct watcher watcher = {.waits = true, .verb = DB_COMMIT};

	must(holder, DB_WRITE, "CREATE TABLE w (id int PRIMARY KEY, n int) {table_end}", NULL);
	must(holder, DB_WRITE, "INSERT INTO w VALUES (1, 7)", NULL);
	watch(&watcher, session);
	for (int64_t n = 7; n < 10; n++) {
		must(holder, DB_BEGIN, NULL, NULL);
		must(holder, DB_WRITE, "UPDATE w SET n = n + 1", NULL);
		watcher.holder = holder;
		/* It was sent before the COMMIT, and has seen what that did. */
		assert_int_equal(ask(session, "SELECT n FROM w WHERE id = 1 FOR UPDATE", NULL), n + 1);
		assert_null(watcher.holder);
	}
	db_close(session);
	db_close(holder);
}

static void a_hook_that_does_not_wait_leaves_it_to_the_client(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	struct watcher first = {.waits = false}, second = {.waits = true};

	watch(&first, session);
	must(session, DB_WRITE, "CREATE TABLE w (n int) {table_end}", NULL);
	must(session, DB_WRITE, "INSERT INTO w VALUES (7)", NULL);
	assert_int_equal(ask(session, "SELECT n FROM w", NULL), 7);
	assert_true((first.looks > 0) == world->is_postgres);
	/* The next hook is asked then. */
	watch(&second, session);
	assert_int_equal(ask(session, "SELECT n FROM w", NULL), 7);
	assert_true((second.looks > 0) == world->is_postgres);
	db_close(session);
}

static void a_session_that_is_killed_while_it_waits(void **state)
{
	struct world *world = *state;

	if (!db_answers_by_hook(&world->target))
		return;
	struct db_session *holder = world_open(world), *session = world_open(world);
	struct watcher watcher = {.waits = true, .verb = DB_READ};

	must(holder, DB_WRITE, "CREATE TABLE w (n int)", NULL);
	must(holder, DB_WRITE, "INSERT INTO w VALUES (7)", NULL);
	watch(&watcher, session);
	snprintf(watcher.sql, sizeof watcher.sql, "SELECT pg_terminate_backend(%d)",
	         (int)ask(session, "SELECT pg_backend_pid()", NULL));
	must(holder, DB_BEGIN, NULL, NULL);
	must(holder, DB_READ, "SELECT n FROM w FOR UPDATE", NULL);
	watcher.holder = holder;
	assert_int_equal(attempt(session, DB_READ, "SELECT n FROM w FOR UPDATE", NULL).err, DB_LOST);
	assert_null(watcher.holder);
	assert_int_equal(attempt(session, DB_READ, "SELECT n FROM w", NULL).err, DB_LOST);
	assert_false(watcher.within);
	must(holder, DB_COMMIT, NULL, NULL);
	db_close(session);
	db_close(holder);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest cases[] = {
		CASE(a_hook_waits_for_the_answer),
		CASE(what_waits_for_a_lock_waits_in_the_hook),
		CASE(a_hook_that_does_not_wait_leaves_it_to_the_client),
		CASE(a_session_that_is_killed_while_it_waits),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_answering ENGINE\n");
		return 2;
	}
	world_engine = argv[1];
	return cmocka_run_group_tests(cases, world_setup, world_teardown);
}
