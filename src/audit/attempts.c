/* A request is what the client sent; an attempt is what a worker made of it, once or again. What is told here
 * is told of requests: each of their attempts may have left something. */
#include "audit/attempts.h"

#include <stdlib.h>

#include "audit/findings.h"
#include "base/mem.h"

/* ---- counting ------------------------------------------------------------------------------------ */

static bool in_vain(const struct history_attempt *attempt)
{
	return attempt->end_ns != 0 && (attempt->end == OP_FAILED || attempt->end == OP_CONFLICT);
}

static void add_failed(struct tries *tries, const struct history_attempt *attempt)
{
	const char *reason = attempt->end == OP_CONFLICT ? "conflict" : db_err_name(attempt->err);
	size_t i = 0;

	while (i < tries->n_failed_kinds && !text_equal(tries->failed[i].reason, reason))
		i++;
	if (i == tries->n_failed_kinds) /* the names of db_err and one more: they fit */
		tries->failed[tries->n_failed_kinds++].reason = reason;
	tries->failed[i].n++;
}

void attempts_count(const struct history *history, struct findings *findings)
{
	struct tries *tries = &findings->tries;

	for (size_t i = 0; i < history->n; i++) {
		const struct history_request *request = &history->requests[i];
		size_t n = request->n_attempts;
		tries->attempts += n;
		tries->most = n > tries->most ? n : tries->most;
		for (size_t a = 0; a < n; a++) {
			if (in_vain(&request->attempts[a]))
				add_failed(tries, &request->attempts[a]);
		}
		if (n < 2)
			continue;
		const struct history_attempt *last = &request->attempts[n - 1];
		tries->again++;
		tries->given_up += in_vain(last);
		tries->cost_ns += last->begin_ns - request->attempts[0].begin_ns;
	}
}

/* ---- outcomes ------------------------------------------------------------------------------------ */

static bool was_lost(const struct history_step *step)
{
	return step != NULL && step->end_ns != 0 && step->err == DB_LOST;
}

/* Whether what had no answer was carried out; false: it had one, or was surely rolled back. */
static bool outcome_of(const struct deposit *deposit, enum fate *outcome)
{
	if (was_lost(deposit->commit))
		*outcome = deposit->record != NULL ? deposit->recorded : deposit->written;
	else if (was_lost(deposit->record) && !deposit->record_in_tx)
		*outcome = deposit->recorded;
	else if (was_lost(deposit->write) && !deposit->write_in_tx)
		*outcome = deposit->written;
	else
		return false;
	return true;
}

static void resolve_request(const struct deposit *attempts, size_t n, struct findings *findings)
{
	size_t unknown = 0, done = 0, not_done = 0;

	for (size_t i = 0; i < n; i++) {
		enum fate outcome;
		if (!outcome_of(&attempts[i], &outcome))
			continue;
		unknown++;
		done += outcome == FATE_YES;
		not_done += outcome == FATE_NO;
	}
	findings->outcome_unknown += unknown > 0;
	findings->unknown_done += done > 0;
	findings->unknown_not_done += unknown > 0 && not_done == unknown;
}

/* ---- on record more than once --------------------------------------------------------------------- */

/* Of one request, among rows of which nobody can tell whose they are. */
struct claimant {
	size_t rows;     /* surely its own */
	size_t possible; /* as many more may be */
};

static struct claimant claimant_of(const struct deposit *attempts, size_t n)
{
	struct claimant claimant = {0};

	for (size_t i = 0; i < n; i++) {
		claimant.rows += attempts[i].recorded == FATE_YES;
		claimant.possible += attempts[i].recorded == FATE_MAYBE;
	}
	return claimant;
}

static size_t attempts_of_one(const struct deposits *deposits, size_t first)
{
	size_t n = 1;

	while (first + n < deposits->n && deposits->list[first + n].request == deposits->list[first].request)
		n++;
	return n;
}

static int most_first(const void *left, const void *right)
{
	const size_t *a = left, *b = right;

	return *a > *b ? -1 : *a < *b;
}

/* So many requests at least are doubled by the rows of this amount: were they spread as evenly as can be. */
static size_t doubled_by(const struct deposits *deposits, const struct shared_rows *shared)
{
	size_t *room = mem_new(deposits->n, sizeof *room); /* by request: rows that would all double it */
	size_t n = 0, harmless = 0, doubled = 0;

	for (size_t i = 0, of_one; i < deposits->n; i += of_one) {
		of_one = attempts_of_one(deposits, i);
		struct claimant claimant = claimant_of(&deposits->list[i], of_one);
		bool concerned = false;
		for (size_t a = i; a < i + of_one; a++)
			concerned |= deposit_may_own(&deposits->list[a], shared->amount);
		if (!concerned)
			continue;
		size_t spare = claimant.rows == 0 ? 1 : claimant.rows == 1 ? 0 : claimant.possible;
		harmless += spare;
		room[n++] = claimant.possible - spare;
	}
	if (n > 0)
		qsort(room, n, sizeof *room, most_first);
	for (size_t rest = shared->n > harmless ? shared->n - harmless : 0; rest > 0 && doubled < n; doubled++)
		rest -= room[doubled] < rest ? room[doubled] : rest;
	free(room);
	return doubled;
}

void attempts_resolve(const struct deposits *deposits, struct findings *findings)
{
	struct accused doubled = {0};

	for (size_t i = 0, of_one; i < deposits->n; i += of_one) {
		of_one = attempts_of_one(deposits, i);
		resolve_request(&deposits->list[i], of_one, findings);
		if (claimant_of(&deposits->list[i], of_one).rows > 1)
			accused_add(&doubled, deposits->list[i].request);
	}
	findings->doubled = doubled.n;
	findings->doubled_requests = doubled.requests;
	findings->n_doubled_requests = doubled.n;
	for (size_t i = 0; i < deposits->n_shared; i++)
		findings->doubled += doubled_by(deposits, &deposits->shared[i]);
}
