/* One run as a person reads it: the plan before it, and after it the lanes, every overwrite as a
 * sentence, the sums, the verdict. Calm, complete, quotable; every word true for the run that
 * printed it: a verdict here is what the audit found, in its words' exact scope. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/lanes.h"
#include "report/style.h"
#include "report/text.h"

/* ---- the plan --------------------------------------------------------------------------------- */

static void str_duration(struct str *str, int64_t ns)
{
	char *text = duration_text(ns);

	str_add(str, text);
	free(text);
}

static bool is_threaded(const struct run_plan *plan)
{
	return plan->worker_class != NULL && !text_equal(plan->worker_class, "sync");
}

static void add_workers(struct str *str, const struct run_plan *plan)
{
	if (is_threaded(plan)) {
		str_count(str, (size_t)plan->workers, "gthread worker");
		str_add(str, " of ");
		str_count(str, (size_t)plan->threads, "thread");
		str_add(str, plan->workers > 1 ? " each" : "");
	} else {
		str_count(str, (size_t)plan->workers, "synchronous worker");
	}
	if (plan->cpus > 0) {
		str_add(str, " on ");
		str_count(str, (size_t)plan->cpus, "processor");
	}
}

void str_volley(struct str *str, const struct run_plan *plan)
{
	str_printf(str, "%s/%s", plan->scenario, plan->variant);
	if (plan->mix != NULL)
		str_printf(str, ", every second request %s", plan->mix);
	str_add(str, ": ");
	str_count(str, plan->requests, "deposit");
	if (plan->traced && plan->requests > 1)
		str_printf(str, ", the first of %lld and each twice the one before,", (long long)plan->amount);
	else
		str_printf(str, " of %lld", (long long)plan->amount);
	str_add(str, " to a fresh account");
	if (plan->requests > 1) {
		str_add(str, ", ");
		str_duration(str, plan->wait_ns);
		str_add(str, " apart");
	}
	str_add(str, ", ");
	add_workers(str, plan);
	if (plan->pauses) {
		str_add(str, ", a pause of ");
		str_duration(str, plan->delay_min_ns);
	}
	if (plan->pauses && plan->delay_max_ns != plan->delay_min_ns) {
		str_add(str, " to ");
		str_duration(str, plan->delay_max_ns);
	}
	if (plan->no_transaction)
		str_add(str, ", without BEGIN and COMMIT (--no-transaction)");
	if (plan->max_tries > 1)
		str_printf(str, ", up to %d tries", plan->max_tries);
	if (plan->fault != NULL)
		str_printf(str, ", fault: %s", plan->fault);
}

void str_place(struct str *str, const struct run_result *result)
{
	const struct db_identity *identity = &result->identity;

	str_printf(str, "%s %s %s", identity->product, identity->version, identity->isolation);
	if (result->plan.own_level)
		str_add(str, " (the variant's own level)");
	if (identity->snapshot_isolation >= 0)
		str_printf(str, " (innodb_snapshot_isolation %s)", identity->snapshot_isolation > 0 ? "ON" : "OFF");
	for (size_t i = 0; i < result->plan.n_sets; i++)
		str_printf(str, "%s %s=%s", i == 0 ? ", set" : ",", result->plan.sets[i].name,
		           result->plan.sets[i].value);
	if (result->plan.database != NULL)
		str_printf(str, ", %s", result->plan.database);
}

void str_plan_end(struct str *line, const struct run_plan *plan)
{
	if (!plan->recorded)
		str_add(line, "; nothing is recorded at the workers");
	str_printf(line, "; seed %llu.", (unsigned long long)plan->seed);
}

static void text_plan(FILE *to, const struct report_style *style, const struct run_result *result)
{
	struct str line = {0}, str = {0};

	str_volley(&line, &result->plan);
	str_add(&line, "; ");
	str_place(&line, result);
	str_plan_end(&line, &result->plan);
	str_paragraph(&str, style, "", str_text(&line));
	str_fini(&line);
	str_write(&str, to);
}

/* ---- what happened ---------------------------------------------------------------------------- */

/* Only the signs that the drawing above contains. */
static void add_legend(struct str *str, const struct report_style *style, const struct lanes_shown *shown)
{
	static const struct {
		enum mark_kind kind;
		const char *text;
	} signs[] = {
		{MARK_READ, "R read"}, {MARK_RECORD, "I recorded"}, {MARK_WRITE, "W wrote"},
		{MARK_COMMIT, "C committed"}, {MARK_REFUSED, "x refused"},
		{MARK_UNKNOWN, "? never ended"},
	};
	struct str legend = {0};

	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (shown->marks[signs[i].kind])
			str_printf(&legend, "%s%s", legend.length > 0 ? ", " : "", signs[i].text);
	if (shown->fills[FILL_WAIT])
		str_add(&legend, "; ~ a statement that waits");
	if (legend.length > 0) {
		str_ink(str, style, INK_QUIET, "  ");
		str_ink(str, style, INK_QUIET, str_text(&legend));
		str_add_char(str, '\n');
	}
	str_fini(&legend);
}

static void add_lanes(struct str *str, const struct report_style *style, const struct run_result *result)
{
	struct lanes_shown shown = {0};

	str_add(str, "\n");
	if (result->plan.recorded)
		str_add(str, "What each request did, drawn to time:\n\n");
	else
		str_add(str, "What the client saw of each request; its steps were not recorded:\n\n");
	str_lanes(str, style, result, 0, &shown);
	if (result->plan.recorded)
		add_legend(str, style, &shown);
	str_add_char(str, '\n');
}

static void add_overwrites(struct str *str, const struct report_style *style, const struct run_result *result)
{
	enum { MOST = 12 };
	const struct findings *findings = &result->findings;

	for (size_t i = 0; i < findings->n_overwrites && i < MOST; i++) {
		char *sentence = overwrite_sentence(&findings->overwrites[i], result->start_ns);
		char *whole = mem_printf("%s.", sentence);
		str_paragraph(str, style, "  ", whole);
		free(whole);
		free(sentence);
	}
	if (findings->n_overwrites > MOST)
		str_printf(str, "  and %zu more: --json lists them.\n", findings->n_overwrites - MOST);
}

static void add_torn(struct str *str, const struct report_style *style, const struct findings *findings)
{
	struct str line = {0};
	size_t sure = findings->n_torn_requests;

	for (size_t i = 0; i < sure; i++) {
		str_clear(&line);
		str_printf(&line, "request %u left a torn deposit: on record, and never written to the balance.",
		           findings->torn_requests[i]);
		str_paragraph(str, style, "  ", str_text(&line));
	}
	if (findings->torn > (int64_t)sure) {
		str_clear(&line);
		str_count(&line, (size_t)findings->torn - sure, sure > 0 ? "more torn deposit" : "torn deposit");
		str_add(&line, ", on record and never written to the balance: whose cannot be told.");
		str_paragraph(str, style, "  ", str_text(&line));
	}
	str_fini(&line);
}

/* Which requests got no answer and were done: those whose events show it, with those whose events
 * leave it open if the rows hold as many. None where the rows fit neither: nobody is named then. */
static size_t unanswered_but_done(const struct run_result *result, uint32_t *requests)
{
	for (enum done least = DONE_YES; least > DONE_NO; least--) {
		size_t n = 0;
		for (uint32_t i = 1; i <= result->plan.requests; i++) {
			const struct audit_reply *reply = &result->replies[i - 1];
			if (reply->reached && reply_is_missing(reply) &&
			    request_done(history_find(&result->history, i), reply) >= least)
				requests[n++] = i;
		}
		if (n == result->findings.unanswered_but_done)
			return n;
	}
	return 0;
}

/* Without recording the sums only give a lower bound of the requests that were done unanswered. */
static const char *at_least(const struct run_result *result)
{
	return result->plan.recorded ? "" : "at least ";
}

static void add_unanswered(struct str *str, const struct report_style *style, const struct run_result *result)
{
	enum { MOST = 12 };
	const struct findings *findings = &result->findings;

	if (findings->unanswered_but_done == 0)
		return;
	uint32_t *requests = mem_new(result->plan.requests, sizeof *requests);
	size_t n = unanswered_but_done(result, requests);
	struct str line = {0};
	if (n == 1) {
		str_printf(&line, "request %u got no answer, but its deposit was made.", requests[0]);
	} else if (n > 1 && n <= MOST) {
		str_add(&line, "requests ");
		str_numbers(&line, requests, n, "and");
		str_add(&line, " got no answer, but their deposits were made.");
	} else {
		str_printf(&line, "%s%zu of ", at_least(result), findings->unanswered_but_done);
		str_count(&line, findings->unanswered, "request");
		str_printf(&line, " without an answer %s done all the same.",
		           findings->unanswered_but_done == 1 ? "was" : "were");
	}
	str_paragraph(str, style, "  ", str_text(&line));
	str_fini(&line);
	free(requests);
}

/* ---- the sums --------------------------------------------------------------------------------- */

struct sum {
	const char *name;
	int64_t value;
	struct str remark;
};

void str_reason(struct str *str, const char *reason)
{
	for (; *reason != '\0'; reason++)
		str_add_char(str, *reason == '_' ? ' ' : *reason);
}

void str_refusals(struct str *str, const struct findings *findings)
{
	str_reasons(str, findings->refused, findings->n_refused_kinds);
}

static void str_losses(struct str *str, const struct findings *findings)
{
	if (findings->lost_updates > 0)
		str_count(str, (size_t)findings->lost_updates, "lost update");
	if (findings->torn > 0) {
		str_add(str, str->length > 0 ? ", " : "");
		str_count(str, (size_t)findings->torn, "torn deposit");
	}
}

static void print_sums(struct str *str, const struct report_style *style, const struct sum *sums, size_t n)
{
	size_t name = 0, digits = 0;

	for (size_t i = 0; i < n; i++) {
		char *number = mem_printf("%lld", (long long)sums[i].value);
		name = strlen(sums[i].name) > name ? strlen(sums[i].name) : name;
		digits = strlen(number) > digits ? strlen(number) : digits;
		free(number);
	}
	for (size_t i = 0; i < n; i++) {
		bool gone = text_equal(sums[i].name, "missing") && sums[i].value != 0;
		char *number = mem_printf("%*lld", (int)digits, (long long)sums[i].value);
		str_printf(str, "  %-*s  ", (int)name, sums[i].name);
		str_ink(str, style, gone ? INK_LOSS : INK_PLAIN, number);
		if (sums[i].remark.length > 0)
			str_printf(str, "  %s", str_text(&sums[i].remark));
		str_add_char(str, '\n');
		free(number);
	}
}

static void add_sums(struct str *str, const struct report_style *style, const struct run_result *result)
{
	enum { ANSWERED, REFUSED, NO_ANSWER, IN_FLIGHT, RECORDED, EXPECTED, BALANCE, MISSING, SUMS };
	const struct findings *findings = &result->findings;
	struct sum sums[SUMS] = {
		[ANSWERED] = {"answered 200 OK", (int64_t)findings->answered},
		[REFUSED] = {"refused", (int64_t)findings->n_refused},
		[NO_ANSWER] = {"no answer", (int64_t)findings->unanswered},
		[IN_FLIGHT] = {"in flight at most", (int64_t)findings->max_in_flight},
		[RECORDED] = {"recorded", (int64_t)findings->transactions},
		[EXPECTED] = {"expected balance", findings->expected_balance},
		[BALANCE] = {"balance", findings->actual_balance},
		[MISSING] = {"missing", findings->missing},
	};

	if (findings->n_refused_kinds == 1)
		str_reason(&sums[REFUSED].remark, findings->refused[0].reason);
	else
		str_refusals(&sums[REFUSED].remark, findings);
	if (findings->unanswered_but_done > 0)
		str_printf(&sums[NO_ANSWER].remark, "%s%zu done all the same", at_least(result),
		           findings->unanswered_but_done);
	str_count(&sums[IN_FLIGHT].remark, findings->pairs_overlapped, "pair");
	str_add(&sums[IN_FLIGHT].remark, findings->overlap_seen_by_client ? " overlapped as the client saw them"
	                                                                   : " overlapped at the workers");
	str_printf(&sums[RECORDED].remark, "%lld in all", (long long)findings->recorded_sum);
	if (findings->start_balance != 0)
		str_printf(&sums[EXPECTED].remark, "it started with %lld", (long long)findings->start_balance);
	str_losses(&sums[MISSING].remark, findings);
	print_sums(str, style, sums, SUMS);
	for (size_t i = 0; i < SUMS; i++)
		str_fini(&sums[i].remark);
	str_add_char(str, '\n');
}

/* ---- the verdict ------------------------------------------------------------------------------ */

static void add_reasons(struct str *line, const struct findings *findings)
{
	for (size_t i = 0; i < findings->n_reasons; i++) {
		const char *reason = findings->reasons[i];
		size_t length = strlen(reason);
		while (length > 0 && reason[length - 1] == '.')
			length--;
		str_add(line, i > 0 ? "; " : "");
		str_add_n(line, reason, length);
	}
	str_add_char(line, '.');
}

/* What is wrong beside the sum, or explains it. */
static void add_why_violated(struct str *line, const struct findings *findings)
{
	struct str why = {0};

	str_losses(&why, findings);
	if (findings->doubled > 0) {
		str_add(&why, why.length > 0 ? ", " : "");
		str_add(&why, findings->doubled > findings->n_doubled_requests ? "at least " : "");
		str_count(&why, findings->doubled, "deposit");
		str_add(&why, " more than once");
	}
	if (why.length > 0 && findings->missing != 0)
		str_printf(line, " (%s)", str_text(&why));
	else if (why.length > 0)
		str_printf(line, ": %s", str_text(&why));
	else if (findings->lost_updates < 0)
		str_add(line, " (who erased whom cannot be told without recording)");
	str_fini(&why);
}

static void add_violated(struct str *line, const struct findings *findings)
{
	int64_t missing = findings->missing;

	str_add(line, missing > 0 ? "LOST: " : missing == 0 && findings->doubled > 0 ? "DOUBLED: " : "WRONG: ");
	str_count(line, findings->answered, "deposit");
	str_printf(line, " %s answered 200 OK, %zu %s on record", findings->answered == 1 ? "was" : "were",
	           findings->transactions, findings->transactions == 1 ? "is" : "are");
	if (missing < 0)
		str_printf(line, ", the balance is %lld too high", -(long long)missing);
	else if (missing > 0)
		str_printf(line, ", %lld is gone", (long long)missing);
	add_why_violated(line, findings);
	str_add_char(line, '.');
}

static void add_none_seen(struct str *line, const struct run_result *result)
{
	const struct findings *findings = &result->findings;

	if (findings->serial_by_construction) {
		str_add(line, "No loss seen: serial by construction (");
		if (result->plan.workers > 1 || result->plan.threads > 1)
			str_add(line, "there was only one request).");
		else
			str_printf(line, "one %s serves one request at a time).",
			           is_threaded(&result->plan) ? "thread" : "synchronous worker");
		return;
	}
	str_add(line, "No loss seen in this run: ");
	str_count(line, result->plan.requests, "request");
	str_printf(line, ", at most %zu in flight, ", findings->max_in_flight);
	str_count(line, findings->pairs_overlapped, "pair");
	str_printf(line, " overlapped%s. This proves nothing.",
	           findings->overlap_seen_by_client ? " as the client saw them" : "");
}

/* Equal amounts tell how many deposits are missing, not always whose they were. */
static bool is_untold(const struct run_result *result)
{
	const struct findings *findings = &result->findings;

	if (result->plan.traced || !result->plan.recorded || findings->verdict != VERDICT_VIOLATED ||
	    result->plan.amount == 0)
		return false;
	for (size_t i = 0; i < findings->n_overwrites; i++)
		if (findings->overwrites[i].n_gone != findings->overwrites[i].n_erased)
			return true;
	return findings->lost_updates < 0 || findings->torn < 0 ||
	       (size_t)findings->lost_updates > findings->n_lost ||
	       (size_t)findings->torn > findings->n_torn_requests ||
	       findings->doubled > findings->n_doubled_requests;
}

static enum ink verdict_ink(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_VIOLATED: return INK_LOSS;
	case VERDICT_INCONCLUSIVE: return INK_REFUSAL;
	case VERDICT_NONE_SEEN: break;
	}
	return INK_STRONG;
}

void str_verdict(struct str *str, const struct report_style *style, const char *indent,
                 const struct run_result *result)
{
	const struct findings *findings = &result->findings;
	struct str line = {0}, remarks = {0};

	switch (findings->verdict) {
	case VERDICT_VIOLATED: add_violated(&line, findings); break;
	case VERDICT_NONE_SEEN: add_none_seen(&line, result); break;
	case VERDICT_INCONCLUSIVE: str_add(&line, "Inconclusive: "); break;
	}
	if (findings->verdict == VERDICT_INCONCLUSIVE) {
		add_reasons(&line, findings);
	} else if (findings->n_reasons > 0) {
		str_add(&remarks, "Note: ");
		add_reasons(&remarks, findings);
	}
	if (result->interrupted)
		str_paragraph(str, style, indent, "Interrupted: all this is of the part that ran.");
	str_add(str, ink_on(style, verdict_ink(findings->verdict)));
	str_paragraph(str, style, indent, str_text(&line));
	str_add(str, ink_off(style, verdict_ink(findings->verdict)));
	if (remarks.length > 0)
		str_paragraph(str, style, indent, str_text(&remarks));
	str_fini(&line);
	str_fini(&remarks);
}

static const char which_is_told[] =
	"Equal amounts do not always tell whose deposit was what: --traced makes each twice the one before.";

static void text_run(FILE *to, const struct report_style *style, const struct run_result *result)
{
	struct str str = {0};

	add_lanes(&str, style, result);
	size_t before = str.length;
	add_overwrites(&str, style, result);
	add_torn(&str, style, &result->findings);
	add_unanswered(&str, style, result);
	str_tries(&str, style, result);
	if (str.length > before)
		str_add_char(&str, '\n');
	add_sums(&str, style, result);
	str_verdict(&str, style, "", result);
	if (is_untold(result))
		str_paragraph(&str, style, "", which_is_told);
	str_write(&str, to);
}

const struct report_format report_text = {
	.name = "text",
	.plan = text_plan,
	.run = text_run,
	.volley = text_volley,
	.place = text_place,
	.databases = text_databases,
	.table = text_table,
};
