/* Fills a database with accounts and transactions, and asks for each kind of list page as the instrument does: how long
 * the database took, from a statement's sending to the end of its answer. pages URL ACCOUNTS ROUNDS [--django]; prints
 * a JSON object a line. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/ledger.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "scenarios/scenarios.h"

enum { BATCH = 1000, PER_ACCOUNT = 10, ROWS = LEDGER_MOST_ROWS };

/* One in ten transactions is of the first account, as after a volley; one in a hundred is of none; a day has 34,560. */
static const char day[] = "2026-11-05";

struct bench {
	struct db_session *session;
	int64_t accounts, rounds, spent_ns;
};

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "bench/pages: %s: %s\n", what, err_text(err));
	exit(1);
}

static void run(struct bench *bench, enum db_verb verb, const char *sql)
{
	struct err err = {0};

	if (!db_run(bench->session, verb, sql, NULL, NULL, NULL, &err))
		die(sql != NULL ? sql : db_verb_name(verb), &err);
}

static void add_up(void *context, const struct db_call *call, const struct db_rows *rows,
                   const struct db_outcome *outcome)
{
	struct bench *bench = context;

	(void)call, (void)rows;
	bench->spent_ns += outcome->ended_ns - outcome->began_ns;
}

/* ---- filling --------------------------------------------------------------------------------- */

static void add_account(struct str *sql, const struct bench *bench, int64_t n)
{
	(void)bench;
	str_printf(sql, "(%" PRId64 ")", n * 7919 % 1000003);
}

static void add_transaction(struct str *sql, const struct bench *bench, int64_t n)
{
	char stamp[CLOCK_STAMP_SIZE], account[24];

	/* 1 November 2026, and two and a half seconds more each time */
	clock_stamp((INT64_C(1793491200) * 1000 + n * 2500) * 1000, stamp);
	snprintf(account, sizeof account, "%" PRId64, n % 10 == 0 ? 1 : n * 7919 % bench->accounts + 1);
	str_printf(sql, "(%" PRId64 ",'%s',%s)", n % 100, stamp, n % 100 == 1 ? "NULL" : account);
}

static void fill(struct bench *bench, const char *insert, int64_t n,
                 void (*add)(struct str *sql, const struct bench *bench, int64_t n))
{
	struct str sql = {0};

	for (int64_t i = 0; i < n;) {
		run(bench, DB_BEGIN, NULL);
		for (int64_t end = i + 50 * BATCH; i < n && i < end;) {
			str_clear(&sql);
			str_add(&sql, insert);
			for (int64_t k = 0; k < BATCH && i < n; k++, i++) {
				str_add(&sql, k > 0 ? "," : " VALUES ");
				add(&sql, bench, i + 1);
			}
			run(bench, DB_WRITE, str_text(&sql));
		}
		run(bench, DB_COMMIT, NULL);
	}
	str_fini(&sql);
}

/* `django`: with the index that Django makes, and without those that racy adds to its own. */
static void make_tables(struct bench *bench, bool django)
{
	struct err err = {0};

	if (!db_migrate(bench->session, "deposit", scenario_deposit.migrations, scenario_deposit.n_migrations,
	                NULL, &err))
		die("the tables", &err);
	if (django)
		run(bench, DB_WRITE,
		    "{new_index} demo_transaction_account_id_5d0a7b0e ON demo_transaction (account_id)");
	else if (!db_migrate(bench->session, "deposit, extended", scenario_deposit.extensions,
	                     scenario_deposit.n_extensions, NULL, &err))
		die("the indexes", &err);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* A list, and where its pages begin: the keys of its rows, in its order, are what this tells. */
struct list {
	const char *name;
	bool of_accounts;
	struct ledger_accounts_ask accounts;
	struct ledger_transactions_ask transactions;
	const char *keys; /* of the row at an offset: its place in one cell or two */
};

static char *place_of(struct bench *bench, const struct list *list, int64_t offset)
{
	const struct db_value args[] = {db_int(offset), {0}};
	struct db_rows rows = {0};
	struct err err = {0};
	char *place = NULL;

	if (!db_run(bench->session, DB_READ, list->keys, args, &rows, NULL, &err))
		die(list->keys, &err);
	if (rows.n_rows > 0) {
		const struct db_value *first = db_cell(&rows, 0, 0);
		const struct db_value *second = rows.n_cols > 1 ? db_cell(&rows, 0, 1) : NULL;
		place = second == NULL ? mem_printf("%" PRId64, first->integer)
		        : second->type == DB_INT ? mem_printf("%" PRId64 ".%" PRId64, first->integer, second->integer)
		        : mem_printf("%" PRId64 ".%s", first->integer, second->text);
	}
	db_rows_fini(&rows);
	return place;
}

/* How many rows the page has. */
static size_t ask(struct bench *bench, const struct list *list, const char *after)
{
	static struct ledger_accounts accounts;
	static struct ledger_transactions transactions;
	struct ledger_accounts_ask accounts_ask = list->accounts;
	struct ledger_transactions_ask transactions_ask = list->transactions;
	struct err err = {0};
	enum ledger_end end;
	size_t n;

	accounts_ask.limit = transactions_ask.limit = ROWS;
	accounts_ask.after = transactions_ask.after = after;
	if (list->of_accounts) {
		accounts = (struct ledger_accounts){0};
		end = ledger_accounts(bench->session, &accounts_ask, &accounts, &err);
		n = accounts.page.n;
		ledger_accounts_fini(&accounts);
	} else {
		transactions = (struct ledger_transactions){0};
		end = ledger_transactions(bench->session, &transactions_ask, &transactions, &err);
		n = transactions.page.n;
		ledger_transactions_fini(&transactions);
	}
	if (end != LEDGER_OK)
		die(list->name, &err);
	return n;
}

static int by_number(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return one < other ? -1 : one > other;
}

static void measure(struct bench *bench, const struct list *list, const char *page, const char *after)
{
	int64_t *times = mem_new((size_t)bench->rounds, sizeof *times);
	size_t n = ask(bench, list, after); /* once before, so that the statement is prepared */

	for (int64_t i = 0; i < bench->rounds; i++) {
		bench->spent_ns = 0;
		if (ask(bench, list, after) != n)
			exit(1);
		times[i] = bench->spent_ns;
	}
	qsort(times, (size_t)bench->rounds, sizeof *times, by_number);
	json_t *line = json_pack("{ss ss sI sI sI}", "list", list->name, "page", page, "rows", (json_int_t)n,
	                         "median_ns", (json_int_t)times[bench->rounds / 2],
	                         "p99_ns", (json_int_t)times[(bench->rounds * 99 - 1) / 100]);
	char *text = json_dumps(line, JSON_COMPACT);
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(line);
	free(times);
}

static int64_t count(struct bench *bench, const struct list *list)
{
	int64_t low = 0, high = bench->accounts * PER_ACCOUNT;

	/* The keys' statement tells whether there is a row at an offset. */
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		char *place = place_of(bench, list, middle);
		low = place != NULL ? middle + 1 : low;
		high = place != NULL ? high : middle;
		free(place);
	}
	return low;
}

static void measure_list(struct bench *bench, const struct list *list)
{
	int64_t n = count(bench, list);

	measure(bench, list, "first", NULL);
	if (n < 3 * ROWS)
		return;
	char *middle = place_of(bench, list, n / 2), *last = place_of(bench, list, n - ROWS - 1);
	measure(bench, list, "middle", middle);
	measure(bench, list, "last", last);
	free(middle);
	free(last);
}

#define BY_ACCOUNT(words) "SELECT id FROM demo_account ORDER BY " words " LIMIT 1 OFFSET ?"
#define BY_BALANCE(words) "SELECT balance, id FROM demo_account ORDER BY " words " LIMIT 1 OFFSET ?"
#define BY_ID(where, words) "SELECT id FROM demo_transaction WHERE " where " ORDER BY " words " LIMIT 1 OFFSET ?"
#define OF_DAY(where, words)                                                                                 \
	"SELECT id, timestamp FROM demo_transaction WHERE timestamp >= '2026-11-05' AND timestamp < '2026-11-06'" \
	" AND " where " ORDER BY " words " LIMIT 1 OFFSET ?"

static void measure_all(struct bench *bench)
{
	static const int64_t some = 777;
	const struct list lists[] = {
		{"accounts", true, .accounts.sort = LEDGER_BY_ID, .keys = BY_ACCOUNT("id")},
		{"accounts, -id", true, .accounts.sort = LEDGER_BY_ID_DOWN, .keys = BY_ACCOUNT("id DESC")},
		{"accounts, balance", true, .accounts.sort = LEDGER_BY_BALANCE, .keys = BY_BALANCE("balance, id")},
		{"accounts, -balance", true, .accounts.sort = LEDGER_BY_BALANCE_DOWN,
		 .keys = BY_BALANCE("balance DESC, id DESC")},
		{"accounts, one", true,
		 .accounts.id = &some, .keys = "SELECT id FROM demo_account WHERE id < 2 LIMIT 1 OFFSET ?"},
		{"transactions, id", .transactions.sort = LEDGER_BY_ID, .keys = BY_ID("1 = 1", "id")},
		{"transactions", .transactions.sort = LEDGER_BY_ID_DOWN, .keys = BY_ID("1 = 1", "id DESC")},
		{"of none", .transactions = {LEDGER_OF_NONE, .sort = LEDGER_BY_ID_DOWN},
		 .keys = BY_ID("account_id IS NULL", "id DESC")},
		{"of an account", .transactions = {LEDGER_OF_ACCOUNT, 777, .sort = LEDGER_BY_ID_DOWN},
		 .keys = BY_ID("account_id = 777", "id DESC")},
		{"of the account of 100,000", .transactions = {LEDGER_OF_ACCOUNT, 1, .sort = LEDGER_BY_ID_DOWN},
		 .keys = BY_ID("account_id = 1", "id DESC")},
		{"of the account of 100,000, id", .transactions = {LEDGER_OF_ACCOUNT, 1, .sort = LEDGER_BY_ID},
		 .keys = BY_ID("account_id = 1", "id")},
		{"of a day", .transactions = {.day = day, .sort = LEDGER_BY_ID_DOWN},
		 .keys = OF_DAY("1 = 1", "timestamp DESC, id DESC")},
		{"of a day, id", .transactions = {.day = day, .sort = LEDGER_BY_ID},
		 .keys = OF_DAY("1 = 1", "timestamp, id")},
		{"of a day without any", .transactions = {.day = "2025-01-01", .sort = LEDGER_BY_ID_DOWN},
		 .keys = BY_ID("1 = 0", "id")},
		{"of an account, of a day", .transactions = {LEDGER_OF_ACCOUNT, 777, day, LEDGER_BY_ID_DOWN},
		 .keys = OF_DAY("account_id = 777", "timestamp DESC, id DESC")},
		{"of the account of 100,000, of a day", .transactions = {LEDGER_OF_ACCOUNT, 1, day, LEDGER_BY_ID_DOWN},
		 .keys = OF_DAY("account_id = 1", "timestamp DESC, id DESC")},
	};

	for (size_t i = 0; i < COUNT_OF(lists); i++)
		measure_list(bench, &lists[i]);
}

int main(int argc, char **argv)
{
	const struct db_settings settings = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 60 * NS_PER_S};
	struct bench bench = {0};
	const struct db_hook hook = {.context = &bench, .after = add_up};
	struct db_target target;
	struct err err = {0};

	if (argc < 4 || !num_parse(argv[2], 1000, 10000000, &bench.accounts, &err) ||
	    !num_parse(argv[3], 1, 100000, &bench.rounds, &err)) {
		fprintf(stderr, "usage: pages URL ACCOUNTS ROUNDS [--django]\n");
		return 2;
	}
	if (!db_target_parse(argv[1], &target, &err) || !db_create(&target, &err))
		die("the database", &err);
	bench.session = db_open(&target, &settings, &err);
	if (bench.session == NULL)
		die("the database", &err);
	db_add_hook(bench.session, &hook);
	make_tables(&bench, argc > 4);
	fill(&bench, "INSERT INTO demo_account (balance)", bench.accounts, add_account);
	fill(&bench, "INSERT INTO demo_transaction (amount, timestamp, account_id)", bench.accounts * PER_ACCOUNT,
	     add_transaction);
	/* What its autovacuum does within a minute of so many rows; without it the plans are those of empty tables. */
	if (strcmp(db_identity(bench.session)->engine, "postgres") == 0)
		run(&bench, DB_WRITE, "VACUUM ANALYZE");
	measure_all(&bench);
	db_close(bench.session);
	db_target_fini(&target);
	return 0;
}
