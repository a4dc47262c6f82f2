/* The audit itself: sums out of the rows, the story out of the events, and a verdict only where the two
 * agree. */
#include "audit/audit.h"

#include <stdlib.h>

#include "audit/attempts.h"
#include "audit/findings.h"
#include "audit/lineage.h"
#include "audit/overlap.h"
#include "audit/overwrites.h"
#include "audit/replies.h"
#include "base/mem.h"

static const int64_t CANNOT_BE_TOLD = -1;

static bool in_doubt(const struct findings *findings)
{
	return findings->verdict == VERDICT_INCONCLUSIVE;
}

/* ---- sums --------------------------------------------------------------------------------------- */

static void take_sums(const struct audit_input *input, struct findings *findings)
{
	findings->transactions = input->n_rows;
	for (size_t i = 0; i < input->n_rows; i++)
		findings->recorded_sum += input->rows[i].amount;
	findings->start_balance = input->start_balance;
	findings->actual_balance = input->actual_balance;
	findings->expected_balance = input->start_balance + findings->recorded_sum;
	findings->missing = findings->expected_balance - findings->actual_balance;
	if (input->derived && findings->missing != 0)
		findings_doubt(findings, "the database's own sum is %lld, and the rows on record come to %lld",
		               (long long)findings->actual_balance, (long long)findings->expected_balance);
	else if (findings->missing < 0)
		findings_doubt(findings, "the balance holds %lld more than was recorded",
		               (long long)-findings->missing);
}

static int by_number(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Powers of two, each once: then a sum tells which of them are in it. */
static bool tell_themselves(const int64_t *amounts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((amounts[i] & (amounts[i] - 1)) != 0 || (i > 0 && amounts[i] == amounts[i - 1]))
			return false;
	}
	return true;
}

/* How many deposits what is missing amounts to, from the rows alone: false where it cannot be told.
 * Amounts that are all the same tell it, and powers of two. A sum that no number of deposits makes is
 * told as one more than there are, so that it fits nothing. */
static bool count_missing(const struct audit_input *input, int64_t missing, size_t *deposits)
{
	int64_t *amounts = mem_new(input->n_rows, sizeof *amounts);
	int64_t sum = 0;
	size_t n = 0;
	bool told = true;

	for (size_t i = 0; i < input->n_rows; i++) {
		if (input->rows[i].amount > 0)
			amounts[n++] = input->rows[i].amount;
		sum += input->rows[i].amount;
	}
	if (n > 0)
		qsort(amounts, n, sizeof *amounts, by_number);
	if (n == 0)
		*deposits = missing == 0 ? 0 : 1;
	else if (amounts[0] == amounts[n - 1])
		*deposits = missing % amounts[0] == 0 ? (size_t)(missing / amounts[0]) : n + 1;
	else if (tell_themselves(amounts, n))
		*deposits = (missing & ~sum) == 0 ? (size_t)__builtin_popcountll((unsigned long long)missing) : n + 1;
	else
		told = false;
	free(amounts);
	return told;
}

/* ---- without events ----------------------------------------------------------------------------- */

static void take_overlap_from_client(const struct audit_input *input, struct findings *findings)
{
	struct span *spans = mem_new(input->n_replies, sizeof *spans);
	size_t n = 0;

	for (size_t i = 0; i < input->n_replies; i++) {
		const struct audit_reply *reply = &input->replies[i];
		if (reply->reached && reply->ended_ns > reply->sent_ns)
			spans[n++] = (struct span){reply->sent_ns, reply->ended_ns};
	}
	overlap_count(spans, n, &findings->max_in_flight, &findings->pairs_overlapped);
	findings->overlap_seen_by_client = true;
	free(spans);
}

/* Where every request was answered 200 and none left more than its one row, all of them are on record and
 * whole: what is missing is lost. */
static void judge_by_sums(const struct audit_input *input, struct findings *findings)
{
	size_t lost;

	replies_check_sums(input, findings);
	findings->lost_updates = findings->torn = CANNOT_BE_TOLD;
	if (in_doubt(findings) || findings->answered != input->n_replies || input->n_rows > input->n_replies)
		return;
	if (count_missing(input, findings->missing, &lost) && lost <= input->n_rows) {
		findings->lost_updates = (int64_t)lost;
		findings->lost_amount = findings->missing;
	}
}

/* ---- with events -------------------------------------------------------------------------------- */

struct story {
	struct deposits deposits;
	struct lineage lineage;
};

/* What the versions have told about writes whose end nobody saw. */
static void settle_writes(struct story *story)
{
	for (size_t v = 1; v < story->lineage.n; v++) {
		const struct version *version = &story->lineage.versions[v];
		struct deposit *deposit = &story->deposits.list[version->deposit - story->deposits.list];
		if (version->never)
			deposit->written = FATE_NO;
		else if (version->sure)
			deposit->written = FATE_YES;
	}
	deposits_settle(&story->deposits);
}

static bool is_torn(const struct deposit *deposit)
{
	return deposit->recorded == FATE_YES && deposit->written == FATE_NO && deposit->amount > 0;
}

static void add_request(uint32_t **list, size_t *n, uint32_t request)
{
	*list = mem_resize(*list, *n + 1, sizeof **list);
	(*list)[(*n)++] = request;
}

static int by_request(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* How many of the rows that belong to some of several are torn: at least, since more of them are there
 * than there are owners that may have written the balance; at most, the owners that have not. */
struct torn_range {
	size_t min, max;
};

static struct torn_range torn_of(const struct deposits *deposits, const struct shared_rows *shared)
{
	size_t unwritten = 0, others = 0;

	for (size_t i = 0; i < deposits->n; i++) {
		const struct deposit *deposit = &deposits->list[i];
		if (deposit->recorded != FATE_MAYBE || deposit->record->value != shared->amount)
			continue;
		if (deposit->written == FATE_NO)
			unwritten++;
		else
			others++;
	}
	if (shared->amount == 0)
		return (struct torn_range){0};
	return (struct torn_range){
		.min = shared->n > others ? shared->n - others : 0,
		.max = shared->n < unwritten ? shared->n : unwritten,
	};
}

static void count_torn(const struct deposits *deposits, struct findings *findings)
{
	for (size_t i = 0; i < deposits->n; i++) {
		if (!is_torn(&deposits->list[i]))
			continue;
		add_request(&findings->torn_requests, &findings->n_torn_requests, deposits->list[i].request);
		findings->torn++;
		findings->torn_amount += deposits->list[i].amount;
	}
	for (size_t i = 0; i < deposits->n_shared; i++) {
		size_t torn = torn_of(deposits, &deposits->shared[i]).min;
		findings->torn += (int64_t)torn;
		findings->torn_amount += (int64_t)torn * deposits->shared[i].amount;
	}
}

/* Those on record and written, by the events; and what they amount to. */
static size_t count_written(const struct deposits *deposits, int64_t *amount)
{
	size_t n = 0;

	*amount = 0;
	for (size_t i = 0; i < deposits->n; i++) {
		const struct deposit *deposit = &deposits->list[i];
		if (deposit->recorded != FATE_YES || deposit->written == FATE_NO || deposit->amount == 0)
			continue;
		n++;
		*amount += deposit->amount;
	}
	for (size_t i = 0; i < deposits->n_shared; i++) {
		const struct shared_rows *shared = &deposits->shared[i];
		size_t rest = shared->n - torn_of(deposits, shared).min;
		n += shared->amount > 0 ? rest : 0;
		*amount += (int64_t)rest * shared->amount;
	}
	return n;
}

static void count_lost(const struct story *story, struct findings *findings)
{
	const struct lineage *lineage = &story->lineage;
	int64_t written_amount;
	size_t written = count_written(&story->deposits, &written_amount);

	findings->lost_amount = written_amount - lineage->final.amount;
	if (lineage->final.min == lineage->final.max)
		findings->lost_updates = (int64_t)written - (int64_t)lineage->final.max;
	else
		findings->lost_updates = CANNOT_BE_TOLD;
	for (size_t v = 1; v < lineage->n; v++) {
		const struct version *version = &lineage->versions[v];
		if (version->sure && version->deposit->recorded == FATE_YES && version_counts(version) &&
		    !bit_get(lineage->may_final, v))
			add_request(&findings->lost, &findings->n_lost, version->deposit->request);
	}
	if (findings->n_lost > 0)
		qsort(findings->lost, findings->n_lost, sizeof *findings->lost, by_request);
}

/* The sums know nothing of the events: what both can tell, they must tell alike. And what the events leave
 * open the sums may tell. */
static void compare(const struct audit_input *input, const struct story *story, struct findings *findings)
{
	int64_t by_events = findings->lost_amount + findings->torn_amount;
	const struct size *final = &story->lineage.final;
	size_t missing;

	if (by_events != findings->missing) {
		findings_doubt(findings, "the events tell of %lld missing, the sums of %lld", (long long)by_events,
		               (long long)findings->missing);
		return;
	}
	if (!count_missing(input, findings->missing, &missing))
		return;
	int64_t lost = (int64_t)missing - findings->torn, amount;
	int64_t written = (int64_t)count_written(&story->deposits, &amount);
	if (findings->lost_updates == CANNOT_BE_TOLD && lost >= written - (int64_t)final->max &&
	    lost <= written - (int64_t)final->min)
		findings->lost_updates = lost;
	if (lost != findings->lost_updates)
		findings_doubt(findings, "the events tell of %lld lost updates, the sums of %lld",
		               (long long)findings->lost_updates, (long long)lost);
}

/* The balance may hold what is not on record: then no sum tells what is lost. */
static void doubt_unrecorded(const struct lineage *lineage, struct findings *findings)
{
	struct accused unrecorded = {0};

	for (size_t v = 1; v < lineage->n; v++) {
		const struct deposit *deposit = lineage->versions[v].deposit;
		bool perhaps = deposit->recorded == FATE_NO || (deposit->recorded == FATE_MAYBE && !deposit->whole);
		if (perhaps && bit_get(lineage->may_final, v))
			accused_add(&unrecorded, deposit->request);
	}
	findings_doubt_about(findings, &unrecorded, "may be in the balance without being on record",
	                     "may be in the balance without being on record");
}

/* Deposits on record of which nobody can tell whether they were lost or torn. */
static size_t count_open(const struct deposits *deposits)
{
	size_t n = 0;

	for (size_t i = 0; i < deposits->n; i++) {
		const struct deposit *deposit = &deposits->list[i];
		n += deposit->recorded == FATE_YES && deposit->written == FATE_MAYBE && deposit->amount > 0;
	}
	for (size_t i = 0; i < deposits->n_shared; i++) {
		struct torn_range torn = torn_of(deposits, &deposits->shared[i]);
		n += torn.max - torn.min;
	}
	return n;
}

static void remark_open(const struct story *story, size_t n_untold, struct findings *findings)
{
	size_t n_open = count_open(&story->deposits);

	if (n_open > 0)
		findings_remark(findings,
		                "%zu %s cut off, and nothing tells whether the balance was written: what is "
		                "missing of them counts as lost",
		                n_open, n_open == 1 ? "deposit was" : "deposits were");
	if (findings->lost_updates == CANNOT_BE_TOLD) {
		findings_remark(findings,
		                "the final balance may be made of %zu to %zu deposits: how many updates "
		                "were lost cannot be told", story->lineage.final.min, story->lineage.final.max);
		return;
	}
	if (n_untold > 0)
		findings_remark(findings,
		                "what %zu of the writes erased could not be told: the order of the writes or the "
		                "source of a read is not known", n_untold);
}

/* Nobody is accused by events that are in doubt. */
static void withdraw(struct findings *findings)
{
	findings->lost_updates = findings->torn = CANNOT_BE_TOLD;
	findings->lost_amount = findings->torn_amount = 0;
	findings->n_lost = findings->n_torn_requests = 0;
	findings->doubled = findings->n_doubled_requests = 0;
	findings->unknown_done = findings->unknown_not_done = 0;
}

/* Where the balance is what is on record, nothing can be missing from it. */
static void judge_records(const struct audit_input *input, struct findings *findings)
{
	struct deposits deposits;

	deposits_build(&deposits, input, findings);
	replies_check(input, &deposits, findings);
	attempts_resolve(&deposits, findings);
	if (in_doubt(findings))
		withdraw(findings);
	deposits_fini(&deposits);
}

static void judge_by_events(const struct audit_input *input, struct findings *findings)
{
	struct story story;

	deposits_build(&story.deposits, input, findings);
	lineage_build(&story.lineage, &story.deposits, input, findings);
	settle_writes(&story);
	doubt_unrecorded(&story.lineage, findings);
	replies_check(input, &story.deposits, findings);
	attempts_resolve(&story.deposits, findings);
	if (!in_doubt(findings)) {
		count_torn(&story.deposits, findings);
		count_lost(&story, findings);
		compare(input, &story, findings);
	}
	if (in_doubt(findings)) {
		withdraw(findings);
	} else {
		remark_open(&story, overwrites_find(&story.lineage, findings), findings);
	}
	lineage_fini(&story.lineage);
	deposits_fini(&story.deposits);
}

static bool events_are_whole(const struct audit_input *input, struct findings *findings)
{
	if (input->events_missing > 0)
		findings_doubt(findings,
		               "%llu events were lost on their way: what happened is not fully known",
		               (unsigned long long)input->events_missing);
	if (input->history->strays > 0)
		findings_doubt(findings, "%zu events fit no request: what happened is not fully known",
		               input->history->strays);
	return input->events_missing == 0 && input->history->strays == 0;
}

/* ---- verdict ------------------------------------------------------------------------------------ */

static void conclude(const struct audit_input *input, struct findings *findings)
{
	if (in_doubt(findings))
		return;
	if (findings->missing != 0 || findings->doubled > 0) /* what is torn is missing too: see compare */
		findings->verdict = VERDICT_VIOLATED;
	else if (findings->transactions == 0)
		findings_doubt(findings, "no deposit was recorded, so none could be lost");
	else if (findings->recorded_sum == 0)
		findings_doubt(findings, "all that was recorded are deposits of 0: nothing could be lost");
	else if (!input->overlap_possible)
		findings->serial_by_construction = true;
	else if (findings->pairs_overlapped == 0)
		findings_doubt(findings,
		               "no two requests overlapped although the workers could have served %d at "
		               "once: raise -n, lower --wait, lengthen --delay", input->lanes);
}

void audit_deposits(const struct audit_input *input, struct findings *findings)
{
	*findings = (struct findings){0};
	replies_count(input, findings);
	take_sums(input, findings);
	if (input->not_quiet != NULL)
		findings_doubt(findings, "the balance may not be final: %s", input->not_quiet);
	if (input->history == NULL) {
		take_overlap_from_client(input, findings);
	} else {
		findings->max_in_flight = input->history->max_in_flight;
		findings->pairs_overlapped = input->history->pairs_overlapped;
	}
	if (input->history != NULL && events_are_whole(input, findings)) {
		attempts_count(input->history, findings);
		if (input->derived)
			judge_records(input, findings);
		else
			judge_by_events(input, findings);
	} else {
		judge_by_sums(input, findings);
	}
	conclude(input, findings);
}
