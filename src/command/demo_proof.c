/* Two explorations on the very server on which the story was raced, and a row for each session of the witness. */
#include "command/demo_proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "command/explore_job.h"
#include "command/interrupt.h"

/* The way with the smallest window, and the countermeasure. */
static char *const ways[] = {"deposit/atomic_no_delay", "deposit/row_locking_atomic_long_delay"};
enum { WAYS = sizeof ways / sizeof *ways, NAME_WIDTH = 31 };

struct proof {
	struct explore_order order;
	struct explore_subject subject;
	struct explore_result result;
};

/* ---- exploring ----------------------------------------------------------------------------------------------- */

static void take_place(const struct database *database, struct database_options *where)
{
	where->urls[0] = database->sandbox != NULL ? sandbox_url(database->sandbox) : "sqlite:";
	where->n_urls = 1;
	where->own_server = true;
	where->iso = database->settings.iso;
	for (size_t i = 0; i < database->settings.n_sets; i++)
		where->sets[where->n_sets++] = database->settings.sets[i];
}

static bool explore(const struct database *database, char *way, struct proof *proof, struct err *err)
{
	const struct explore_limits limits = explore_limits_default();

	proof->order.handling = handling_default();
	take_place(database, &proof->order.where);
	return explore_subject_take(1, &way, &proof->order, &proof->subject, err) &&
	       explore_run(&proof->order, &limits, &proof->subject, &proof->result, err) == RACY_OK;
}

/* ---- telling ------------------------------------------------------------------------------------------------- */

/* "read 0", "record", "write 100": what a label says without the word that all have in common. */
static void add_step(struct str *text, const struct schedule_step *step)
{
	str_printf(text, "%.*s", (int)strcspn(step->what.label, " "), step->what.label);
	if (step->what.err != DB_OK)
		str_printf(text, ": %s", db_err_name(step->what.err));
	else if (step->what.verb == DB_READ)
		str_printf(text, " %s", step->what.result);
	else if (step->what.verb == DB_WRITE && strchr(step->what.label, ' ') != NULL)
		str_printf(text, " %" PRId64, step->what.writes);
	if (step->waited)
		str_add(text, " (waits)");
}

/* A row a session, a column a step. */
static void tell_witness(const struct schedule *witness)
{
	struct str rows[2] = {{0}, {0}};

	for (size_t i = 0; i < witness->n; i++) {
		struct str step = {0};
		if (witness->steps[i].what.verb == DB_BEGIN)
			continue;
		add_step(&step, &witness->steps[i]);
		for (size_t who = 0; who < COUNT_OF(rows); who++)
			str_printf(&rows[who], "%-*s", (int)step.length + 2,
			           who == witness->steps[i].who ? str_text(&step) : "");
		str_fini(&step);
	}
	for (size_t who = 0; who < COUNT_OF(rows); who++) {
		size_t length = rows[who].length;
		while (length > 0 && str_text(&rows[who])[length - 1] == ' ')
			length--;
		printf("      %c  %.*s\n", (char)('A' + who), (int)length, str_text(&rows[who]));
		str_fini(&rows[who]);
	}
	printf("      in the end: %s\n", str_text(&witness->state));
}

static void tell_way(const struct proof *proof)
{
	const struct found *found = &proof->result.found;
	const char *reason;
	enum explored_verdict verdict = explored_verdict_of(found, &reason);

	printf("  %-*s", NAME_WIDTH, strchr(proof->subject.what, '/') + 1);
	switch (verdict) {
	case EXPLORED_VIOLATED:
		/* What breaks the invariant is money that is missing; what else no serial order does need not be. */
		printf("%" PRIu64 " of %" PRIu64 " orders %s. The shortest:\n", found->violating, found->schedules,
		       found->breaking == found->violating ? "lose money" : "come to what no serial order does");
		tell_witness(&found->witness);
		break;
	case EXPLORED_PROVEN:
		printf("0 of %" PRIu64, found->schedules);
		if (found->refusing > 0)
			printf("; in %" PRIu64 " somebody is refused", found->refusing);
		printf(". Shown for 2 requests, statement by statement;\n  %-*s"
		       "not for crashes, more requests, other code.\n", NAME_WIDTH, "");
		break;
	case EXPLORED_NOT_FOUND:
	case EXPLORED_INCONCLUSIVE:
		printf("could not be told: %s\n", reason[0] != '\0' ? reason : "not all orders were run");
		break;
	}
}

bool demo_prove(const struct demo_story *story, struct err *err)
{
	const struct database *database = &story->databases->items[0];
	bool is_sqlite = text_equal(database->identity.engine, "sqlite");
	const int64_t since_ns = clock_now_ns();
	bool ok = true;

	if (story->databases->n > 1 || (database->sandbox == NULL && !is_sqlite))
		return true;
	struct proof *proofs = mem_new(WAYS, sizeof *proofs);
	for (size_t i = 0; ok && i < WAYS && interrupted == 0; i++)
		ok = explore(database, ways[i], &proofs[i], err);
	if (ok && interrupted == 0) {
		char *took = duration_text(clock_now_ns() - since_ns);
		printf("\nLuck? Every order of the statements of two such requests, on %s (%s):\n",
		       is_sqlite ? "SQLite" : "this server", took);
		free(took);
		for (size_t i = 0; i < WAYS; i++)
			tell_way(&proofs[i]);
		printf("  (Orders are cases, not probabilities.)\n");
	}
	for (size_t i = 0; i < WAYS; i++) {
		explore_result_fini(&proofs[i].result);
		explore_subject_fini(&proofs[i].subject);
	}
	free(proofs);
	return ok;
}
