/* The place, the world, the serial orders, the search. */
#include "command/explore_job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "command/command.h"
#include "command/explore_place.h"
#include "command/interrupt.h"

/* ---- options --------------------------------------------------------------------------------------------------- */

struct explore_limits explore_limits_default(void)
{
	return (struct explore_limits){.preemptions = -1};
}

bool explore_opt_reduction(const struct opt *opt, const char *text, struct err *err)
{
	static const char *const names[] = {"auto", "on", "off"};
	enum reduction *reduction = opt->target;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_equal(text, names[i])) {
			*reduction = (enum reduction)i;
			return true;
		}
	return err_set(err, "'%s' is none of auto, on and off", text);
}

bool explore_check(const struct explore_limits *limits, const struct explore_subject *subject, struct err *err)
{
	const bool bounded = limits->preemptions >= 0, random = limits->random > 0;
	const bool reduced = limits->reduction == REDUCTION_ON;

	if (limits->literal && !subject->is_file)
		return err_set(err, "--orders literal needs to know the steps beforehand: it is for files");
	if (bounded + random + reduced + limits->literal > 1)
		return err_set(err,
		               "only one of --preemptions, --random, --reduction on and --orders literal at a time");
	if (limits->seed > 0 && !random)
		return err_set(err, "--seed belongs to --random");
	return true;
}

/* ---- the search ------------------------------------------------------------------------------------------------ */

struct progress {
	int64_t since_ns, shown_ns;
	bool visible;
};

static void show(void *context, const struct found *found)
{
	struct progress *progress = context;
	int64_t now = clock_now_ns();
	char of[32] = "";

	if (now - progress->since_ns < NS_PER_S || now - progress->shown_ns < 200 * NS_PER_MS || !isatty(STDERR_FILENO))
		return;
	if (found->estimate > 0)
		(void)snprintf(of, sizeof of, " of about %.0f", found->estimate);
	fprintf(stderr, "\r%llu orders%s, %llu violating, %lld s \033[K", (unsigned long long)found->schedules, of,
	        (unsigned long long)found->violating, (long long)((now - progress->since_ns) / NS_PER_S));
	fflush(stderr);
	progress->shown_ns = now;
	progress->visible = true;
}

static bool search(const struct explore_limits *limits, const struct explore_subject *subject, struct world *world,
                   const struct search_limits *to, struct found *found, struct err *err)
{
	size_t n_steps[PLAY_MOST_SESSIONS];

	for (size_t i = 0; i < subject->script.n_sessions; i++)
		n_steps[i] = subject->script.sessions[i].n_steps;
	if (limits->literal)
		return search_literal(world, n_steps, to, found, err);
	if (limits->random > 0)
		return search_random(world, limits->seed > 0 ? (uint64_t)limits->seed : rng_fresh_seed(), to,
		                     found, err);
	if (limits->reduction == REDUCTION_ON && world_waits_in_client(world))
		return err_set(err, "--reduction on: sessions that wait in their own client, as SQLite's do, are not "
		                    "reduced; leave the option out");
	return search_auto(&world, 1, limits->preemptions >= 0 ? REDUCTION_OFF : limits->reduction, to, found, err);
}

static bool search_in(const struct explore_limits *limits, const struct explore_subject *subject, struct world *world,
                      struct explore_result *result, struct err *err)
{
	struct progress progress = {.since_ns = clock_now_ns()};
	const struct search_limits to = {
		.max_schedules = (uint64_t)(limits->random > 0 ? limits->random : limits->max_schedules),
		.time_ns = limits->time_ns, .interrupted = &interrupted, .serial = &result->serial,
		.max_preemptions = limits->preemptions >= 0 ? (unsigned)limits->preemptions : UINT_MAX,
		.progress = show, .context = &progress,
	};
	bool ok = serial_run(world, subject->play, &result->serial, err) &&
	          search(limits, subject, world, &to, &result->found, err);

	if (progress.visible)
		fputs("\r\033[K", stderr);
	return ok;
}

/* ---- the job --------------------------------------------------------------------------------------------------- */

static void fill(const struct explore_order *order, const struct explore_subject *subject,
                 const struct explore_place *place, struct explore_result *result)
{
	result->identity = explore_subject_identity(subject, &place->database);
	result->database = mem_text(explore_place_text(place));
	result->explored = (struct explored){
		.what = subject->what, .state = explore_subject_state(subject),
		.play = subject->play, .sessions = subject->play->sessions, .parts = subject->parts,
		.identity = &result->identity, .database = result->database,
		.sets = order->where.sets, .n_sets = order->where.n_sets,
		.max_tries = (int)order->handling.max_tries, .no_transaction = order->handling.no_transaction,
		.found = &result->found, .serial = &result->serial,
	};
}

static int run_at(const struct explore_order *order, const struct explore_limits *limits,
                  const struct explore_subject *subject, const struct explore_place *place,
                  struct explore_result *result, struct err *err)
{
	int code = RACY_ENVIRONMENT;

	if (!explore_subject_create(subject, &place->database, err))
		return RACY_USAGE;
	struct world *world = world_open(subject->play, &place->database.target, &place->database.settings, err);
	if (world != NULL && search_in(limits, subject, world, result, err)) {
		fill(order, subject, place, result);
		code = RACY_OK;
	}
	world_close(world);
	return code;
}

int explore_run(struct explore_order *order, const struct explore_limits *limits,
                const struct explore_subject *subject, struct explore_result *result, struct err *err)
{
	struct explore_place place;
	struct err left = {0};
	int code;

	*result = (struct explore_result){0};
	interrupt_catch();
	if (!explore_place_open(&order->where, &place, &code, err))
		return code;
	code = run_at(order, limits, subject, &place, result, err);
	if (!explore_place_close(&place, &left)) {
		err_set(err, "%s", err_text(&left));
		code = RACY_ENVIRONMENT;
	}
	err_fini(&left);
	if (code != RACY_OK)
		explore_result_fini(result);
	return code;
}

void explore_result_fini(struct explore_result *result)
{
	found_fini(&result->found);
	serial_fini(&result->serial);
	free(result->database);
	*result = (struct explore_result){0};
}

int explore_code_of(enum explored_verdict verdict)
{
	return verdict == EXPLORED_PROVEN ? RACY_OK : verdict == EXPLORED_VIOLATED ? RACY_VIOLATED : RACY_INCONCLUSIVE;
}

bool explore_flush(struct err *err)
{
	return (fflush(stdout) == 0 && !ferror(stdout)) ||
	       err_set(err, "the result cannot be written: %s", strerror(errno));
}
