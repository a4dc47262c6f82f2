#include "actor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct actor {
	const struct world *world;
	const struct db_settings *settings;
	pthread_t thread;
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t changed;
	bool opened, has_call, ends;
	struct db_session *session;
	struct err err;
	struct db_call call;
	struct db_outcome outcome;
	struct db_rows rows;
};

static void *act(void *context)
{
	struct actor *actor = context;
	struct db_session *session = db_open(&actor->world->target, actor->settings, &actor->err);

	pthread_mutex_lock(&actor->lock);
	actor->session = session;
	actor->opened = true;
	pthread_cond_broadcast(&actor->changed);
	while (session != NULL) {
		while (!actor->has_call && !actor->ends)
			pthread_cond_wait(&actor->changed, &actor->lock);
		if (!actor->has_call)
			break;
		const struct db_call call = actor->call;
		pthread_mutex_unlock(&actor->lock);
		struct db_rows rows = {0};
		struct db_outcome outcome;
		(void)!db_exec(session, &call, &rows, &outcome);
		pthread_mutex_lock(&actor->lock);
		db_rows_fini(&actor->rows);
		actor->rows = rows;
		actor->outcome = outcome;
		actor->has_call = false;
		pthread_cond_broadcast(&actor->changed);
	}
	pthread_mutex_unlock(&actor->lock);
	db_close(session);
	return NULL;
}

struct actor *actor_open(const struct world *world, const struct db_settings *settings)
{
	struct actor *actor = mem_new(1, sizeof *actor);

	actor->world = world;
	actor->settings = settings;
	pthread_mutex_init(&actor->lock, NULL);
	pthread_cond_init(&actor->changed, NULL);
	assert_int_equal(pthread_create(&actor->thread, NULL, act, actor), 0);
	pthread_mutex_lock(&actor->lock);
	while (!actor->opened)
		pthread_cond_wait(&actor->changed, &actor->lock);
	pthread_mutex_unlock(&actor->lock);
	if (actor->session == NULL)
		fail_msg("%s", err_text(&actor->err));
	return actor;
}

void actor_close(struct actor *actor)
{
	pthread_mutex_lock(&actor->lock);
	actor->ends = true;
	pthread_cond_broadcast(&actor->changed);
	pthread_mutex_unlock(&actor->lock);
	assert_int_equal(pthread_join(actor->thread, NULL), 0);
	pthread_cond_destroy(&actor->changed);
	pthread_mutex_destroy(&actor->lock);
	db_rows_fini(&actor->rows);
	err_fini(&actor->err);
	free(actor);
}

struct db_session *actor_session(struct actor *actor)
{
	return actor->session;
}

void actor_do(struct actor *actor, enum db_verb verb, const char *sql)
{
	actor_do_with(actor, verb, sql, NULL);
}

void actor_do_with(struct actor *actor, enum db_verb verb, const char *sql, const struct db_value *args)
{
	const uint64_t turns = db_turns(actor->session);

	pthread_mutex_lock(&actor->lock);
	bool free_for_it = !actor->has_call;
	if (free_for_it) {
		actor->call = (struct db_call){.verb = verb, .sql = sql};
		for (size_t i = 0; args != NULL && i < DB_MAX_ARGS && args[i].type != DB_END; i++)
			actor->call.args[i] = args[i];
		actor->has_call = true;
		pthread_cond_broadcast(&actor->changed);
	}
	pthread_mutex_unlock(&actor->lock);
	assert_true(free_for_it);
	while (db_turns(actor->session) == turns && !actor_is_done(actor))
		clock_pause_ns(10 * NS_PER_US);
}

bool actor_is_done(struct actor *actor)
{
	pthread_mutex_lock(&actor->lock);
	bool done = !actor->has_call;
	pthread_mutex_unlock(&actor->lock);
	return done;
}

struct db_outcome actor_wait(struct actor *actor)
{
	pthread_mutex_lock(&actor->lock);
	while (actor->has_call)
		pthread_cond_wait(&actor->changed, &actor->lock);
	struct db_outcome outcome = actor->outcome;
	pthread_mutex_unlock(&actor->lock);
	return outcome;
}

struct db_outcome actor_attempt(struct actor *actor, enum db_verb verb, const char *sql)
{
	actor_do(actor, verb, sql);
	return actor_wait(actor);
}

struct db_outcome actor_must(struct actor *actor, enum db_verb verb, const char *sql)
{
	struct db_outcome outcome = actor_attempt(actor, verb, sql);

	if (outcome.err != DB_OK)
		fail_msg("%s: %s (%s)", sql != NULL ? sql : db_verb_name(verb), outcome.message,
		         db_err_name(outcome.err));
	return outcome;
}

int64_t actor_ask(struct actor *actor, const char *sql)
{
	return actor_ask_with(actor, sql, NULL);
}

int64_t actor_ask_with(struct actor *actor, const char *sql, const struct db_value *args)
{
	actor_do_with(actor, DB_READ, sql, args);
	struct db_outcome outcome = actor_wait(actor);
	if (outcome.err != DB_OK)
		fail_msg("%s: %s (%s)", sql, outcome.message, db_err_name(outcome.err));
	if (actor->rows.n_rows != 1 || actor->rows.n_cols != 1 || actor->rows.cells[0].type != DB_INT)
		fail_msg("%s: answers no whole number", sql);
	return actor->rows.cells[0].integer;
}

const struct db_rows *actor_rows(const struct actor *actor)
{
	return &actor->rows;
}

bool actor_has_tx(struct actor *actor)
{
	if (actor->world->is_postgres)
		return has_tx(actor->world, actor->session);
	if (!actor->world->is_sqlite)
		return actor_ask(actor, "SELECT @@in_transaction") != 0;
	struct db_outcome outcome = actor_attempt(actor, DB_BEGIN, NULL);
	if (outcome.err == DB_OK) {
		actor_must(actor, DB_ROLLBACK, NULL);
		return false;
	}
	assert_contains(outcome.message, "within a transaction");
	return true;
}
