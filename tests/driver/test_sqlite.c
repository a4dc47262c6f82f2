/* What is SQLite's alone: refusals at once, the wait that is ours, files and folders, pragmas. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "world.h"

static const struct db_settings plain = {.iso = DB_ISO_DEFAULT};

static void make_row(struct db_session *session)
{
	must(session, DB_WRITE, "CREATE TABLE v (n int)", NULL);
	must(session, DB_WRITE, "INSERT INTO v (n) VALUES (1)", NULL);
}

static struct db_outcome begin_immediate(struct db_session *session)
{
	const struct db_call call = {.verb = DB_BEGIN, .for_write = true};
	struct db_outcome outcome;

	enum db_err err = db_exec(session, &call, NULL, &outcome);
	assert_int_equal(err, outcome.err);
	return outcome;
}

/* ---- refusals and waits ---------------------------------------------------------------------- */

static bool count_wait(void *context, const struct db_call *call, int tries)
{
	assert_non_null(call);
	assert_int_equal(tries, ++*(int *)context);
	return false;
}

static void without_patience_it_is_busy_at_once(void **state)
{
	struct db_session *holder = world_open(*state), *other = world_open(*state);
	int waits = 0;
	const struct db_hook hook = {.context = &waits, .waiting = count_wait};

	make_row(holder);
	db_add_hook(other, &hook);
	assert_int_equal(begin_immediate(holder).err, DB_OK);
	struct db_outcome outcome = begin_immediate(other);
	assert_int_equal(outcome.err, DB_BUSY);
	assert_int_equal(outcome.native, SQLITE_BUSY);
	assert_int_equal(outcome.tx, DB_TX_NONE);
	assert_string_equal(outcome.sqlstate, "");
	must(other, DB_BEGIN, NULL, NULL); /* deferred: takes nothing yet */
	assert_int_equal(ask(other, "SELECT n FROM v", NULL), 1);
	outcome = attempt(other, DB_WRITE, "UPDATE v SET n = 5", NULL);
	assert_int_equal(outcome.err, DB_BUSY);
	assert_int_equal(outcome.tx, DB_TX_OPEN);
	assert_true(has_tx(*state, other));
	assert_int_equal(waits, 0);
	db_close(other);
	db_close(holder);
}

/* The lock's holder lives in the same thread: it lets go at the waiter's third look. */
struct release {
	struct db_session *holder;
	int looks;
};

static bool release_at_third_look(void *context, const struct db_call *call, int tries)
{
	struct release *release = context;

	assert_string_equal(call->label, "write balance");
	assert_int_equal(tries, ++release->looks);
	if (tries == 3)
		must(release->holder, DB_COMMIT, NULL, NULL);
	return tries == 3; /* at once */
}

static void with_patience_it_waits_and_tells_the_hooks(void **state)
{
	const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 3600 * NS_PER_S};
	struct db_session *holder = world_open(*state), *waiter = world_open_with(*state, &patient);
	struct release release = {.holder = holder};
	const struct db_hook hook = {.context = &release, .waiting = release_at_third_look};
	const struct db_call write = {.verb = DB_WRITE, .label = "write balance",
	                              .sql = "UPDATE v SET n = n * 10"};
	struct db_outcome outcome;

	make_row(holder);
	db_add_hook(waiter, &hook);
	for (int round = 1; round <= 2; round++) {
		release.looks = 0; /* each call counts its own */
		assert_int_equal(begin_immediate(holder).err, DB_OK);
		must(holder, DB_WRITE, "UPDATE v SET n = n + 1", NULL);
		assert_int_equal(db_exec(waiter, &write, NULL, &outcome), DB_OK);
		assert_int_equal(release.looks, 3);
		assert_int_equal(outcome.affected, 1);
	}
	assert_int_equal(ask(holder, "SELECT n FROM v", NULL), 210);
	db_close(waiter);
	db_close(holder);
}

static void at_the_end_of_its_patience_it_is_a_lock_timeout(void **state)
{
	const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 20 * NS_PER_MS};
	struct db_session *holder = world_open(*state), *waiter = world_open_with(*state, &patient);
	int waits = 0;
	const struct db_hook hook = {.context = &waits, .waiting = count_wait};

	make_row(holder);
	db_add_hook(waiter, &hook);
	assert_int_equal(begin_immediate(holder).err, DB_OK);
	struct db_outcome outcome = begin_immediate(waiter);
	assert_int_equal(outcome.err, DB_TIMEOUT);
	assert_int_equal(outcome.native, SQLITE_BUSY);
	assert_true(waits > 0);
	assert_true(outcome.ended_ns - outcome.began_ns >= patient.lock_wait_ns);
	db_close(waiter);
	db_close(holder);
}

static void a_set_busy_timeout_wins(void **state)
{
	static const struct {
		const char *ms;
		enum db_err err;
	} waits[] = {{"0", DB_BUSY}, {"20", DB_TIMEOUT}};

	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		const struct db_setting set = {"busy_timeout", waits[i].ms};
		const struct db_settings settings = {.iso = DB_ISO_DEFAULT, .sets = &set, .n_sets = 1,
		                                     .lock_wait_ns = 3600 * NS_PER_S};
		struct db_session *holder = world_open(*state), *other = world_open_with(*state, &settings);
		assert_int_equal(begin_immediate(holder).err, DB_OK);
		assert_int_equal(begin_immediate(other).err, waits[i].err);
		db_close(other);
		db_close(holder);
	}
}

static void an_old_snapshot_cannot_write_however_patient(void **state)
{
	const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 3600 * NS_PER_S};
	struct db_session *first = world_open(*state), *late = world_open_with(*state, &patient);
	int waits = 0;
	const struct db_hook hook = {.context = &waits, .waiting = count_wait};

	make_row(first);
	db_add_hook(late, &hook);
	must(late, DB_BEGIN, NULL, NULL);
	assert_int_equal(ask(late, "SELECT n FROM v", NULL), 1);
	must(first, DB_WRITE, "UPDATE v SET n = 2", NULL);
	struct db_outcome outcome = attempt(late, DB_WRITE, "UPDATE v SET n = 3", NULL);
	assert_int_equal(outcome.err, DB_BUSY);
	assert_int_equal(outcome.native, SQLITE_BUSY_SNAPSHOT);
	assert_int_equal(outcome.tx, DB_TX_OPEN);
	assert_true(has_tx(*state, late));
	assert_int_equal(waits, 0);
	must(late, DB_ROLLBACK, NULL, NULL);
	assert_int_equal(ask(late, "SELECT n FROM v", NULL), 2);
	db_close(late);
	db_close(first);
}

static void half_a_result_is_none(void **state)
{
	struct db_session *session = world_open(*state);
	struct db_rows rows = {0};
	struct db_outcome outcome;

	/* The first row comes, the second one fails. */
	assert_false(db_run(session, DB_READ, "SELECT abs(n) FROM (SELECT 1 AS n UNION ALL SELECT ?)",
	                    ARGS(db_int(INT64_MIN)), &rows, &outcome, NULL));
	assert_int_equal(outcome.err, DB_BROKEN);
	assert_contains(outcome.message, "overflow");
	assert_int_equal(rows.n_rows, 0);
	assert_null(rows.cells);
	db_close(session);
}

static void a_commit_without_a_transaction_is_an_error(void **state)
{
	struct db_session *session = world_open(*state);

	struct db_outcome outcome = attempt(session, DB_COMMIT, NULL, NULL);
	assert_int_equal(outcome.err, DB_BROKEN);
	assert_int_equal(outcome.tx, DB_TX_NONE);
	db_close(session);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void expect_address_error(const struct world *world, const char *file, const char *part)
{
	char *url = mem_printf("sqlite:%s/%s", world->folder, file);
	char *text = world_address_error(url);

	assert_contains(text, part);
	assert_contains(text, file);
	free(text);
	free(url);
}

static void a_file_that_cannot_be_a_database_is_told_so(void **state)
{
	const struct world *world = *state;
	char *letter = mem_printf("%s/letter.txt", world->folder);
	char *folder = mem_printf("%s/folder", world->folder);
	FILE *file = fopen(letter, "w");

	assert_non_null(file);
	for (int i = 0; i < 200; i++)
		fputs("Dear Sir or Madam, this is a letter and no database.\n", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	expect_address_error(world, "letter.txt", "is not an SQLite database");
	expect_address_error(world, "folder", "cannot open");
	expect_address_error(world, "nowhere/new.db", "No such file or directory");
	assert_int_equal(unlink(letter), 0);
	assert_int_equal(rmdir(folder), 0);
	free(letter);
	free(folder);
}

static void an_empty_file_is_a_new_database(void **state)
{
	struct world *world = *state;
	int file = open(world->target.file, O_CREAT | O_WRONLY, 0600);

	assert_true(file >= 0);
	close(file);
	struct db_session *session = world_open(world);
	make_row(session);
	db_close(session);
	session = world_open(world);
	assert_int_equal(ask(session, "SELECT n FROM v", NULL), 1);
	db_close(session);
}

static int open_and_write(const struct world *world, int number)
{
	const struct db_settings patient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 60 * NS_PER_S};
	struct err err = {0};
	struct db_outcome outcome;
	struct db_session *session = db_open(&world->target, &patient, &err);
	bool ok = session != NULL &&
	          db_run(session, DB_WRITE, "CREATE TABLE IF NOT EXISTS v (n int)", NULL, NULL, NULL, &err) &&
	          db_run(session, DB_WRITE, "INSERT INTO v (n) VALUES (?)", ARGS(db_int(number)), NULL,
	                 &outcome, &err);

	if (!ok)
		print_error("process %d: %s\n", number, err_text(&err));
	db_close(session);
	err_fini(&err);
	return ok ? 0 : 1;
}

static void eight_processes_open_a_new_file_at_once(void **state)
{
	struct world *world = *state;

	for (int round = 0; round < 20; round++) {
		assert_int_equal(run_together(8, open_and_write, world), 8);
		struct db_session *session = world_open(world);
		assert_int_equal(ask(session, "SELECT COUNT(DISTINCT n) FROM v", NULL), 8);
		db_close(session);
		world_stale(state);
		assert_int_equal(world_fresh(state), 0);
	}
}

static int open_after_fork(const struct world *world, int number)
{
	struct err err = {0};
	struct db_session *session = db_open(&world->target, &plain, &err);
	bool refused = session == NULL && strstr(err_text(&err), "forked") != NULL;

	(void)number;
	err_fini(&err);
	return refused ? 0 : 1;
}

static void a_fork_while_a_connection_is_open_forbids_another(void **state)
{
	struct db_session *session = world_open(*state);

	assert_int_equal(run_together(1, open_after_fork, *state), 1);
	db_close(session);
	assert_int_equal(run_together(1, open_after_fork, *state), 0);
}

/* ---- settings -------------------------------------------------------------------------------- */

static void there_is_one_level(void **state)
{
	struct world *world = *state;
	static const enum db_iso lacking[] = {DB_READ_UNCOMMITTED, DB_READ_COMMITTED, DB_REPEATABLE_READ};
	static const enum db_iso fine[] = {DB_ISO_DEFAULT, DB_ISO_SERVER, DB_SERIALIZABLE};

	for (size_t i = 0; i < COUNT_OF(lacking); i++) {
		char *text = world_open_error(&world->target, &(struct db_settings){.iso = lacking[i]});
		assert_contains(text, "SERIALIZABLE");
		assert_contains(text, db_iso_name(lacking[i]));
		free(text);
	}
	for (size_t i = 0; i < COUNT_OF(fine); i++) {
		struct db_session *session = world_open_with(world, &(struct db_settings){.iso = fine[i]});
		assert_string_equal(db_identity(session)->isolation, "SERIALIZABLE");
		db_close(session);
	}
}

static void the_file_is_in_wal_mode_with_foreign_keys(void **state)
{
	struct db_session *session = world_open(*state);
	struct db_rows rows = {0};

	assert_true(db_run(session, DB_READ, "PRAGMA journal_mode", NULL, &rows, NULL, NULL));
	assert_string_equal(db_cell(&rows, 0, 0)->text, "wal");
	assert_int_equal(ask(session, "PRAGMA foreign_keys", NULL), 1);
	db_rows_fini(&rows);
	db_close(session);
}

static void a_set_pragma_takes_effect(void **state)
{
	static const struct {
		const char *name, *value;
		int64_t answer;
	} good[] = {
		{"synchronous", "off", 0}, {"synchronous", "NORMAL", 1}, {"synchronous", "2", 2},
		{"foreign_keys", "off", 0}, {"cache_size", "-3000", -3000}, {"wal_autocheckpoint", "7", 7},
	};

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		const struct db_setting set = {good[i].name, good[i].value};
		struct db_session *session = world_open_with(
		        *state, &(struct db_settings){.iso = DB_ISO_DEFAULT, .sets = &set, .n_sets = 1});
		char *sql = mem_printf("PRAGMA %s", good[i].name);
		assert_int_equal(ask(session, sql, NULL), good[i].answer);
		free(sql);
		db_close(session);
	}
	const struct db_setting journal = {"journal_mode", "delete"};
	struct db_session *session = world_open_with(
	        *state, &(struct db_settings){.iso = DB_ISO_DEFAULT, .sets = &journal, .n_sets = 1});
	struct db_rows rows = {0};
	assert_true(db_run(session, DB_READ, "PRAGMA journal_mode", NULL, &rows, NULL, NULL));
	assert_string_equal(db_cell(&rows, 0, 0)->text, "delete");
	db_rows_fini(&rows);
	db_close(session);
}

/* Another process, which is told when to try. Its code: 0 when the file was not to be had. */
static pid_t start_stranger(const struct world *world, int *tell)
{
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t stranger = fork();
	if (stranger == 0) {
		struct err err = {0};
		bool told = read(ends[0], &byte, 1) == 1;
		_exit(told && db_open(&world->target, &plain, &err) == NULL ? 0 : 1);
	}
	(void)close(ends[0]);
	*tell = ends[1];
	return stranger;
}

static void a_file_may_be_one_process_s_alone(void **state)
{
	const struct db_setting set = {"vfs", "unix-excl"};
	const struct db_settings settings = {.iso = DB_ISO_DEFAULT, .sets = &set, .n_sets = 1};
	int tell, status;
	pid_t stranger = start_stranger(*state, &tell);
	struct db_session *one = world_open_with(*state, &settings), *other = world_open_with(*state, &settings);
	const struct db_call begin = {.verb = DB_BEGIN, .for_write = true};
	struct db_outcome outcome;

	/* Its sessions stand in one another's way as ever. */
	must(one, DB_WRITE, "CREATE TABLE v (n integer)", NULL);
	assert_int_equal(db_exec(one, &begin, NULL, &outcome), DB_OK);
	must(one, DB_WRITE, "INSERT INTO v VALUES (1)", NULL);
	assert_int_equal(ask(other, "SELECT COUNT(*) FROM v", NULL), 0);
	assert_int_equal(db_exec(other, &begin, NULL, &outcome), DB_BUSY);
	must(one, DB_COMMIT, NULL, NULL);
	assert_int_equal(ask(other, "SELECT COUNT(*) FROM v", NULL), 1);
	assert_int_equal(write(tell, "x", 1), 1);
	assert_int_equal(waitpid(stranger, &status, 0), stranger);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(tell);
	db_close(other);
	db_close(one);
}

static void a_bad_pragma_is_an_error(void **state)
{
	struct world *world = *state;
	static const struct {
		const char *name, *value, *part;
	} bad[] = {
		{"no_such_pragma", "1", "no pragma 'no_such_pragma'"},
		{"synchronous", "banana", "'banana'"},
		{"synchronous", "1; DROP TABLE v", "synchronous"},
		{"cache_size", "1'2", "without quotes"},
		{"x; DROP TABLE v; --", "1", "cannot be the name"},
		{"main.synchronous", "1", "cannot be the name"},
		{"", "1", "cannot be the name"},
		{"synchronous", "", "must be a number"},
		{"busy_timeout", "soon", "in milliseconds"},
		{"journal_mode", "banana", "it stays"},
		{"optimize", "1", "no pragma 'optimize'"},
		{"vfs", "unix-none", "not 'unix-none'"},
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct db_setting set = {bad[i].name, bad[i].value};
		char *text = world_open_error(&world->target, &(struct db_settings){
		        .iso = DB_ISO_DEFAULT, .sets = &set, .n_sets = 1});
		assert_contains(text, bad[i].part);
		free(text);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(without_patience_it_is_busy_at_once),
		CASE(with_patience_it_waits_and_tells_the_hooks),
		CASE(at_the_end_of_its_patience_it_is_a_lock_timeout),
		CASE(a_set_busy_timeout_wins),
		CASE(an_old_snapshot_cannot_write_however_patient),
		CASE(half_a_result_is_none),
		CASE(a_commit_without_a_transaction_is_an_error),
		CASE(a_file_that_cannot_be_a_database_is_told_so),
		CASE(an_empty_file_is_a_new_database),
		CASE(eight_processes_open_a_new_file_at_once),
		CASE(a_fork_while_a_connection_is_open_forbids_another),
		CASE(there_is_one_level),
		CASE(the_file_is_in_wal_mode_with_foreign_keys),
		CASE(a_set_pragma_takes_effect),
		CASE(a_file_may_be_one_process_s_alone),
		CASE(a_bad_pragma_is_an_error),
	};

	world_engine = "sqlite";
	return cmocka_run_group_tests(cases, world_setup, world_teardown);
}
