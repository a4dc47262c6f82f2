#include "log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "base/str.h"

struct log {
	const struct world *world;
	struct db_setting settings[1];
};

/* "update v set" becomes "UPDATE"; a BEGIN has several names. */
static void add_word(struct str *words, const char *statement)
{
	size_t length = strspn(statement, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	if (words->length > 0)
		str_add(words, " ");
	if (strncasecmp(statement, "START", length) == 0) {
		str_add(words, "BEGIN");
		return;
	}
	for (size_t i = 0; i < length; i++)
		str_add_char(words, (char)toupper((unsigned char)statement[i]));
}

/* ---- SQLite ----------------------------------------------------------------------------------- */

/* Every connection that is opened while the log is. */
enum { TRACES = 8 };
static struct trace {
	struct str words;
	bool is_asked_for; /* its last statement was the one below */
} traces[TRACES];
static size_t n_traces;
static const char which[] = "SELECT 20260114";

static int note(unsigned kind, void *context, void *statement, void *text)
{
	struct trace *trace = context;

	(void)kind;
	(void)statement;
	trace->is_asked_for = text_equal(text, which);
	if (!trace->is_asked_for)
		add_word(&trace->words, text);
	return 0;
}

static int begin_trace(sqlite3 *db, const char **message, const struct sqlite3_api_routines *routines)
{
	(void)message;
	(void)routines;
	if (n_traces == TRACES)
		return SQLITE_FULL;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note, &traces[n_traces++]);
}

static void read_trace(struct actor *actor, struct str *words)
{
	actor_ask(actor, which);
	for (size_t i = 0; i < n_traces; i++)
		if (traces[i].is_asked_for)
			str_add(words, str_text(&traces[i].words));
}

/* ---- servers ---------------------------------------------------------------------------------- */

static void read_table(const struct log *log, int64_t connection, struct str *words)
{
	static const char sql[] = "SELECT argument FROM mysql.general_log WHERE thread_id = ? AND "
	                          "command_type IN ('Query', 'Execute')";
	struct db_rows rows = {0};
	struct err err = {0};

	if (!db_run(log->world->observer, DB_READ, sql, ARGS(db_int(connection)), &rows, NULL, &err))
		fail_msg("%s", err_text(&err));
	for (size_t i = 0; i < rows.n_rows; i++)
		add_word(words, db_cell(&rows, i, 0)->text);
	db_rows_fini(&rows);
}

/* Lines as "... [PID] LOG:  statement: BEGIN" and "... [PID] LOG:  execute racy_0: UPDATE v ...". */
static void read_file(const struct log *log, int64_t connection, struct str *words)
{
	char *path = mem_printf("%s/server.log", log->world->server.socket);
	char *mine = mem_printf("[%lld] LOG:  ", (long long)connection);
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		const char *text = strstr(line, mine);
		const char *colon = text != NULL ? strchr(text + strlen(mine), ':') : NULL;
		if (colon != NULL)
			add_word(words, colon + 2);
	}
	fclose(file);
	free(line);
	free(mine);
	free(path);
}

/* ---- either ----------------------------------------------------------------------------------- */

struct log *log_open(const struct world *world)
{
	struct log *log = mem_new(1, sizeof *log);

	log->world = world;
	if (world->is_sqlite) {
		n_traces = 0;
		assert_int_equal(sqlite3_auto_extension((void (*)(void))begin_trace), SQLITE_OK);
	} else if (!world->is_postgres) {
		must(world->observer, DB_WRITE, "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON", NULL);
	}
	return log;
}

struct db_settings log_settings(struct log *log, const struct db_settings *settings)
{
	struct db_settings more = *settings;

	if (log->world->is_postgres) {
		assert_true(settings->n_sets == 0);
		log->settings[0] = (struct db_setting){"log_statement", "all"};
		more.sets = log->settings;
		more.n_sets = 1;
	}
	return more;
}

char *log_read(struct log *log, struct actor *actor)
{
	const int64_t connection = db_identity(actor_session(actor))->connection;
	struct str words = {0};

	if (log->world->is_sqlite)
		read_trace(actor, &words);
	else if (log->world->is_postgres)
		read_file(log, connection, &words);
	else
		read_table(log, connection, &words);
	const char *first = strstr(str_text(&words), "BEGIN");
	char *since = mem_text(first != NULL ? first : "nothing");
	str_fini(&words);
	return since;
}

void log_close(struct log *log)
{
	if (log->world->is_sqlite) {
		sqlite3_cancel_auto_extension((void (*)(void))begin_trace);
		for (size_t i = 0; i < n_traces; i++)
			str_fini(&traces[i].words);
	} else if (!log->world->is_postgres) {
		must(log->world->observer, DB_WRITE, "SET GLOBAL general_log = OFF", NULL);
	}
	free(log);
}
