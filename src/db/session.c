/* The funnel: every statement of every tool passes db_exec, which lets the hooks look, has the
 * driver perform, and lets the hooks look again. What is the same for all engines happens here and
 * nowhere else: tokens, checks of values, times, the process that a session belongs to. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/dialect.h"
#include "db/driver.h"
#include "db/sql.h"

/* A statement with tokens, written out once for the session. */
struct expansion {
	char *source, *sql;
};

struct db_session {
	const struct db_driver *driver;
	void *connection;
	unsigned forks; /* of the process that opened it */
	struct db_identity identity;
	enum db_tx tx; /* after the last call */
	char opened_at[sizeof ((struct db_identity *)NULL)->isolation]; /* the level, as it was read back */

	const struct db_hook **hooks;
	size_t n_hooks, hooks_capacity;

	struct expansion *expansions;
	size_t n_expansions, expansions_capacity;

	const struct db_call *call; /* the one under way, for the hooks' `waiting` and `answering` */

	/* For other threads. */
	_Atomic uint64_t turns; /* one more when the driver begins a call, and one when it is done: odd between */
	_Atomic uint64_t tries; /* the client's own looks whether a lock is free */
};

static void die(const char *what)
{
	fprintf(stderr, "racy: %s\n", what);
	abort();
}

/* How many forks lie between this process and the first one that opened a session: cheaper to ask than the kernel. */
static unsigned forks;
static pthread_once_t counting = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
	forks++;
}

static void count_forks(void)
{
	if (pthread_atfork(NULL, NULL, count_fork) != 0)
		die("no memory");
}

static void check_process(const struct db_session *session)
{
	if (session->forks != forks)
		die("a database session was used by a process that did not open it");
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool tell_hooks_of_wait(void *context, int tries)
{
	struct db_session *session = context;
	bool waited = false;

	atomic_fetch_add(&session->tries, 1);
	for (size_t i = 0; i < session->n_hooks; i++)
		if (session->call != NULL && session->hooks[i]->waiting != NULL)
			waited |= session->hooks[i]->waiting(session->hooks[i]->context, session->call, tries);
	return waited;
}

static bool tell_hooks_of_answer(void *context, int socket)
{
	struct db_session *session = context;
	bool waited = false;

	for (size_t i = 0; i < session->n_hooks && !waited; i++)
		waited = session->call != NULL && session->hooks[i]->answering != NULL &&
		         session->hooks[i]->answering(session->hooks[i]->context, session->call, socket);
	return waited;
}

struct db_session *db_open(const struct db_target *target, const struct db_settings *settings,
                           struct err *err)
{
	struct db_session *session = mem_new(1, sizeof *session);

	session->driver = target->driver;
	(void)pthread_once(&counting, count_forks);
	session->forks = forks;
	session->connection = target->driver->open(target, settings, &session->identity, err);
	if (session->connection == NULL) {
		free(session);
		return NULL;
	}
	memcpy(session->opened_at, session->identity.isolation, sizeof session->opened_at);
	if (session->driver->on_wait != NULL)
		session->driver->on_wait(session->connection, tell_hooks_of_wait, session);
	if (session->driver->on_answer != NULL)
		session->driver->on_answer(session->connection, tell_hooks_of_answer, session);
	return session;
}

void db_close(struct db_session *session)
{
	if (session == NULL)
		return;
	check_process(session);
	session->driver->close(session->connection);
	for (size_t i = 0; i < session->n_expansions; i++) {
		free(session->expansions[i].source);
		free(session->expansions[i].sql);
	}
	free(session->expansions);
	free(session->hooks);
	free(session);
}

const struct db_identity *db_identity(const struct db_session *session)
{
	return &session->identity;
}

const struct dialect *db_dialect(const struct db_session *session)
{
	return session->driver->dialect;
}

enum db_tx db_tx(const struct db_session *session)
{
	return session->tx;
}

/* Its name; NULL and an error where there is none to be set. */
static const char *level_to_set(const struct db_session *session, enum db_iso iso, struct err *err)
{
	if (iso == DB_ISO_DEFAULT)
		return session->opened_at;
	if (iso != DB_ISO_SERVER)
		return db_iso_name(iso);
	err_set(err, "a session cannot be brought back to the level that its server made it at");
	return NULL;
}

bool db_set_level(struct db_session *session, enum db_iso iso, bool *lost, struct err *err)
{
	const char *level = level_to_set(session, iso, err);
	bool is_lost = session->tx == DB_TX_UNKNOWN, ok = level != NULL;

	check_process(session);
	if (is_lost)
		ok = err_set(err, "the connection broke: where its transaction is cannot be known");
	else if (ok && session->tx != DB_TX_NONE)
		ok = err_set(err, "the isolation level cannot be changed within a transaction");
	else if (ok && !text_equal(level, session->identity.isolation))
		ok = db_iso_parse(level, &iso, err) &&
		     session->driver->set_level(session->connection, iso, &session->identity, &is_lost, err);
	if (is_lost)
		session->tx = DB_TX_UNKNOWN;
	if (lost != NULL)
		*lost = is_lost;
	return ok;
}

unsigned db_abilities(const struct db_target *target)
{
	return target->driver->abilities;
}

unsigned db_session_abilities(const struct db_session *session)
{
	return session->driver->abilities;
}

const char *db_lacking(const struct db_target *target, unsigned needs)
{
	unsigned lacks = needs & ~db_abilities(target);

	return lacks != 0 ? db_ability_name((enum db_ability)(lacks & -lacks)) : NULL;
}

bool db_cut(struct db_session *session, enum db_cut cut)
{
	check_process(session);
	if (session->driver->cut == NULL)
		return false;
	session->driver->cut(session->connection, cut);
	return true;
}

bool db_create(const struct db_target *target, struct err *err)
{
	return target->driver->create == NULL || target->driver->create(target, err);
}

bool db_limits_lock_waits(const struct db_target *target)
{
	return target->driver->on_wait == NULL;
}

bool db_answers_by_hook(const struct db_target *target)
{
	return target->driver->on_answer != NULL;
}

void db_add_hook(struct db_session *session, const struct db_hook *hook)
{
	session->hooks = mem_grow(session->hooks, &session->hooks_capacity, session->n_hooks + 1,
	                          sizeof *session->hooks);
	session->hooks[session->n_hooks++] = hook;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The statement as the engine wants it; NULL when a token is unknown. */
static const char *written_out(struct db_session *session, const char *sql, struct err *err)
{
	if (strchr(sql, '{') == NULL)
		return sql;
	for (size_t i = 0; i < session->n_expansions; i++)
		if (text_equal(session->expansions[i].source, sql))
			return session->expansions[i].sql;
	char *expanded = dialect_expand(session->driver->dialect, sql, err);
	if (expanded == NULL)
		return NULL;
	session->expansions = mem_grow(session->expansions, &session->expansions_capacity,
	                               session->n_expansions + 1, sizeof *session->expansions);
	session->expansions[session->n_expansions++] =
	        (struct expansion){.source = mem_text(sql), .sql = expanded};
	return expanded;
}

static bool values_can_be_sent(const struct db_call *call, struct db_outcome *outcome)
{
	size_t n = db_count_args(call->args);

	for (size_t i = 0; i < n; i++) {
		const struct db_value *value = &call->args[i];
		if (value->type == DB_TEXT && value->length > 0 &&
		    memchr(value->text, '\0', value->length) != NULL) {
			db_outcome_fail(outcome, DB_BROKEN, "a text that is to be sent holds a NUL");
			return false;
		}
	}
	return true;
}

static void perform(struct db_session *session, const struct db_call *call, struct db_rows *rows,
                    struct db_outcome *outcome)
{
	struct err err = {0};
	static const char *const wants_id[] = {"{returning_id}", NULL};
	const char *sql = NULL;

	if (call->verb == DB_READ || call->verb == DB_WRITE) {
		sql = written_out(session, call->sql, &err);
		if (sql == NULL)
			db_outcome_fail(outcome, DB_BROKEN, err_text(&err));
	}
	err_fini(&err);
	outcome->began_ns = outcome->ended_ns = clock_now_ns();
	if (outcome->err != DB_OK || !values_can_be_sent(call, outcome))
		return;
	session->call = call;
	atomic_fetch_add(&session->turns, 1);
	session->driver->perform(session->connection, call, sql, call->verb == DB_READ ? rows : NULL,
	                         outcome);
	atomic_fetch_add(&session->turns, 1);
	outcome->ended_ns = clock_now_ns();
	/* Some engines tell it unasked: who forgets to ask must miss it on all of them. */
	if (outcome->inserted_id != 0 && !sql_has(call->sql, wants_id))
		outcome->inserted_id = 0;
	session->call = NULL;
	session->tx = outcome->tx;
	if (outcome->err != DB_OK && rows != NULL)
		db_rows_fini(rows); /* half a result is none */
}

/* How many hooks were asked; *allowed is false where the last one of them refused. */
static size_t ask_hooks(struct db_session *session, const struct db_call *call, bool *allowed)
{
	size_t asked = 0;

	for (*allowed = true; *allowed && asked < session->n_hooks; asked++) {
		const struct db_hook *hook = session->hooks[asked];
		if (hook->before != NULL)
			*allowed = hook->before(hook->context, call);
	}
	return asked;
}

enum db_err db_exec(struct db_session *session, const struct db_call *call, struct db_rows *rows,
                    struct db_outcome *outcome)
{
	bool allowed;

	check_process(session);
	*outcome = (struct db_outcome){.err = DB_OK, .tx = session->tx};
	if (rows != NULL)
		db_rows_fini(rows);
	size_t asked = ask_hooks(session, call, &allowed);
	if (allowed) {
		perform(session, call, rows, outcome);
	} else {
		outcome->began_ns = outcome->ended_ns = clock_now_ns();
		db_outcome_fail(outcome, DB_REFUSED, "refused before it reached the database");
	}
	while (asked-- > 0) {
		const struct db_hook *hook = session->hooks[asked];
		if (hook->after != NULL)
			hook->after(hook->context, call, rows, outcome);
	}
	return outcome->err;
}

static bool set_failed(const struct db_outcome *outcome, struct err *err)
{
	return err_set(err, "the statement failed: %s (%s%s%s)", outcome->message, db_err_name(outcome->err),
	               outcome->sqlstate[0] != '\0' ? ", SQLSTATE " : "", outcome->sqlstate);
}

bool db_run(struct db_session *session, enum db_verb verb, const char *sql, const struct db_value *args,
            struct db_rows *rows, struct db_outcome *outcome, struct err *err)
{
	struct db_call call = {.verb = verb, .sql = sql, .for_write = verb == DB_BEGIN};
	struct db_outcome own;

	if (outcome == NULL)
		outcome = &own;
	if (args != NULL)
		for (size_t i = 0, n = db_count_args(args); i < n; i++)
			call.args[i] = args[i];
	return db_exec(session, &call, rows, outcome) == DB_OK || set_failed(outcome, err);
}

/* With their tokens replaced. False: a token is unknown. */
static bool write_all_out(struct db_session *session, const char *const *sqls, size_t n, const char **written,
                          struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		written[i] = written_out(session, sqls[i], err);
		if (written[i] == NULL)
			return false;
	}
	return true;
}

bool db_run_all(struct db_session *session, const char *const *sqls, size_t n, struct err *err)
{
	const char *written[DB_MOST_TOGETHER];
	struct db_outcome outcome = {.err = DB_OK, .tx = session->tx};
	bool ok = true;

	if (session->driver->perform_all == NULL || n < 2 || n > DB_MOST_TOGETHER) {
		for (size_t i = 0; i < n && ok; i++)
			ok = db_run(session, DB_WRITE, sqls[i], NULL, NULL, NULL, err);
		return ok;
	}
	check_process(session);
	if (!write_all_out(session, sqls, n, written, err))
		return false;
	atomic_fetch_add(&session->turns, 1);
	session->driver->perform_all(session->connection, written, n, &outcome);
	atomic_fetch_add(&session->turns, 1);
	session->tx = outcome.tx;
	return outcome.err == DB_OK || set_failed(&outcome, err);
}

bool db_count_alive(struct db_session *session, const int64_t *connections, size_t n, size_t *alive,
                    struct err *err)
{
	const char *sql = session->driver->dialect->count_alive;
	struct db_rows rows = {0};
	struct str numbers = {0}, text = {0};

	*alive = 0;
	if (sql == NULL || n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		str_printf(&numbers, "%s%lld", i > 0 ? "," : "", (long long)connections[i]);
	const char *gap = strstr(sql, "%s");
	str_add_n(&text, sql, (size_t)(gap - sql));
	str_add(&text, str_text(&numbers));
	str_add(&text, gap + 2);
	bool ok = db_run(session, DB_READ, str_text(&text), NULL, &rows, NULL, err);
	if (ok)
		*alive = (size_t)db_cell(&rows, 0, 0)->integer;
	db_rows_fini(&rows);
	str_fini(&numbers);
	str_fini(&text);
	return ok;
}

/* ---- from other threads ---------------------------------------------------------------------- */

bool db_cancel(struct db_session *session, struct err *err)
{
	check_process(session);
	return session->driver->cancel(session->connection, err);
}

uint64_t db_turns(struct db_session *session)
{
	return atomic_load(&session->turns);
}

/* What was seen of a session since any of them last began or ended a call. */
struct seen {
	uint64_t turns, tries;
};

static bool performs(const struct seen *seen)
{
	return seen->turns % 2 == 1;
}

/* Has nobody begun or ended a call since? Else notes how it is now. */
static bool nothing_happened(struct db_session *const *sessions, size_t n, struct seen *seen)
{
	bool same = true;

	for (size_t i = 0; i < n; i++)
		same = same && atomic_load(&sessions[i]->turns) == seen[i].turns;
	for (size_t i = 0; i < n && !same; i++)
		seen[i] = (struct seen){atomic_load(&sessions[i]->turns), atomic_load(&sessions[i]->tries)};
	return same;
}

/* Where the client waits by looking again and again: of two looks since, the second one began since. */
static void ask_clients(struct db_session *const *sessions, size_t n, const struct seen *seen,
                        enum db_wait *waits)
{
	for (size_t i = 0; i < n; i++)
		waits[i] = performs(&seen[i]) && atomic_load(&sessions[i]->tries) >= seen[i].tries + 2
		                   ? DB_WAITS : DB_WAITS_NOT;
}

static bool ask(struct db_session *observer, struct db_session *const *sessions, size_t n,
                const struct seen *seen, enum db_wait *waits, struct err *err)
{
	int64_t *numbers;

	if (observer == NULL || observer->driver->who_waits == NULL) {
		ask_clients(sessions, n, seen, waits);
		return true;
	}
	numbers = mem_new(n, sizeof *numbers);
	for (size_t i = 0; i < n; i++)
		numbers[i] = sessions[i]->identity.connection;
	bool ok = observer->driver->who_waits(observer->connection, numbers, n, waits, err);
	free(numbers);
	return ok;
}

static bool is_settled(const struct seen *seen, size_t n, const enum db_wait *waits)
{
	for (size_t i = 0; i < n; i++)
		if (performs(&seen[i]) && waits[i] != DB_WAITS)
			return false;
	return true;
}

bool db_who_waits(struct db_session *observer, struct db_session *const *sessions, size_t n, int64_t limit_ns,
                  enum db_wait *waits, struct err *err)
{
	const int64_t pause_ns = 20 * NS_PER_US, deadline = clock_now_ns() + limit_ns;
	struct seen *seen = mem_new(n, sizeof *seen);
	bool ok = true, at_once = false, settled = false, late = false;

	(void)nothing_happened(sessions, n, seen);
	while (ok && !settled && !late) {
		late = clock_now_ns() > deadline; /* one look, however late */
		ok = ask(observer, sessions, n, seen, waits, err);
		at_once = nothing_happened(sessions, n, seen);
		settled = at_once && is_settled(seen, n, waits);
		if (ok && !settled && !late)
			clock_pause_ns(pause_ns);
	}
	for (size_t i = 0; i < n && ok; i++)
		if (!performs(&seen[i]))
			waits[i] = DB_WAITS_NOT;
		else if (!at_once || waits[i] == DB_WAITS_NOT)
			waits[i] = DB_WAITS_UNKNOWN;
	free(seen);
	return ok;
}

/* ---- values, rows, outcomes ------------------------------------------------------------------ */

struct db_value db_text(const char *text)
{
	if (text == NULL)
		return db_null();
	return (struct db_value){.type = DB_TEXT, .text = text, .length = strlen(text)};
}

size_t db_count_args(const struct db_value *args)
{
	size_t n = 0;

	while (n < DB_MAX_ARGS && args[n].type != DB_END)
		n++;
	return n;
}

struct db_value *db_rows_add(struct db_rows *rows, size_t n_cols)
{
	if (rows->n_rows > 0 && rows->n_cols != n_cols)
		die("rows of one result differ in their columns");
	rows->n_cols = n_cols;
	rows->cells = mem_grow(rows->cells, &rows->capacity, (rows->n_rows + 1) * n_cols,
	                       sizeof *rows->cells);
	return rows->cells + rows->n_rows++ * n_cols;
}

struct db_value db_rows_text(struct db_rows *rows, const char *bytes, size_t length)
{
	return (struct db_value){.type = DB_TEXT, .text = arena_text_n(&rows->arena, bytes, length),
	                         .length = length};
}

const struct db_value *db_cell(const struct db_rows *rows, size_t row, size_t col)
{
	if (row >= rows->n_rows || col >= rows->n_cols)
		die("a database result has no such cell");
	return &rows->cells[row * rows->n_cols + col];
}

void db_rows_fini(struct db_rows *rows)
{
	free(rows->cells);
	arena_fini(&rows->arena);
	*rows = (struct db_rows){0};
}

void db_outcome_fail(struct db_outcome *outcome, enum db_err err, const char *message)
{
	const size_t room = sizeof outcome->message - 1;
	size_t length = strlen(message);

	outcome->err = err;
	if (length <= room) {
		memcpy(outcome->message, message, length + 1);
		return;
	}
	length = room - 3;
	while (length > 0 && ((unsigned char)message[length] & 0xC0) == 0x80)
		length--; /* never half a character */
	memcpy(outcome->message, message, length);
	memcpy(outcome->message + length, "...", 4);
}
