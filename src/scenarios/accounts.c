/* Accounts as rows. Each change is one transaction; who fails leaves nothing half done. */
#include "scenarios/accounts.h"

#include <stdlib.h>

#include "base/mem.h"

static const char totals[] =
	"SELECT a.id, a.balance, COUNT(t.id), COALESCE(SUM(t.amount), 0) FROM demo_account a"
	" LEFT JOIN demo_transaction t ON t.account_id = a.id WHERE a.id = ? GROUP BY a.id, a.balance";
static const char all_totals[] =
	"SELECT a.id, a.balance, COUNT(t.id), COALESCE(SUM(t.amount), 0) FROM demo_account a"
	" LEFT JOIN demo_transaction t ON t.account_id = a.id GROUP BY a.id, a.balance ORDER BY a.id";

static struct account account_of(const struct db_rows *rows, size_t row)
{
	return (struct account){
		.id = db_cell(rows, row, 0)->integer,
		.balance = db_cell(rows, row, 1)->integer,
		.transactions = db_cell(rows, row, 2)->integer,
		.recorded_sum = db_cell(rows, row, 3)->integer,
	};
}

bool accounts_count(struct db_session *session, int64_t *n, struct err *err)
{
	struct db_rows rows = {0};
	bool ok = db_run(session, DB_READ, "SELECT COUNT(*) FROM demo_account", NULL, &rows, NULL, err);

	if (ok)
		*n = db_cell(&rows, 0, 0)->integer;
	db_rows_fini(&rows);
	return ok;
}

bool account_create(struct db_session *session, int64_t balance, int64_t *id, struct err *err)
{
	struct db_outcome outcome;
	const struct db_value args[] = {db_int(balance), {0}};

	if (!db_run(session, DB_WRITE, "INSERT INTO demo_account (balance) VALUES (?) {returning_id}", args, NULL,
	            &outcome, err))
		return false;
	*id = outcome.inserted_id;
	return true;
}

enum account_result account_show(struct db_session *session, int64_t id, struct account *account,
                                 struct err *err)
{
	struct db_rows rows = {0};
	const struct db_value args[] = {db_int(id), {0}};
	enum account_result result = ACCOUNT_ERROR;

	if (db_run(session, DB_READ, totals, args, &rows, NULL, err))
		result = rows.n_rows > 0 ? ACCOUNT_OK : ACCOUNT_MISSING;
	if (result == ACCOUNT_OK)
		*account = account_of(&rows, 0);
	db_rows_fini(&rows);
	return result;
}

bool accounts_list(struct db_session *session, struct account **list, size_t *n, struct err *err)
{
	struct db_rows rows = {0};
	bool ok = db_run(session, DB_READ, all_totals, NULL, &rows, NULL, err);

	if (ok) {
		*n = rows.n_rows;
		*list = mem_new(rows.n_rows, sizeof **list);
		for (size_t i = 0; i < rows.n_rows; i++)
			(*list)[i] = account_of(&rows, i);
	}
	db_rows_fini(&rows);
	return ok;
}

bool account_rows(struct db_session *session, int64_t id, struct account_row **list, size_t *n,
                  struct err *err)
{
	struct db_rows rows = {0};
	const struct db_value args[] = {db_int(id), {0}};
	bool ok = db_run(session, DB_READ,
	                 "SELECT id, amount FROM demo_transaction WHERE account_id = ? ORDER BY id", args, &rows,
	                 NULL, err);

	if (ok) {
		*n = rows.n_rows;
		*list = mem_new(rows.n_rows, sizeof **list);
		for (size_t i = 0; i < rows.n_rows; i++)
			(*list)[i] = (struct account_row){db_cell(&rows, i, 0)->integer, db_cell(&rows, i, 1)->integer};
	}
	db_rows_fini(&rows);
	return ok;
}

/* Statements on one account as one transaction; the last one tells whether the account exists. `first` may be
 * NULL. */
static enum account_result change(struct db_session *session, int64_t id, const char *first, const char *second,
                                  const char *last, struct err *err)
{
	const struct db_value args[] = {db_int(id), {0}};
	struct db_outcome outcome;

	if (!db_run(session, DB_BEGIN, NULL, NULL, NULL, NULL, err))
		return ACCOUNT_ERROR;
	if ((first == NULL || db_run(session, DB_WRITE, first, args, NULL, NULL, err)) &&
	    db_run(session, DB_WRITE, second, args, NULL, NULL, err) &&
	    db_run(session, DB_WRITE, last, args, NULL, &outcome, err) &&
	    db_run(session, DB_COMMIT, NULL, NULL, NULL, NULL, err))
		return outcome.affected > 0 ? ACCOUNT_OK : ACCOUNT_MISSING;
	/* The first failure is the one to tell. */
	(void)!db_run(session, DB_ROLLBACK, NULL, NULL, NULL, NULL, NULL);
	return ACCOUNT_ERROR;
}

enum account_result account_reset(struct db_session *session, int64_t id, struct err *err)
{
	return change(session, id, NULL, "DELETE FROM demo_transaction WHERE account_id = ?",
	              "UPDATE demo_account SET balance = 0 WHERE id = ?", err);
}

enum account_result account_delete(struct db_session *session, int64_t id, bool with_transactions,
                                   struct err *err)
{
	/* A database that Django made has no ON DELETE: what becomes of the transactions is said here. */
	const char *first = with_transactions
		? "DELETE FROM demo_transaction WHERE account_id = ?"
		: "UPDATE demo_transaction SET account_id = NULL WHERE account_id = ?";

	return change(session, id, "DELETE FROM racy_version WHERE account_id = ?", first,
	              "DELETE FROM demo_account WHERE id = ?", err);
}
