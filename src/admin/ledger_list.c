/* The lists: a page is asked for by the key of the last row of the page before, never by an offset, and counting stops,
 * so that it takes the same time wherever it is. Rows that are added or deleted meanwhile move no other into or out of
 * a page. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/ledger.h"
#include "admin/ledger_time.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

/* A statement that is put together out of fixed pieces and bound values. */
struct query {
	struct str sql;
	struct db_value args[DB_MAX_ARGS + 1];
	size_t n;
	bool has_where;
};

static void bind(struct query *query, struct db_value value)
{
	if (query->n == DB_MAX_ARGS)
		abort(); /* no list has so many conditions */
	query->args[query->n++] = value;
}

/* A condition with no value, or with one. */
static void where(struct query *query, const char *condition)
{
	str_add(&query->sql, query->has_where ? " AND " : " WHERE ");
	str_add(&query->sql, condition);
	query->has_where = true;
}

static void where_value(struct query *query, const char *condition, struct db_value value)
{
	where(query, condition);
	bind(query, value);
}

static bool is_down(enum ledger_sort sort)
{
	return sort == LEDGER_BY_ID_DOWN || sort == LEDGER_BY_BALANCE_DOWN;
}

/* `table` with its conditions so far, no further than will be told. */
static bool count_rows(struct db_session *session, const char *table, const struct query *conditions,
                       struct ledger_page *page, struct err *err)
{
	struct str sql = {0};
	struct query query = *conditions;
	struct db_rows rows = {0};

	str_printf(&sql, "SELECT COUNT(*) FROM (SELECT 1 AS one FROM %s%s LIMIT %d) AS few", table,
	           str_text(&conditions->sql), LEDGER_MOST_COUNTED + 1);
	bool ok = db_run(session, DB_READ, str_text(&sql), query.args, &rows, NULL, err);
	if (ok) {
		page->count = db_cell(&rows, 0, 0)->integer;
		page->count_exact = page->count <= LEDGER_MOST_COUNTED;
		if (!page->count_exact)
			page->count = LEDGER_MOST_COUNTED;
	}
	db_rows_fini(&rows);
	str_fini(&sql);
	return ok;
}

/* The digits of a place's first part; what follows its point, or NULL. */
static bool read_place(const char *place, int64_t *first, const char **rest)
{
	size_t length = strcspn(place, ".");
	char *digits = mem_text_n(place, length);
	bool ok = num_parse(digits, INT64_MIN, INT64_MAX, first, NULL);

	*rest = place[length] == '.' ? place + length + 1 : NULL;
	free(digits);
	return ok;
}

/* ---- accounts ------------------------------------------------------------------------------ */

static bool by_balance(enum ledger_sort sort)
{
	return sort == LEDGER_BY_BALANCE || sort == LEDGER_BY_BALANCE_DOWN;
}

/* "17", or "300.17" in the order of balances. */
static bool put_account_place(struct query *query, const struct ledger_accounts_ask *ask)
{
	bool down = is_down(ask->sort);
	int64_t first, id;
	const char *rest;

	if (!read_place(ask->after, &first, &rest) || (rest != NULL) != by_balance(ask->sort))
		return false;
	if (rest == NULL) {
		where_value(query, down ? "id < ?" : "id > ?", db_int(first));
		return true;
	}
	if (!num_parse(rest, INT64_MIN, INT64_MAX, &id, NULL))
		return false;
	where_value(query, down ? "balance <= ?" : "balance >= ?", db_int(first));
	where_value(query, down ? "(balance < ? OR id < ?)" : "(balance > ? OR id > ?)", db_int(first));
	bind(query, db_int(id));
	return true;
}

static const char *account_order(enum ledger_sort sort)
{
	switch (sort) {
	case LEDGER_BY_ID: return " ORDER BY id";
	case LEDGER_BY_ID_DOWN: return " ORDER BY id DESC";
	case LEDGER_BY_BALANCE: return " ORDER BY balance, id";
	case LEDGER_BY_BALANCE_DOWN: return " ORDER BY balance DESC, id DESC";
	}
	abort();
}

/* The page's accounts first, then the transactions of those and no others. Two sums over an index are faster
 * on all engines than one join with its grouping. */
static char *account_sql(const struct query *conditions, enum ledger_sort sort)
{
	const char *order = account_order(sort);

	return mem_printf("SELECT a.id, a.balance,"
	                  " (SELECT COUNT(*) FROM demo_transaction t WHERE t.account_id = a.id),"
	                  " (SELECT COALESCE(SUM(t.amount), 0) FROM demo_transaction t WHERE t.account_id = a.id)"
	                  " FROM (SELECT id, balance FROM demo_account%s%s LIMIT ?) a%s",
	                  str_text(&conditions->sql), order, order);
}

static void take_accounts(const struct ledger_accounts_ask *ask, const struct db_rows *rows,
                          struct ledger_accounts *list)
{
	size_t limit = (size_t)ask->limit, n = rows->n_rows < limit ? rows->n_rows : limit;

	for (size_t i = 0; i < n; i++)
		list->items[i] = (struct account){
			.id = db_cell(rows, i, 0)->integer,
			.balance = db_cell(rows, i, 1)->integer,
			.transactions = db_cell(rows, i, 2)->integer,
			.recorded_sum = db_cell(rows, i, 3)->integer,
		};
	list->page.n = n;
	if (rows->n_rows <= limit)
		return;
	const struct account *last = &list->items[n - 1];
	list->page.next = by_balance(ask->sort) ? mem_printf("%" PRId64 ".%" PRId64, last->balance, last->id)
	                                        : mem_printf("%" PRId64, last->id);
}

enum ledger_end ledger_accounts(struct db_session *session, const struct ledger_accounts_ask *ask,
                                struct ledger_accounts *list, struct err *err)
{
	struct query query = {0};
	struct db_rows rows = {0};
	enum ledger_end end = LEDGER_FAILED;

	if (ask->id != NULL)
		where_value(&query, "id = ?", db_int(*ask->id));
	if (!count_rows(session, "demo_account", &query, &list->page, err))
		goto out;
	if (ask->after != NULL && !put_account_place(&query, ask)) {
		end = LEDGER_BAD_PLACE;
		goto out;
	}
	char *sql = account_sql(&query, ask->sort);
	bind(&query, db_int(ask->limit + 1));
	if (db_run(session, DB_READ, sql, query.args, &rows, NULL, err)) {
		take_accounts(ask, &rows, list);
		end = LEDGER_OK;
	}
	free(sql);
out:
	db_rows_fini(&rows);
	str_fini(&query.sql);
	return end;
}

void ledger_accounts_fini(struct ledger_accounts *list)
{
	free(list->page.next);
}

enum ledger_end ledger_account(struct db_session *session, int64_t id, struct account *account, struct err *err)
{
	switch (account_show(session, id, account, err)) {
	case ACCOUNT_OK: return LEDGER_OK;
	case ACCOUNT_MISSING: return LEDGER_MISSING;
	case ACCOUNT_ERROR: break;
	}
	return LEDGER_FAILED;
}

enum ledger_end ledger_account_exists(struct db_session *session, int64_t id, bool *there, struct err *err)
{
	struct db_rows rows = {0};
	const struct db_value args[] = {db_int(id), {0}};
	bool ok = db_run(session, DB_READ, "SELECT id FROM demo_account WHERE id = ?", args, &rows, NULL, err);

	*there = ok && rows.n_rows > 0;
	db_rows_fini(&rows);
	return ok ? LEDGER_OK : LEDGER_FAILED;
}

/* ---- transactions -------------------------------------------------------------------------- */

static void put_filter(struct query *query, const struct ledger_transactions_ask *ask)
{
	switch (ask->filter) {
	case LEDGER_OF_ACCOUNT:
		where_value(query, "account_id = ?", db_int(ask->account));
		break;
	case LEDGER_OF_NONE:
		where(query, "account_id IS NULL");
		break;
	case LEDGER_ALL:
		break;
	}
}

static void put_day(struct query *query, const char *day, const char *day_after)
{
	where_value(query, "timestamp >= ?", db_text(day));
	where_value(query, "timestamp < ?", db_text(day_after));
}

/* "17", or "17.2026-11-24 09:30:00" in the order of times, as the engine wrote it out: SQLite compares texts.
 * The day's bound on the side that the list begins at becomes the place's time. */
static bool put_transaction_place(struct query *query, const struct ledger_transactions_ask *ask,
                                  const char *day_after)
{
	bool down = is_down(ask->sort);
	const char *time;
	int64_t id;

	if (!read_place(ask->after, &id, &time) || (time != NULL) != (ask->day != NULL))
		return false;
	if (time == NULL) {
		where_value(query, down ? "id < ?" : "id > ?", db_int(id));
		return true;
	}
	if (strncmp(time, ask->day, strlen(ask->day)) != 0 || !ledger_time_is_column(time))
		return false;
	where_value(query, down ? "timestamp >= ?" : "timestamp < ?", db_text(down ? ask->day : day_after));
	where_value(query, down ? "timestamp <= ?" : "timestamp >= ?", db_text(time));
	where_value(query, down ? "(timestamp < ? OR id < ?)" : "(timestamp > ? OR id > ?)", db_text(time));
	bind(query, db_int(id));
	return true;
}

static char *transaction_sql(const struct query *conditions, const struct ledger_transactions_ask *ask)
{
	bool down = is_down(ask->sort);
	const char *order = ask->day != NULL ? (down ? "timestamp DESC, id DESC" : "timestamp, id")
	                                     : (down ? "id DESC" : "id");

	return mem_printf("SELECT id, amount, account_id, timestamp FROM demo_transaction%s ORDER BY %s LIMIT ?",
	                  str_text(&conditions->sql), order);
}

static struct ledger_transaction transaction_of(const struct db_rows *rows, size_t row, struct arena *arena)
{
	const struct db_value *account = db_cell(rows, row, 2);

	return (struct ledger_transaction){
		.id = db_cell(rows, row, 0)->integer,
		.amount = db_cell(rows, row, 1)->integer,
		.account = account->type == DB_INT ? account->integer : 0,
		.time = ledger_time_of_cell(db_cell(rows, row, 3), arena),
	};
}

static void take_transactions(const struct ledger_transactions_ask *ask, const struct db_rows *rows,
                              struct ledger_transactions *list)
{
	size_t limit = (size_t)ask->limit, n = rows->n_rows < limit ? rows->n_rows : limit;

	for (size_t i = 0; i < n; i++)
		list->items[i] = transaction_of(rows, i, &list->arena);
	list->page.n = n;
	if (rows->n_rows <= limit)
		return;
	const struct db_value *time = db_cell(rows, n - 1, 3);
	list->page.next = ask->day != NULL && time->type == DB_TEXT
	        ? mem_printf("%" PRId64 ".%s", list->items[n - 1].id, time->text)
	        : mem_printf("%" PRId64, list->items[n - 1].id);
}

/* The filter is in the query already. */
static enum ledger_end list_transactions(struct db_session *session, const struct ledger_transactions_ask *ask,
                                         const char *day_after, struct query *query,
                                         struct ledger_transactions *list, struct err *err)
{
	struct db_rows rows = {0};
	enum ledger_end end = LEDGER_FAILED;

	if (ask->after != NULL) {
		if (!put_transaction_place(query, ask, day_after))
			return LEDGER_BAD_PLACE;
	} else if (ask->day != NULL) {
		put_day(query, ask->day, day_after);
	}
	char *sql = transaction_sql(query, ask);
	bind(query, db_int(ask->limit + 1));
	if (db_run(session, DB_READ, sql, query->args, &rows, NULL, err)) {
		take_transactions(ask, &rows, list);
		end = LEDGER_OK;
	}
	free(sql);
	db_rows_fini(&rows);
	return end;
}

enum ledger_end ledger_transactions(struct db_session *session, const struct ledger_transactions_ask *ask,
                                    struct ledger_transactions *list, struct err *err)
{
	struct query query = {0}, counted = {0};
	char day_after[LEDGER_DAY_SIZE];
	enum ledger_end end = LEDGER_FAILED;

	if (ask->day != NULL && !ledger_day_after(ask->day, day_after))
		return LEDGER_BAD_PLACE;
	put_filter(&query, ask);
	put_filter(&counted, ask);
	if (ask->day != NULL)
		put_day(&counted, ask->day, day_after);
	if (count_rows(session, "demo_transaction", &counted, &list->page, err))
		end = list_transactions(session, ask, day_after, &query, list, err);
	str_fini(&query.sql);
	str_fini(&counted.sql);
	return end;
}

void ledger_transactions_fini(struct ledger_transactions *list)
{
	free(list->page.next);
	arena_fini(&list->arena);
}

enum ledger_end ledger_transaction(struct db_session *session, int64_t id, struct ledger_transaction *transaction,
                                   struct arena *arena, struct err *err)
{
	struct db_rows rows = {0};
	const struct db_value args[] = {db_int(id), {0}};
	enum ledger_end end = LEDGER_FAILED;

	if (db_run(session, DB_READ, "SELECT id, amount, account_id, timestamp FROM demo_transaction WHERE id = ?",
	           args, &rows, NULL, err))
		end = rows.n_rows > 0 ? LEDGER_OK : LEDGER_MISSING;
	if (end == LEDGER_OK)
		*transaction = transaction_of(&rows, 0, arena);
	db_rows_fini(&rows);
	return end;
}
