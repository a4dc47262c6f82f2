/* The transaction around a change, and the statements that changes are made of. */
#include "admin/ledger_change.h"

#include <string.h>

#include "admin/ledger_time.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/str.h"

/* ---- the transaction ----------------------------------------------------------------------- */

/* A change that deadlocks with deposits is made anew; the waits are as long as in lab/retry.h. */
enum { MAX_TRIES = 8 };
static const int64_t base_wait_ns = 5 * NS_PER_MS;

/* Waiting as long as is allowed (DB_TIMEOUT) is not done twice. */
static bool may_go_better(enum db_err err)
{
	return err == DB_BUSY || err == DB_DEADLOCK || err == DB_SERIALIZATION;
}

static bool run(struct ledger_change *change, enum db_verb verb, const char *sql, const struct db_value *args,
                struct db_rows *rows, struct db_outcome *outcome)
{
	if (db_run(change->who->session, verb, sql, args, rows, outcome, change->err))
		return true;
	change->refused = may_go_better(outcome->err);
	return false;
}

static bool commit(struct ledger_change *change)
{
	struct db_outcome outcome;

	if (run(change, DB_COMMIT, NULL, NULL, NULL, &outcome))
		return true;
	if (outcome.err == DB_LOST)
		err_prefix(change->err, "the answer to COMMIT was lost, so whether the change was made is not known");
	return false;
}

static enum ledger_end make_once(struct ledger_change *change, ledger_work *work, void *context)
{
	struct db_outcome outcome;
	enum ledger_end end = LEDGER_FAILED;

	change->refused = false;
	json_array_clear(change->conflicts);
	if (!run(change, DB_BEGIN, NULL, NULL, NULL, &outcome))
		return LEDGER_FAILED;
	end = work(change, context);
	if (end == LEDGER_OK && commit(change))
		return LEDGER_OK;
	/* The first failure is the one to tell. Where the engine has ended the transaction already, nothing happens. */
	(void)!db_run(change->who->session, DB_ROLLBACK, NULL, NULL, NULL, NULL, NULL);
	return end == LEDGER_OK ? LEDGER_FAILED : end;
}

enum ledger_end ledger_make(const struct ledger_who *who, ledger_work *work, void *context, json_t **conflicts,
                            struct err *err)
{
	struct ledger_change change = {.who = who, .err = err, .conflicts = json_array()};
	struct rng waits;
	enum ledger_end end;

	rng_init(&waits, (uint64_t)clock_now_ns());
	for (int tries = 1;; tries++) {
		end = make_once(&change, work, context);
		arena_fini(&change.arena);
		if (end != LEDGER_FAILED || !change.refused || tries == MAX_TRIES)
			break;
		clock_pause_ns(rng_between(&waits, 0, base_wait_ns << tries));
	}
	if (end != LEDGER_FAILED && err != NULL)
		err_fini(err); /* of a try before the last */
	if (conflicts != NULL)
		*conflicts = end == LEDGER_CHANGED ? json_incref(change.conflicts) : NULL;
	json_decref(change.conflicts);
	return end;
}

/* ---- statements ---------------------------------------------------------------------------- */

bool ledger_write(struct ledger_change *change, const char *sql, const struct db_value *args, int64_t *affected)
{
	struct db_outcome outcome;

	if (!run(change, DB_WRITE, sql, args, NULL, &outcome))
		return false;
	if (affected != NULL)
		*affected = outcome.affected;
	return true;
}

bool ledger_insert(struct ledger_change *change, const char *sql, const struct db_value *args, int64_t *id)
{
	struct db_outcome outcome;

	if (!run(change, DB_WRITE, sql, args, NULL, &outcome))
		return false;
	*id = outcome.inserted_id;
	return true;
}

bool ledger_note(struct ledger_change *change, enum history_action action, enum history_object object, int64_t id,
                 json_t *take)
{
	const struct history_note note = {change->who->name, action, object, id, take};
	bool ok = history_write(change->who->session, &note, change->err);

	json_decref(take);
	return ok;
}

static enum ledger_end lock_row(struct ledger_change *change, const char *sql, int64_t id, struct db_rows *rows)
{
	const struct db_value args[] = {db_int(id), {0}};
	struct db_outcome outcome;

	if (!run(change, DB_READ, sql, args, rows, &outcome))
		return LEDGER_FAILED;
	return rows->n_rows > 0 ? LEDGER_OK : LEDGER_MISSING;
}

enum ledger_end ledger_lock_account(struct ledger_change *change, int64_t id, int64_t *balance)
{
	struct db_rows rows = {0};
	enum ledger_end end = lock_row(change, "SELECT balance FROM demo_account WHERE id = ? {for_update}", id, &rows);

	if (end == LEDGER_OK)
		*balance = db_cell(&rows, 0, 0)->integer;
	db_rows_fini(&rows);
	return end;
}

enum ledger_end ledger_lock_transaction(struct ledger_change *change, int64_t id, struct ledger_transaction *now)
{
	struct db_rows rows = {0};
	enum ledger_end end = lock_row(change, "SELECT amount, account_id, timestamp FROM demo_transaction WHERE id = ?"
	                                       " {for_update}", id, &rows);

	if (end == LEDGER_OK) {
		const struct db_value *account = db_cell(&rows, 0, 1);
		*now = (struct ledger_transaction){
			.id = id,
			.amount = db_cell(&rows, 0, 0)->integer,
			.account = account->type == DB_INT ? account->integer : 0,
			.time = ledger_time_of_cell(db_cell(&rows, 0, 2), &change->arena),
		};
	}
	db_rows_fini(&rows);
	return end;
}

bool ledger_take_version(struct ledger_change *change, int64_t account)
{
	const struct db_value args[] = {db_int(account), {0}};
	struct db_outcome outcome;
	int64_t affected;

	if (!ledger_write(change, "UPDATE racy_version SET version = version + 1 WHERE account_id = ?", args,
	                  &affected))
		return false;
	if (affected > 0)
		return true;
	if (run(change, DB_WRITE, "INSERT INTO racy_version (account_id, version) VALUES (?, 1)", args, NULL, &outcome))
		return true;
	/* A deposit was first: the next try finds its row. */
	change->refused = change->refused || outcome.err == DB_CONSTRAINT;
	return false;
}

/* ---- conflicts ----------------------------------------------------------------------------- */

static json_t *or_null(json_t *value)
{
	return value != NULL ? value : json_null();
}

void ledger_conflict(struct ledger_change *change, enum history_object object, int64_t id, const char *field,
                     json_t *loaded, json_t *now, json_t *yours)
{
	json_t *conflict = json_pack("{ss sI ss}", "object", history_object_name(object), "id", id, "field", field);

	json_object_set_new(conflict, "loaded", or_null(loaded));
	json_object_set_new(conflict, "now", or_null(now));
	json_object_set_new(conflict, "yours", or_null(yours));
	json_array_append_new(change->conflicts, conflict);
}

void ledger_conflict_deleted(struct ledger_change *change, enum history_object object, int64_t id)
{
	json_array_append_new(change->conflicts,
	                      json_pack("{ss sI sb}", "object", history_object_name(object), "id", id, "deleted", 1));
}

json_t *ledger_json_account(int64_t account)
{
	return account != 0 ? json_integer(account) : json_null();
}

void ledger_compare(struct ledger_change *change, const struct ledger_transaction *now,
                    const struct ledger_transaction *loaded, const struct ledger_transaction *yours)
{
	if (now->amount != loaded->amount)
		ledger_conflict(change, HISTORY_TRANSACTION, now->id, "amount", json_integer(loaded->amount),
		                json_integer(now->amount), yours != NULL ? json_integer(yours->amount) : NULL);
	if (now->account != loaded->account)
		ledger_conflict(change, HISTORY_TRANSACTION, now->id, "account", ledger_json_account(loaded->account),
		                ledger_json_account(now->account),
		                yours != NULL ? ledger_json_account(yours->account) : NULL);
	if (!text_equal(now->time, loaded->time))
		ledger_conflict(change, HISTORY_TRANSACTION, now->id, "timestamp", json_string(loaded->time),
		                json_string(now->time), yours != NULL ? json_string(yours->time) : NULL);
}

/* ---- rows of transactions ------------------------------------------------------------------ */

static struct db_value value_of_account(int64_t account)
{
	return account != 0 ? db_int(account) : db_null();
}

static const char *time_of_now(struct arena *arena)
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(clock_wall_us(), stamp);
	return ledger_time_of_cell(&(struct db_value){.type = DB_TEXT, .text = stamp, .length = strlen(stamp)}, arena);
}

enum ledger_end ledger_put_transaction(struct ledger_change *change, const struct ledger_transaction *values,
                                       int64_t *id)
{
	const char *time = values->time != NULL ? values->time : time_of_now(&change->arena);
	const struct db_value args[] = {value_of_account(values->account), db_int(values->amount),
	                                db_text(ledger_time_column(time, &change->arena)), {0}};

	if (!ledger_insert(change, "INSERT INTO demo_transaction (account_id, amount, timestamp) VALUES (?, ?, ?)"
	                           " {returning_id}", args, id) ||
	    !ledger_note(change, HISTORY_ADD, HISTORY_TRANSACTION, *id,
	                 json_pack("{s[nI] s[no] s[ns]}", "amount", values->amount, "account",
	                           ledger_json_account(values->account), "timestamp", time)))
		return LEDGER_FAILED;
	return LEDGER_OK;
}

enum ledger_end ledger_erase_transaction(struct ledger_change *change, const struct ledger_transaction *now)
{
	const struct db_value args[] = {db_int(now->id), {0}};

	if (!ledger_write(change, "DELETE FROM demo_transaction WHERE id = ?", args, NULL) ||
	    !ledger_note(change, HISTORY_DELETE, HISTORY_TRANSACTION, now->id,
	                 json_pack("{s[In] s[on] s[sn]}", "amount", now->amount, "account",
	                           ledger_json_account(now->account), "timestamp", now->time)))
		return LEDGER_FAILED;
	return LEDGER_OK;
}

/* One field and its note, where it differs. */
static bool write_field(struct ledger_change *change, int64_t id, const char *sql, struct db_value value)
{
	const struct db_value args[] = {value, db_int(id), {0}};

	return ledger_write(change, sql, args, NULL);
}

enum ledger_end ledger_write_transaction(struct ledger_change *change, const struct ledger_row_change *row)
{
	const struct ledger_transaction *was = &row->loaded, *is = &row->values;
	json_t *changes = json_object();
	bool ok = true;

	if (is->amount != was->amount) {
		json_object_set_new(changes, "amount", json_pack("[I I]", was->amount, is->amount));
		ok = write_field(change, row->id, "UPDATE demo_transaction SET amount = ? WHERE id = ?",
		                 db_int(is->amount));
	}
	if (ok && is->account != was->account) {
		json_object_set_new(changes, "account", json_pack("[o o]", ledger_json_account(was->account),
		                                                  ledger_json_account(is->account)));
		ok = write_field(change, row->id, "UPDATE demo_transaction SET account_id = ? WHERE id = ?",
		                 value_of_account(is->account));
	}
	if (ok && !text_equal(is->time, was->time)) {
		json_object_set_new(changes, "timestamp", json_pack("[s s]", was->time, is->time));
		ok = write_field(change, row->id, "UPDATE demo_transaction SET timestamp = ? WHERE id = ?",
		                 db_text(ledger_time_column(is->time, &change->arena)));
	}
	if (!ok || json_object_size(changes) == 0) {
		json_decref(changes);
		return ok ? LEDGER_OK : LEDGER_FAILED;
	}
	return ledger_note(change, HISTORY_CHANGE, HISTORY_TRANSACTION, row->id, changes) ? LEDGER_OK : LEDGER_FAILED;
}
