/* A session on a thread of its own, which does one call after another as it is told to: whoever tells
 * it goes on, or waits for the outcome. All functions are called from the test's own thread, and
 * fail the test there. */
#ifndef TESTS_DRIVER_ACTOR_H
#define TESTS_DRIVER_ACTOR_H

#include "world.h"

struct actor;

struct actor *actor_open(const struct world *world, const struct db_settings *settings);
/* Waits for a call under way. */
void actor_close(struct actor *actor);

/* To be cancelled, watched, or asked for its identity; the calls are the actor's. */
struct db_session *actor_session(struct actor *actor);

/* Begins a call, and returns when the engine has it (or it has ended); the one before must have ended.
 * The texts must live until its end; `args` as with db_run. */
void actor_do(struct actor *actor, enum db_verb verb, const char *sql);
void actor_do_with(struct actor *actor, enum db_verb verb, const char *sql, const struct db_value *args);
bool actor_is_done(struct actor *actor);
/* Waits for the end of the call. */
struct db_outcome actor_wait(struct actor *actor);
/* Both at once; `must` fails the test where the call fails. */
struct db_outcome actor_attempt(struct actor *actor, enum db_verb verb, const char *sql);
struct db_outcome actor_must(struct actor *actor, enum db_verb verb, const char *sql);
/* The one whole number that a statement answers. */
int64_t actor_ask(struct actor *actor, const char *sql);
int64_t actor_ask_with(struct actor *actor, const char *sql, const struct db_value *args);
/* Of the call that ended last. */
const struct db_rows *actor_rows(const struct actor *actor);
/* As has_tx (see world.h). */
bool actor_has_tx(struct actor *actor);

#endif
