/* What is done to many rows at once: all of it or nothing. Ids are taken in their order, so that two who do it at the
 * same time wait for one another and do not deadlock. An account's transactions are one statement, however many there
 * are. */
#include <stdlib.h>
#include <string.h>

#include "admin/ledger_change.h"
#include "base/mem.h"

struct act_work {
	enum ledger_action action;
	const int64_t *ids; /* in order, each once */
	size_t n;
	struct ledger_done done; /* in this try */
};

static int by_number(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return one < other ? -1 : one > other;
}

/* A copy, in order; `*n` becomes how many are different. */
static int64_t *in_order(const int64_t *ids, size_t *n)
{
	int64_t *sorted = mem_new(*n, sizeof *sorted);
	size_t kept = 0;

	if (*n > 0) {
		memcpy(sorted, ids, *n * sizeof *sorted);
		qsort(sorted, *n, sizeof *sorted, by_number);
	}
	for (size_t i = 0; i < *n; i++)
		if (i == 0 || sorted[i] != sorted[i - 1])
			sorted[kept++] = sorted[i];
	*n = kept;
	return sorted;
}

/* ---- accounts ------------------------------------------------------------------------------ */

static bool empty(struct ledger_change *change, int64_t id, int64_t *transactions)
{
	const struct db_value args[] = {db_int(id), {0}};

	return ledger_write(change, "DELETE FROM demo_transaction WHERE account_id = ?", args, transactions);
}

static bool forget_version(struct ledger_change *change, int64_t id)
{
	const struct db_value args[] = {db_int(id), {0}};

	return ledger_write(change, "DELETE FROM racy_version WHERE account_id = ?", args, NULL);
}

static enum ledger_end reset(struct ledger_change *change, int64_t id, struct ledger_done *done)
{
	const struct db_value args[] = {db_int(id), {0}};
	int64_t balance, transactions;
	enum ledger_end end = LEDGER_FAILED;

	if (ledger_take_version(change, id))
		end = ledger_lock_account(change, id, &balance);
	if (end == LEDGER_MISSING && !forget_version(change, id))
		return LEDGER_FAILED;
	if (end != LEDGER_OK)
		return end;
	if (!empty(change, id, &transactions) ||
	    !ledger_write(change, "UPDATE demo_account SET balance = 0 WHERE id = ?", args, NULL) ||
	    !ledger_note(change, HISTORY_RESET, HISTORY_ACCOUNT, id,
	                 json_pack("{s[Ii] s[Ii]}", "balance", balance, 0, "transactions", transactions, 0)))
		return LEDGER_FAILED;
	done->transactions += transactions;
	return LEDGER_OK;
}

static bool orphan(struct ledger_change *change, int64_t id, int64_t *transactions)
{
	const struct db_value args[] = {db_int(id), {0}};

	return ledger_write(change, "UPDATE demo_transaction SET account_id = NULL WHERE account_id = ?", args,
	                    transactions);
}

/* A database that Django made has no ON DELETE: what becomes of the transactions is said here. */
static enum ledger_end erase(struct ledger_change *change, int64_t id, bool keep, struct ledger_done *done)
{
	const struct db_value args[] = {db_int(id), {0}};
	int64_t balance, transactions;

	if (!forget_version(change, id))
		return LEDGER_FAILED;
	enum ledger_end end = ledger_lock_account(change, id, &balance);
	if (end != LEDGER_OK)
		return end;
	bool ok = keep ? orphan(change, id, &transactions) : empty(change, id, &transactions);
	if (!ok || !ledger_write(change, "DELETE FROM demo_account WHERE id = ?", args, NULL) ||
	    !ledger_note(change, HISTORY_DELETE, HISTORY_ACCOUNT, id,
	                 json_pack("{s[In] s[Is]}", "balance", balance, "transactions", transactions,
	                           keep ? "kept" : "deleted")))
		return LEDGER_FAILED;
	done->transactions += keep ? 0 : transactions;
	return LEDGER_OK;
}

static enum ledger_end act_on(struct ledger_change *change, const struct act_work *work, int64_t id,
                              struct ledger_done *done)
{
	switch (work->action) {
	case LEDGER_RESET: return reset(change, id, done);
	case LEDGER_DELETE: return erase(change, id, false, done);
	case LEDGER_DELETE_KEEP: return erase(change, id, true, done);
	}
	abort();
}

static enum ledger_end act(struct ledger_change *change, void *context)
{
	struct act_work *work = context;

	work->done = (struct ledger_done){0};
	for (size_t i = 0; i < work->n; i++) {
		enum ledger_end end = act_on(change, work, work->ids[i], &work->done);
		if (end == LEDGER_OK)
			work->done.accounts++;
		else if (end != LEDGER_MISSING)
			return end;
	}
	return work->done.accounts > 0 ? LEDGER_OK : LEDGER_MISSING;
}

enum ledger_end ledger_accounts_act(const struct ledger_who *who, enum ledger_action action, const int64_t *ids,
                                    size_t n, struct ledger_done *done, struct err *err)
{
	int64_t *sorted = in_order(ids, &n);
	struct act_work work = {.action = action, .ids = sorted, .n = n};
	enum ledger_end end = ledger_make(who, act, &work, NULL, err);

	*done = end == LEDGER_OK ? work.done : (struct ledger_done){0};
	free(sorted);
	return end;
}

/* ---- transactions -------------------------------------------------------------------------- */

static enum ledger_end delete_all(struct ledger_change *change, void *context)
{
	struct act_work *work = context;

	work->done = (struct ledger_done){0};
	for (size_t i = 0; i < work->n; i++) {
		struct ledger_transaction now;
		enum ledger_end end = ledger_lock_transaction(change, work->ids[i], &now);
		if (end == LEDGER_OK)
			end = ledger_erase_transaction(change, &now);
		if (end == LEDGER_OK)
			work->done.transactions++;
		else if (end != LEDGER_MISSING)
			return end;
	}
	return work->done.transactions > 0 ? LEDGER_OK : LEDGER_MISSING;
}

enum ledger_end ledger_transactions_delete(const struct ledger_who *who, const int64_t *ids, size_t n,
                                           struct ledger_done *done, struct err *err)
{
	int64_t *sorted = in_order(ids, &n);
	struct act_work work = {.ids = sorted, .n = n};
	enum ledger_end end = ledger_make(who, delete_all, &work, NULL, err);

	*done = end == LEDGER_OK ? work.done : (struct ledger_done){0};
	free(sorted);
	return end;
}
