/* Brings a schema up to date, step by numbered step, under a lock that all who start at once share:
 * the engine's own named lock where it has one, else a transaction for writing. MariaDB's DDL
 * commits by itself, so each step is recorded as it is done and can be repeated after a crash. */
#include <stdio.h>

#include "base/clock.h"
#include "db/driver.h"

/* Another process may be at work on a large database; a server's named lock waits as long. */
static const int64_t patience_ns = 120 * NS_PER_S;

struct work {
	struct db_session *session;
	const struct dialect *dialect;
	const char *scope;
	const struct db_migration *migrations;
	size_t n;
};

/* Its statement may wait by itself or answer at once that the lock was not to be had. */
static bool take_named_lock(const struct work *work, int64_t deadline, struct err *err)
{
	struct db_rows rows = {0};
	bool ok, taken = false;

	for (;;) {
		ok = db_run(work->session, DB_READ, work->dialect->lock_migrations, NULL, &rows, NULL, err);
		taken = ok && db_cell(&rows, 0, 0)->integer == 1;
		if (!ok || taken || clock_now_ns() > deadline)
			break;
		clock_pause_ns(5 * NS_PER_MS);
	}
	db_rows_fini(&rows);
	if (ok && !taken)
		err_set(err, "another process has been changing the schema for too long");
	return taken;
}

static bool take_lock(const struct work *work, struct err *err)
{
	struct db_call begin = {.verb = DB_BEGIN, .for_write = true};
	struct db_outcome outcome;
	const int64_t deadline = clock_now_ns() + patience_ns;

	if (work->dialect->lock_migrations != NULL)
		return take_named_lock(work, deadline, err);
	while (db_exec(work->session, &begin, NULL, &outcome) != DB_OK) {
		if (!db_err_is_refusal(outcome.err) || clock_now_ns() > deadline)
			return err_set(err, "the schema cannot be changed now: %s", outcome.message);
		clock_pause_ns(5 * NS_PER_MS);
	}
	return true;
}

/* What was done before a failure stays recorded where DDL commits by itself, else it is undone. */
static bool give_lock_back(const struct work *work, bool ok, struct err *err)
{
	if (work->dialect->unlock_migrations != NULL) {
		struct err unheard = {0};
		bool given = db_run(work->session, DB_READ, work->dialect->unlock_migrations, NULL, NULL,
		                    NULL, ok ? err : &unheard);
		err_fini(&unheard);
		return ok && given;
	}
	if (ok && db_run(work->session, DB_COMMIT, NULL, NULL, NULL, NULL, err))
		return true;
	if (db_tx(work->session) == DB_TX_OPEN) {
		struct err unheard = {0};
		if (!db_run(work->session, DB_ROLLBACK, NULL, NULL, NULL, NULL, &unheard))
			err_prefix(err, "and it could not be undone (%s)", err_text(&unheard));
		err_fini(&unheard);
	}
	return false;
}

/* The highest number that was applied. False where it cannot be told, as on a new database. */
static bool last_applied(const struct work *work, int64_t *number, struct err *err)
{
	const struct db_value args[] = {db_text(work->scope), {.type = DB_END}};
	struct db_rows rows = {0};
	bool ok = db_run(work->session, DB_READ,
	                 "SELECT COALESCE(MAX(number), 0) FROM racy_migration WHERE scope = ?", args, &rows,
	                 NULL, err);

	if (ok)
		*number = db_cell(&rows, 0, 0)->integer;
	db_rows_fini(&rows);
	return ok;
}

static bool is_ours(const struct work *work, int64_t number, struct err *err)
{
	if (number <= (int64_t)work->n)
		return true;
	return err_set(err, "the schema '%s' of this database has number %lld and was made by a newer racy, "
	                    "which this one (%zu) does not know", work->scope, (long long)number, work->n);
}

static bool apply(const struct work *work, size_t index, struct err *err)
{
	const struct db_migration *migration = &work->migrations[index];
	char stamp[CLOCK_STAMP_SIZE];
	bool ok = true;

	for (const char *const *sql = migration->statements; ok && *sql != NULL; sql++)
		ok = db_run(work->session, DB_WRITE, *sql, NULL, NULL, NULL, err);
	clock_stamp(clock_wall_us(), stamp);
	const struct db_value args[] = {db_text(work->scope), db_int((int64_t)index + 1),
	                                db_text(migration->name), db_text(stamp), {.type = DB_END}};
	ok = ok && db_run(work->session, DB_WRITE,
	                  "INSERT INTO racy_migration (scope, number, name, applied_at) VALUES (?, ?, ?, ?)",
	                  args, NULL, NULL, err);
	if (!ok)
		err_prefix(err, "migration %zu of '%s' (%s)", index + 1, work->scope, migration->name);
	return ok;
}

static bool apply_all(const struct work *work, size_t *applied, struct err *err)
{
	static const char table[] = "CREATE TABLE IF NOT EXISTS racy_migration (scope varchar(64) NOT NULL, "
	                            "number integer NOT NULL, name varchar(255) NOT NULL, "
	                            "applied_at {stamp} NOT NULL, PRIMARY KEY (scope, number)) {table_end}";
	int64_t done;

	if (!db_run(work->session, DB_WRITE, table, NULL, NULL, NULL, err) ||
	    !last_applied(work, &done, err) || !is_ours(work, done, err))
		return false;
	for (size_t i = (size_t)done; i < work->n; i++) {
		if (!apply(work, i, err))
			return false;
		(*applied)++;
	}
	return true;
}

bool db_migrate(struct db_session *session, const char *scope, const struct db_migration *migrations,
                size_t n, size_t *applied, struct err *err)
{
	const struct work work = {session, db_dialect(session), scope, migrations, n};
	size_t counted = 0;
	int64_t done;

	if (applied == NULL)
		applied = &counted;
	*applied = 0;
	if (db_tx(session) == DB_TX_OPEN)
		return err_set(err, "the schema cannot be changed within a transaction");
	/* Without a lock first: whoever finds all done must not wait for a writer. */
	if (last_applied(&work, &done, NULL) && done >= (int64_t)n)
		return is_ours(&work, done, err);
	if (!take_lock(&work, err))
		return false;
	bool ok = give_lock_back(&work, apply_all(&work, applied, err), err);
	if (!ok)
		*applied = 0;
	return ok;
}
