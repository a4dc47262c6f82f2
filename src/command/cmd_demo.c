/* racy demo: the five endpoints one after another, and what happened to the money. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "command/commands.h"
#include "command/demo.h"
#include "command/interrupt.h"
#include "lab/expect.h"

static int run(int argc, char **argv);

const struct command command_demo = {
	.name = "demo",
	.operands = "[options]",
	.summary = "see it happen: five ways to write a deposit, raced one after another",
	.help = "Takes a throw-away MariaDB where the server is installed, else SQLite; --db names another,\n"
	        "and may be given several times: then all of it takes place on each.\n"
	        "\n"
	        "Exit codes: 0 what was found is what is expected there, 1 it differs, 2 wrong usage,\n"
	        "3 no database and the like, 4 a run allowed no verdict.",
	.run = run,
};

/* From the shortest window to the countermeasure. */
static const char *const names[DEMO_WAYS] = {
	"non_atomic_no_delay", "atomic_no_delay", "non_atomic_long_delay", "atomic_long_delay",
	"row_locking_atomic_long_delay",
};

struct order {
	int64_t workers, seed;
	bool json;
	struct database_options where;
};

struct demo {
	const struct order *order;
	struct databases databases;
	struct report_style style;
	struct progress progress;
	struct registry_entry entries[DEMO_WAYS];
	struct experiment_result *results; /* database by database */
	size_t done;
};

static struct database *database_of(const struct demo *demo, size_t i)
{
	return &demo->databases.items[i / DEMO_WAYS];
}

static bool is_done(const struct demo *demo)
{
	return demo->done == demo->databases.n * DEMO_WAYS;
}

/* ---- racing ---------------------------------------------------------------------------------- */

static void tell_progress(void *context, size_t ended, size_t requests)
{
	progress_show(&((struct demo *)context)->progress, ended, requests);
}

static bool race_one(struct demo *demo, size_t i, struct err *err)
{
	const struct database *database = database_of(demo, i);
	struct experiment experiment = {
		.workers = (int)demo->order->workers,
		.requests = DEMO_DEPOSITS,
		.delay_min_ns = 300 * NS_PER_MS,
		.delay_max_ns = NS_PER_S,
		.timeout_ns = 30 * NS_PER_S,
		.amount = DEMO_AMOUNT,
		.recorded = true,
		.retry = retry_default,
		.seed = (uint64_t)demo->order->seed,
		.target = &database->target,
		.db = database->settings,
		.database = database_text(database),
		.interrupted = &interrupted,
		.progress = tell_progress,
		.context = demo,
		.entry = demo->entries[i % DEMO_WAYS],
	};

	progress_start(&demo->progress, names[i % DEMO_WAYS]);
	bool ok = experiment_run(&experiment, &demo->results[i], err);
	progress_clear(&demo->progress);
	if (!ok) {
		databases_blame(&demo->databases, i / DEMO_WAYS, err);
		return false;
	}
	demo->done++;
	demo->results[i].run.plan.db_option = database_option(database);
	if (demo->results[i].leftover != NULL)
		fprintf(stderr, "racy demo: %s\n", demo->results[i].leftover);
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What was found beside what is expected. Whether a window without a pause is met is chance. */
static int code_of(const struct demo *demo)
{
	int code = RACY_OK;

	for (size_t i = 0; i < demo->done; i++) {
		const struct run_result *run = &demo->results[i].run;
		const struct variant *variant = demo->entries[i % DEMO_WAYS].variant;
		enum expectation expected = expect_of(variant, &run->identity, TX_AS_WRITTEN);
		enum verdict verdict = run->findings.verdict;
		bool sure_to_meet = run->plan.pauses && run->plan.workers > 1;
		if (verdict == VERDICT_VIOLATED && (expected == HOLDS || expected == REFUSES))
			return RACY_VIOLATED;
		if (verdict == VERDICT_NONE_SEEN && expected == LOSES && sure_to_meet)
			return RACY_VIOLATED;
		if (verdict == VERDICT_INCONCLUSIVE && sure_to_meet)
			code = RACY_INCONCLUSIVE;
	}
	return code;
}

static void tell_end(const struct demo *demo, int64_t since_ns)
{
	char *took = duration_text(clock_now_ns() - since_ns);
	size_t servers = 0;

	for (size_t d = 0; d < demo->databases.n; d++)
		servers += demo->databases.items[d].sandbox != NULL ? 1 : 0;
	printf("\n%s%s, seed %" PRId64 ".\n",
	       servers == 1  ? "The server stops now and leaves nothing behind. "
	       : servers > 1 ? "The servers stop now and leave nothing behind. " : "",
	       took, demo->order->seed);
	free(took);
}

static void tell_table(const struct demo *demo, const struct run_result *runs)
{
	if (demo->order->json)
		report_json.table(stdout, &demo->style, runs, demo->done);
	else if (demo->databases.n == 1)
		report_text.table(stdout, &demo->style, runs, demo->done);
	else
		report_ways(stdout, &demo->style, runs, DEMO_WAYS, demo->databases.n);
}

static void tell_all(const struct demo *demo, struct demo_story *story, int64_t since_ns)
{
	struct run_result *runs = mem_new(demo->done, sizeof *runs);

	for (size_t i = 0; i < demo->done; i++)
		runs[i] = demo->results[i].run;
	story->runs = runs;
	story->n_runs = demo->done;
	tell_table(demo, runs);
	if (!demo->order->json) {
		story_tell(story);
		tell_end(demo, since_ns);
	}
	free(runs);
}

static int race_all(struct demo *demo, int64_t since_ns, struct err *err)
{
	struct demo_story story = {.style = demo->style, .databases = &demo->databases};
	int code = RACY_ENVIRONMENT;

	for (size_t i = 0; i < DEMO_WAYS; i++)
		if (!registry_find(names[i], &demo->entries[i], NULL))
			abort();
	if (!demo->order->json)
		story_place(&story, demo->order->workers, demo->order->where.iso == DB_ISO_DEFAULT);
	while (!is_done(demo) && interrupted == 0 && race_one(demo, demo->done, err))
		;
	if (interrupted != 0) {
		fprintf(stderr, "racy demo: interrupted; nothing is left behind\n");
		code = RACY_INTERRUPTED + interrupted;
	} else if (is_done(demo)) {
		tell_all(demo, &story, since_ns);
		code = code_of(demo);
	}
	return code;
}

static int demonstrate(const struct order *order, struct err *err)
{
	int64_t since_ns = clock_now_ns();
	struct demo demo = {.order = order, .style = report_style_of(stdout)};
	int code;

	if (!databases_open(&order->where, sandbox_possible("mariadb", NULL) ? "mariadb" : NULL, 30 * NS_PER_S,
	                    &demo.databases, &code, err))
		return code;
	demo.results = mem_new(demo.databases.n * DEMO_WAYS, sizeof *demo.results);
	code = race_all(&demo, since_ns, err);
	for (size_t i = 0; i < demo.done; i++)
		experiment_fini(&demo.results[i]);
	free(demo.results);
	databases_close(&demo.databases);
	return code;
}

static int run(int argc, char **argv)
{
	struct order order = {.workers = 3, .seed = (int64_t)rng_fresh_seed(), .where = {.several = true}};
	const struct opt options[] = {
		DATABASE_OPTIONS(order.where),
		{"workers", 'w', "N", "processes, one request at a time each (3)", opt_number, &order.workers, 1, 1000},
		{"seed", 0, "N", "of the delays (drawn; the last line tells it)", opt_number, &order.seed, 0,
		 INT64_MAX},
		{"json", 0, NULL, "one object on stdout instead of text", opt_flag, &order.json, 0, 0},
		{0},
	};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_demo, argc, argv, options, &first, &code)) {
		database_options_fini(&order.where);
		return code;
	}
	code = RACY_USAGE;
	if (first < argc)
		err_set(&err, "'%s' is too much: it takes no operand (try `racy run %s`)", argv[first], argv[first]);
	if (err.text == NULL) {
		interrupt_catch();
		code = demonstrate(&order, &err);
	}
	if (err.text != NULL)
		command_fail(&command_demo, code, &err);
	err_fini(&err);
	database_options_fini(&order.where);
	return code;
}
