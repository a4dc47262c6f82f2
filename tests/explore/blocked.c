/* Is who is said to wait really waiting? `blocked ENGINE N ROOT`: N random orders of the project's files at several
 * levels. Whenever a session is said to wait, nothing is done for a while, and it must wait still: a statement that
 * is only slow would have ended. Of SQLite, whose sessions wait in their client, the lock itself is tried instead.
 * The patience is the point here: an answer that only time can show is what is asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rng.h"
#include "base/str.h"
#include "db/sandbox.h"
#include "explore/script.h"
#include "explore/search.h"

static const int64_t PATIENCE_NS = 25 * NS_PER_MS;

static const char *const files[] = {
	"tests/explore/slow.sql", "docs/explore/deposit.sql", "docs/explore/deposit-locked.sql",
	"docs/explore/write-skew.sql", "docs/isolation/G0.sql", "docs/isolation/G1c.sql", "docs/isolation/OTV.sql",
	"docs/isolation/PMP-write.sql", "docs/isolation/G2-two-edges.sql",
};
static const enum db_iso levels[] = {DB_READ_COMMITTED, DB_REPEATABLE_READ, DB_SERIALIZABLE};

struct check {
	struct rng rng;
	struct world *world;
	struct db_session *taster;  /* SQLite: tries the lock; NULL: servers */
	unsigned seen;              /* bit i: session i was looked at since it began to wait */
	uint64_t waits, wrong, unsure, schedules;
};

/* ---- the slow look --------------------------------------------------------------------------------------- */

/* The engine ends a deadlock by its own doing, whoever is watched. */
static bool was_ended_by_engine(struct actor *actor)
{
	return actor_last(actor)->err == DB_DEADLOCK;
}

static void watch_server(struct check *check, struct actor *actor)
{
	check->waits++;
	if (actor_await(actor, PATIENCE_NS) != ACTOR_BUSY && !was_ended_by_engine(actor)) {
		printf("# '%s' was said to wait, and ended\n", actor_last(actor)->label);
		check->wrong++;
	}
}

/* Who waits in its client and is not offered cannot get the lock: nor can anybody else. */
static void taste_lock(struct check *check, struct actor *actor)
{
	struct db_outcome outcome;
	const struct db_call begin = {.verb = DB_BEGIN, .for_write = true}, end = {.verb = DB_ROLLBACK};

	check->waits++;
	if (db_exec(check->taster, &begin, NULL, &outcome) == DB_OK) {
		(void)!db_exec(check->taster, &end, NULL, &outcome);
		printf("# '%s' was said to wait, and its lock was free\n", actor_last(actor)->label);
		check->wrong++;
	}
}

static bool is_offered(const size_t *who, size_t n, size_t session)
{
	for (size_t i = 0; i < n; i++)
		if (who[i] == session)
			return true;
	return false;
}

static int choose(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	struct check *check = context;
	const size_t sessions = world_play(check->world)->sessions;

	(void)next;
	for (size_t i = 0; i < sessions; i++) {
		struct actor *actor = world_actor(check->world, i);
		enum actor_at at = actor_at(actor);
		bool waits = at == ACTOR_BUSY || (at == ACTOR_WAITING && !is_offered(who, n, i));
		if (waits && (check->seen >> i & 1) == 0)
			at == ACTOR_BUSY ? watch_server(check, actor) : taste_lock(check, actor);
		check->seen = waits ? check->seen | 1U << i : check->seen & ~(1U << i);
	}
	return (int)rng_between(&check->rng, 0, (int64_t)n - 1);
}

/* ---- the orders ------------------------------------------------------------------------------------------- */

static bool run_orders(struct check *check, uint64_t n, struct err *err)
{
	const struct chooser chooser = {check, choose};
	struct schedule schedule = {0};

	for (uint64_t i = 0; i < n; i++) {
		check->seen = 0;
		schedule_run(check->world, &chooser, &schedule, err);
		if (schedule.result == SCHEDULE_FAILED) {
			schedule_fini(&schedule);
			return false;
		}
		check->schedules++;
		if (schedule.result == SCHEDULE_UNSURE)
			printf("# %s\n", schedule.why);
		check->unsure += schedule.result == SCHEDULE_UNSURE;
	}
	schedule_fini(&schedule);
	return true;
}

static bool check_at(struct check *check, const struct db_target *target, const struct script *script, enum db_iso iso,
                     uint64_t n, struct err *err)
{
	/* A deadlock must not be ended while its sessions are watched. */
	static const struct db_setting slow = {"deadlock_timeout", "200ms"};
	const bool is_server = db_limits_lock_waits(target);
	const bool is_postgres = (db_abilities(target) & DB_NAMED_LOCKS_END) != 0;
	const struct db_settings settings = {.iso = is_server ? iso : DB_ISO_DEFAULT, .sets = &slow,
	                                     .n_sets = is_postgres ? 1 : 0, .lock_wait_ns = 600 * NS_PER_S};
	struct script_play *play = mem_new(1, sizeof *play);

	script_play_init(play, script);
	check->world = world_open(&play->play, target, &settings, 0, err);
	bool ok = check->world != NULL && run_orders(check, n, err);
	world_close(check->world);
	free(play);
	return ok;
}

/* The tables of a file are there for it alone. */
static bool drop(const struct script *script, struct db_session *session, struct err *err)
{
	bool ok = true;

	for (size_t i = script->tables.n; ok && i-- > 0;) {
		char *sql = mem_printf("DROP TABLE %s", script->tables.items[i].name);
		ok = db_run(session, DB_WRITE, sql, NULL, NULL, NULL, err);
		free(sql);
	}
	return ok;
}

static bool check_file(struct check *check, const struct db_target *target, const char *path, uint64_t n,
                       struct err *err)
{
	const struct db_settings plain = {.iso = DB_ISO_DEFAULT};
	const size_t n_levels = db_limits_lock_waits(target) ? COUNT_OF(levels) : 1;
	struct script script;

	if (!script_read(path, &script, err))
		return false;
	struct db_session *session = db_open(target, &plain, err);
	bool ok = session != NULL && script_create(&script, session, err);
	for (size_t i = 0; ok && i < n_levels; i++)
		ok = check_at(check, target, &script, levels[i], (n + n_levels - 1) / n_levels, err);
	ok = ok && drop(&script, session, err);
	db_close(session);
	script_fini(&script);
	return ok;
}

static bool check_all(struct check *check, const char *url, const char *root, uint64_t n, struct err *err)
{
	const struct db_settings plain = {.iso = DB_ISO_DEFAULT};
	struct db_target target;
	bool ok = true;

	if (!db_target_parse(url, &target, err))
		return false;
	if (!db_limits_lock_waits(&target))
		ok = (check->taster = db_open(&target, &plain, err)) != NULL;
	for (size_t i = 0; ok && i < COUNT_OF(files); i++) {
		char *path = mem_printf("%s/%s", root, files[i]);
		ok = check_file(check, &target, path, (n + COUNT_OF(files) - 1) / COUNT_OF(files), err);
		free(path);
	}
	db_close(check->taster);
	db_target_fini(&target);
	return ok;
}

static bool check_engine(struct check *check, const char *engine, const char *root, uint64_t n, struct err *err)
{
	char folder[] = "/tmp/racy-blocked-XXXXXX";

	if (sandbox_is_known(engine)) {
		struct sandbox *sandbox = sandbox_start(engine, err);
		bool ok = sandbox != NULL && check_all(check, sandbox_url(sandbox), root, n, err);
		sandbox_stop(sandbox);
		return ok;
	}
	if (mkdtemp(folder) == NULL)
		return err_set(err, "no folder can be made: %s", folder);
	char *url = mem_printf("sqlite:%s/blocked.db", folder);
	bool ok = check_all(check, url, root, n, err);
	char *command = mem_printf("rm -r %s", folder);
	ok = system(command) == 0 && ok;
	free(command);
	free(url);
	return ok;
}

int main(int argc, char **argv)
{
	struct check check = {0};
	struct err err = {0};
	int64_t n;

	if (argc != 4 || !num_parse(argv[2], 1, INT64_MAX, &n, NULL)) {
		fprintf(stderr, "usage: blocked ENGINE N ROOT\n");
		return 2;
	}
	rng_init(&check.rng, 1);
	bool ok = check_engine(&check, argv[1], argv[3], (uint64_t)n, &err);
	ok = ok && check.wrong == 0 && check.unsure == 0 && check.waits > 0;
	printf("%sok 1 - %s: of %llu waits in %llu orders %llu were none, %llu could not be told %s\n1..1\n",
	       ok ? "" : "not ", argv[1], (unsigned long long)check.waits, (unsigned long long)check.schedules,
	       (unsigned long long)check.wrong, (unsigned long long)check.unsure, err.text != NULL ? err.text : "");
	err_fini(&err);
	return ok ? 0 : 1;
}
