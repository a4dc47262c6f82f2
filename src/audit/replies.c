/* A reply says what a client was told, never what became true: only rows say that. Here the two are
 * counted and compared. */
#include "audit/replies.h"

#include <stdlib.h>

#include "audit/findings.h"
#include "base/mem.h"

/* No whole reply, or one by a gateway that had none either: it says nothing. */
static bool unanswered(const struct audit_reply *reply)
{
	return reply->status == 0 || reply->status == 502 || reply->status == 504;
}

static bool refused(const struct audit_reply *reply)
{
	return !unanswered(reply) && reply->status != 200;
}

static const char *reason_of(const struct audit_reply *reply)
{
	static const char *const workers_own[] = {"conflict", "unavailable"};
	enum db_err err;

	if (reply->status == 404)
		return "not_found";
	if (reply->status == 422)
		return "too_large";
	if (reply->status == 503 && db_err_of_name(reply->reason, &err) && err != DB_OK)
		return db_err_name(err);
	for (size_t i = 0; reply->status == 503 && i < COUNT_OF(workers_own); i++) {
		if (text_equal(reply->reason, workers_own[i]))
			return workers_own[i];
	}
	return "other";
}

static void add_refusal(struct findings *findings, const char *reason)
{
	size_t i = 0;

	while (i < findings->n_refused_kinds && !text_equal(findings->refused[i].reason, reason))
		i++;
	if (i == findings->n_refused_kinds) /* the names of db_err and five more: they fit */
		findings->refused[findings->n_refused_kinds++].reason = reason;
	findings->refused[i].n++;
	findings->n_refused++;
}

void replies_count(const struct audit_input *input, struct findings *findings)
{
	for (size_t i = 0; i < input->n_replies; i++) {
		const struct audit_reply *reply = &input->replies[i];
		if (unanswered(reply))
			findings->unanswered++;
		else if (reply->status == 200)
			findings->answered++;
		else
			add_refusal(findings, reason_of(reply));
	}
}

/* ---- with recording ------------------------------------------------------------------------------ */

struct charges {
	struct accused unsent, endless, missing, other_status, kept;
};

/* The attempts of one request, and whether a worker began it at all. */
struct tried {
	const struct history_request *seen; /* NULL: none did */
	const struct deposit *attempts;
	size_t n;
};

/* On record by an attempt whose commit, or lone write, had an answer: else a refusal could not know better. */
static bool surely_kept(const struct tried *tried)
{
	for (size_t i = 0; i < tried->n; i++) {
		const struct deposit *deposit = &tried->attempts[i];
		bool unknown = deposit->commit != NULL && deposit->transaction == FATE_MAYBE;
		bool lone_unknown = !deposit->record_in_tx && deposit->record != NULL &&
		                    (deposit->record->end_ns == 0 || deposit->record->err == DB_LOST);
		if (deposit->recorded == FATE_YES && !unknown && !lone_unknown)
			return true;
	}
	return false;
}

static bool on_record(const struct tried *tried)
{
	for (size_t i = 0; i < tried->n; i++) {
		if (tried->attempts[i].recorded == FATE_YES)
			return true;
	}
	return false;
}

static void check(struct charges *charges, uint32_t request, const struct audit_reply *reply,
                  const struct tried *tried)
{
	const struct history_request *seen = tried->seen;
	/* what was answered is the last attempt's end */
	bool done = tried->n > 0 && tried->attempts[tried->n - 1].recorded == FATE_YES;

	if (!reply->reached && seen != NULL)
		accused_add(&charges->unsent, request);
	else if (reply->status == 200 && (seen == NULL || seen->end_ns == 0))
		accused_add(&charges->endless, request);
	else if (!unanswered(reply) && seen != NULL && seen->status != reply->status)
		accused_add(&charges->other_status, request);
	else if (reply->status == 200 && !done)
		accused_add(&charges->missing, request);
	else if (refused(reply) && reply->atomic && surely_kept(tried))
		accused_add(&charges->kept, request);
}

/* How many attempts of one request may own such rows, where this is the first of them; else 0. */
static size_t count_attempts(const struct deposits *deposits, size_t first, int64_t amount)
{
	const struct deposit *list = deposits->list;
	size_t n = 0;

	for (size_t i = first; i > 0 && list[i - 1].request == list[first].request; i--) {
		if (deposit_may_own(&list[i - 1], amount))
			return 0;
	}
	for (size_t i = first; i < deposits->n && list[i].request == list[first].request; i++)
		n += deposit_may_own(&list[i], amount);
	return n;
}

static bool surely_on_record(const struct deposits *deposits, size_t of)
{
	const struct deposit *list = deposits->list;
	size_t first = of;

	while (first > 0 && list[first - 1].request == list[of].request)
		first--;
	for (size_t i = first; i < deposits->n && list[i].request == list[of].request; i++) {
		if (list[i].recorded == FATE_YES)
			return true;
	}
	return false;
}

/* The rows that belong to some of several: so many requests at least were done without an answer, if none of
 * those had one. Of a request that is on record anyway they tell nothing new. */
static size_t shared_unanswered(const struct audit_input *input, const struct deposits *deposits,
                                const struct shared_rows *shared)
{
	size_t most = 1, rows = shared->n;

	for (size_t i = 0; i < deposits->n; i++) {
		const struct deposit *deposit = &deposits->list[i];
		if (!deposit_may_own(deposit, shared->amount))
			continue;
		if (deposit->request <= input->n_replies && !unanswered(&input->replies[deposit->request - 1]))
			return 0;
		size_t attempts = count_attempts(deposits, i, shared->amount);
		if (surely_on_record(deposits, i))
			rows -= attempts < rows ? attempts : rows;
		else
			most = attempts > most ? attempts : most;
	}
	return (rows + most - 1) / most;
}

/* What the next request of the history, and its deposits, are of request `number`. */
static struct tried take_tried(const struct history *history, size_t *next, const struct deposits *deposits,
                               size_t *next_deposit, size_t number)
{
	struct tried tried = {0};

	if (*next == history->n || history->requests[*next].request != number)
		return tried;
	tried.seen = &history->requests[(*next)++];
	tried.attempts = deposits->list + *next_deposit;
	tried.n = tried.seen->n_attempts;
	*next_deposit += tried.n;
	return tried;
}

void replies_check(const struct audit_input *input, const struct deposits *deposits,
                   struct findings *findings)
{
	const struct history *history = input->history;
	struct charges charges = {0};
	size_t next = 0, next_deposit = 0;

	for (size_t i = 0; i < input->n_replies; i++) {
		struct tried tried = take_tried(history, &next, deposits, &next_deposit, i + 1);
		check(&charges, (uint32_t)(i + 1), &input->replies[i], &tried);
		findings->unanswered_but_done += unanswered(&input->replies[i]) && on_record(&tried);
	}
	for (; next < history->n; next++)
		accused_add(&charges.unsent, history->requests[next].request);
	for (size_t i = 0; i < deposits->n_shared; i++)
		findings->unanswered_but_done += shared_unanswered(input, deposits, &deposits->shared[i]);
	findings_doubt_about(findings, &charges.unsent, "was never sent, and a worker served it",
	                     "were never sent, and workers served them");
	findings_doubt_about(findings, &charges.endless, "was answered 200, and no worker came to its end",
	                     "were answered 200, and no worker came to their end");
	findings_doubt_about(findings, &charges.other_status, "got another answer than its worker gave",
	                     "got other answers than their workers gave");
	findings_doubt_about(findings, &charges.missing, "was answered 200 and is not on record",
	                     "were answered 200 and are not on record");
	findings_doubt_about(findings, &charges.kept, "was refused as a whole and is on record all the same",
	                     "were refused as a whole and are on record all the same");
}

/* ---- without ------------------------------------------------------------------------------------ */

/* Of one amount: what the replies allow to be on record. */
struct promise {
	size_t must; /* answered 200 */
	size_t may;  /* and those that may be: no answer, not atomic, the outcome of the commit unknown; where it
	              * was tried again, any of the attempts' */
	size_t may_unanswered;
};

static struct promise promise_of(const struct audit_input *input, int64_t amount)
{
	struct promise promise = {0};

	for (size_t i = 0; i < input->n_replies; i++) {
		const struct audit_reply *reply = &input->replies[i];
		if (reply->amount != amount)
			continue;
		bool lost = text_equal(reason_of(reply), db_err_name(DB_LOST));
		promise.must += reply->status == 200;
		promise.may += reply->status == 200 || (unanswered(reply) && reply->reached) ||
		               (refused(reply) && (!reply->atomic || lost || input->max_tries > 1));
		promise.may_unanswered += unanswered(reply) && reply->reached;
	}
	return promise;
}

static size_t rows_of(const struct audit_input *input, int64_t amount)
{
	size_t n = 0;

	for (size_t i = 0; i < input->n_rows; i++)
		n += input->rows[i].amount == amount;
	return n;
}

static void check_amount(const struct audit_input *input, int64_t amount, struct findings *findings)
{
	struct promise promise = promise_of(input, amount);
	size_t rows = rows_of(input, amount), others = promise.may - promise.must - promise.may_unanswered;
	size_t tries = input->max_tries > 1 ? (size_t)input->max_tries : 1;

	if (rows < promise.must)
		findings_doubt(findings, "%zu deposits of %lld were answered 200, and %zu are on record",
		               promise.must, (long long)amount, rows);
	if (rows > promise.may * tries)
		findings_doubt(findings,
		               "%zu deposits of %lld are on record, and at most %zu can have been made",
		               rows, (long long)amount, promise.may * tries);
	else if (rows > promise.may) /* each can be there as often again as it was tried again */
		findings->doubled += (rows - promise.may + tries - 2) / (tries - 1);
	if (rows > (promise.must + others) * tries)
		findings->unanswered_but_done += (rows - (promise.must + others) * tries + tries - 1) / tries;
}

static int by_number(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

void replies_check_sums(const struct audit_input *input, struct findings *findings)
{
	int64_t *amounts = mem_new(input->n_replies + input->n_rows, sizeof *amounts);
	size_t n = 0;

	for (size_t i = 0; i < input->n_replies; i++)
		amounts[n++] = input->replies[i].amount;
	for (size_t i = 0; i < input->n_rows; i++)
		amounts[n++] = input->rows[i].amount;
	if (n > 0)
		qsort(amounts, n, sizeof *amounts, by_number);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || amounts[i] != amounts[i - 1])
			check_amount(input, amounts[i], findings);
	}
	free(amounts);
}
