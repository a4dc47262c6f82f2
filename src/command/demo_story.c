/* What the demo tells beside its table: where it takes place, the first round of a loser, what differs
 * between databases, what to try next. Every sentence is about what these very runs measured. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "command/again.h"
#include "command/demo.h"
#include "command/demo_proof.h"

enum { TOLD = 3 };
static const char shown[] = "atomic_long_delay"; /* with a transaction, which people expect to help */

const char *number_word(size_t n)
{
	static const char *const words[] = {"no", "one", "two", "three", "four", "five", "six",
	                                    "seven", "eight", "nine", "ten"};
	static char digits[24];

	if (n < COUNT_OF(words))
		return words[n];
	(void)snprintf(digits, sizeof digits, "%zu", n);
	return digits;
}

/* ---- where ----------------------------------------------------------------------------------- */

static void tell_database(const struct database *database, bool as_framework)
{
	const struct db_identity *identity = &database->identity;
	bool is_mysql = text_equal(identity->engine, "mariadb") || text_equal(identity->engine, "mysql");

	printf("%s %s, %s", identity->product, identity->version, database_text(database));
	if (database->sandbox != NULL) {
		char *ready = duration_text(sandbox_ready_ns(database->sandbox));
		printf(", ready in %s", ready);
		free(ready);
	}
	printf(". %s%s", identity->isolation, as_framework && is_mysql ? ", as Django sets it" : "");
	if (identity->snapshot_isolation == 1)
		printf(" (innodb_snapshot_isolation ON)");
	printf(".");
}

void story_place(const struct demo_story *story, int64_t workers, bool as_framework)
{
	size_t n = story->databases->n;

	for (size_t d = 0; d < n; d++) {
		tell_database(&story->databases->items[d], as_framework);
		printf(n > 1 ? "\n" : " ");
	}
	printf("%" PRId64 " synchronous worker%s.\n", workers, workers > 1 ? "s" : "");
	printf("Ten deposits of %d, sent at once, five ways to write the same view%s:\n\n", DEMO_AMOUNT,
	       n > 1 ? ", on each of them" : "");
	fflush(stdout);
}

/* ---- one that lost --------------------------------------------------------------------------- */

/* The run whose lanes are shown. */
static const struct run_result *first_loser(const struct demo_story *story)
{
	const struct run_result *first = NULL;

	for (size_t i = 0; i < story->n_runs; i++) {
		const struct run_result *run = &story->runs[i];
		if (run->findings.verdict != VERDICT_VIOLATED)
			continue;
		if (text_equal(run->plan.variant, shown))
			return run;
		if (first == NULL || (!first->plan.pauses && run->plan.pauses))
			first = run;
	}
	return first;
}

/* The balance that it read and the write that goes by it; false where its events do not tell both. */
static bool read_and_write(const struct history_request *request, const struct history_step **read,
                           const struct history_step **write)
{
	*read = *write = NULL;
	for (size_t s = 0; s < request->n_steps; s++) {
		const struct history_step *step = &request->steps[s];
		if (step->pause || step->end_ns == 0 || step->err != DB_OK)
			continue;
		if (step->verb == DB_READ)
			*read = step;
		if (step->verb == DB_WRITE && *read != NULL && text_equal(step->table, (*read)->table))
			*write = step;
	}
	return *read != NULL && *write != NULL;
}

/* "All three read 0; each wrote 0 + 100." where the events of this round say exactly that. */
static void tell_round(const struct run_result *run, int64_t until_ns, bool atomic)
{
	int64_t value = 0;
	size_t n = 0;

	for (size_t i = 0; i < run->history.n; i++) {
		const struct history_request *request = &run->history.requests[i];
		const struct history_step *read, *write;
		if (until_ns != 0 && request->begin_ns >= until_ns)
			continue;
		if (!read_and_write(request, &read, &write) || write->value != read->value + DEMO_AMOUNT ||
		    (n > 0 && read->value != value))
			return;
		value = read->value;
		n++;
	}
	if (n < 2)
		return;
	printf("\n  All %s read %" PRId64 "; each wrote %" PRId64 " + %d.%s\n", number_word(n), value, value,
	       DEMO_AMOUNT, atomic ? " The transaction did not help: nobody locked the row." : "");
}

/* The first few after which a deposit was gone for good: one that comes back is a longer story. */
static void tell_overwrites(const struct demo_story *story, const struct run_result *run)
{
	const struct findings *findings = &run->findings;
	size_t told = 0;

	for (size_t i = 0; i < findings->n_overwrites && told < TOLD; i++) {
		if (findings->overwrites[i].n_back == findings->overwrites[i].n_erased)
			continue;
		char *sentence = overwrite_sentence(&findings->overwrites[i], run->start_ns);
		char *whole = mem_printf("R%s.", sentence + 1); /* it begins with "request" */
		report_paragraph(stdout, &story->style, "  ", whole);
		free(sentence);
		free(whole);
		told++;
	}
	if (findings->n_overwrites > told)
		printf("  ... and %zu more such writes: `racy run` tells all of its run.\n",
		       findings->n_overwrites - told);
}

static void tell_loser(const struct demo_story *story, const struct run_result *run)
{
	const struct findings *findings = &run->findings;
	int64_t round = report_first_round_end(run);
	char *customers = mem_text(number_word(findings->answered));
	struct registry_entry entry;

	if (!registry_find(run->plan.variant, &entry, NULL))
		abort();
	printf("\n%s", run->plan.variant);
	if (story->databases->n > 1)
		printf(" on %s %s", run->identity.product, run->identity.version);
	printf(": %s customer%s told 200 OK, %s deposit%s on record, %" PRId64 " is gone.\n", customers,
	       findings->answered == 1 ? " was" : "s were", number_word(findings->transactions),
	       findings->transactions == 1 ? " is" : "s are", findings->missing);
	free(customers);
	printf(round != 0 ? "Its first round, as it happened:\n\n" : "As it happened:\n\n");
	report_lanes(stdout, &story->style, run, round);
	printf("  R read, W wrote%s\n", entry.variant->atomic ? ", C committed" : "");
	tell_round(run, round, entry.variant->atomic);
	printf("\n");
	tell_overwrites(story, run);
}

/* ---- what it teaches ------------------------------------------------------------------------- */

/* On the only database. */
static const struct run_result *run_of(const struct demo_story *story, const char *variant)
{
	for (size_t w = 0; w < DEMO_WAYS; w++)
		if (text_equal(story->runs[w].plan.variant, variant))
			return &story->runs[w];
	abort();
}

/* Where the shown way lost nothing, what it did instead, beside its twin without a transaction. */
static void tell_refusals(const struct demo_story *story)
{
	const struct run_result *run = run_of(story, shown), *bare = run_of(story, "non_atomic_long_delay");
	const struct db_identity *identity = &run->identity;

	if (run->findings.verdict != VERDICT_NONE_SEEN || run->findings.n_refused == 0)
		return;
	printf("\nThis was %s at %s%s.\n"
	       "%s lost nothing there, and refused %s of ten: two that have read the same balance cannot\n"
	       "both write.%s Refused is not done: the customer\n"
	       "has to be told, or the request tried again.\n",
	       identity->product, identity->isolation,
	       identity->snapshot_isolation == 1 ? " with innodb_snapshot_isolation ON" : "", shown,
	       number_word(run->findings.n_refused),
	       bare->findings.verdict == VERDICT_VIOLATED ? " Without a transaction money was lost as ever." : "");
}

/* ---- next ------------------------------------------------------------------------------------ */

/* A database for commands to name: the one whose story was told, else the first. */
static char *on_database(const struct demo_story *story, const struct run_result *loser)
{
	size_t d = loser != NULL ? (size_t)(loser - story->runs) / DEMO_WAYS : 0;
	const char *option = database_option(&story->databases->items[d]);
	struct str on = {0};

	if (option != NULL) {
		str_add(&on, " --db");
		again_word(&on, option);
	}
	str_add(&on, "");
	return str_take(&on);
}

static void tell_levels(const struct run_result *loser, const char *racy, const char *on)
{
	if (loser != NULL && text_equal(loser->plan.variant, shown))
		printf("  a level that refuses instead of losing, and then to try again:\n"
		       "    %s run deposit/%s --isolation serializable%s\n"
		       "    %s run deposit/%s --isolation serializable --max-tries 20%s\n",
		       racy, shown, on, racy, shown, on);
	else
		printf("  refused is not done: what does trying again make of it?\n"
		       "    %s run deposit/serializable --max-tries 20%s\n",
		       racy, on);
}

static void tell_engines(const struct demo_story *story, const char *racy)
{
	if (story->databases->n > 1)
		return;
	if (text_equal(story->databases->items[0].identity.engine, "sqlite"))
		printf("  and where there are several writers at a time?\n"
		       "    %s demo --db mariadb\n", racy);
	else if (sandbox_possible("mariadb", NULL) && sandbox_possible("postgres", NULL))
		printf("  do other engines do the same?\n"
		       "    %s demo --db mariadb --db postgres\n", racy);
}

static void tell_next(const struct demo_story *story, const struct run_result *loser)
{
	const char *racy = again_program();
	char *on = on_database(story, loser);

	printf("\nNext:\n"
	       "  is one worker the answer?\n"
	       "    %s run deposit/%s --workers 1%s\n"
	       "  does locking help if others do not lock?\n"
	       "    %s run deposit/row_locking_atomic_long_delay --mix non_atomic_no_delay%s\n",
	       racy, shown, on, racy, on);
	tell_levels(loser, racy, on);
	printf("  every order of another way's statements, or of your own SQL: docs/explore.md\n"
	       "    %s explore deposit/compare_and_set%s\n", racy, on);
	tell_engines(story, racy);
	printf("  what does the code do, and why does it race?\n"
	       "    %s explain deposit/%s\n"
	       "  the same by hand, as a small web application: see \"By hand\" in README.md\n",
	       racy, shown);
	free(on);
}

void story_tell(const struct demo_story *story)
{
	const struct run_result *loser = first_loser(story);

	if (loser != NULL)
		tell_loser(story, loser);
	if (story->databases->n == 1) {
		tell_refusals(story);
	} else {
		report_differences(stdout, &story->style, story->runs, DEMO_WAYS, story->databases->n);
	}
	struct err err = {0};
	if (!demo_prove(story, &err))
		fprintf(stderr, "racy demo: not every order of the statements could be run: %s\n", err_text(&err));
	err_fini(&err);
	tell_next(story, loser);
}
