/* The baton: lets one session take a step, finds out who waits, asks who is next. */
#include "explore/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Most statements are done by then, and nobody need be asked whether they wait. */
static const int64_t GRACE_NS = 300 * NS_PER_US;
/* Between two looks at who waits. */
static const int64_t LOOK_AGAIN_NS = 20 * NS_PER_US;
/* A statement that neither ends nor waits for so long is reported, not believed. */
static const int64_t STEP_LIMIT_NS = 10 * NS_PER_S;
/* How long a part may take to its end once nobody shall do anything any more. */
static const int64_t END_LIMIT_NS = NS_PER_S;
/* How long an engine may take to end a deadlock, or a wait that nobody else can end. */
static const int64_t ENGINE_LIMIT_NS = 120 * NS_PER_S;
/* Of who sets up and judges, when nobody is at work: what a session has not let go by then stays locked. */
static const int64_t KEEPER_LIMIT_NS = 60 * NS_PER_S;
/* Of who looks on, for a lock on a whole table. */
static const int64_t VIEWER_LIMIT_NS = NS_PER_S;

struct world {
	const struct play *play;
	struct stage stage;
	struct db_settings settings; /* the actors' */
	cpu_set_t server_cpus;       /* where a server works for them */
	struct actor *actors[PLAY_MOST_SESSIONS];
	size_t n;
	struct db_session *keeper, *observer; /* observer NULL: SQLite */
	struct db_session *viewer; /* NULL: nobody looks */
	/* of the schedule that is run */
	struct schedule *schedule;
	size_t step_of[PLAY_MOST_SESSIONS]; /* of the statement it is at, among the schedule's */
	bool under_way[PLAY_MOST_SESSIONS]; /* it has not been seen to end */
	bool may_look[PLAY_MOST_SESSIONS];  /* WAITING: somebody's transaction has ended since it looked */
	unsigned left_out;
	const volatile sig_atomic_t *interrupted; /* NULL: nothing does */
};

/* ---- a world ---------------------------------------------------------------------------------------- */

static struct world *open_world(struct world *world, const struct db_target *target,
                                const struct db_settings *settings, struct err *err)
{
	const struct play *play = world->play;
	struct db_settings keepers;
	bool ok;

	world->settings = *settings;
	/* A free world says so too: a thread of MariaDB's may have served another world before. */
	world->server_cpus = world->stage.cpu;
	if (CPU_COUNT(&world->server_cpus) > 0 ||
	    sched_getaffinity(0, sizeof world->server_cpus, &world->server_cpus) == 0)
		world->settings.server_cpus = &world->server_cpus;
	/* What is set for the sessions (a search path, SQLite's synchronous) holds for who sets their world up too. */
	keepers = world->settings;

	keepers.iso = DB_ISO_DEFAULT;
	keepers.lock_wait_ns = KEEPER_LIMIT_NS;
	world->keeper = db_open(target, &keepers, err);
	ok = world->keeper != NULL;
	if (ok && (db_abilities(target) & DB_HAS_CONNECTIONS) != 0) {
		world->observer = db_open(target, &keepers, err);
		ok = world->observer != NULL;
	}
	for (; ok && world->n < play->sessions; world->n += ok) {
		world->actors[world->n] = actor_open(&world->stage, play, world->n, target, &world->settings, err);
		ok = world->actors[world->n] != NULL;
	}
	if (ok)
		return world;
	world_close(world);
	return NULL;
}

struct world *world_open(const struct play *play, const struct db_target *target,
                         const struct db_settings *settings, size_t nth, struct err *err)
{
	struct world *world = mem_new(1, sizeof *world);

	world->play = play;
	stage_init(&world->stage, nth);
	return open_world(world, target, settings, err);
}

static void note_ended(void *context, size_t who, const struct actor_step *step);

struct world *world_open_free(const struct play *play, const struct db_target *target,
                              const struct db_settings *settings, struct err *err)
{
	struct world *world = mem_new(1, sizeof *world);

	world->play = play;
	stage_init_free(&world->stage, play->sessions, note_ended, world);
	return open_world(world, target, settings, err);
}

void world_close(struct world *world)
{
	if (world == NULL)
		return;
	for (size_t i = 0; i < world->n; i++)
		actor_close(world->actors[i]);
	db_close(world->viewer);
	db_close(world->observer);
	db_close(world->keeper);
	stage_fini(&world->stage);
	free(world);
}

void world_interrupted_by(struct world *world, const volatile sig_atomic_t *interrupted)
{
	world->interrupted = interrupted;
}

static bool is_interrupted(const struct world *world)
{
	return world->interrupted != NULL && *world->interrupted;
}

static bool stop(struct world *world)
{
	world->schedule->result = SCHEDULE_STOPPED;
	return false;
}

const struct play *world_play(const struct world *world)
{
	return world->play;
}

bool world_waits_in_client(const struct world *world)
{
	return world->observer == NULL;
}

void world_leave_out(struct world *world, unsigned who)
{
	world->left_out = who;
}

static bool takes_part(const struct world *world, size_t who)
{
	return (world->left_out >> who & 1) == 0;
}

const struct db_identity *world_identity(const struct world *world)
{
	return db_identity(actor_session(world->actors[0]));
}

struct actor *world_actor(const struct world *world, size_t who)
{
	return world->actors[who];
}

bool world_open_viewer(struct world *world, const struct db_target *target, const struct db_settings *settings,
                       struct err *err)
{
	struct db_settings viewers = *settings;

	viewers.iso = world->observer != NULL ? DB_READ_COMMITTED : DB_ISO_DEFAULT; /* SQLite's only one will do */
	viewers.lock_wait_ns = VIEWER_LIMIT_NS;
	world->viewer = db_open(target, &viewers, err);
	return world->viewer != NULL;
}

bool world_look(const struct world *world, struct str *rows, struct err *err)
{
	bool broken; /* of no account before the end */

	return world->play->judge(world->play->context, world->viewer, rows, &broken, err);
}

/* ---- who waits ---------------------------------------------------------------------------------------- */

static bool unsure(struct schedule *schedule, const char *why)
{
	schedule->result = SCHEDULE_UNSURE;
	(void)snprintf(schedule->why, sizeof schedule->why, "%s", why);
	return false;
}

/* The outcomes of the steps that their sessions have left. `now`: the step under way when they did. */
static void keep_outcomes(struct world *world, size_t now)
{
	for (size_t i = 0; i < world->n; i++) {
		struct schedule_step *step = &world->schedule->steps[world->step_of[i]];
		enum actor_at at = actor_at(world->actors[i]);
		if (!world->under_way[i] || at == ACTOR_BUSY)
			continue;
		step->what = *actor_last(world->actors[i]);
		step->woken_by = now;
		step->waited |= at == ACTOR_WAITING;
		world->schedule->blocked |= step->waited;
		world->under_way[i] = at == ACTOR_WAITING;
		/* What ended a transaction, or was none, may have set free what others' clients wait for. */
		for (size_t k = 0; k < world->n && step->what.ended && step->what.tx != DB_TX_OPEN; k++)
			world->may_look[k] = true;
	}
}

static size_t list_busy(struct world *world, size_t *busy)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n; i++)
		if (actor_at(world->actors[i]) == ACTOR_BUSY)
			busy[n++] = i;
	return n;
}

/* One look at who waits. All sessions are named, also the one that sets up: who waits for one that is not could be
 * waiting for a stranger. */
static bool ask_who_waits(struct world *world, enum db_wait *waits, struct err *err)
{
	struct db_session *sessions[PLAY_MOST_SESSIONS + 2];
	enum db_wait answers[PLAY_MOST_SESSIONS + 2];
	size_t asked[PLAY_MOST_SESSIONS], n_asked = 0, n_sessions;

	for (size_t i = 0; i < world->n; i++)
		if (actor_session(world->actors[i]) != NULL) {
			sessions[n_asked] = actor_session(world->actors[i]);
			asked[n_asked++] = i;
		}
	n_sessions = n_asked;
	sessions[n_sessions++] = world->keeper;
	if (world->viewer != NULL)
		sessions[n_sessions++] = world->viewer;
	if (!db_who_waits(world->observer, sessions, n_sessions, 0, answers, err)) {
		world->schedule->result = SCHEDULE_FAILED;
		return false;
	}
	for (size_t i = 0; i < n_asked; i++)
		waits[asked[i]] = answers[i];
	return true;
}

static bool all_wait(const size_t *busy, size_t n, const enum db_wait *waits)
{
	for (size_t i = 0; i < n; i++)
		if (waits[busy[i]] != DB_WAITS)
			return false;
	return true;
}

/* Until one of the busy ones is not any more (*moved), or all of them wait. */
static bool look(struct world *world, const size_t *busy, size_t n, bool *moved, struct err *err)
{
	const int64_t until = clock_now_ns() + STEP_LIMIT_NS;
	enum db_wait waits[PLAY_MOST_SESSIONS] = {DB_WAITS_NOT};
	size_t now[PLAY_MOST_SESSIONS];

	for (;;) {
		*moved = list_busy(world, now) != n;
		if (*moved)
			return true;
		if (!ask_who_waits(world, waits, err))
			return false;
		if (all_wait(busy, n, waits))
			return true;
		if (clock_now_ns() > until)
			return unsure(world->schedule, "whether a statement waits could not be told in 10 s");
		clock_pause_ns(LOOK_AGAIN_NS);
	}
}

/* Until every session stands before a statement, has ended, or waits for another's lock. */
static bool settle(struct world *world, size_t now, struct err *err)
{
	size_t busy[PLAY_MOST_SESSIONS], n;
	bool moved = true;

	while ((n = list_busy(world, busy)) > 0 && moved)
		if (!look(world, busy, n, &moved, err))
			return false;
	for (size_t i = 0; i < n; i++)
		world->schedule->steps[world->step_of[busy[i]]].waited = world->schedule->blocked = true;
	keep_outcomes(world, now);
	return true;
}

/* ---- the order ---------------------------------------------------------------------------------------- */

static size_t add_step(struct schedule *schedule, size_t who, const struct actor_step *what)
{
	schedule->steps = mem_grow(schedule->steps, &schedule->capacity, schedule->n + 1, sizeof *schedule->steps);
	schedule->steps[schedule->n] = (struct schedule_step){.who = who, .what = *what, .woken_by = schedule->n};
	return schedule->n++;
}

/* Looks again for the lock that its client waits for: no new step, and of no use when it is still held. */
static bool look_again(struct world *world, size_t who)
{
	struct schedule *schedule = world->schedule;

	world->may_look[who] = false;
	actor_go_on(world->actors[who]);
	if (actor_await(world->actors[who], STEP_LIMIT_NS) == ACTOR_BUSY)
		return unsure(schedule, "a statement took longer than 10 s");
	if (actor_at(world->actors[who]) == ACTOR_WAITING) {
		schedule->result = SCHEDULE_VAIN;
		return false;
	}
	keep_outcomes(world, schedule->n - 1);
	return true;
}

/* Lets it send the statement that it stands before. Busy afterwards: the call has begun at least, since who waits can
 * be asked only of what was sent. */
static enum actor_at send(struct world *world, struct actor *actor)
{
	const int64_t until = clock_now_ns() + STEP_LIMIT_NS;
	const uint64_t turn = db_turns(actor_session(actor));
	enum actor_at at;

	actor_go_on(actor);
	at = actor_await(actor, world->observer != NULL ? GRACE_NS : STEP_LIMIT_NS);
	while (at == ACTOR_BUSY && world->observer != NULL && db_turns(actor_session(actor)) == turn &&
	       clock_now_ns() < until)
		at = actor_await(actor, GRACE_NS);
	return at;
}

/* Who of several that wait goes on is the engine's choice. */
static bool settle_with(struct world *world, size_t waited_before, struct err *err)
{
	size_t busy[PLAY_MOST_SESSIONS];
	bool ok = settle(world, world->schedule->n - 1, err);
	size_t wait = ok ? list_busy(world, busy) : 0;

	world->schedule->queued |= wait > 0 && wait < waited_before;
	return ok;
}

static bool take_step(struct world *world, size_t who, struct err *err)
{
	struct schedule *schedule = world->schedule;
	struct actor *actor = world->actors[who];
	size_t others[PLAY_MOST_SESSIONS], others_wait;

	if (actor_at(actor) == ACTOR_WAITING)
		return look_again(world, who);
	others_wait = list_busy(world, others);
	world->step_of[who] = add_step(schedule, who, actor_next(actor));
	world->under_way[who] = true;
	world->may_look[who] = false;
	enum actor_at at = send(world, actor);
	if (at == ACTOR_BUSY && world->observer == NULL)
		return unsure(schedule, "a statement took longer than 10 s");
	if (at == ACTOR_BUSY || others_wait > 0)
		return settle_with(world, others_wait, err);
	keep_outcomes(world, schedule->n - 1);
	return true;
}

/* Nobody can go on: it is the engine's turn. */
static bool leave_to_engine(struct world *world, struct err *err)
{
	const int64_t until = clock_now_ns() + ENGINE_LIMIT_NS;
	size_t busy[PLAY_MOST_SESSIONS], n = list_busy(world, busy);

	world->schedule->deadlocked = true;
	for (size_t i = 0; i < n; i++)
		world->schedule->steps[world->step_of[busy[i]]].waited_for_good = true;
	if (n == 0)
		return unsure(world->schedule, "sessions wait for one another, and nobody ends it");
	while (list_busy(world, (size_t[PLAY_MOST_SESSIONS]){0}) == n) {
		if (is_interrupted(world))
			return stop(world);
		if (clock_now_ns() > until)
			return unsure(world->schedule, "the engine did not end a deadlock in 120 s");
		(void)actor_await(world->actors[busy[0]], NS_PER_MS);
	}
	return settle(world, world->schedule->n - 1, err);
}

/* The chooser took its time, and the engine did something meanwhile. */
static bool catch_up(struct world *world, struct err *err)
{
	for (size_t i = 0; i < world->n; i++)
		if (world->under_way[i] && actor_at(world->actors[i]) != ACTOR_BUSY &&
		    actor_at(world->actors[i]) != ACTOR_WAITING)
			return settle(world, world->step_of[i], err);
	return true;
}

static size_t list_options(struct world *world, size_t *who, const struct actor_step **next)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n; i++) {
		enum actor_at at = actor_at(world->actors[i]);
		if (at == ACTOR_READY || (at == ACTOR_WAITING && world->may_look[i])) {
			who[n] = i;
			next[n++] = at == ACTOR_READY ? actor_next(world->actors[i]) : actor_last(world->actors[i]);
		}
	}
	return n;
}

static bool have_ended(const struct world *world)
{
	for (size_t i = 0; i < world->n; i++)
		if (takes_part(world, i) && actor_at(world->actors[i]) != ACTOR_ENDED)
			return false;
	return true;
}

static bool play_on(struct world *world, const struct chooser *chooser, struct err *err)
{
	const struct actor_step *next[PLAY_MOST_SESSIONS];
	size_t who[PLAY_MOST_SESSIONS];

	while (!have_ended(world)) {
		if (is_interrupted(world))
			return stop(world);
		size_t n = list_options(world, who, next);
		int chosen = n > 0 ? chooser->choose(chooser->context, who, next, n) : 0;
		if (chosen == CHOOSE_STOP)
			return stop(world);
		bool ok = n == 0 ? leave_to_engine(world, err)
		        : chosen == CHOOSE_AGAIN ? catch_up(world, err)
		        : take_step(world, who[chosen], err);
		if (!ok)
			return false;
	}
	return true;
}

/* Until nobody is busy any more, or so long: what one lets go another may wait for, so all are looked after. */
static size_t await_all(struct world *world, int64_t limit_ns, size_t *busy)
{
	const int64_t until = clock_now_ns() + limit_ns;
	size_t n;

	while ((n = list_busy(world, busy)) > 0 && clock_now_ns() < until)
		(void)actor_await(world->actors[busy[0]], n > 1 ? NS_PER_MS : limit_ns);
	return n;
}

/* Statements that do not end by themselves, as when they wait for what nobody lets go, are ended. */
static void await_ends(struct world *world)
{
	size_t busy[PLAY_MOST_SESSIONS], n;
	struct err err = {0};

	while ((n = await_all(world, END_LIMIT_NS, busy)) > 0)
		for (size_t i = 0; i < n; i++)
			if (actor_session(world->actors[busy[i]]) != NULL)
				(void)!db_cancel(actor_session(world->actors[busy[i]]), &err);
	err_fini(&err);
}

/* Everybody to the end of his part without doing anything more: statements are refused, what is open is rolled
 * back, so that those that wait can go on. */
static void end_parts(struct world *world)
{
	pthread_mutex_lock(&world->stage.mutex);
	world->stage.closing = true;
	pthread_mutex_unlock(&world->stage.mutex);
	for (size_t i = 0; i < world->n; i++) {
		enum actor_at at = actor_at(world->actors[i]);
		if (at == ACTOR_READY || at == ACTOR_WAITING)
			actor_go_on(world->actors[i]);
	}
	await_ends(world);
	world->stage.closing = false;
}

static void begin(struct world *world)
{
	for (size_t i = 0; i < world->n; i++) {
		world->may_look[i] = world->under_way[i] = false;
		if (!takes_part(world, i))
			continue;
		actor_begin(world->actors[i]);
		(void)actor_await(world->actors[i], INT64_MAX);
	}
}

/* Called with the stage's mutex held. */
static void note_ended(void *context, size_t who, const struct actor_step *step)
{
	struct world *world = context;

	(void)add_step(world->schedule, who, step);
}

static void start_anew(struct world *world, struct schedule *schedule)
{
	schedule->n = 0;
	schedule->broken = schedule->blocked = schedule->deadlocked = false;
	schedule->queued = schedule->overlapped = false;
	schedule->result = SCHEDULE_FAILED;
	schedule->why[0] = '\0';
	str_clear(&schedule->state);
	world->schedule = schedule;
}

/* What the engine had no room for says nothing of the order, whatever came of it. */
static bool lacked_room(const struct schedule *schedule)
{
	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].what.err == DB_FULL)
			return true;
	return false;
}

static void judge(struct world *world, struct schedule *schedule, struct err *err)
{
	const struct play *play = world->play;

	if (lacked_room(schedule)) {
		(void)unsure(schedule, "the database had no room on its disk or in memory");
		return;
	}
	for (size_t i = 0; i < world->n; i++) {
		schedule->ends[i] = takes_part(world, i) ? *actor_end(world->actors[i])
		                                         : (struct play_end){.refused = true, .text = "left out"};
		/* Somebody ended it, or the server did: nothing of this is an order's doing. */
		if (schedule->ends[i].err == DB_LOST) {
			(void)unsure(schedule, "a session's connection was lost");
			return;
		}
	}
	if (play->judge(play->context, world->keeper, &schedule->state, &schedule->broken, err))
		schedule->result = SCHEDULE_WHOLE;
}

void schedule_run_free(struct world *world, struct schedule *schedule, struct err *err)
{
	const struct play *play = world->play;

	start_anew(world, schedule);
	if (!play->set_up(play->context, world->keeper, err))
		return;
	stage_meet(&world->stage);
	for (size_t i = 0; i < world->n; i++)
		actor_begin(world->actors[i]);
	for (size_t i = 0; i < world->n; i++)
		(void)actor_await(world->actors[i], INT64_MAX);
	schedule->overlapped = world->stage.most_under_way > 1;
	judge(world, schedule, err);
}

static void run(struct world *world, const struct chooser *chooser, struct schedule *schedule, struct err *err)
{
	const struct play *play = world->play;

	if (!play->set_up(play->context, world->keeper, err))
		return;
	begin(world);
	bool whole = play_on(world, chooser, err);
	end_parts(world);
	if (whole)
		judge(world, schedule, err);
}

void schedule_run(struct world *world, const struct chooser *chooser, struct schedule *schedule, struct err *err)
{
	cpu_set_t before;
	/* The caller's thread joins its actors, and goes back to where it may be. */
	bool moved = world->observer != NULL && CPU_COUNT(&world->stage.cpu) > 0 &&
	             sched_getaffinity(0, sizeof before, &before) == 0 &&
	             sched_setaffinity(0, sizeof world->stage.cpu, &world->stage.cpu) == 0;

	start_anew(world, schedule);
	run(world, chooser, schedule, err);
	if (moved)
		(void)sched_setaffinity(0, sizeof before, &before);
}

void schedule_fini(struct schedule *schedule)
{
	free(schedule->steps);
	str_fini(&schedule->state);
	*schedule = (struct schedule){0};
}
