/* racy demo: the five endpoints one after another, and what happened to the money. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/database.h"
#include "command/interrupt.h"
#include "command/race.h"
#include "lab/expect.h"
#include "report/report.h"
#include "scenarios/scenarios.h"

static int run(int argc, char **argv);

const struct command command_demo = {
	.name = "demo",
	.operands = "[options]",
	.summary = "see it happen: five ways to write a deposit, raced one after another",
	.help = "Takes a throw-away MariaDB where the server is installed, else SQLite; --db names another.\n"
	        "\n"
	        "Exit codes: 0 what was found is what is expected there, 1 it differs, 2 wrong usage,\n"
	        "3 no database and the like, 4 a run allowed no verdict.",
	.run = run,
};

/* From the shortest window to the countermeasure. */
static const char *const names[] = {
	"non_atomic_no_delay", "atomic_no_delay", "non_atomic_long_delay", "atomic_long_delay",
	"row_locking_atomic_long_delay",
};
enum { RUNS = COUNT_OF(names), DEPOSITS = 10, AMOUNT = 100, TOLD = 3 };

struct order {
	int64_t workers, seed;
	bool json;
	struct database_options where;
};

struct demo {
	const struct order *order;
	struct database *database;
	struct report_style style;
	struct progress progress;
	struct registry_entry entries[RUNS];
	struct experiment_result results[RUNS];
	size_t done;
};

static const char *number_word(size_t n)
{
	static const char *const words[] = {"no", "one", "two", "three", "four", "five", "six",
	                                    "seven", "eight", "nine", "ten"};
	static char digits[24];

	if (n < COUNT_OF(words))
		return words[n];
	(void)snprintf(digits, sizeof digits, "%zu", n);
	return digits;
}

/* ---- racing ---------------------------------------------------------------------------------- */

static void tell_progress(void *context, size_t ended, size_t requests)
{
	progress_show(&((struct demo *)context)->progress, ended, requests);
}

static bool race_one(struct demo *demo, size_t i, struct err *err)
{
	struct experiment experiment = {
		.workers = (int)demo->order->workers,
		.requests = DEPOSITS,
		.delay_min_ns = 300 * NS_PER_MS,
		.delay_max_ns = NS_PER_S,
		.timeout_ns = 30 * NS_PER_S,
		.amount = AMOUNT,
		.recorded = true,
		.seed = (uint64_t)demo->order->seed,
		.target = &demo->database->target,
		.db = demo->database->settings,
		.database = database_text(demo->database),
		.interrupted = &interrupted,
		.progress = tell_progress,
		.context = demo,
		.entry = demo->entries[i],
	};

	progress_start(&demo->progress, names[i]);
	bool ok = experiment_run(&experiment, &demo->results[i], err);
	progress_clear(&demo->progress);
	if (!ok)
		return false;
	demo->done++;
	if (demo->results[i].leftover != NULL)
		fprintf(stderr, "racy demo: %s\n", demo->results[i].leftover);
	return true;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell_place(const struct demo *demo)
{
	const struct database *database = demo->database;
	const struct db_identity *identity = &database->identity;
	bool as_django = demo->order->where.iso == DB_ISO_DEFAULT &&
	                 (text_equal(identity->engine, "mariadb") || text_equal(identity->engine, "mysql"));

	printf("%s %s, %s", identity->product, identity->version, database_text(database));
	if (database->sandbox != NULL) {
		char *ready = duration_text(sandbox_ready_ns(database->sandbox));
		printf(", ready in %s", ready);
		free(ready);
	}
	printf(". %s%s", identity->isolation, as_django ? ", as Django sets it" : "");
	if (identity->snapshot_isolation == 1)
		printf(" (innodb_snapshot_isolation ON)");
	printf(". %" PRId64 " synchronous worker%s.\n", demo->order->workers, demo->order->workers > 1 ? "s" : "");
	printf("Ten deposits of %d, sent at once, five ways to write the same view:\n\n", AMOUNT);
	fflush(stdout);
}

/* The run whose lanes are shown: the one with a transaction, which people expect to help. */
static const struct run_result *first_loser(const struct demo *demo)
{
	const struct run_result *first = NULL;

	for (size_t i = 0; i < demo->done; i++) {
		const struct run_result *run = &demo->results[i].run;
		if (run->findings.verdict != VERDICT_VIOLATED)
			continue;
		if (text_equal(run->plan.variant, "atomic_long_delay"))
			return run;
		if (first == NULL || (!first->plan.pauses && run->plan.pauses))
			first = run;
	}
	return first;
}

/* "All three read 0; each wrote 0 + 100." where the events of this round say exactly that. */
static void tell_round(const struct run_result *run, int64_t until_ns, bool atomic)
{
	int64_t value = 0;
	size_t n = 0;

	for (size_t i = 0; i < run->history.n; i++) {
		const struct history_request *request = &run->history.requests[i];
		const struct history_step *read = NULL, *write = NULL;
		if (until_ns != 0 && request->begin_ns >= until_ns)
			continue;
		for (size_t s = 0; s < request->n_steps; s++) {
			const struct history_step *step = &request->steps[s];
			if (step->pause || step->end_ns == 0 || step->err != DB_OK)
				continue;
			if (step->verb == DB_READ)
				read = step;
			if (step->verb == DB_WRITE && read != NULL && text_equal(step->table, read->table))
				write = step;
		}
		if (read == NULL || write == NULL || write->value != read->value + AMOUNT ||
		    (n > 0 && read->value != value))
			return;
		value = read->value;
		n++;
	}
	if (n < 2)
		return;
	printf("\n  All %s read %" PRId64 "; each wrote %" PRId64 " + %d.%s\n", number_word(n), value, value, AMOUNT,
	       atomic ? " The transaction did not help: nobody locked the row." : "");
}

/* The first few after which a deposit was gone for good: one that comes back is a longer story. */
static void tell_overwrites(const struct demo *demo, const struct run_result *run)
{
	const struct findings *findings = &run->findings;
	size_t told = 0;

	for (size_t i = 0; i < findings->n_overwrites && told < TOLD; i++) {
		if (findings->overwrites[i].n_back == findings->overwrites[i].n_erased)
			continue;
		char *sentence = overwrite_sentence(&findings->overwrites[i], run->start_ns);
		char *whole = mem_printf("R%s.", sentence + 1); /* it begins with "request" */
		report_paragraph(stdout, &demo->style, "  ", whole);
		free(sentence);
		free(whole);
		told++;
	}
	if (findings->n_overwrites > told)
		printf("  ... and %zu more such writes: `racy run` tells all of its run.\n",
		       findings->n_overwrites - told);
}

static void tell_loser(const struct demo *demo, const struct run_result *run)
{
	const struct findings *findings = &run->findings;
	int64_t round = report_first_round_end(run);
	char *customers = mem_text(number_word(findings->answered));
	struct registry_entry entry;

	if (!registry_find(run->plan.variant, &entry, NULL))
		abort();
	printf("\n%s: %s customer%s told 200 OK, %s deposit%s on record, %" PRId64 " is gone.\n", run->plan.variant,
	       customers, findings->answered == 1 ? " was" : "s were", number_word(findings->transactions),
	       findings->transactions == 1 ? " is" : "s are", findings->missing);
	free(customers);
	printf(round != 0 ? "Its first round, as it happened:\n\n" : "As it happened:\n\n");
	report_lanes(stdout, &demo->style, run, round);
	printf("  R read, W wrote%s\n", entry.variant->atomic ? ", C committed" : "");
	tell_round(run, round, entry.variant->atomic);
	printf("\n");
	tell_overwrites(demo, run);
}

static void tell_sqlite(const struct demo *demo)
{
	if (!text_equal(demo->database->identity.engine, "sqlite"))
		return;
	printf("\nThis was SQLite, which refuses a transaction whose read has become stale (atomic_* lose nothing and\n"
	       "refuse the losers), where MariaDB loses money: %s demo --db mariadb\n", program_invocation_name);
}

static void tell_next(const struct demo *demo)
{
	const char *racy = getenv("RACY_INVOKED_AS"); /* script/run says what a person typed */
	const char *db = demo->order->where.url != NULL ? demo->order->where.url
	               : text_equal(demo->database->identity.engine, "sqlite") ? NULL : "mariadb";
	char *on = db != NULL ? mem_printf(" --db %s", db) : mem_text("");

	if (racy == NULL)
		racy = program_invocation_name;
	printf("\nNext:\n"
	       "  is one worker the answer?\n"
	       "    %s run deposit/atomic_long_delay --workers 1%s\n"
	       "  does locking help if others do not lock?\n"
	       "    %s run deposit/row_locking_atomic_long_delay --mix non_atomic_no_delay%s\n"
	       "  a level that refuses instead of losing:\n"
	       "    %s run deposit/atomic_long_delay --isolation serializable%s\n"
	       "  what does the code do, and why does it race?\n"
	       "    %s explain deposit/atomic_long_delay\n"
	       "  the same by hand, as a small web application: see \"By hand\" in README.md\n",
	       racy, on, racy, on, racy, on, racy);
	free(on);
}

static void tell_end(const struct demo *demo, int64_t since_ns)
{
	char *took = duration_text(clock_now_ns() - since_ns);

	printf("\n%s%s, seed %" PRId64 ".\n",
	       demo->database->sandbox != NULL ? "The server stops now and leaves nothing behind. " : "", took,
	       demo->order->seed);
	free(took);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What was found beside what is expected. Whether a window without a pause is met is chance. */
static int code_of(const struct demo *demo)
{
	int code = RACY_OK;

	for (size_t i = 0; i < demo->done; i++) {
		const struct run_result *run = &demo->results[i].run;
		enum expectation expected = expect_of(demo->entries[i].variant, &run->identity, TX_AS_WRITTEN);
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

static void tell_all(const struct demo *demo, int64_t since_ns)
{
	struct run_result runs[RUNS];
	const struct run_result *loser = first_loser(demo);

	for (size_t i = 0; i < demo->done; i++)
		runs[i] = demo->results[i].run;
	if (demo->order->json) {
		report_json.table(stdout, &demo->style, runs, demo->done);
		return;
	}
	report_text.table(stdout, &demo->style, runs, demo->done);
	if (loser != NULL)
		tell_loser(demo, loser);
	tell_sqlite(demo);
	tell_next(demo);
	tell_end(demo, since_ns);
}

static int race_all(struct demo *demo, int64_t since_ns, struct err *err)
{
	int code = RACY_ENVIRONMENT;

	for (size_t i = 0; i < RUNS; i++)
		if (!registry_find(names[i], &demo->entries[i], NULL))
			abort();
	if (!demo->order->json)
		tell_place(demo);
	while (demo->done < RUNS && interrupted == 0 && race_one(demo, demo->done, err))
		;
	if (interrupted != 0) {
		fprintf(stderr, "racy demo: interrupted; nothing is left behind\n");
		code = RACY_INTERRUPTED + interrupted;
	} else if (demo->done == RUNS) {
		tell_all(demo, since_ns);
		code = code_of(demo);
	}
	for (size_t i = 0; i < demo->done; i++)
		experiment_fini(&demo->results[i]);
	return code;
}

static int demonstrate(const struct order *order, struct err *err)
{
	int64_t since_ns = clock_now_ns();
	struct database database;
	struct demo demo = {.order = order, .database = &database, .style = report_style_of(stdout)};
	int code;

	if (!database_open(&order->where, sandbox_possible("mariadb", NULL) ? "mariadb" : NULL, 30 * NS_PER_S,
	                   &database, &code, err))
		return code;
	code = race_all(&demo, since_ns, err);
	database_close(&database);
	return code;
}

static int run(int argc, char **argv)
{
	struct order order = {.workers = 3, .seed = (int64_t)rng_fresh_seed()};
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
