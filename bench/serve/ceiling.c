/* What the database itself can do: the statements of a deposit in a bare loop over N connections, with
 * nothing around them but libmariadb. Same texts, same binary protocol, same level as racy's workers use, so
 * that what a server adds to them is what its figure lacks of this one. Prints one line of JSON.
 *
 *   ceiling SOCKET DATABASE WAY FIRST ACCOUNTS CONNECTIONS WARM_MS RUN_MS BURN_US
 *
 * WAY is non_atomic_no_delay or atomic_no_delay. Deposits go in turn to the ACCOUNTS accounts from FIRST on:
 * with one they all meet on a row, with many they are on separate ones. What was done while it warmed up is
 * not counted. BURN_US of CPU are spent after each deposit: what a server and its load spend beside the
 * statements, where they share the processors with the database. */
#include <errno.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STAMP_SIZE = 32, MOST_CONNECTIONS = 100 };
static const int64_t NS_PER_S = 1000000000, NS_PER_MS = 1000000, NS_PER_US = 1000;

enum way { NON_ATOMIC, ATOMIC };
enum end { DONE, REFUSED };

static struct {
	const char *socket, *database;
	enum way way;
	int64_t first, accounts, connections, warm_ns, run_ns, burn_ns;
} plan;

static _Atomic int64_t turn; /* deposits begun: which account is next */
static pthread_barrier_t together;

struct client {
	pthread_t thread;
	MYSQL *mysql;
	MYSQL_STMT *read, *record, *write;
	int64_t answered, refused;
	uint32_t *took_us; /* of each answered deposit */
	size_t capacity;
	double cpu_s;
};

_Noreturn static void die(const char *what, const char *why)
{
	fprintf(stderr, "ceiling: %s: %s\n", what, why);
	exit(1);
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- statements ------------------------------------------------------------------------------ */

static void query(MYSQL *mysql, const char *sql)
{
	if (mysql_query(mysql, sql) != 0)
		die(sql, mysql_error(mysql));
}

static MYSQL_STMT *prepare(MYSQL *mysql, const char *sql)
{
	MYSQL_STMT *statement = mysql_stmt_init(mysql);

	if (statement == NULL || mysql_stmt_prepare(statement, sql, strlen(sql)) != 0)
		die(sql, mysql_error(mysql));
	return statement;
}

static void open_client(struct client *client)
{
	client->mysql = mysql_init(NULL);
	if (client->mysql == NULL ||
	    mysql_real_connect(client->mysql, NULL, "root", NULL, plan.database, 0, plan.socket, 0) == NULL)
		die("connecting", client->mysql != NULL ? mysql_error(client->mysql) : "out of memory");
	query(client->mysql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
	client->read = prepare(client->mysql, "SELECT balance FROM demo_account WHERE id = ?");
	client->record = prepare(client->mysql, "INSERT INTO demo_transaction (account_id, amount, timestamp)"
	                                        " VALUES (?, ?, ?)");
	client->write = prepare(client->mysql, "UPDATE demo_account SET balance = ? WHERE id = ?");
}

static void close_client(struct client *client)
{
	mysql_stmt_close(client->read);
	mysql_stmt_close(client->record);
	mysql_stmt_close(client->write);
	mysql_close(client->mysql);
}

/* A refusal has ended the transaction, where there was one (1213), or undone its only statement. */
static enum end refusal(MYSQL_STMT *statement)
{
	if (mysql_stmt_errno(statement) != ER_LOCK_DEADLOCK)
		die("a statement", mysql_stmt_error(statement));
	return REFUSED;
}

static enum end execute(MYSQL_STMT *statement, MYSQL_BIND *values)
{
	if (mysql_stmt_bind_param(statement, values) != 0)
		die("binding", mysql_stmt_error(statement));
	return mysql_stmt_execute(statement) == 0 ? DONE : refusal(statement);
}

static MYSQL_BIND number(int64_t *value)
{
	return (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = value};
}

static enum end read_balance(struct client *client, int64_t account, int64_t *balance)
{
	MYSQL_BIND values[] = {number(&account)}, results[] = {number(balance)};

	if (execute(client->read, values) != DONE)
		return REFUSED;
	if (mysql_stmt_bind_result(client->read, results) != 0 || mysql_stmt_fetch(client->read) != 0)
		die("reading the balance", mysql_stmt_error(client->read));
	mysql_stmt_free_result(client->read);
	return DONE;
}

static enum end record(struct client *client, int64_t account)
{
	int64_t amount = 1;
	char stamp[STAMP_SIZE];
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	size_t length = strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &parts);
	length += (size_t)snprintf(stamp + length, sizeof stamp - length, ".%06ld", now.tv_nsec / NS_PER_US);
	MYSQL_BIND values[] = {number(&account), number(&amount),
	                       {.buffer_type = MYSQL_TYPE_STRING, .buffer = stamp, .buffer_length = length}};
	return execute(client->record, values);
}

static enum end write_balance(struct client *client, int64_t account, int64_t balance)
{
	MYSQL_BIND values[] = {number(&balance), number(&account)};

	return execute(client->write, values);
}

static enum end deposit(struct client *client, int64_t account)
{
	int64_t balance = 0;

	if (plan.way == ATOMIC)
		query(client->mysql, "START TRANSACTION");
	bool done = read_balance(client, account, &balance) == DONE && record(client, account) == DONE &&
	            write_balance(client, account, balance + 1) == DONE;
	if (done && plan.way == ATOMIC)
		query(client->mysql, "COMMIT");
	return done ? DONE : REFUSED;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void keep(struct client *client, int64_t ns)
{
	size_t n = (size_t)client->answered++;

	if (n >= client->capacity) {
		client->capacity = n * 2 + 1024;
		client->took_us = realloc(client->took_us, client->capacity * sizeof *client->took_us);
		if (client->took_us == NULL)
			die("keeping times", "out of memory");
	}
	client->took_us[n] = (uint32_t)(ns / NS_PER_US);
}

static void burn(void)
{
	int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + plan.burn_ns;

	while (plan.burn_ns > 0 && now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		continue;
}

static void *loop(void *context)
{
	struct client *client = context;

	mysql_thread_init();
	open_client(client);
	pthread_barrier_wait(&together);
	int64_t start = now_ns(CLOCK_MONOTONIC) + plan.warm_ns, end = start + plan.run_ns, cpu = 0, ended;
	do {
		int64_t account = plan.first + atomic_fetch_add(&turn, 1) % plan.accounts;
		int64_t began = now_ns(CLOCK_MONOTONIC);
		if (began >= start && cpu == 0)
			cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
		enum end how = deposit(client, account);
		ended = now_ns(CLOCK_MONOTONIC);
		if (ended >= start && ended < end && how == DONE)
			keep(client, ended - began);
		else if (ended >= start && ended < end)
			client->refused++;
		burn();
	} while (ended < end);
	client->cpu_s = (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / (double)NS_PER_S;
	close_client(client);
	mysql_thread_end();
	return NULL;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void tell(const struct client *clients)
{
	int64_t answered = 0, refused = 0;
	double cpu_s = 0;

	for (int64_t i = 0; i < plan.connections; i++) {
		answered += clients[i].answered;
		refused += clients[i].refused;
		cpu_s += clients[i].cpu_s;
	}
	uint32_t *all = calloc((size_t)answered + 1, sizeof *all), *to = all;
	if (all == NULL)
		die("sorting", "out of memory");
	for (int64_t i = 0; i < plan.connections; i++) {
		if (clients[i].answered > 0)
			memcpy(to, clients[i].took_us, (size_t)clients[i].answered * sizeof *to);
		to += clients[i].answered;
	}
	qsort(all, (size_t)answered, sizeof *all, by_size);
	printf("{\"answered\": %lld, \"refused\": %lld, \"seconds\": %.6f, \"cpu_s\": %.6f, \"p50_us\": %u, "
	       "\"p99_us\": %u}\n", (long long)answered, (long long)refused,
	       (double)plan.run_ns / (double)NS_PER_S, cpu_s, all[answered / 2], all[answered * 99 / 100]);
	free(all);
}

static int64_t whole(const char *text, int64_t least)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || value < least)
		die(text, "is not such a number");
	return value;
}

int main(int argc, char **argv)
{
	static struct client clients[MOST_CONNECTIONS];

	if (argc != 10)
		die("usage", "SOCKET DATABASE WAY FIRST ACCOUNTS CONNECTIONS WARM_MS RUN_MS BURN_US");
	plan.socket = argv[1];
	plan.database = argv[2];
	plan.way = strcmp(argv[3], "atomic_no_delay") == 0 ? ATOMIC : NON_ATOMIC;
	if (plan.way == NON_ATOMIC && strcmp(argv[3], "non_atomic_no_delay") != 0)
		die(argv[3], "is no way: non_atomic_no_delay or atomic_no_delay");
	plan.first = whole(argv[4], 1);
	plan.accounts = whole(argv[5], 1);
	plan.connections = whole(argv[6], 1);
	plan.warm_ns = whole(argv[7], 0) * NS_PER_MS;
	plan.run_ns = whole(argv[8], 1) * NS_PER_MS;
	plan.burn_ns = whole(argv[9], 0) * NS_PER_US;
	if (plan.connections > MOST_CONNECTIONS)
		die(argv[6], "connections are too many");
	if (mysql_library_init(0, NULL, NULL) != 0)
		die("libmariadb", "cannot be set up");
	pthread_barrier_init(&together, NULL, (unsigned)plan.connections);
	for (int64_t i = 0; i < plan.connections; i++)
		if (pthread_create(&clients[i].thread, NULL, loop, &clients[i]) != 0)
			die("a thread", "cannot be started");
	for (int64_t i = 0; i < plan.connections; i++)
		pthread_join(clients[i].thread, NULL);
	tell(clients);
	for (int64_t i = 0; i < plan.connections; i++)
		free(clients[i].took_us);
	return 0;
}
