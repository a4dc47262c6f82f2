/* Edits and additions: what a form was filled with against what is there, then the writing. Rows are locked before they
 * are compared, the account first and its transactions by their ids, so that two edits of the same rows wait for
 * one another and do not deadlock. */
#include <stdlib.h>

#include "admin/ledger_change.h"
#include "base/mem.h"

/* ---- an account with its transactions ------------------------------------------------------ */

struct account_work {
	const struct ledger_account_edit *edit;
	/* Both lists, by id: which of the rows to remove are still there. */
	struct row_work *rows;
	size_t n;
};

struct row_work {
	const struct ledger_row_change *row;
	bool remove;
	bool gone; /* found so in this try */
};

static int by_id(const void *a, const void *b)
{
	int64_t one = ((const struct row_work *)a)->row->id, other = ((const struct row_work *)b)->row->id;

	return one < other ? -1 : one > other;
}

static void sort_rows(struct account_work *work)
{
	const struct ledger_account_edit *edit = work->edit;

	work->rows = mem_new(edit->n_change + edit->n_remove, sizeof *work->rows);
	for (size_t i = 0; i < edit->n_change; i++)
		work->rows[work->n++] = (struct row_work){.row = &edit->change[i]};
	for (size_t i = 0; i < edit->n_remove; i++)
		work->rows[work->n++] = (struct row_work){.row = &edit->remove[i], .remove = true};
	if (work->n > 0)
		qsort(work->rows, work->n, sizeof *work->rows, by_id);
}

/* A transaction's values in this form: those of a row of this account. */
static struct ledger_transaction of_account(const struct ledger_transaction *values, int64_t account)
{
	struct ledger_transaction all = *values;

	all.account = account;
	return all;
}

static enum ledger_end compare_row(struct ledger_change *change, const struct account_work *work,
                                   struct row_work *row)
{
	struct ledger_transaction loaded = of_account(&row->row->loaded, work->edit->id);
	struct ledger_transaction yours = of_account(&row->row->values, work->edit->id), now;
	enum ledger_end end = ledger_lock_transaction(change, row->row->id, &now);

	if (end == LEDGER_FAILED)
		return end;
	/* One that was moved to another account is not in this form any more. */
	row->gone = end == LEDGER_MISSING || now.account != work->edit->id;
	if (!row->gone)
		ledger_compare(change, &now, &loaded, row->remove ? NULL : &yours);
	else if (!row->remove)
		ledger_conflict_deleted(change, HISTORY_TRANSACTION, row->row->id);
	return LEDGER_OK;
}

static enum ledger_end compare_all(struct ledger_change *change, const struct account_work *work)
{
	const struct ledger_account_edit *edit = work->edit;
	int64_t balance;
	enum ledger_end end = ledger_lock_account(change, edit->id, &balance);

	if (end == LEDGER_OK && balance != edit->loaded_balance)
		ledger_conflict(change, HISTORY_ACCOUNT, edit->id, "balance", json_integer(edit->loaded_balance),
		                json_integer(balance), json_integer(edit->balance));
	for (size_t i = 0; i < work->n && end == LEDGER_OK; i++)
		end = compare_row(change, work, &work->rows[i]);
	if (end == LEDGER_OK && json_array_size(change->conflicts) > 0)
		end = LEDGER_CHANGED;
	return end;
}

static enum ledger_end write_row(struct ledger_change *change, const struct account_work *work,
                                 const struct row_work *row)
{
	struct ledger_row_change whole = *row->row;

	if (row->gone)
		return LEDGER_OK;
	whole.loaded.id = whole.values.id = whole.id;
	whole.loaded.account = whole.values.account = work->edit->id;
	return row->remove ? ledger_erase_transaction(change, &whole.loaded) : ledger_write_transaction(change, &whole);
}

static enum ledger_end write_balance(struct ledger_change *change, const struct ledger_account_edit *edit)
{
	const struct db_value args[] = {db_int(edit->balance), db_int(edit->id), {0}};

	if (edit->balance == edit->loaded_balance)
		return LEDGER_OK;
	if (!ledger_write(change, "UPDATE demo_account SET balance = ? WHERE id = ?", args, NULL) ||
	    !ledger_note(change, HISTORY_CHANGE, HISTORY_ACCOUNT, edit->id,
	                 json_pack("{s[II]}", "balance", edit->loaded_balance, edit->balance)))
		return LEDGER_FAILED;
	return LEDGER_OK;
}

static enum ledger_end change_account(struct ledger_change *change, void *context)
{
	const struct account_work *work = context;
	const struct ledger_account_edit *edit = work->edit;

	if (edit->balance != edit->loaded_balance && !ledger_take_version(change, edit->id))
		return LEDGER_FAILED;
	enum ledger_end end = compare_all(change, work);
	if (end == LEDGER_OK)
		end = write_balance(change, edit);
	for (size_t i = 0; i < work->n && end == LEDGER_OK; i++)
		end = write_row(change, work, &work->rows[i]);
	for (size_t i = 0; i < edit->n_add && end == LEDGER_OK; i++) {
		struct ledger_transaction values = of_account(&edit->add[i], edit->id);
		int64_t id;
		end = ledger_put_transaction(change, &values, &id);
	}
	return end;
}

enum ledger_end ledger_account_change(const struct ledger_who *who, const struct ledger_account_edit *edit,
                                      json_t **conflicts, struct err *err)
{
	struct account_work work = {.edit = edit};

	sort_rows(&work);
	enum ledger_end end = ledger_make(who, change_account, &work, conflicts, err);
	free(work.rows);
	return end;
}

/* ---- a transaction ------------------------------------------------------------------------- */

/* Its account stays until the end. */
static enum ledger_end hold_account(struct ledger_change *change, int64_t account)
{
	int64_t balance;
	enum ledger_end end = account != 0 ? ledger_lock_account(change, account, &balance) : LEDGER_OK;

	return end == LEDGER_MISSING ? LEDGER_NO_ACCOUNT : end;
}

static enum ledger_end change_transaction(struct ledger_change *change, void *context)
{
	const struct ledger_row_change *row = context;
	struct ledger_transaction now;
	enum ledger_end end = row->values.account != row->loaded.account ? hold_account(change, row->values.account)
	                                                                 : LEDGER_OK;

	if (end == LEDGER_OK)
		end = ledger_lock_transaction(change, row->id, &now);
	if (end != LEDGER_OK)
		return end;
	ledger_compare(change, &now, &row->loaded, &row->values);
	if (json_array_size(change->conflicts) > 0)
		return LEDGER_CHANGED;
	return ledger_write_transaction(change, row);
}

enum ledger_end ledger_transaction_change(const struct ledger_who *who, const struct ledger_row_change *change,
                                          json_t **conflicts, struct err *err)
{
	struct ledger_row_change work = *change;

	return ledger_make(who, change_transaction, &work, conflicts, err);
}

/* ---- new rows ------------------------------------------------------------------------------ */

struct add_work {
	int64_t balance;
	const struct ledger_transaction *values;
	int64_t id;
};

static enum ledger_end add_account(struct ledger_change *change, void *context)
{
	struct add_work *work = context;
	const struct db_value args[] = {db_int(work->balance), {0}};

	if (!ledger_insert(change, "INSERT INTO demo_account (balance) VALUES (?) {returning_id}", args, &work->id) ||
	    !ledger_note(change, HISTORY_ADD, HISTORY_ACCOUNT, work->id,
	                 json_pack("{s[nI]}", "balance", work->balance)))
		return LEDGER_FAILED;
	return LEDGER_OK;
}

enum ledger_end ledger_account_add(const struct ledger_who *who, int64_t balance, int64_t *id, struct err *err)
{
	struct add_work work = {.balance = balance};
	enum ledger_end end = ledger_make(who, add_account, &work, NULL, err);

	*id = work.id;
	return end;
}

static enum ledger_end add_transaction(struct ledger_change *change, void *context)
{
	struct add_work *work = context;
	enum ledger_end end = hold_account(change, work->values->account);

	return end == LEDGER_OK ? ledger_put_transaction(change, work->values, &work->id) : end;
}

enum ledger_end ledger_transaction_add(const struct ledger_who *who, const struct ledger_transaction *values,
                                       int64_t *id, struct err *err)
{
	struct add_work work = {.values = values};
	enum ledger_end end = ledger_make(who, add_transaction, &work, NULL, err);

	*id = work.id;
	return end;
}
