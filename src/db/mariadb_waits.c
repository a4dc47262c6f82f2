/* Who waits on MariaDB, as an observer sees it. InnoDB's status names each connection that waits for a
 * lock on rows or tables, and from the moment that the lock is given to it does so no more. Waits above
 * InnoDB (GET_LOCK, metadata, FLUSH TABLES WITH READ LOCK) show in the process list only, which a
 * thread corrects when it has woken up: so that list is believed where the server's threads can be looked
 * at, and the thread sleeps. (information_schema.innodb_trx would be up to 0.1 s old, and the counter of
 * row lock waits does not say who.) */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "db/mariadb.h"
#include "db/peer.h"

/* ---- InnoDB's status ------------------------------------------------------------------------- */

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

static bool line_has(const char *line, const char *words)
{
	return memmem(line, strcspn(line, "\n"), words, strlen(words)) != NULL;
}

/* A transaction is told in some lines, of which one names its connection; after that one comes the text
 * of its statement, which may be anything. */
bool maria_read_status(const char *status, maria_found *found, void *context)
{
	static const char begin[] = "---TRANSACTION ", thread[] = " thread id ";
	const char *line = strstr(status, "\nLIST OF TRANSACTIONS FOR EACH SESSION:\n");
	bool in_one = false, is_open = false, waits = false;

	if (line == NULL || strstr(status, "\nEND OF INNODB MONITOR OUTPUT") == NULL ||
	    strstr(status, "\n... truncated...") != NULL)
		return false;
	for (; *line != '\0'; line = next_line(line)) {
		bool begins = text_starts_with(line, begin);
		if (begins && in_one) /* nobody's: the server's own, or recovered */
			found(context, 0, is_open, waits);
		if (begins) {
			in_one = true;
			is_open = line_has(line, ", ACTIVE");
			waits = false;
		} else if (in_one && text_starts_with(line, "LOCK WAIT ")) {
			waits = true;
		} else if (in_one && (text_starts_with(line, "MariaDB") || text_starts_with(line, "MySQL")) &&
		           line_has(line, thread)) {
			in_one = false;
			found(context, strtoll(strstr(line, thread) + strlen(thread), NULL, 10), is_open, waits);
		} else if (text_starts_with(line, "FILE I/O")) {
			break;
		}
	}
	if (in_one)
		found(context, 0, is_open, waits);
	return true;
}

struct look {
	const struct maria *observer;
	const int64_t *numbers;
	size_t n;
	enum db_wait *waits;
	bool strangers; /* is there anybody else who may hold what is waited for? */
};

static bool index_of(const struct look *look, int64_t number, size_t *index)
{
	for (*index = 0; *index < look->n; ++*index)
		if (look->numbers[*index] == number)
			return true;
	return false;
}

static void note_transaction(void *context, int64_t connection, bool is_open, bool waits)
{
	struct look *look = context;
	size_t i;

	if (!index_of(look, connection, &i))
		look->strangers = look->strangers || (is_open && connection != look->observer->number);
	else if (waits)
		look->waits[i] = DB_WAITS;
}

static bool fail(const struct maria *observer, struct err *err)
{
	return err_set(err, "the server cannot be asked who waits: %s", mysql_error(observer->mysql));
}

static MYSQL_RES *query(const struct maria *observer, const char *sql, struct err *err)
{
	MYSQL_RES *result = mysql_query(observer->mysql, sql) == 0 ? mysql_store_result(observer->mysql) : NULL;

	if (result == NULL)
		(void)fail(observer, err);
	return result;
}

static bool ask_innodb(struct look *look, struct err *err)
{
	MYSQL_RES *result = query(look->observer, "SHOW ENGINE INNODB STATUS", err);
	MYSQL_ROW row = result != NULL ? mysql_fetch_row(result) : NULL;

	bool ok = row != NULL && row[2] != NULL;

	if (ok && !maria_read_status(row[2], note_transaction, look))
		look->strangers = true; /* those that were not told */
	if (result != NULL && !ok)
		err_set(err, "InnoDB does not tell its status");
	mysql_free_result(result);
	return ok;
}

/* ---- the process list ------------------------------------------------------------------------ */

struct thread {
	bool says_it_waits;
	int64_t statement, id; /* the server's number of the statement; the system's of the thread */
};

static int64_t number_of(const char *text)
{
	int64_t number = 0;

	return text != NULL && num_parse(text, 0, INT64_MAX, &number, NULL) ? number : 0;
}

/* "User lock" (GET_LOCK), "Waiting for table metadata lock", "Waiting for backup lock", ... */
static bool is_a_wait(const char *state)
{
	return text_equal(state, "User lock") ||
	       (text_starts_with(state, "Waiting for ") && strstr(state, "lock") != NULL);
}

static bool read_list(struct look *look, struct thread *threads, struct err *err)
{
	const char *sql = look->observer->is_mariadb
	        ? "SELECT ID, STATE, QUERY_ID, TID FROM information_schema.PROCESSLIST "
	          "WHERE COMMAND <> 'Daemon' AND USER <> 'system user'"
	        : "SELECT ID, STATE, 0, 0 FROM information_schema.PROCESSLIST "
	          "WHERE COMMAND <> 'Daemon' AND USER <> 'system user'";
	MYSQL_RES *result = query(look->observer, sql, err);
	MYSQL_ROW row;

	if (result == NULL)
		return false;
	memset(threads, 0, look->n * sizeof *threads);
	while ((row = mysql_fetch_row(result)) != NULL) {
		int64_t number = number_of(row[0]);
		size_t i;
		if (index_of(look, number, &i))
			threads[i] = (struct thread){is_a_wait(row[1] != NULL ? row[1] : ""), number_of(row[2]),
			                             number_of(row[3])};
		else if (number != look->observer->number)
			look->strangers = true; /* it may hold such a lock outside of any transaction */
	}
	mysql_free_result(result);
	return true;
}

enum sleep { AWAKE, ASLEEP, NOT_TO_BE_SEEN };

/* Does a thread of this process sleep, and how many times did it fall asleep? */
static enum sleep look_at(pid_t process, int64_t thread, int64_t *times)
{
	char *path = mem_printf("/proc/%lld/status", (long long)thread), line[128];
	FILE *file = fopen(path, "re");
	long long group = 0;
	char state = '?';

	*times = -1;
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		long long number;
		if (sscanf(line, "Tgid: %lld", &number) == 1)
			group = number;
		else if (sscanf(line, "voluntary_ctxt_switches: %lld", &number) == 1)
			*times = number;
		else if (text_starts_with(line, "State:"))
			(void)sscanf(line, "State: %c", &state);
	}
	if (file != NULL)
		fclose(file);
	free(path);
	if (group != process || *times < 0)
		return NOT_TO_BE_SEEN;
	return state == 'S' ? ASLEEP : AWAKE;
}

/* Who was given its lock has been made ready to run at once: a thread that sleeps before and after the
 * list was read again, without having run between, still waits. */
static bool ask_threads(struct look *look, struct err *err)
{
	struct thread *first = mem_new(look->n, sizeof *first), *second = mem_new(look->n, sizeof *second);
	int64_t *times = mem_new(look->n, sizeof *times), again;
	const pid_t process = db_peer(mysql_get_socket(look->observer->mysql));
	bool any = false;

	bool ok = read_list(look, first, err);
	for (size_t i = 0; ok && i < look->n; i++) {
		first[i].says_it_waits = first[i].says_it_waits && look->waits[i] == DB_WAITS_NOT;
		any = any || first[i].says_it_waits;
		if (first[i].says_it_waits && look_at(process, first[i].id, &times[i]) == NOT_TO_BE_SEEN)
			look->waits[i] = DB_WAITS_UNKNOWN;
	}
	ok = ok && (!any || read_list(look, second, err));
	for (size_t i = 0; ok && i < look->n; i++)
		if (first[i].says_it_waits && look->waits[i] == DB_WAITS_NOT && second[i].says_it_waits &&
		    second[i].statement == first[i].statement &&
		    look_at(process, first[i].id, &again) == ASLEEP && again == times[i])
			look->waits[i] = look->strangers ? DB_WAITS_UNKNOWN : DB_WAITS;
	free(times);
	free(second);
	free(first);
	return ok;
}

bool maria_who_waits(void *connection, const int64_t *numbers, size_t n, enum db_wait *waits, struct err *err)
{
	struct look look = {.observer = connection, .numbers = numbers, .n = n, .waits = waits};
	bool all = true;

	for (size_t i = 0; i < n; i++)
		waits[i] = DB_WAITS_NOT;
	if (!ask_innodb(&look, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (waits[i] == DB_WAITS && look.strangers)
			waits[i] = DB_WAITS_UNKNOWN;
		all = all && waits[i] != DB_WAITS_NOT;
	}
	return all || ask_threads(&look, err);
}
