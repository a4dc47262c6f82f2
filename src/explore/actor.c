/* A session on a thread or a fiber, held by a hook. One mutex for all: the baton is in one hand at a time anyway. */
#include "explore/actor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/fiber.h"
#include "base/mem.h"
#include "explore/mark.h"

struct actor {
	struct stage *stage;
	const struct play *play;
	size_t who;
	const struct db_target *target;
	const struct db_settings *settings;
	struct fiber *fiber; /* NULL: a thread */
	pthread_t thread;
	pthread_cond_t told;
	enum actor_at at;
	bool quit, begin;
	int socket; /* a fiber: by which the answer comes that it waits for, BUSY; -1: it waits for none */
	bool has_met; /* free: since it began */
	struct db_session *session; /* used by its own thread; closed by nobody else, and between parts only */
	bool usable, worn;          /* the session, for another part; a part has used it */
	struct err trouble;         /* it has no session: why */
	struct actor_step next, last;
	struct play_end end;
	struct db_hook hook;
};

/* ---- the stage ---------------------------------------------------------------------------------- */

void stage_init(struct stage *stage, size_t n)
{
	pthread_condattr_t monotonic;

	*stage = (struct stage){.cpu = cpus_nth(n)};
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&stage->mutex, NULL);
	pthread_cond_init(&stage->changed, &monotonic);
	pthread_cond_init(&stage->met, NULL);
	pthread_condattr_destroy(&monotonic);
}

void stage_init_free(struct stage *stage, size_t parts,
                     void (*ended)(void *context, size_t who, const struct actor_step *step), void *context)
{
	stage_init(stage, 0);
	stage->free = true;
	stage->parts = parts;
	stage->ended = ended;
	stage->context = context;
	CPU_ZERO(&stage->cpu);
}

void stage_meet(struct stage *stage)
{
	stage->arrived = 0;
	stage->under_way = stage->most_under_way = 0;
}

void stage_fini(struct stage *stage)
{
	pthread_cond_destroy(&stage->met);
	pthread_cond_destroy(&stage->changed);
	pthread_mutex_destroy(&stage->mutex);
}

/* ---- handing over ------------------------------------------------------------------------------------ */

/* The actor's own, with the mutex held: until somebody may have told it something. */
static void rest(struct actor *actor)
{
	if (actor->fiber == NULL) {
		pthread_cond_wait(&actor->told, &actor->stage->mutex);
		return;
	}
	pthread_mutex_unlock(&actor->stage->mutex);
	fiber_rest(actor->fiber);
	pthread_mutex_lock(&actor->stage->mutex);
}

/* The scheduler's, without the mutex. A fiber has stopped again when this returns. */
static void wake(struct actor *actor)
{
	if (actor->fiber == NULL)
		pthread_cond_signal(&actor->told);
	else
		fiber_go_on(actor->fiber);
}

/* ---- on the actor's thread ------------------------------------------------------------------------ */

/* With the mutex held. */
static void stop_at(struct actor *actor, enum actor_at at)
{
	actor->at = at;
	pthread_cond_signal(&actor->stage->changed);
	while (actor->at == at && !actor->stage->closing)
		rest(actor);
	actor->at = ACTOR_BUSY;
}

/* Free, with the mutex held: until all others are there too, or have ended without a statement. */
static void meet(struct actor *actor)
{
	struct stage *stage = actor->stage;

	if (actor->has_met)
		return;
	actor->has_met = true;
	if (++stage->arrived == stage->parts)
		pthread_cond_broadcast(&stage->met);
}

static void go_freely(struct actor *actor)
{
	struct stage *stage = actor->stage;

	meet(actor);
	while (stage->arrived < stage->parts)
		pthread_cond_wait(&stage->met, &stage->mutex);
	stage->under_way++;
	if (stage->under_way > stage->most_under_way)
		stage->most_under_way = stage->under_way;
}

static bool before(void *context, const struct db_call *call)
{
	struct actor *actor = context;

	if (call->label == NULL)
		return true;
	pthread_mutex_lock(&actor->stage->mutex);
	actor->next = (struct actor_step){
		.verb = call->verb, .key = call->key, .writes = call->value, .traits = call->traits,
		.attempt = actor->end.attempt,
		.touches = footprint_of_call(call, db_identity(actor->session)->isolation, actor->play->tables,
	                                     actor->play->n_tables),
	};
	actor->next.rows = rows_of_call(call, actor->play->keys, actor->play->n_keys);
	actor->next.overwrites = call_overwrites(call);
	if (actor->play->keeps_sql) {
		char *sql = db_sql_text(actor->session, call);
		(void)snprintf(actor->next.sql, sizeof actor->next.sql,
		               strlen(sql) < sizeof actor->next.sql ? "%s" : "%.500s...", sql);
		free(sql);
	}
	event_text(actor->next.label, call->label);
	event_text(actor->next.table, call->table != NULL ? call->table : "");
	if (actor->stage->free)
		go_freely(actor);
	else if (!actor->stage->closing)
		stop_at(actor, ACTOR_READY);
	actor->last = actor->next;
	bool allowed = !actor->stage->closing || call->verb == DB_ROLLBACK;
	pthread_mutex_unlock(&actor->stage->mutex);
	return allowed;
}

static bool waiting(void *context, const struct db_call *call, int tries)
{
	struct actor *actor = context;

	(void)call;
	(void)tries;
	if (actor->stage->free)
		return false;
	pthread_mutex_lock(&actor->stage->mutex);
	actor->last.in_client = true;
	if (!actor->stage->closing)
		stop_at(actor, ACTOR_WAITING);
	bool closing = actor->stage->closing;
	pthread_mutex_unlock(&actor->stage->mutex);
	/* Whoever holds the lock may be the next to end; nobody looks again and again until then. */
	if (closing)
		(void)!db_cancel(actor->session, NULL);
	return true;
}

/* A thread waits in its client. */
static bool answering(void *context, const struct db_call *call, int socket)
{
	struct actor *actor = context;

	(void)call;
	if (actor->fiber == NULL)
		return false;
	actor->socket = socket;
	fiber_rest(actor->fiber);
	return true;
}

static void add_cell(struct str *text, const struct db_value *cell)
{
	if (cell->type == DB_INT)
		str_printf(text, "%lld", (long long)cell->integer);
	else if (cell->type == DB_TEXT)
		str_printf(text, "'%s'", cell->text);
	else
		str_add(text, "null");
}

static void add_row(struct str *text, const struct db_rows *rows, size_t row)
{
	bool lone = rows->n_rows == 1 && rows->n_cols == 1;

	str_add(text, row > 0 ? " " : "");
	str_add(text, lone ? "" : "(");
	for (size_t i = 0; i < rows->n_cols; i++) {
		str_add(text, i > 0 ? ", " : "");
		add_cell(text, db_cell(rows, row, i));
	}
	str_add(text, lone ? "" : ")");
}

static void keep_result(struct actor_step *step, const struct db_rows *rows)
{
	struct str text = {0};

	for (size_t i = 0; rows != NULL && i < rows->n_rows; i++)
		add_row(&text, rows, i);
	if (text.length == 0)
		str_add(&text, "nothing");
	step->mark = mark_of_text(MARK_SEED, str_text(&text));
	(void)snprintf(step->result, sizeof step->result, text.length < sizeof step->result ? "%s" : "%.90s...",
	               str_text(&text));
	str_fini(&text);
}

static void after(void *context, const struct db_call *call, const struct db_rows *rows,
                  const struct db_outcome *outcome)
{
	struct actor *actor = context;

	if (call->label == NULL)
		return;
	pthread_mutex_lock(&actor->stage->mutex);
	actor->last.ended = true;
	actor->last.err = outcome->err;
	actor->last.tx = outcome->tx;
	actor->last.native = outcome->native;
	actor->last.affected = outcome->affected;
	memcpy(actor->last.sqlstate, outcome->sqlstate, sizeof actor->last.sqlstate);
	if (outcome->err != DB_OK)
		(void)snprintf(actor->last.message, sizeof actor->last.message, "%.150s", outcome->message);
	if (call->verb == DB_READ && outcome->err == DB_OK)
		keep_result(&actor->last, rows);
	if (actor->stage->free) {
		actor->stage->under_way--;
		actor->stage->ended(actor->stage->context, actor->who, &actor->last);
	}
	pthread_mutex_unlock(&actor->stage->mutex);
}

static bool open_session(struct actor *actor)
{
	struct db_session *session = db_open(actor->target, actor->settings, &actor->trouble);

	if (session != NULL)
		db_add_hook(session, &actor->hook);
	pthread_mutex_lock(&actor->stage->mutex);
	actor->session = session;
	pthread_mutex_unlock(&actor->stage->mutex);
	return session != NULL;
}

/* Another one for what the last part broke. */
static bool renew_session(struct actor *actor)
{
	db_close(actor->session);
	pthread_mutex_lock(&actor->stage->mutex);
	actor->session = NULL;
	pthread_mutex_unlock(&actor->stage->mutex);
	return open_session(actor);
}

/* It broke, or is in a transaction still, which the engine takes back when nobody is there any more. It is closed when
 * the next part begins, since until then others are asked by it whether they wait; not so on SQLite. */
static void give_up_session(struct actor *actor)
{
	actor->usable = actor->session != NULL && !db_cut(actor->session, DB_CUT_ALL) && renew_session(actor);
}

static void perform(struct actor *actor)
{
	bool usable = (actor->usable && !(actor->worn && actor->play->fresh_sessions)) || renew_session(actor);

	actor->worn = true;
	actor->end = (struct play_end){.err = DB_LOST};
	actor->has_met = false;
	if (usable)
		actor->play->act(actor->play->context, actor->who, actor->session, &actor->end);
	else
		(void)snprintf(actor->end.text, sizeof actor->end.text, "no session");
	actor->usable = usable;
	if (usable && !actor->end.sound)
		give_up_session(actor);
	pthread_mutex_lock(&actor->stage->mutex);
	meet(actor);
	actor->at = ACTOR_ENDED;
	pthread_cond_signal(&actor->stage->changed);
	pthread_mutex_unlock(&actor->stage->mutex);
}

static void live(void *context)
{
	struct actor *actor = context;

	actor->usable = open_session(actor);
	pthread_mutex_lock(&actor->stage->mutex);
	actor->at = ACTOR_IDLE;
	pthread_cond_signal(&actor->stage->changed);
	while (!actor->quit) {
		if (!actor->begin) {
			rest(actor);
			continue;
		}
		actor->begin = false;
		pthread_mutex_unlock(&actor->stage->mutex);
		perform(actor);
		pthread_mutex_lock(&actor->stage->mutex);
	}
	pthread_mutex_unlock(&actor->stage->mutex);
	db_close(actor->session);
}

static void *live_on_a_thread(void *context)
{
	live(context);
	return NULL;
}

/* ---- on the scheduler's thread ---------------------------------------------------------------------- */

static bool start_thread(struct actor *actor, struct err *err)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	if (CPU_COUNT(&actor->stage->cpu) > 0)
		pthread_attr_setaffinity_np(&attr, sizeof actor->stage->cpu, &actor->stage->cpu);
	int failure = pthread_create(&actor->thread, &attr, live_on_a_thread, actor);
	pthread_attr_destroy(&attr);
	return failure == 0 || err_set(err, "no thread can be started: %s", strerror(failure));
}

static bool start(struct actor *actor, struct err *err)
{
	if (actor->stage->free || (db_limits_lock_waits(actor->target) && !db_answers_by_hook(actor->target)))
		return start_thread(actor, err);
	actor->fiber = fiber_new(live, actor);
	if (actor->fiber == NULL)
		return err_set(err, "a session cannot have a stack of its own: %s", strerror(errno));
	fiber_go_on(actor->fiber);
	return true;
}

struct actor *actor_open(struct stage *stage, const struct play *play, size_t who, const struct db_target *target,
                         const struct db_settings *settings, struct err *err)
{
	struct actor *actor = mem_new(1, sizeof *actor);

	*actor = (struct actor){
		.stage = stage, .play = play, .who = who, .target = target, .settings = settings, .at = ACTOR_BUSY,
		.socket = -1,
		.hook = {.context = actor, .before = before, .waiting = waiting, .answering = answering,
		         .after = after},
	};
	pthread_cond_init(&actor->told, NULL);
	if (!start(actor, err)) {
		pthread_cond_destroy(&actor->told);
		free(actor);
		return NULL;
	}
	(void)actor_await(actor, INT64_MAX);
	if (actor->session == NULL) {
		err_set(err, "%s", err_text(&actor->trouble));
		actor_close(actor);
		return NULL;
	}
	return actor;
}

void actor_close(struct actor *actor)
{
	if (actor == NULL)
		return;
	pthread_mutex_lock(&actor->stage->mutex);
	actor->quit = true;
	pthread_mutex_unlock(&actor->stage->mutex);
	wake(actor);
	if (actor->fiber == NULL)
		pthread_join(actor->thread, NULL);
	fiber_free(actor->fiber);
	pthread_cond_destroy(&actor->told);
	err_fini(&actor->trouble);
	free(actor);
}

static void tell(struct actor *actor, bool begin)
{
	pthread_mutex_lock(&actor->stage->mutex);
	actor->begin = begin;
	actor->at = ACTOR_BUSY;
	pthread_mutex_unlock(&actor->stage->mutex);
	wake(actor);
}

void actor_begin(struct actor *actor)
{
	tell(actor, true);
}

void actor_go_on(struct actor *actor)
{
	tell(actor, false);
}

/* Lets a fiber go on when its answer has come, or comes within so long. False: it has not, or it waits for none. */
static bool serve(struct actor *actor, int64_t limit_ns)
{
	struct pollfd answer = {.fd = actor->socket, .events = POLLIN};
	const struct timespec limit = {limit_ns / NS_PER_S, limit_ns % NS_PER_S};

	if (actor->fiber == NULL || actor->socket < 0 || ppoll(&answer, 1, &limit, NULL) <= 0)
		return false; /* interrupted, too: who awaits it looks again */
	actor->socket = -1;
	fiber_go_on(actor->fiber);
	return true;
}

static enum actor_at look_at(struct actor *actor)
{
	pthread_mutex_lock(&actor->stage->mutex);
	enum actor_at at = actor->at;
	pthread_mutex_unlock(&actor->stage->mutex);
	return at;
}

enum actor_at actor_at(struct actor *actor)
{
	while (serve(actor, 0))
		continue;
	return look_at(actor);
}

static enum actor_at await_fiber(struct actor *actor, int64_t until)
{
	int64_t left;

	do {
		left = until - clock_now_ns();
		(void)serve(actor, left > 0 ? left : 0);
	} while (look_at(actor) == ACTOR_BUSY && left > 0);
	return look_at(actor);
}

enum actor_at actor_await(struct actor *actor, int64_t limit_ns)
{
	const int64_t now = clock_now_ns();
	const int64_t until = limit_ns > INT64_MAX - now ? INT64_MAX : now + limit_ns;
	const struct timespec deadline = {until / NS_PER_S, until % NS_PER_S};
	bool late = false;

	if (actor->fiber != NULL)
		return await_fiber(actor, until);
	pthread_mutex_lock(&actor->stage->mutex);
	while (actor->at == ACTOR_BUSY && !late)
		late = pthread_cond_timedwait(&actor->stage->changed, &actor->stage->mutex, &deadline) == ETIMEDOUT;
	enum actor_at at = actor->at;
	pthread_mutex_unlock(&actor->stage->mutex);
	return at;
}

const struct actor_step *actor_next(const struct actor *actor)
{
	return &actor->next;
}

const struct actor_step *actor_last(const struct actor *actor)
{
	return &actor->last;
}

const struct play_end *actor_end(const struct actor *actor)
{
	return &actor->end;
}

struct db_session *actor_session(const struct actor *actor)
{
	return actor->session;
}
