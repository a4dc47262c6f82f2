/* First each attempt's own steps, then the rows: a row's number ties it to its INSERT. An INSERT whose
 * answer never came has no number; it may own a row that nobody else claims and that holds its amount. */
#include "audit/deposits.h"

#include <stdlib.h>
#include <string.h>

#include "audit/findings.h"
#include "base/mem.h"

/* ---- what the events say ----------------------------------------------------------------------- */

static bool touches(const struct history_step *step, const char *table)
{
	return !step->pause && strcmp(step->table, table) == 0;
}

/* The row that holds the balance: what the first request that came to it touched. NULL: none did. */
static const struct history_step *find_account(const struct audit_input *input)
{
	for (size_t i = 0; i < input->history->n; i++) {
		const struct history_request *request = &input->history->requests[i];
		for (size_t a = 0; a < request->n_attempts; a++) {
			const struct history_attempt *attempt = &request->attempts[a];
			for (size_t s = 0; s < attempt->n_steps; s++) {
				if (touches(&attempt->steps[s], input->balance_table))
					return &attempt->steps[s];
			}
		}
	}
	return NULL;
}

static enum fate fate_of_call(const struct history_step *call)
{
	if (call->end_ns == 0 || call->err == DB_LOST)
		return FATE_MAYBE;
	return call->err == DB_OK ? FATE_YES : FATE_NO;
}

struct walk {
	const struct audit_input *input;
	const struct history_step *account; /* a step on its row */
	bool in_tx;
	bool locked;      /* the balance as it was read last: until the transaction ends */
	int64_t first_ns; /* of the transaction: when its first statement began; 0: none yet */
};

static void take_begin(struct deposit *deposit, struct walk *walk, const struct history_step *step)
{
	walk->in_tx = fate_of_call(step) == FATE_YES;
	walk->locked = false;
	walk->first_ns = 0;
	deposit->commit = NULL;
	deposit->transaction = FATE_NO;
}

static void take_end(struct walk *walk)
{
	walk->in_tx = walk->locked = false;
}

/* The snapshot of a transaction is as old as its first statement, at most. Who has added to the balance may
 * look at it afterwards. */
static bool take_read(struct deposit *deposit, struct walk *walk, const struct history_step *step)
{
	if (deposit->write != NULL || step->key != walk->account->key)
		return deposit->adds && step->key == walk->account->key;
	if (fate_of_call(step) == FATE_YES) {
		walk->locked = walk->in_tx && (step->traits & DB_LOCKS) != 0;
		deposit->read = step;
		deposit->read_from_ns = walk->in_tx ? walk->first_ns : step->begin_ns;
	}
	return true;
}

/* False where it is not the one write of a balance that was read, or that adds to it. Who adds to what it
 * has read and locked puts there what anybody would who writes the sum. */
static bool take_write(struct deposit *deposit, const struct walk *walk, const struct history_step *step)
{
	bool adds = (step->traits & DB_ADDS) != 0;

	if ((deposit->read == NULL && !adds) || deposit->write != NULL || step->key != walk->account->key)
		return false;
	deposit->write = step;
	deposit->write_in_tx = walk->in_tx;
	deposit->locked = walk->locked;
	deposit->adds = adds && !walk->locked;
	deposit->puts = adds && walk->locked ? deposit->read->value + step->value : step->value;
	return true;
}

static bool take_record(struct deposit *deposit, const struct walk *walk, const struct history_step *step)
{
	if (deposit->record != NULL)
		return false;
	deposit->record = step;
	deposit->record_in_tx = walk->in_tx;
	return true;
}

/* Where no balance is kept, looking at its row is nobody's matter, and nobody writes it. */
static bool take_touch(struct deposit *deposit, struct walk *walk, const struct history_step *step)
{
	if (touches(step, walk->input->record_table))
		return step->verb == DB_READ || take_record(deposit, walk, step);
	if (!touches(step, walk->input->balance_table))
		return true;
	if (walk->input->derived)
		return step->verb == DB_READ;
	return step->verb == DB_READ ? take_read(deposit, walk, step) : take_write(deposit, walk, step);
}

/* False where the request did what this audit does not know. */
static bool take_step(struct deposit *deposit, struct walk *walk, const struct history_step *step)
{
	if (walk->in_tx && walk->first_ns == 0)
		walk->first_ns = step->begin_ns;
	switch (step->verb) {
	case DB_BEGIN:
		take_begin(deposit, walk, step);
		return true;
	case DB_READ:
	case DB_WRITE:
		return take_touch(deposit, walk, step);
	case DB_COMMIT:
		deposit->commit = step;
		deposit->transaction = fate_of_call(step);
		take_end(walk);
		return true;
	case DB_ROLLBACK:
		take_end(walk);
		return true;
	}
	return false;
}

static enum fate fate_in(bool in_tx, enum fate call, enum fate transaction)
{
	if (!in_tx)
		return call;
	return call == FATE_YES ? transaction : FATE_NO; /* after a failed call nobody commits */
}

/* Its INSERT ended well, so that the row's number is known. */
static bool knows_row(const struct deposit *deposit)
{
	return deposit->record != NULL && fate_of_call(deposit->record) == FATE_YES;
}

static bool read_attempt(struct deposit *deposit, const struct audit_input *input,
                         const struct history_step *account)
{
	const struct history_attempt *attempt = deposit->attempt;
	struct walk walk = {.input = input, .account = account};
	bool known = true;

	for (size_t s = 0; s < attempt->n_steps; s++) {
		if (!attempt->steps[s].pause)
			known &= take_step(deposit, &walk, &attempt->steps[s]);
	}
	if (deposit->record != NULL)
		deposit->recorded = fate_in(deposit->record_in_tx, fate_of_call(deposit->record),
		                            deposit->transaction);
	if (deposit->write != NULL) {
		enum fate call = fate_of_call(deposit->write);
		if (call == FATE_YES && deposit->write->result < 1)
			call = FATE_NO; /* no row was there to be written, or none that was still as expected */
		deposit->written = fate_in(deposit->write_in_tx, call, deposit->transaction);
		deposit->whole = knows_row(deposit) && deposit->record_in_tx && deposit->write_in_tx &&
		                 call == FATE_YES;
	}
	return known;
}

/* True if all that it did is known. */
static bool read_request(struct deposits *deposits, const struct history_request *request,
                         const struct audit_input *input, const struct history_step *account)
{
	bool known = true;

	for (size_t a = 0; a < request->n_attempts; a++) {
		struct deposit *deposit = &deposits->list[deposits->n++];
		*deposit = (struct deposit){.seen = request, .attempt = &request->attempts[a],
		                            .request = request->request, .amount = request->amount};
		known &= read_attempt(deposit, input, account);
	}
	return known;
}

/* ---- what the rows say -------------------------------------------------------------------------- */

struct row_claim {
	struct audit_row row;
	bool taken;   /* by an INSERT that surely was committed */
	bool claimed; /* by one of this very row that may have been */
};

static int by_id(const void *left, const void *right)
{
	const struct row_claim *a = left, *b = right;

	return a->row.id < b->row.id ? -1 : a->row.id > b->row.id;
}

static struct row_claim *claims_of(const struct audit_input *input)
{
	struct row_claim *claims = mem_new(input->n_rows, sizeof *claims);

	for (size_t i = 0; i < input->n_rows; i++)
		claims[i].row = input->rows[i];
	if (input->n_rows > 0)
		qsort(claims, input->n_rows, sizeof *claims, by_id);
	return claims;
}

static struct row_claim *find_claim(struct row_claim *claims, size_t n, int64_t id)
{
	struct row_claim key = {.row.id = id};

	return n > 0 ? bsearch(&key, claims, n, sizeof *claims, by_id) : NULL;
}

static void claim_committed(struct deposits *deposits, struct row_claim *claims, size_t n,
                            struct findings *findings)
{
	struct accused gone = {0}, twice = {0}, other = {0};

	for (size_t i = 0; i < deposits->n; i++) {
		struct deposit *deposit = &deposits->list[i];
		if (deposit->recorded != FATE_YES)
			continue;
		struct row_claim *claim = find_claim(claims, n, deposit->record->result);
		if (claim == NULL)
			accused_add(&gone, deposit->request);
		else if (claim->taken)
			accused_add(&twice, deposit->request);
		else if (claim->row.amount != deposit->record->value)
			accused_add(&other, deposit->request);
		if (claim != NULL)
			claim->taken = true;
	}
	findings_doubt_about(findings, &gone, "committed a row that is not there",
	                     "committed rows that are not there");
	findings_doubt_about(findings, &twice, "committed a row that another request had committed",
	                     "committed rows that others had committed");
	findings_doubt_about(findings, &other, "committed a row that holds another amount",
	                     "committed rows that hold other amounts");
}

/* The row of an INSERT whose commit had no answer: false if it is not there, or not its own. */
static bool claim_row(const struct deposit *deposit, struct row_claim *claims, size_t n)
{
	struct row_claim *claim = find_claim(claims, n, deposit->record->result);

	if (claim == NULL || claim->row.amount != deposit->record->value)
		return false;
	claim->claimed = true;
	return true;
}

bool deposit_may_own(const struct deposit *deposit, int64_t amount)
{
	return deposit->recorded == FATE_MAYBE && deposit->record->value == amount;
}

/* Gathers the rows of this amount that no committed INSERT has put there; answers how many of them
 * nobody can have put there: those without a claim that are more than the INSERTs without a number.
 * Numbers of rows come again where one was rolled back (SQLite), so that even a row whose number fits
 * may belong to another. */
static size_t share_amount(struct deposits *deposits, const struct row_claim *claims, size_t n,
                           int64_t amount)
{
	size_t numberless = 0, unclaimed = 0, rows = 0;

	for (size_t i = 0; i < deposits->n; i++)
		numberless += deposit_may_own(&deposits->list[i], amount) && !knows_row(&deposits->list[i]);
	for (size_t i = 0; i < n; i++) {
		bool free = !claims[i].taken && claims[i].row.amount == amount;
		rows += free;
		unclaimed += free && !claims[i].claimed;
	}
	size_t unexplained = unclaimed > numberless ? unclaimed - numberless : 0;
	deposits->shared[deposits->n_shared++] = (struct shared_rows){amount, rows - unexplained};
	return unexplained;
}

static int by_number(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static void claim_possible(struct deposits *deposits, struct row_claim *claims, size_t n,
                           struct findings *findings)
{
	int64_t *amounts = mem_new(deposits->n + n, sizeof *amounts);
	size_t n_amounts = 0, unexplained = 0;

	for (size_t i = 0; i < deposits->n; i++) {
		struct deposit *deposit = &deposits->list[i];
		if (deposit->recorded == FATE_MAYBE && knows_row(deposit) && !claim_row(deposit, claims, n))
			deposit->recorded = FATE_NO;
		if (deposit->recorded == FATE_MAYBE)
			amounts[n_amounts++] = deposit->record->value;
	}
	for (size_t i = 0; i < n; i++) {
		if (!claims[i].taken)
			amounts[n_amounts++] = claims[i].row.amount;
	}
	deposits->shared = mem_new(n_amounts, sizeof *deposits->shared);
	if (n_amounts > 0)
		qsort(amounts, n_amounts, sizeof *amounts, by_number);
	for (size_t i = 0; i < n_amounts; i++) {
		if (i == 0 || amounts[i] != amounts[i - 1])
			unexplained += share_amount(deposits, claims, n, amounts[i]);
	}
	if (unexplained > 0)
		findings_doubt(findings,
		               "%zu of the rows on record were not put there by any request of this run",
		               unexplained);
	free(amounts);
}

/* ---- who is on record ---------------------------------------------------------------------------- */

/* As many rows as may own them, or none: then it is told of all. */
static void settle_shared(struct deposits *deposits, struct shared_rows *shared)
{
	size_t n_owners = 0;

	for (size_t i = 0; i < deposits->n; i++) {
		struct deposit *deposit = &deposits->list[i];
		if (!deposit_may_own(deposit, shared->amount))
			continue;
		bool told = deposit->whole && deposit->written != FATE_MAYBE;
		if (told)
			deposit->recorded = deposit->written;
		shared->n -= told && deposit->recorded == FATE_YES && shared->n > 0;
		n_owners += !told;
	}
	if (shared->n > 0 && shared->n < n_owners)
		return;
	for (size_t i = 0; i < deposits->n; i++) {
		if (deposit_may_own(&deposits->list[i], shared->amount))
			deposits->list[i].recorded = shared->n > 0 ? FATE_YES : FATE_NO;
	}
	shared->n = 0;
}

void deposits_settle(struct deposits *deposits)
{
	for (size_t i = 0; i < deposits->n_shared; i++)
		settle_shared(deposits, &deposits->shared[i]);
	for (size_t i = 0; i < deposits->n; i++) {
		if (deposits->list[i].whole)
			deposits->list[i].written = deposits->list[i].recorded;
	}
}

static void read_requests(struct deposits *deposits, const struct audit_input *input,
                          struct findings *findings)
{
	const struct history *history = input->history;
	const struct history_step *account = find_account(input);
	struct accused unknown = {0};
	size_t n = 0;

	for (size_t i = 0; i < history->n; i++)
		n += history->requests[i].n_attempts;
	deposits->list = mem_new(n, sizeof *deposits->list);
	for (size_t i = 0; i < history->n; i++) {
		if (!read_request(deposits, &history->requests[i], input, account))
			accused_add(&unknown, history->requests[i].request);
	}
	findings_doubt_about(findings, &unknown, "took steps that are not those of a deposit",
	                     "took steps that are not those of a deposit");
}

void deposits_build(struct deposits *deposits, const struct audit_input *input, struct findings *findings)
{
	struct row_claim *claims = claims_of(input);

	*deposits = (struct deposits){0};
	read_requests(deposits, input, findings);
	claim_committed(deposits, claims, input->n_rows, findings);
	claim_possible(deposits, claims, input->n_rows, findings);
	deposits_settle(deposits);
	free(claims);
}

void deposits_fini(struct deposits *deposits)
{
	free(deposits->list);
	free(deposits->shared);
	*deposits = (struct deposits){0};
}
