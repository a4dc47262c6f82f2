/* What every engine must answer alike: values, counts, where a failure leaves the transaction, hooks.
 * The same cases run on SQLite and on real servers: test_conformance ENGINE. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/peer.h"
#include "world.h"

/* ---- values ---------------------------------------------------------------------------------- */

static void make_values(const struct world *world, struct db_session *session)
{
	char *sql = mem_printf("CREATE TABLE v (id {new_id}, n bigint, t {stamp}, s %s) {table_end}",
	                       world->long_text);

	must(session, DB_WRITE, sql, NULL);
	free(sql);
}

static void values_come_back_as_they_went(void **state)
{
	struct db_session *session = world_open(*state);
	char *long_text = mem_new(1000001, 1);
	const struct db_value values[] = {
		db_null(), db_text(""), db_text("'; DROP TABLE v; --"), db_text("\"\\\"`%s?{x}"),
		db_text("Zoë ☕ 💶 \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"), db_text("line\r\n\ttab"),
		db_text(long_text),
	};
	const int64_t numbers[] = {0, -1, 1, INT64_MIN, INT64_MAX, 2147483648};

	memset(long_text, 'x', 1000000);
	((struct db_value *)values)[COUNT_OF(values) - 1] = db_text(long_text);
	make_values(*state, session);
	for (size_t i = 0; i < COUNT_OF(values) + COUNT_OF(numbers); i++) {
		bool is_text = i < COUNT_OF(values);
		const struct db_value sent = is_text ? values[i] : db_int(numbers[i - COUNT_OF(values)]);
		struct db_rows rows = {0};
		int64_t id = must(session, DB_WRITE, is_text ? "INSERT INTO v (s) VALUES (?) {returning_id}"
		                                             : "INSERT INTO v (n) VALUES (?) {returning_id}",
		                  ARGS(sent)).inserted_id;
		assert_true(db_run(session, DB_READ, is_text ? "SELECT s, n FROM v WHERE id = ?"
		                                             : "SELECT n, s FROM v WHERE id = ?",
		                   ARGS(db_int(id)), &rows, NULL, NULL));
		assert_int_equal(rows.n_rows, 1);
		const struct db_value *came = db_cell(&rows, 0, 0);
		assert_int_equal(came->type, sent.type);
		assert_int_equal(db_cell(&rows, 0, 1)->type, DB_NULL);
		if (sent.type == DB_TEXT) {
			assert_int_equal(came->length, sent.length);
			assert_memory_equal(came->text, sent.text, sent.length + 1);
		} else if (sent.type == DB_INT) {
			assert_true(came->integer == sent.integer);
		}
		db_rows_fini(&rows);
	}
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), COUNT_OF(values) + COUNT_OF(numbers));
	free(long_text);
	db_close(session);
}

static void a_nul_in_a_text_is_refused(void **state)
{
	struct db_session *session = world_open(*state);
	const struct db_value bad = {.type = DB_TEXT, .text = "a\0b", .length = 3};

	make_values(*state, session);
	must(session, DB_BEGIN, NULL, NULL);
	struct db_outcome outcome = attempt(session, DB_WRITE, "INSERT INTO v (s) VALUES (?)", ARGS(bad));
	assert_int_equal(outcome.err, DB_BROKEN);
	assert_int_equal(outcome.tx, DB_TX_OPEN);
	assert_contains(outcome.message, "NUL");
	must(session, DB_COMMIT, NULL, NULL);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 0);
	db_close(session);
}

static void marks_and_values_must_agree_in_number(void **state)
{
	struct db_session *session = world_open(*state);
	static const char insert[] = "INSERT INTO v (n, s) VALUES (?, ?)";

	make_values(*state, session);
	assert_int_equal(attempt(session, DB_WRITE, insert, NULL).err, DB_BROKEN);
	assert_int_equal(attempt(session, DB_WRITE, insert, ARGS(db_int(1))).err, DB_BROKEN);
	assert_int_equal(attempt(session, DB_WRITE, insert, ARGS(db_int(1), db_int(2), db_int(3))).err,
	                 DB_BROKEN);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 0);
	must(session, DB_WRITE, insert, ARGS(db_int(1), db_text("x")));
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 1);
	assert_int_equal(ask(session, "SELECT ? + ? + ? + ? + ? + ? + ? + ?",
	                     (const struct db_value[]){db_int(1), db_int(2), db_int(3), db_int(4), db_int(5),
	                                               db_int(6), db_int(7), db_int(8)}), 36);
	db_close(session);
}

static void sums_are_whole_numbers_and_stamps_are_texts(void **state)
{
	struct db_session *session = world_open(*state);
	struct db_rows rows = {0};

	make_values(*state, session);
	must(session, DB_WRITE, "INSERT INTO v (n, t) VALUES (?, ?)",
	     ARGS(db_int(40), db_text("2026-11-23 18:22:01.000007")));
	must(session, DB_WRITE, "INSERT INTO v (n) VALUES (?)", ARGS(db_int(2)));
	assert_int_equal(ask(session, "SELECT SUM(n) FROM v", NULL), 42);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 2);
	assert_true(db_run(session, DB_READ, "SELECT SUM(n), t FROM v WHERE n > 1000 GROUP BY t", NULL, &rows,
	                   NULL, NULL));
	assert_int_equal(rows.n_rows, 0);
	assert_true(db_run(session, DB_READ, "SELECT SUM(n) FROM v WHERE n > 1000", NULL, &rows, NULL, NULL));
	assert_int_equal(db_cell(&rows, 0, 0)->type, DB_NULL);
	assert_true(db_run(session, DB_READ, "SELECT t FROM v ORDER BY id", NULL, &rows, NULL, NULL));
	assert_int_equal(rows.n_rows, 2);
	assert_string_equal(db_cell(&rows, 0, 0)->text, "2026-11-23 18:22:01.000007");
	assert_int_equal(db_cell(&rows, 1, 0)->type, DB_NULL);
	db_rows_fini(&rows);
	db_close(session);
}

static void a_result_that_nobody_wants_does_not_stay(void **state)
{
	struct db_session *session = world_open(*state), *other = world_open(*state);

	make_values(*state, session);
	for (int i = 0; i < 300; i++)
		must(session, DB_WRITE, "INSERT INTO v (n) VALUES (1)", NULL);
	must(session, DB_READ, "SELECT * FROM v", NULL);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 300);
	/* A read that had not ended would hold a lock or a snapshot. */
	must(other, DB_WRITE, "DELETE FROM v", NULL);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 0);
	db_close(other);
	db_close(session);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void a_write_counts_the_rows_that_matched(void **state)
{
	struct db_session *session = world_open(*state);

	make_values(*state, session);
	for (int i = 0; i < 3; i++)
		must(session, DB_WRITE, "INSERT INTO v (n) VALUES (7)", NULL);
	assert_int_equal(must(session, DB_WRITE, "UPDATE v SET n = 7 WHERE n = 7", NULL).affected, 3);
	assert_int_equal(must(session, DB_WRITE, "CREATE TABLE after_three (n int)", NULL).affected, 0);
	assert_int_equal(must(session, DB_WRITE, "UPDATE v SET n = 8 WHERE id = 1", NULL).affected, 1);
	assert_int_equal(must(session, DB_WRITE, "UPDATE v SET n = 8 WHERE n = 999", NULL).affected, 0);
	assert_int_equal(must(session, DB_READ, "SELECT * FROM v", NULL).affected, 0);
	assert_int_equal(must(session, DB_WRITE, "DELETE FROM v WHERE n = 7", NULL).affected, 2);
	db_close(session);
}

static int64_t id_of(struct db_session *session, enum db_verb verb, const char *sql)
{
	return must(session, verb, sql, NULL).inserted_id;
}

static void only_an_insert_that_asks_has_an_id(void **state)
{
	struct db_session *session = world_open(*state);
	static const char insert[] = "INSERT INTO v (n) VALUES (5) {returning_id}";

	make_values(*state, session);
	assert_int_equal(id_of(session, DB_WRITE, insert), 1);
	assert_int_equal(id_of(session, DB_WRITE, insert), 2);
	assert_int_equal(id_of(session, DB_WRITE, "UPDATE v SET n = 6"), 0);
	assert_int_equal(id_of(session, DB_READ, "SELECT * FROM v"), 0);
	assert_int_equal(id_of(session, DB_WRITE, "DELETE FROM v WHERE id = 2"), 0);
	/* An id is never given twice. */
	assert_int_equal(id_of(session, DB_WRITE, insert), 3);
	assert_int_equal(id_of(session, DB_WRITE, "INSERT INTO v (id, n) VALUES (99, 5) {returning_id}"), 99);
	/* Who does not ask learns it on no engine. */
	assert_int_equal(id_of(session, DB_WRITE, "INSERT INTO v (id, n) VALUES (100, 5)"), 0);
	db_close(session);
}

static void a_write_has_no_rows(void **state)
{
	struct db_session *session = world_open(*state);
	struct db_rows rows = {0};
	struct db_outcome outcome;

	make_values(*state, session);
	assert_true(db_run(session, DB_READ, "SELECT 1", NULL, &rows, NULL, NULL));
	assert_true(db_run(session, DB_WRITE, "INSERT INTO v (n) VALUES (5) {returning_id}", NULL, &rows,
	                   &outcome, NULL));
	assert_int_equal(rows.n_rows, 0);
	assert_int_equal(outcome.affected, 1);
	assert_int_equal(outcome.inserted_id, 1);
	db_rows_fini(&rows);
	db_close(session);
}

/* ---- transactions ---------------------------------------------------------------------------- */

static void the_verbs_open_and_end_a_transaction(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);

	make_values(*state, session);
	assert_int_equal(must(session, DB_BEGIN, NULL, NULL).tx, DB_TX_OPEN);
	assert_int_equal(must(session, DB_WRITE, "INSERT INTO v (n) VALUES (1)", NULL).tx, DB_TX_OPEN);
	assert_int_equal(must(session, DB_READ, "SELECT * FROM v", NULL).tx, DB_TX_OPEN);
	assert_true(has_tx(world, session));
	assert_int_equal(must(session, DB_ROLLBACK, NULL, NULL).tx, DB_TX_NONE);
	assert_false(has_tx(world, session));
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 0);
	must(session, DB_BEGIN, NULL, NULL);
	must(session, DB_WRITE, "INSERT INTO v (n) VALUES (1)", NULL);
	assert_int_equal(must(session, DB_COMMIT, NULL, NULL).tx, DB_TX_NONE);
	assert_int_equal(must(session, DB_WRITE, "INSERT INTO v (n) VALUES (1)", NULL).tx, DB_TX_NONE);
	db_close(session);
	session = world_open(world);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 2);
	must(session, DB_BEGIN, NULL, NULL);
	must(session, DB_WRITE, "DELETE FROM v", NULL);
	db_close(session); /* an open transaction is undone */
	session = world_open(world);
	await(session, "SELECT COUNT(*) FROM v", 2);
	db_close(session);
}

static void a_violated_constraint_does_not_end_the_transaction(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	static const char *const violations[] = {
		"INSERT INTO parent (id, code) VALUES (2, 'a')",  /* unique */
		"INSERT INTO parent (id, code) VALUES (1, 'z')",  /* primary key */
		"INSERT INTO parent (id, code) VALUES (3, NULL)", /* not null */
		"INSERT INTO child (parent_id) VALUES (99)",      /* foreign key */
		"DELETE FROM parent WHERE id = 1",                /* the same from the other side */
		"UPDATE parent SET n = -1 WHERE id = 1",          /* check */
	};

	must(session, DB_WRITE, "CREATE TABLE parent (id {id} PRIMARY KEY, code varchar(9) NOT NULL UNIQUE, "
	                        "n int CHECK (n >= 0)) {table_end}", NULL);
	must(session, DB_WRITE, "CREATE TABLE child (id {new_id}, parent_id {id}, "
	                        "FOREIGN KEY (parent_id) REFERENCES parent (id)) {table_end}", NULL);
	must(session, DB_WRITE, "INSERT INTO parent (id, code) VALUES (1, 'a')", NULL);
	must(session, DB_WRITE, "INSERT INTO child (parent_id) VALUES (1)", NULL);
	for (size_t i = 0; i < COUNT_OF(violations); i++) {
		struct db_outcome outcome = attempt(session, DB_WRITE, violations[i], NULL);
		assert_int_equal(outcome.err, DB_CONSTRAINT);
		assert_int_equal(outcome.tx, DB_TX_NONE);
		assert_true(outcome.native != 0 || outcome.sqlstate[0] != '\0');
		must(session, DB_BEGIN, NULL, NULL);
		must(session, DB_WRITE, "UPDATE child SET parent_id = NULL", NULL);
		must(session, DB_WRITE, "UPDATE child SET parent_id = 1", NULL);
		outcome = attempt(session, DB_WRITE, violations[i], NULL);
		assert_int_equal(outcome.err, DB_CONSTRAINT);
		assert_int_equal(outcome.tx, tx_after_error(world, &outcome));
		assert_false(db_err_is_refusal(outcome.err));
		assert_true(has_tx(world, session));
		must(session, DB_ROLLBACK, NULL, NULL);
	}
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM parent", NULL), 1);
	db_close(session);
}

static void bad_sql_is_broken_and_ends_nothing(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	static const char *const bad[] = {
		"SELEC 1", "SELECT * FROM no_such_table", "SELECT no_such_column FROM v", "",
		"SELECT {no_such_token}", "SELECT {", "INSERT INTO v (n) VALUES (1); DELETE FROM v",
	};

	int64_t kept = 0;

	make_values(*state, session);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v WHERE '{id}' = '{'", NULL), 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		must(session, DB_BEGIN, NULL, NULL);
		must(session, DB_WRITE, "INSERT INTO v (n) VALUES (1)", NULL);
		struct db_outcome outcome = attempt(session, DB_READ, bad[i], NULL);
		assert_int_equal(outcome.err, DB_BROKEN);
		assert_int_equal(outcome.tx, tx_after_error(world, &outcome));
		assert_true(outcome.message[0] != '\0');
		assert_true(has_tx(world, session));
		bool aborted = outcome.tx == DB_TX_ABORTED;
		outcome = attempt(session, DB_COMMIT, NULL, NULL);
		assert_int_equal(outcome.err, aborted ? DB_BROKEN : DB_OK);
		assert_int_equal(outcome.tx, DB_TX_NONE);
		assert_false(has_tx(world, session));
		kept += !aborted;
		assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), kept);
	}
	db_close(session);
}

static void waiting_in_vain_for_a_lock_is_a_lock_timeout(void **state)
{
	struct world *world = *state;
	const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 1};
	struct db_session *holder = world_open(world), *waiter = world_open_with(world, &patient);

	make_values(*state, holder);
	must(holder, DB_WRITE, "INSERT INTO v (n) VALUES (1)", NULL);
	must(holder, DB_BEGIN, NULL, NULL);
	must(holder, DB_WRITE, "UPDATE v SET n = 2", NULL);
	struct db_outcome outcome = attempt(waiter, DB_WRITE, "UPDATE v SET n = 3", NULL);
	assert_int_equal(outcome.err, DB_TIMEOUT);
	assert_true(db_err_is_refusal(outcome.err));
	assert_int_equal(outcome.tx, DB_TX_NONE);
	assert_false(has_tx(world, waiter));
	assert_true(outcome.ended_ns - outcome.began_ns > 0);
	must(holder, DB_COMMIT, NULL, NULL);
	must(waiter, DB_WRITE, "UPDATE v SET n = n + 10", NULL);
	assert_int_equal(ask(holder, "SELECT n FROM v", NULL), 12);
	db_close(waiter);
	db_close(holder);
}

/* ---- where a server works --------------------------------------------------------------------- */

/* Of the process or thread that serves the session. */
static cpu_set_t processors_of(const struct world *world, struct db_session *session)
{
	int64_t server = ask(session, world->is_postgres
		? "SELECT pg_backend_pid()"
		: "SELECT TID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()", NULL);
	cpu_set_t processors;

	assert_int_equal(sched_getaffinity((pid_t)server, sizeof processors, &processors), 0);
	return processors;
}

static void a_server_works_where_it_was_told(void **state)
{
	struct world *world = *state;
	cpu_set_t all, last;
	const struct db_settings settings = {.iso = DB_ISO_DEFAULT, .server_cpus = &last};
	const struct db_settings free_ones = {.iso = DB_ISO_DEFAULT, .server_cpus = &all};

	assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
	last = cpus_nth((size_t)CPU_COUNT(&all) - 1);
	struct db_session *told = world_open_with(world, &settings), *untold = world_open(world);
	if (!world->is_sqlite) {
		cpu_set_t processors = processors_of(world, told);
		assert_true(CPU_EQUAL(&processors, &last));
		processors = processors_of(world, untold);
		assert_true(CPU_EQUAL(&processors, &all));
	}
	db_close(told);
	/* MariaDB's thread serves the next one, maybe. */
	for (int i = 0; i < 3 && !world->is_sqlite; i++) {
		struct db_session *next = world_open_with(world, &free_ones);
		cpu_set_t processors = processors_of(world, next);
		assert_true(CPU_EQUAL(&processors, &all));
		db_close(next);
	}
	db_close(untold);
	assert_false(db_peer_is_ours(getppid()));
}

/* ---- statements that are kept prepared -------------------------------------------------------- */

static void a_kept_statement_is_known_by_its_text(void **state)
{
	struct db_session *session = world_open(*state);
	char sql[64];

	/* One buffer, forty texts, twice as many as are kept. */
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 40; i++) {
			snprintf(sql, sizeof sql, "SELECT %d + ?", i);
			assert_int_equal(ask(session, sql, ARGS(db_int(1000))), 1000 + i);
		}
	db_close(session);
}

/* libmariadb answers DB_BROKEN once where a result has other columns than before. */
static void select_all(struct db_session *session, struct db_rows *rows)
{
	struct db_outcome outcome;
	struct err err = {0};

	if (!db_run(session, DB_READ, "SELECT * FROM g", NULL, rows, &outcome, &err)) {
		assert_int_equal(outcome.err, DB_BROKEN);
		assert_int_equal(outcome.tx, DB_TX_NONE);
		assert_true(db_run(session, DB_READ, "SELECT * FROM g", NULL, rows, &outcome, NULL));
	}
	err_fini(&err);
}

static void a_kept_statement_sees_a_changed_table(void **state)
{
	struct db_session *session = world_open(*state), *other = world_open(*state);
	struct db_rows rows = {0};

	must(session, DB_WRITE, "CREATE TABLE g (a int)", NULL);
	must(session, DB_WRITE, "INSERT INTO g (a) VALUES (1)", NULL);
	select_all(session, &rows);
	assert_int_equal(rows.n_cols, 1);
	must(other, DB_WRITE, "ALTER TABLE g ADD COLUMN b varchar(9) DEFAULT 'b'", NULL);
	select_all(session, &rows);
	assert_int_equal(rows.n_cols, 2);
	assert_string_equal(db_cell(&rows, 0, 1)->text, "b");
	must(other, DB_WRITE, "ALTER TABLE g ADD COLUMN c int DEFAULT 5", NULL);
	select_all(session, &rows);
	assert_int_equal(rows.n_rows, 1);
	assert_int_equal(db_cell(&rows, 0, 2)->integer, 5);
	db_rows_fini(&rows);
	db_close(other);
	db_close(session);
}

/* ---- hooks ----------------------------------------------------------------------------------- */

struct notes {
	struct str text;
	const char *refuse; /* the label to be refused */
};
struct watcher {
	struct notes *notes;
	char name;
};

static bool note_before(void *context, const struct db_call *call)
{
	struct watcher *watcher = context;
	const char *refuse = watcher->notes->refuse;

	if (call->label == NULL)
		return true;
	str_printf(&watcher->notes->text, "%c+%s ", watcher->name, call->label);
	return refuse == NULL || watcher->name != 'b' || !text_equal(refuse, call->label);
}

static void note_after(void *context, const struct db_call *call, const struct db_rows *rows,
                       const struct db_outcome *outcome)
{
	struct watcher *watcher = context;

	if (call->label == NULL)
		return;
	str_printf(&watcher->notes->text, "%c-%s:%s/%s:%d ", watcher->name, call->label,
	           db_err_name(outcome->err), db_tx_name(outcome->tx),
	           rows != NULL ? (int)rows->n_rows : -1);
	assert_true(outcome->began_ns > 0 && outcome->ended_ns >= outcome->began_ns);
}

static void exec_labelled(struct db_session *session, enum db_verb verb, const char *label, const char *sql,
                          enum db_err expected)
{
	const struct db_call call = {.verb = verb, .label = label, .sql = sql};
	struct db_rows rows = {0};
	struct db_outcome outcome;

	assert_int_equal(db_exec(session, &call, verb == DB_READ ? &rows : NULL, &outcome), expected);
	assert_int_equal(outcome.err, expected);
	db_rows_fini(&rows);
}

static void hooks_see_each_call_and_may_refuse_it(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	struct notes notes = {0};
	struct watcher watchers[] = {{&notes, 'a'}, {&notes, 'b'}, {&notes, 'c'}};
	struct db_hook hooks[3], silent = {0};

	make_values(*state, session);
	for (size_t i = 0; i < 3; i++) {
		hooks[i] = (struct db_hook){.context = &watchers[i], .before = note_before,
		                            .after = note_after};
		db_add_hook(session, &hooks[i]);
	}
	db_add_hook(session, &silent);
	exec_labelled(session, DB_BEGIN, "begin", NULL, DB_OK);
	assert_string_equal(str_text(&notes.text), "a+begin b+begin c+begin "
	                    "c-begin:ok/open:-1 b-begin:ok/open:-1 a-begin:ok/open:-1 ");
	str_clear(&notes.text);
	exec_labelled(session, DB_READ, "read", "SELECT 1 UNION SELECT 2", DB_OK);
	assert_string_equal(str_text(&notes.text),
	                    "a+read b+read c+read c-read:ok/open:2 b-read:ok/open:2 a-read:ok/open:2 ");
	str_clear(&notes.text);
	notes.refuse = "write";
	exec_labelled(session, DB_WRITE, "write", "INSERT INTO v (n) VALUES (1)", DB_REFUSED);
	/* The hook behind the one that refused sees nothing of it. */
	assert_string_equal(str_text(&notes.text),
	                    "a+write b+write b-write:refused/open:-1 a-write:refused/open:-1 ");
	str_clear(&notes.text);
	exec_labelled(session, DB_READ, "bad", "SELEC", DB_BROKEN);
	const char *after = world->is_postgres ? "aborted" : "open";
	char *told = mem_printf("a+bad b+bad c+bad c-bad:broken/%s:0 b-bad:broken/%s:0 a-bad:broken/%s:0 ",
	                        after, after, after);
	assert_string_equal(str_text(&notes.text), told);
	free(told);
	str_clear(&notes.text);
	notes.refuse = "commit";
	exec_labelled(session, DB_COMMIT, "commit", NULL, DB_REFUSED);
	assert_true(has_tx(world, session)); /* "never reached the server" */
	exec_labelled(session, DB_ROLLBACK, "rollback", NULL, DB_OK);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM v", NULL), 0);
	db_close(session);
	str_fini(&notes.text);
}

static void a_forked_child_that_uses_the_session_is_aborted(void **state)
{
	struct db_session *session = world_open(*state);
	int status;
	pid_t child = fork();

	if (child == 0) {
		close(STDERR_FILENO);
		(void)attempt(session, DB_READ, "SELECT 1", NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(ask(session, "SELECT 1", NULL), 1);
	db_close(session);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static void the_identity_is_read_back(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world);
	const struct db_identity *identity = db_identity(session);

	assert_string_equal(identity->engine, world->engine);
	assert_string_equal(identity->product,
	                    world->is_sqlite ? "SQLite" : world->is_postgres ? "PostgreSQL" : "MariaDB");
	assert_true(strspn(identity->version, "0123456789.") == strlen(identity->version));
	assert_true(strlen(identity->version) >= 5);
	assert_string_equal(identity->isolation, world->is_sqlite ? "SERIALIZABLE" : "READ COMMITTED");
	assert_int_equal(identity->connection != 0, !world->is_sqlite);
	db_close(session);
}

static void no_connection_is_alive_after_closing(void **state)
{
	struct world *world = *state;
	struct db_session *session = world_open(world), *other = world_open(world);
	const int64_t number = db_identity(other)->connection;
	size_t alive = 77;

	assert_true(db_count_alive(session, &number, 0, &alive, NULL));
	assert_int_equal(alive, 0);
	assert_true(db_count_alive(session, &number, 1, &alive, NULL));
	assert_int_equal(alive, world->is_sqlite ? 0 : 1);
	db_close(other);
	do
		assert_true(db_count_alive(session, &number, 1, &alive, NULL));
	while (alive > 0);
	db_close(session);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest cases[] = {
		CASE(values_come_back_as_they_went),
		CASE(a_nul_in_a_text_is_refused),
		CASE(marks_and_values_must_agree_in_number),
		CASE(sums_are_whole_numbers_and_stamps_are_texts),
		CASE(a_result_that_nobody_wants_does_not_stay),
		CASE(a_write_counts_the_rows_that_matched),
		CASE(only_an_insert_that_asks_has_an_id),
		CASE(a_write_has_no_rows),
		CASE(the_verbs_open_and_end_a_transaction),
		CASE(a_violated_constraint_does_not_end_the_transaction),
		CASE(bad_sql_is_broken_and_ends_nothing),
		CASE(waiting_in_vain_for_a_lock_is_a_lock_timeout),
		CASE(a_server_works_where_it_was_told),
		CASE(a_kept_statement_is_known_by_its_text),
		CASE(a_kept_statement_sees_a_changed_table),
		CASE(hooks_see_each_call_and_may_refuse_it),
		CASE(a_forked_child_that_uses_the_session_is_aborted),
		CASE(the_identity_is_read_back),
		CASE(no_connection_is_alive_after_closing),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s sqlite|mariadb|postgres\n", argv[0]);
		return 2;
	}
	world_engine = argv[1];
	return cmocka_run_group_tests(cases, world_setup, world_teardown);
}
