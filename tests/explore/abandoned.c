/* abandoned ENGINE: an order that is left where two sessions wait, one behind the other. What the first one lets go
 * ends the waiting of the second, and what that one lets go the third's: nobody need be cancelled. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/sandbox.h"
#include "explore/schedule.h"
#include "explore/script.h"

enum { SESSIONS = 3, TIMES = 20 };

static const char file[] =
	"schema { CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER) {table_end} }\n"
	"setup { INSERT INTO t VALUES (1, 0) }\n"
	"session A\nstep begin { BEGIN }\nstep write { UPDATE t SET n = n + 1 WHERE id = 1 }\nstep commit { COMMIT }\n"
	"session B like A\nsession C like A\n";

/* The last one first, each up to its write; then it stops. */
static int choose(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	(void)context;
	(void)who;
	for (size_t i = n; i-- > 0;)
		if (next[i]->verb != DB_COMMIT)
			return (int)i;
	return CHOOSE_STOP;
}

static bool abandon(struct world *world, int *waited, int *canceled, struct err *err)
{
	const struct chooser chooser = {NULL, choose};
	struct schedule schedule = {0};
	bool ok = true;

	for (int i = 0; i < TIMES && ok; i++) {
		schedule_run(world, &chooser, &schedule, err);
		ok = schedule.result == SCHEDULE_STOPPED;
		for (size_t k = 0; k < schedule.n; k++)
			*waited += schedule.steps[k].waited;
		for (size_t who = 0; who < SESSIONS; who++)
			*canceled += actor_end(world_actor(world, who))->err == DB_CANCELED;
	}
	schedule_fini(&schedule);
	return ok;
}

static bool run(const struct db_target *target, int *waited, int *canceled, struct err *err)
{
	const struct db_settings settings = {.iso = DB_READ_COMMITTED, .lock_wait_ns = 600 * NS_PER_S};
	struct script_play *play = mem_new(1, sizeof *play);
	struct script script;

	if (!script_parse("file", file, sizeof file - 1, &script, err)) {
		free(play);
		return false;
	}
	struct db_session *session = db_open(target, &settings, err);
	bool ok = session != NULL && script_create(&script, session, err);
	db_close(session);
	script_play_init(play, &script);
	struct world *world = ok ? world_open(&play->play, target, &settings, 0, err) : NULL;
	ok = world != NULL && abandon(world, waited, canceled, err);
	world_close(world);
	script_fini(&script);
	free(play);
	return ok;
}

int main(int argc, char **argv)
{
	struct sandbox *sandbox = argc == 2 ? sandbox_start(argv[1], NULL) : NULL;
	struct db_target target;
	struct err err = {0};
	int waited = 0, canceled = 0;

	bool ok = sandbox != NULL && db_target_parse(sandbox_url(sandbox), &target, &err);
	if (ok) {
		ok = run(&target, &waited, &canceled, &err) && waited == 2 * TIMES && canceled == 0;
		db_target_fini(&target);
	}
	sandbox_stop(sandbox);
	printf("%sok 1 - %d of %d waited, %d were cancelled %s\n1..1\n", ok ? "" : "not ", waited, 2 * TIMES, canceled,
	       err.text != NULL ? err.text : "");
	err_fini(&err);
	return ok ? 0 : 1;
}
