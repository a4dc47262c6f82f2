/* Who waits for a lock: asked a thousand times of random schedules whose truth is known, and of what can
 * only be answered with "cannot tell". test_waits ENGINE. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "actor.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

enum { ACTORS = 3, ROWS = 2, QUESTIONS = 1000 };
/* Only ends a hung test. */
#define HUNG_NS (120 * NS_PER_S)

static const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 3600 * NS_PER_S};

static void make_rows(struct db_session *session)
{
	must(session, DB_WRITE, "CREATE TABLE w (id int PRIMARY KEY, n int) {table_end}", NULL);
	for (int64_t i = 0; i < ROWS; i++)
		must(session, DB_WRITE, "INSERT INTO w (id, n) VALUES (?, 0)", ARGS(db_int(i)));
}

static struct db_session *observer_of(const struct world *world)
{
	return world->observer; /* none on SQLite */
}

static enum db_wait ask_one(const struct world *world, struct actor *actor, int64_t limit_ns)
{
	struct db_session *sessions[] = {actor_session(actor)};
	enum db_wait wait = DB_WAITS_UNKNOWN;
	struct err err = {0};

	if (!db_who_waits(observer_of(world), sessions, 1, limit_ns, &wait, &err))
		fail_msg("%s", err_text(&err));
	return wait;
}

/* ---- a random schedule ------------------------------------------------------------------------ */

/* What can be locked: rows, and a lock by name where the engine has those. On SQLite all is one. */
enum { NAMED = ROWS, THINGS };

struct schedule {
	struct world *world;
	struct actor *actors[ACTORS];
	struct rng rng;
	bool in_tx[ACTORS];
	int wants[ACTORS];  /* the thing that its statement waits for; -1: it waits not */
	int last[ACTORS];   /* the last thing it locked; in ascending order there is no deadlock */
	int holder[THINGS]; /* -1: nobody */
	char sql[ACTORS][80];
	int asked, blocked, released;
};

static int thing_of(const struct schedule *schedule, int wish)
{
	return schedule->world->is_sqlite ? 0 : wish;
}

/* Asks, and holds the answer against what must be. */
static void question(struct schedule *schedule, const enum db_wait *truth)
{
	struct db_session *sessions[ACTORS];
	enum db_wait answers[ACTORS];
	struct err err = {0};

	for (int i = 0; i < ACTORS; i++)
		sessions[i] = actor_session(schedule->actors[i]);
	if (!db_who_waits(observer_of(schedule->world), sessions, ACTORS, HUNG_NS, answers, &err))
		fail_msg("%s", err_text(&err));
	schedule->asked++;
	for (int i = 0; i < ACTORS; i++)
		if (answers[i] != truth[i])
			fail_msg("question %d: of session %d it was answered '%s', the truth is '%s' (%s)",
			         schedule->asked, i, db_wait_name(answers[i]), db_wait_name(truth[i]),
			         schedule->sql[i]);
}

static void question_as_modelled(struct schedule *schedule)
{
	enum db_wait truth[ACTORS];

	for (int i = 0; i < ACTORS; i++)
		truth[i] = schedule->wants[i] >= 0 ? DB_WAITS : DB_WAITS_NOT;
	question(schedule, truth);
}

static int waiters_for(const struct schedule *schedule, int thing)
{
	int waiters = 0;

	for (int i = 0; i < ACTORS; i++)
		waiters += schedule->wants[i] == thing;
	return waiters;
}

/* These things were let go just now: who waited for one waits no more, however late it learns that. */
static void question_at_once(struct schedule *schedule, const bool *let_go)
{
	enum db_wait truth[ACTORS];

	for (int i = 0; i < ACTORS; i++) {
		truth[i] = schedule->wants[i] >= 0 && !let_go[schedule->wants[i]] ? DB_WAITS : DB_WAITS_NOT;
		if (schedule->wants[i] >= 0 && let_go[schedule->wants[i]] &&
		    waiters_for(schedule, schedule->wants[i]) > 1)
			return; /* one of them goes on: the engine knows which */
	}
	question(schedule, truth);
}

/* Of those who waited for it one goes on, whoever it is. */
static void release(struct schedule *schedule, int thing)
{
	int winner = -1;

	schedule->holder[thing] = -1;
	if (waiters_for(schedule, thing) == 0)
		return;
	while (winner < 0) /* a hung test is ended by its time limit */
		for (int i = 0; i < ACTORS && winner < 0; i++)
			if (schedule->wants[i] == thing && actor_is_done(schedule->actors[i]))
				winner = i;
	assert_int_equal(actor_wait(schedule->actors[winner]).err, DB_OK);
	schedule->wants[winner] = -1;
	schedule->holder[thing] = winner;
	schedule->last[winner] = thing;
	schedule->released++;
}

static void lock(struct schedule *schedule, int i)
{
	const int wish = (int)rng_between(&schedule->rng, 0, schedule->world->is_sqlite ? ROWS - 1 : THINGS - 1);
	const int thing = thing_of(schedule, wish);
	const char *named = schedule->world->is_postgres ? "SELECT pg_advisory_xact_lock(5)"
	                                                  : "SELECT GET_LOCK('thing', 3600)";

	if (schedule->holder[thing] != i && thing <= schedule->last[i])
		return;
	if (wish == NAMED)
		snprintf(schedule->sql[i], sizeof schedule->sql[i], "%s", named);
	else
		snprintf(schedule->sql[i], sizeof schedule->sql[i], "UPDATE w SET n = n + 1 WHERE id = %d", wish);
	if (schedule->holder[thing] < 0)
		schedule->holder[thing] = i;
	if (schedule->holder[thing] == i)
		schedule->last[i] = thing > schedule->last[i] ? thing : schedule->last[i];
	else
		schedule->wants[i] = thing;
	schedule->blocked += schedule->wants[i] >= 0;
	actor_do(schedule->actors[i], wish == NAMED ? DB_READ : DB_WRITE, schedule->sql[i]);
	question_as_modelled(schedule);
	if (schedule->wants[i] < 0)
		assert_int_equal(actor_wait(schedule->actors[i]).err, DB_OK);
}

static void let_go(struct schedule *schedule, int i, enum db_verb verb, const char *sql, int from, int to)
{
	bool gone[THINGS] = {false};

	for (int thing = from; thing < to; thing++)
		gone[thing] = schedule->holder[thing] == i;
	actor_must(schedule->actors[i], verb, sql);
	question_at_once(schedule, gone);
	for (int thing = from; thing < to; thing++)
		if (gone[thing])
			release(schedule, thing);
	question_as_modelled(schedule);
}

/* MariaDB's named locks outlive the transaction. */
static void end(struct schedule *schedule, int i)
{
	bool separately = !schedule->world->is_sqlite && !schedule->world->is_postgres;
	enum db_verb verb = rng_between(&schedule->rng, 0, 1) == 0 ? DB_COMMIT : DB_ROLLBACK;

	let_go(schedule, i, verb, NULL, 0, separately ? NAMED : THINGS);
	if (separately && schedule->holder[NAMED] == i)
		let_go(schedule, i, DB_READ, "SELECT RELEASE_ALL_LOCKS()", NAMED, THINGS);
	schedule->in_tx[i] = false;
	schedule->last[i] = -1;
}

static void step(struct schedule *schedule, int i)
{
	if (schedule->wants[i] >= 0)
		return;
	if (!schedule->in_tx[i]) {
		actor_must(schedule->actors[i], DB_BEGIN, NULL);
		schedule->in_tx[i] = true;
	} else if (rng_between(&schedule->rng, 0, 3) == 0) {
		end(schedule, i);
	} else {
		lock(schedule, i);
	}
}

static void a_thousand_questions_are_answered_right(void **state)
{
	struct schedule schedule = {.world = *state};
	struct db_session *session = world_open(*state);
	const uint64_t seed = rng_fresh_seed();

	print_message("# seed %llu\n", (unsigned long long)seed);
	rng_init(&schedule.rng, seed);
	make_rows(session);
	db_close(session);
	for (int i = 0; i < THINGS; i++)
		schedule.holder[i] = -1;
	for (int i = 0; i < ACTORS; i++) {
		schedule.wants[i] = schedule.last[i] = -1;
		schedule.actors[i] = actor_open(schedule.world, &patient);
	}
	while (schedule.asked < QUESTIONS)
		step(&schedule, (int)rng_between(&schedule.rng, 0, ACTORS - 1));
	print_message("# %d questions, %d blocked, %d released\n", schedule.asked, schedule.blocked,
	              schedule.released);
	assert_true(schedule.blocked >= QUESTIONS / 20 && schedule.released >= QUESTIONS / 20);
	for (int rounds = 0; rounds < ACTORS; rounds++)
		for (int i = 0; i < ACTORS; i++)
			if (schedule.in_tx[i] && schedule.wants[i] < 0)
				end(&schedule, i);
	for (int i = 0; i < ACTORS; i++)
		actor_close(schedule.actors[i]);
}

/* ---- one by one ------------------------------------------------------------------------------- */

static void a_released_statement_is_seen_to_go_on(void **state)
{
	struct world *world = *state;
	struct actor *holder = actor_open(world, &patient), *waiter = actor_open(world, &patient);
	struct db_session *sessions[] = {actor_session(holder), actor_session(waiter)};
	enum db_wait waits[2];
	struct db_session *session = world_open(world);

	make_rows(session);
	db_close(session);
	for (int round = 0; round < 50; round++) {
		actor_must(holder, DB_BEGIN, NULL);
		actor_must(holder, DB_WRITE, "UPDATE w SET n = 1 WHERE id = 0");
		actor_do(waiter, DB_WRITE, "UPDATE w SET n = 2 WHERE id = 0");
		assert_true(db_who_waits(observer_of(world), sessions, 2, HUNG_NS, waits, NULL));
		assert_int_equal(waits[0], DB_WAITS_NOT);
		assert_int_equal(waits[1], DB_WAITS);
		actor_must(holder, DB_COMMIT, NULL);
		/* From here on the truth is "not", however late the waiter itself learns it. */
		assert_true(db_who_waits(observer_of(world), sessions, 2, HUNG_NS, waits, NULL));
		assert_int_equal(waits[1], DB_WAITS_NOT);
		assert_int_equal(actor_wait(waiter).err, DB_OK);
	}
	actor_close(waiter);
	actor_close(holder);
}

static void nobody_waits_where_nothing_is_done(void **state)
{
	struct actor *actor = actor_open(*state, &patient);

	assert_int_equal(ask_one(*state, actor, 0), DB_WAITS_NOT);
	actor_must(actor, DB_BEGIN, NULL);
	assert_int_equal(ask_one(*state, actor, 0), DB_WAITS_NOT);
	actor_close(actor);
}

static void what_a_stranger_holds_cannot_be_told(void **state)
{
	struct world *world = *state;
	struct db_session *stranger = world_open(world);
	struct actor *actor = actor_open(world, &patient);

	make_rows(stranger);
	must(stranger, DB_BEGIN, NULL, NULL);
	must(stranger, DB_WRITE, "UPDATE w SET n = 1", NULL);
	actor_do(actor, DB_WRITE, "UPDATE w SET n = 2");
	if (world->is_sqlite) /* cannot see others */
		assert_int_equal(ask_one(world, actor, HUNG_NS), DB_WAITS);
	else
		assert_int_equal(ask_one(world, actor, 20 * NS_PER_MS), DB_WAITS_UNKNOWN);
	must(stranger, DB_COMMIT, NULL, NULL);
	assert_int_equal(actor_wait(actor).err, DB_OK);
	actor_close(actor);
	db_close(stranger);
}

static void what_runs_for_long_cannot_be_told(void **state)
{
	struct world *world = *state;
	struct actor *actor = actor_open(world, &patient);

	actor_do(actor, DB_READ, world->is_sqlite
	         ? "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
	         : world->is_postgres ? "SELECT pg_sleep(3600)" : "SELECT SLEEP(3600)");
	assert_int_equal(ask_one(world, actor, 20 * NS_PER_MS), DB_WAITS_UNKNOWN);
	while (!actor_is_done(actor)) /* a request that comes before the statement is heard by nobody */
		assert_true(db_cancel(actor_session(actor), NULL));
	actor_close(actor);
}

/* ---- while all are at work -------------------------------------------------------------------- */

/* Writes one row again and again, each time as a transaction of its own. */
struct runner {
	const struct world *world;
	pthread_t thread;
	pthread_barrier_t *open;
	struct db_session *session;
	atomic_bool stop, failed;
};

static void *run_on(void *context)
{
	struct runner *runner = context;

	runner->session = db_open(&runner->world->target, &patient, NULL);
	pthread_barrier_wait(runner->open);
	while (runner->session != NULL && !atomic_load(&runner->stop))
		if (!db_run(runner->session, DB_WRITE, "UPDATE w SET n = n + 1 WHERE id = 0", NULL, NULL, NULL, NULL))
			atomic_store(&runner->failed, true);
	pthread_barrier_wait(runner->open); /* nobody asks any more */
	db_close(runner->session);
	return NULL;
}

/* Between its statements a runner holds nothing: that one waits while the other performs nothing cannot
 * be true at any one time, however fast both go. */
static void an_answer_is_true_at_one_time(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world), *sessions[2];
	struct runner runners[2] = {{.world = world}, {.world = world}};
	pthread_barrier_t open;

	make_rows(session);
	db_close(session);
	pthread_barrier_init(&open, NULL, 3);
	for (int i = 0; i < 2; i++) {
		runners[i].open = &open;
		assert_int_equal(pthread_create(&runners[i].thread, NULL, run_on, &runners[i]), 0);
	}
	pthread_barrier_wait(&open);
	sessions[0] = runners[0].session;
	sessions[1] = runners[1].session;
	int wrong = 0;
	for (int i = 0; i < 500 && sessions[0] != NULL && sessions[1] != NULL; i++) {
		enum db_wait waits[2];
		bool told = db_who_waits(observer_of(world), sessions, 2, 2 * NS_PER_MS, waits, NULL);
		wrong += !told || (waits[0] == DB_WAITS && waits[1] == DB_WAITS_NOT) ||
		         (waits[1] == DB_WAITS && waits[0] == DB_WAITS_NOT);
	}
	for (int i = 0; i < 2; i++)
		atomic_store(&runners[i].stop, true);
	pthread_barrier_wait(&open);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(runners[i].thread, NULL), 0);
		assert_non_null(sessions[i]);
		assert_false(atomic_load(&runners[i].failed));
	}
	pthread_barrier_destroy(&open);
	assert_int_equal(wrong, 0);
}

/* ---- waits that are not for rows -------------------------------------------------------------- */

/* Who does what, the last of which waits until `lets_go`. */
enum who { NOBODY, HOLDER, WAITER };
struct story {
	struct {
		enum who who;
		enum db_verb verb;
		const char *sql;
	} steps[6], lets_go;
};

static const struct story mariadb_stories[] = {
	{{{HOLDER, DB_BEGIN, NULL}, {HOLDER, DB_READ, "SELECT n FROM w WHERE id = 0"},
	  {WAITER, DB_WRITE, "ALTER TABLE w ADD COLUMN m int"}}, {HOLDER, DB_COMMIT, NULL}},
	{{{HOLDER, DB_WRITE, "LOCK TABLES w WRITE"}, {WAITER, DB_READ, "SELECT n FROM w"}},
	 {HOLDER, DB_WRITE, "UNLOCK TABLES"}},
	{{{WAITER, DB_BEGIN, NULL}, {WAITER, DB_WRITE, "UPDATE w SET n = 7"},
	  {HOLDER, DB_WRITE, "FLUSH TABLES WITH READ LOCK"}, {WAITER, DB_COMMIT, NULL}},
	 {HOLDER, DB_WRITE, "UNLOCK TABLES"}},
	{{{HOLDER, DB_READ, "SELECT GET_LOCK('l', 3600)"}, {WAITER, DB_READ, "SELECT GET_LOCK('l', 3600)"}},
	 {HOLDER, DB_READ, "SELECT RELEASE_LOCK('l')"}},
	{{{0}}, {0}},
};
static const struct story postgres_stories[] = {
	{{{HOLDER, DB_BEGIN, NULL}, {HOLDER, DB_READ, "SELECT n FROM w WHERE id = 0"},
	  {WAITER, DB_WRITE, "ALTER TABLE w ADD COLUMN m int"}}, {HOLDER, DB_COMMIT, NULL}},
	{{{HOLDER, DB_BEGIN, NULL}, {HOLDER, DB_WRITE, "LOCK TABLE w"}, {WAITER, DB_READ, "SELECT n FROM w"}},
	 {HOLDER, DB_COMMIT, NULL}},
	/* Whether the key is unique is looked at when the transaction ends. */
	{{{HOLDER, DB_BEGIN, NULL}, {HOLDER, DB_WRITE, "INSERT INTO d VALUES (1)"}, {WAITER, DB_BEGIN, NULL},
	  {WAITER, DB_WRITE, "INSERT INTO d VALUES (1)"}, {WAITER, DB_COMMIT, NULL}},
	 {HOLDER, DB_ROLLBACK, NULL}},
	{{{HOLDER, DB_READ, "SELECT pg_advisory_lock(7)"}, {WAITER, DB_READ, "SELECT pg_advisory_lock(7)"}},
	 {HOLDER, DB_READ, "SELECT pg_advisory_unlock(7)"}},
	{{{0}}, {0}},
};

static void play(const struct world *world, const struct story *story)
{
	struct actor *actors[] = {[HOLDER] = actor_open(world, &patient), [WAITER] = actor_open(world, &patient)};
	struct db_session *sessions[] = {actor_session(actors[HOLDER]), actor_session(actors[WAITER])};
	enum db_wait waits[2];
	size_t i = 0;

	for (; story->steps[i + 1].who != NOBODY; i++)
		actor_must(actors[story->steps[i].who], story->steps[i].verb, story->steps[i].sql);
	actor_do(actors[WAITER], story->steps[i].verb, story->steps[i].sql);
	assert_true(db_who_waits(observer_of(world), sessions, 2, HUNG_NS, waits, NULL));
	assert_int_equal(waits[0], DB_WAITS_NOT);
	assert_int_equal(waits[1], DB_WAITS);
	assert_false(actor_is_done(actors[WAITER]));
	actor_must(actors[HOLDER], story->lets_go.verb, story->lets_go.sql);
	assert_true(db_who_waits(observer_of(world), sessions, 2, HUNG_NS, waits, NULL));
	assert_int_equal(waits[1], DB_WAITS_NOT);
	assert_int_equal(actor_wait(actors[WAITER]).err, DB_OK);
	actor_close(actors[WAITER]);
	actor_close(actors[HOLDER]);
}

static void waits_for_other_things_than_rows(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	const struct story *story = world->is_postgres ? postgres_stories : mariadb_stories;

	make_rows(session);
	if (world->is_postgres)
		must(session, DB_WRITE, "CREATE TABLE d (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)", NULL);
	db_close(session);
	for (; story->lets_go.who != NOBODY; story++)
		play(world, story);
}

/* MariaDB's process list goes on saying that a thread waits until that has woken up, which a debugger
 * can delay for ever. */
static void a_word_that_lags_is_not_believed(void **state)
{
	struct world *world = *state;
	struct actor *holder = actor_open(world, &patient), *waiter = actor_open(world, &patient);
	struct db_session *sessions[] = {actor_session(holder), actor_session(waiter)};
	enum db_wait waits[2];
	int status;

	pid_t thread = (pid_t)ask(world->observer, "SELECT TID FROM information_schema.PROCESSLIST WHERE ID = ?",
	                          ARGS(db_int(db_identity(sessions[1])->connection)));
	actor_must(holder, DB_READ, "SELECT GET_LOCK('lag', 3600)");
	actor_do(waiter, DB_READ, "SELECT GET_LOCK('lag', 3600)");
	assert_true(db_who_waits(world->observer, sessions, 2, HUNG_NS, waits, NULL));
	assert_int_equal(waits[1], DB_WAITS);
	assert_int_equal(ptrace(PTRACE_SEIZE, thread, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
	assert_int_equal(waitpid(thread, &status, __WALL), thread);
	actor_must(holder, DB_READ, "SELECT RELEASE_LOCK('lag')");
	assert_int_equal(ask(world->observer, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE "
	                                      "STATE = 'User lock'", NULL), 1);
	bool told = db_who_waits(world->observer, sessions, 2, 20 * NS_PER_MS, waits, NULL);
	assert_int_equal(ptrace(PTRACE_DETACH, thread, NULL, NULL), 0);
	assert_true(told);
	assert_int_equal(waits[1], DB_WAITS_UNKNOWN);
	assert_true(db_who_waits(world->observer, sessions, 2, HUNG_NS, waits, NULL));
	assert_int_equal(waits[1], DB_WAITS_NOT);
	actor_close(waiter);
	actor_close(holder);
}

int main(int argc, char **argv)
{
#define EVERYWHERE \
	CASE(a_thousand_questions_are_answered_right), CASE(a_released_statement_is_seen_to_go_on), \
	CASE(nobody_waits_where_nothing_is_done), CASE(what_a_stranger_holds_cannot_be_told), \
	CASE(what_runs_for_long_cannot_be_told), CASE(an_answer_is_true_at_one_time)
	static const struct CMUnitTest sqlite[] = {EVERYWHERE};
	static const struct CMUnitTest postgres[] = {EVERYWHERE, CASE(waits_for_other_things_than_rows)};
	static const struct CMUnitTest mariadb[] = {EVERYWHERE, CASE(waits_for_other_things_than_rows),
	                                            CASE(a_word_that_lags_is_not_believed)};

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
