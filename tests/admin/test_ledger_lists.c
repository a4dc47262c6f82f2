/* Lists: each row on one page, in every order and under every filter, also while rows come and go; counts that
 * stop; sums. test_ledger_lists ENGINE[/django]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"

#include "admin/ledger_time.h"
#include "base/mem.h"

enum { MOST = 400 };

/* The ids of a whole list, in its order. */
struct told {
	int64_t ids[MOST];
	size_t n, pages;
};

/* Between two pages; NULL: nothing happens. */
typedef void between(struct db_session *session, size_t page);

static struct told all_accounts(struct db_session *session, struct ledger_accounts_ask ask, between *happens)
{
	struct ledger_accounts list = {0};
	struct told told = {0};
	char *after = NULL;

	do {
		ask.after = after;
		assert_int_equal(ledger_accounts(session, &ask, &list, NULL), LEDGER_OK);
		assert_true(list.page.n <= (size_t)ask.limit && told.n + list.page.n <= MOST);
		for (size_t i = 0; i < list.page.n; i++)
			told.ids[told.n++] = list.items[i].id;
		free(after);
		after = list.page.next;
		list = (struct ledger_accounts){0};
		if (happens != NULL)
			happens(session, told.pages);
		told.pages++;
	} while (after != NULL);
	return told;
}

static struct told all_transactions(struct db_session *session, struct ledger_transactions_ask ask,
                                    between *happens)
{
	struct ledger_transactions list = {0};
	struct told told = {0};
	char *after = NULL;

	do {
		ask.after = after;
		assert_int_equal(ledger_transactions(session, &ask, &list, NULL), LEDGER_OK);
		assert_true(list.page.n <= (size_t)ask.limit && told.n + list.page.n <= MOST);
		for (size_t i = 0; i < list.page.n; i++)
			told.ids[told.n++] = list.items[i].id;
		free(after);
		after = list.page.next != NULL ? mem_text(list.page.next) : NULL;
		ledger_transactions_fini(&list);
		list = (struct ledger_transactions){0};
		if (happens != NULL)
			happens(session, told.pages);
		told.pages++;
	} while (after != NULL);
	return told;
}

/* What the database itself says the order is. */
static void assert_told(struct db_session *session, const struct told *told, const char *sql)
{
	struct db_rows rows = {0};

	assert_true(db_run(session, DB_READ, sql, NULL, &rows, NULL, NULL));
	assert_int_equal(told->n, rows.n_rows);
	for (size_t i = 0; i < rows.n_rows; i++)
		assert_int_equal(told->ids[i], db_cell(&rows, i, 0)->integer);
	db_rows_fini(&rows);
}

static bool is_told(const struct told *told, int64_t id)
{
	size_t times = 0;

	for (size_t i = 0; i < told->n; i++)
		times += told->ids[i] == id;
	assert_true(times <= 1);
	return times == 1;
}

/* 60 accounts with 7 different balances; the times of their transactions are equal, or end at different digits. */
static struct db_session *fill(void **state)
{
	static const char *const times[] = {
		"2026-11-23 23:59:59.999999", "2026-11-24 00:00:00", "2026-11-24 00:00:00.000001",
		"2026-11-24 12:00:00.5", "2026-11-24 12:00:00.5", "2026-11-24 23:59:59.999999",
		"2026-11-25 00:00:00",
	};
	struct db_session *session = books_open(*state);

	must(session, DB_BEGIN, NULL, NULL);
	for (int64_t i = 0; i < 60; i++)
		add_account(session, i * 37 % 7);
	for (int64_t i = 0; i < 140; i++)
		add_transaction(session, i % 4, i, times[i * 5 % 7]);
	must(session, DB_COMMIT, NULL, NULL);
	return session;
}

static const int limits[] = {1, 3, 60, 100};

static void each_account_is_on_one_page(void **state)
{
	static const char *const orders[] = {
		[LEDGER_BY_ID] = "id", [LEDGER_BY_ID_DOWN] = "id DESC", [LEDGER_BY_BALANCE] = "balance, id",
		[LEDGER_BY_BALANCE_DOWN] = "balance DESC, id DESC",
	};
	struct db_session *session = fill(state);

	for (size_t sort = 0; sort < COUNT_OF(orders); sort++)
		for (size_t i = 0; i < COUNT_OF(limits); i++) {
			struct told told = all_accounts(session, (struct ledger_accounts_ask){
				.sort = (enum ledger_sort)sort, .limit = limits[i]}, NULL);
			char *sql = mem_printf("SELECT id FROM demo_account ORDER BY %s", orders[sort]);
			assert_told(session, &told, sql);
			assert_int_equal(told.pages, (60 + limits[i] - 1) / limits[i]);
			free(sql);
		}
	db_close(session);
}

static void each_transaction_is_on_one_page(void **state)
{
	static const struct {
		enum ledger_filter filter;
		const char *day, *sql;
	} cases[] = {
		{LEDGER_ALL, NULL, "1 = 1"},
		{LEDGER_OF_ACCOUNT, NULL, "account_id = 2"},
		{LEDGER_OF_NONE, NULL, "account_id IS NULL"},
		{LEDGER_ALL, "2026-11-24", "timestamp >= '2026-11-24' AND timestamp < '2026-11-25'"},
		{LEDGER_OF_ACCOUNT, "2026-11-24",
		 "account_id = 2 AND timestamp >= '2026-11-24' AND timestamp < '2026-11-25'"},
		{LEDGER_OF_NONE, "2026-11-25", "account_id IS NULL AND timestamp >= '2026-11-25'"},
		{LEDGER_ALL, "2026-11-26", "1 = 0"},
	};
	struct db_session *session = fill(state);

	for (size_t c = 0; c < COUNT_OF(cases); c++)
		for (size_t i = 0; i < 2 * COUNT_OF(limits); i++) {
			bool down = i % 2 == 1;
			const char *way = down ? " DESC" : "";
			struct told told = all_transactions(session, (struct ledger_transactions_ask){
				.filter = cases[c].filter, .account = 2, .day = cases[c].day, .limit = limits[i / 2],
				.sort = down ? LEDGER_BY_ID_DOWN : LEDGER_BY_ID}, NULL);
			const char *first = cases[c].day == NULL ? "" : down ? "timestamp DESC, " : "timestamp, ";
			char *sql = mem_printf("SELECT id FROM demo_transaction WHERE %s ORDER BY %sid%s", cases[c].sql,
			                       first, way);
			assert_told(session, &told, sql);
			free(sql);
		}
	db_close(session);
}

/* ---- while rows come and go ---------------------------------------------------------------- */

/* The first accounts and the last ones go, new ones come, with balances below and above. */
static void stir_accounts(struct db_session *session, size_t page)
{
	const int64_t ids[] = {(int64_t)page + 1, 60 - (int64_t)page};
	struct ledger_done done;

	const struct ledger_who who = {session, "ann"};

	assert_int_equal(ledger_accounts_act(&who, LEDGER_DELETE_KEEP, ids, 2, &done, NULL), LEDGER_OK);
	add_account(session, 0);
	add_account(session, 100);
}

static void stir_transactions(struct db_session *session, size_t page)
{
	must(session, DB_WRITE, "DELETE FROM demo_transaction WHERE id = ? OR id = ?",
	     ARGS(db_int((int64_t)page + 1), db_int(140 - (int64_t)page)));
	add_transaction(session, 2, 1, "2026-11-24 00:00:00");
	add_transaction(session, 2, 1, "2026-11-24 23:59:59.999999");
}

static void who_stays_is_told_once_whoever_comes_and_goes(void **state)
{
	for (int sort = LEDGER_BY_ID; sort <= LEDGER_BY_BALANCE_DOWN; sort++) {
		struct db_session *session = fill(state);
		struct told told = all_accounts(session, (struct ledger_accounts_ask){
			.sort = (enum ledger_sort)sort, .limit = 7}, stir_accounts);
		/* 60 and as many more as came up before the end: 10 pages and some */
		for (int64_t id = 25; id <= 35; id++)
			assert_true(is_told(&told, id));
		for (int64_t id = 1; id <= 60; id++)
			(void)is_told(&told, id);
		db_close(session);
		world_stale(state);
		assert_int_equal(world_fresh(state), 0);
	}
	for (int i = 0; i < 4; i++) {
		struct db_session *session = fill(state);
		struct told told = all_transactions(session, (struct ledger_transactions_ask){
			.sort = i % 2 == 0 ? LEDGER_BY_ID : LEDGER_BY_ID_DOWN, .limit = 9,
			.day = i < 2 ? NULL : "2026-11-24"}, stir_transactions);
		for (int64_t id = 60; id <= 80; id++) {
			bool of_day = ask(session, "SELECT COUNT(*) FROM demo_transaction WHERE id = ? AND"
			                           " timestamp >= '2026-11-24' AND timestamp < '2026-11-25'",
			                  ARGS(db_int(id))) == 1;
			assert_int_equal(is_told(&told, id), i < 2 || of_day);
		}
		db_close(session);
		world_stale(state);
		assert_int_equal(world_fresh(state), 0);
	}
}

/* ---- one page ------------------------------------------------------------------------------ */

static void an_account_tells_what_is_recorded_of_it(void **state)
{
	struct db_session *session = books_open(*state);
	int64_t lost = add_account(session, 100), empty = add_account(session, 5);
	struct ledger_accounts list = {0};
	const struct ledger_accounts_ask ask_all = {.limit = 50}, ask_one = {.limit = 50, .id = &empty};

	add_many(session, lost, 20);
	assert_int_equal(ledger_accounts(session, &ask_all, &list, NULL), LEDGER_OK);
	assert_int_equal(list.page.n, 2);
	assert_int_equal(list.page.count, 2);
	assert_true(list.page.count_exact);
	assert_null(list.page.next);
	assert_int_equal(list.items[0].transactions, 20);
	assert_int_equal(list.items[0].recorded_sum, 28 + 28 + 21);
	assert_int_equal(list.items[0].balance, 100);
	assert_int_equal(list.items[1].transactions, 0);
	assert_int_equal(list.items[1].recorded_sum, 0);
	ledger_accounts_fini(&list);
	list = (struct ledger_accounts){0};
	assert_int_equal(ledger_accounts(session, &ask_one, &list, NULL), LEDGER_OK);
	assert_int_equal(list.page.n, 1);
	assert_int_equal(list.items[0].id, empty);
	ledger_accounts_fini(&list);
	db_close(session);
}

static void counting_stops(void **state)
{
	struct db_session *session = books_open(*state);
	int64_t account = add_account(session, 0);
	const struct ledger_transactions_ask ask_all = {.limit = 1, .sort = LEDGER_BY_ID_DOWN};
	const struct ledger_transactions_ask ask_day = {.limit = 1, .day = "2026-11-24"};

	for (int extra = 0; extra < 2; extra++) {
		if (extra == 0)
			add_many(session, account, LEDGER_MOST_COUNTED);
		else
			add_transaction(session, account, 1, "2026-11-24 09:30:00");
		for (int i = 0; i < 2; i++) {
			struct ledger_transactions list = {0};
			assert_int_equal(ledger_transactions(session, i == 0 ? &ask_all : &ask_day, &list, NULL),
			                 LEDGER_OK);
			assert_int_equal(list.page.count, LEDGER_MOST_COUNTED);
			assert_int_equal(list.page.count_exact, extra == 0);
			ledger_transactions_fini(&list);
		}
	}
	db_close(session);
}

static void a_place_that_is_none_is_refused(void **state)
{
	static const char *const places[] = {
		"", "x", "1.", "1.x", ".", "1.2.3", "9223372036854775808", "1 OR 1=1", "1;DROP TABLE demo_account",
		"-", "1.2",
		"1.2026-11-25 00:00:00", "1.2026-11-24 25:00:00", "1.2026-11-24' OR ''='", "1.2026-11-24\"; --",
		"1.2026-11-24 09:30:00 X", "1.2026-11-24 09:30:00+01",
		"\xF0\x9F\x92\xA5", "1.2026-11-24 \xE2\x80\xAE",
	};
	struct db_session *session = fill(state);
	struct err err = {0};

	for (size_t i = 0; i < COUNT_OF(places); i++)
		for (int day = 0; day < 2; day++) {
			struct ledger_transactions list = {0};
			const struct ledger_transactions_ask ask_place = {
				.limit = 100, .after = places[i], .day = day == 1 ? "2026-11-24" : NULL,
				.sort = i % 2 == 0 ? LEDGER_BY_ID : LEDGER_BY_ID_DOWN};
			enum ledger_end end = ledger_transactions(session, &ask_place, &list, &err);
			assert_int_equal(end, LEDGER_BAD_PLACE);
			ledger_transactions_fini(&list);
		}
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct ledger_accounts list = {0};
		bool of_two = strcmp(places[i], "1.2") == 0;
		const struct ledger_accounts_ask ask_place = {
			.limit = 100, .after = places[i], .sort = of_two ? LEDGER_BY_ID : LEDGER_BY_BALANCE};
		assert_int_equal(ledger_accounts(session, &ask_place, &list, NULL), LEDGER_BAD_PLACE);
	}
	err_fini(&err);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM demo_account", NULL), 60);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM demo_transaction", NULL), 140);
	db_close(session);
}

/* ---- times --------------------------------------------------------------------------------- */

static void a_time_is_one_that_there_is(void **state)
{
	static const struct {
		const char *text, *whole; /* NULL: none */
	} cases[] = {
		{"2026-11-24T09:30:00Z", "2026-11-24T09:30:00.000000Z"},
		{"2026-11-24T09:30:00.5Z", "2026-11-24T09:30:00.500000Z"},
		{"2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"},
		{"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
		{"2026-02-29T00:00:00Z", NULL}, {"1900-02-29T00:00:00Z", NULL}, {"2026-13-01T00:00:00Z", NULL},
		{"2026-11-24T24:00:00Z", NULL}, {"2026-11-24T09:60:00Z", NULL}, {"2026-11-24T09:30:60Z", NULL},
		{"2026-11-24T09:30:00", NULL}, {"2026-11-24 09:30:00Z", NULL}, {"2026-11-24T09:30:00+01:00", NULL},
		{"2026-11-24T09:30:00.Z", NULL}, {"2026-11-24T09:30:00.1234567Z", NULL}, {"0000-01-01T00:00:00Z", NULL},
		{"2026-11-24T09:30:00Z ", NULL}, {"", NULL}, {"2026-1-24T09:30:00Z", NULL},
		{"-026-11-24T09:30:00Z", NULL},
	};
	char time[LEDGER_TIME_SIZE], day[LEDGER_DAY_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(ledger_time_parse(cases[i].text, time), cases[i].whole != NULL);
		if (cases[i].whole != NULL)
			assert_string_equal(time, cases[i].whole);
	}
	assert_true(ledger_day_after("2024-02-28", day));
	assert_string_equal(day, "2024-02-29");
	assert_true(ledger_day_after("2026-12-31", day));
	assert_string_equal(day, "2027-01-01");
	assert_false(ledger_day_after("9999-12-31", day) || ledger_day_after("2026-02-30", day) ||
	             ledger_day_after("2026-11-24 ", day) || ledger_day_after("", day));
}

/* SQLite keeps any text as a timestamp. */
static void a_timestamp_that_is_none_is_shown_as_it_is(void **state)
{
	struct db_session *session = books_open(*state);
	struct arena arena = {0};

	if (((struct world *)*state)->is_sqlite) {
		int64_t id = add_transaction(session, 0, 1, "soon\n\xFF <b>");
		assert_string_equal(transaction_of(session, id, &arena).time, "soon?? <b>");
		id = add_transaction(session, 0, 1, "17");
		assert_string_equal(transaction_of(session, id, &arena).time, "17");
	}
	arena_fini(&arena);
	db_close(session);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(each_account_is_on_one_page),
		CASE(each_transaction_is_on_one_page),
		CASE(who_stays_is_told_once_whoever_comes_and_goes),
		CASE(an_account_tells_what_is_recorded_of_it),
		CASE(counting_stops),
		CASE(a_place_that_is_none_is_refused),
		CASE(a_time_is_one_that_there_is),
		CASE(a_timestamp_that_is_none_is_shown_as_it_is),
	};

	return books_main(argc, argv, tests, COUNT_OF(tests));
}
