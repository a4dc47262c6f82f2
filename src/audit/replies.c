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

static void check(struct charges *charges, uint32_t request, const struct audit_reply *reply,
                  const struct deposit *deposit)
{
	bool on_record = deposit != NULL && deposit->recorded == FATE_YES;
	/* its commit had no answer: the refusal could not know better */
	bool unknown = deposit != NULL && deposit->commit != NULL && deposit->transaction == FATE_MAYBE;

	if (!reply->reached && deposit != NULL)
		accused_add(&charges->unsent, request);
	else if (reply->status == 200 && (deposit == NULL || deposit->seen->end_ns == 0))
		accused_add(&charges->endless, request);
	else if (!unanswered(reply) && deposit != NULL && deposit->seen->status != reply->status)
		accused_add(&charges->other_status, request);
	else if (reply->status == 200 && !on_record)
		accused_add(&charges->missing, request);
	else if (refused(reply) && reply->atomic && on_record && !unknown)
		accused_add(&charges->kept, request);
}

/* The rows that belong to some of several: done without an answer, if none of those had one. */
static size_t shared_unanswered(const struct audit_input *input, const struct deposits *deposits,
                                const struct shared_rows *shared)
{
	for (size_t i = 0; i < deposits->n; i++) {
		const struct deposit *deposit = &deposits->list[i];
		if (deposit->recorded == FATE_MAYBE && deposit->record->value == shared->amount &&
		    deposit->request <= input->n_replies && !unanswered(&input->replies[deposit->request - 1]))
			return 0;
	}
	return shared->n;
}

void replies_check(const struct audit_input *input, const struct deposits *deposits,
                   struct findings *findings)
{
	struct charges charges = {0};
	size_t next = 0;

	for (size_t i = 0; i < input->n_replies; i++) {
		const struct deposit *deposit = NULL;
		if (next < deposits->n && deposits->list[next].request == i + 1)
			deposit = &deposits->list[next++];
		check(&charges, (uint32_t)(i + 1), &input->replies[i], deposit);
		findings->unanswered_but_done += unanswered(&input->replies[i]) && deposit != NULL &&
		                                 deposit->recorded == FATE_YES;
	}
	for (; next < deposits->n; next++)
		accused_add(&charges.unsent, deposits->list[next].request);
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
	size_t may;  /* and those that may be: no answer, not atomic, the outcome of the commit unknown */
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
		               (refused(reply) && (!reply->atomic || lost));
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

	if (rows < promise.must)
		findings_doubt(findings, "%zu deposits of %lld were answered 200, and %zu are on record",
		               promise.must, (long long)amount, rows);
	if (rows > promise.may)
		findings_doubt(findings,
		               "%zu deposits of %lld are on record, and at most %zu can have been made",
		               rows, (long long)amount, promise.may);
	if (rows > promise.must + others)
		findings->unanswered_but_done += rows - promise.must - others;
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
