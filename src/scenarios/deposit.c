/* The scenario `deposit`: a back end reads a balance, thinks, and writes it back.
 *
 * The first five ways are the original's five views, step by step: read the account, (think,) insert the
 * transaction, write balance = what was read + amount. The others are what people do about it. `racy
 * explain` shows each function below beside its explanation (deposit_why.c), so both are written to be
 * read by people who write web back ends. */
#include "lab/scenario.h"
#include "scenarios/deposit_why.h"
#include "scenarios/scenarios.h"

enum { MAX_BALANCE = 2147483647 }; /* the column is a signed 32-bit integer */

/* ---- the steps ------------------------------------------------------------------------------- */

static bool too_large(struct op *op)
{
	return op_deny(op, OP_TOO_LARGE, "the balance would not fit its column (at most 2147483647)");
}

static bool read_with(struct op *op, const char *label, const char *sql, unsigned traits, int64_t *sum)
{
	int64_t account = op_param(op, "account"), amount = op_param(op, "amount");
	int64_t balance;

	if (!op_read(op, &(struct op_step){.label = label, .table = "demo_account", .key = account,
	                                   .sql = sql, .args = {db_int(account)}, .traits = traits}, &balance))
		return false;
	if (balance > MAX_BALANCE - amount)
		return too_large(op);
	*sum = balance + amount;
	return true;
}

/* balance = SELECT; sum = balance + amount */
static bool read_balance(struct op *op, int64_t *sum)
{
	return read_with(op, "read balance", "SELECT balance FROM demo_account WHERE id = ?", 0, sum);
}

/* The same, and nobody else may lock or write the row until this transaction ends. */
static bool lock_balance(struct op *op, int64_t *sum)
{
	return read_with(op, "lock balance", "SELECT balance FROM demo_account WHERE id = ? {for_update}", DB_LOCKS,
	                 sum);
}

/* The same, but others may lock it for reading too; all but one of them can then not write it. */
static bool share_balance(struct op *op, int64_t *sum)
{
	return read_with(op, "share balance", "SELECT balance FROM demo_account WHERE id = ? {for_share}", DB_LOCKS,
	                 sum);
}

/* No column holds the balance: it is what is on record. */
static bool sum_balance(struct op *op, int64_t *sum)
{
	return read_with(op, "sum balance",
	                 "SELECT (SELECT COALESCE(SUM(t.amount), 0) FROM demo_transaction t WHERE t.account_id = a.id)"
	                 " FROM demo_account a WHERE a.id = ?", 0, sum);
}

static bool no_such_account(struct op *op)
{
	return op_deny(op, OP_NO_SUCH_ROW, "there is no such row");
}

static bool record(struct op *op)
{
	int64_t account = op_param(op, "account"), amount = op_param(op, "amount");

	bool done = op_write(op, &(struct op_step){
		.label = "record", .table = "demo_transaction", .key = account, .writes = amount,
		.sql = "INSERT INTO demo_transaction (account_id, amount, timestamp) VALUES (?, ?, ?) {returning_id}",
		.args = {db_int(account), db_int(amount), db_text(op_stamp(op))}}, NULL);
	return done || (op_broke_rule(op) && no_such_account(op));
}

static bool write_balance(struct op *op, int64_t sum)
{
	int64_t account = op_param(op, "account");

	return op_write(op, &(struct op_step){
		.label = "write balance", .table = "demo_account", .key = account, .writes = sum,
		.sql = "UPDATE demo_account SET balance = ? WHERE id = ?",
		.args = {db_int(sum), db_int(account)}}, NULL);
}

/* The database adds: nothing that was read before is written back. The limit is part of the statement, since
 * a check before it could be stale; who is refused by it may be told why afterwards. */
static bool add_to_balance(struct op *op)
{
	int64_t account = op_param(op, "account"), amount = op_param(op, "amount");
	int64_t matched, sum;

	if (!op_write(op, &(struct op_step){
		.label = "add to balance", .table = "demo_account", .key = account, .writes = amount, .traits = DB_ADDS,
		.sql = "UPDATE demo_account SET balance = balance + ? WHERE id = ? AND balance <= ?",
		.args = {db_int(amount), db_int(account), db_int(MAX_BALANCE - amount)}}, &matched))
		return false;
	return matched > 0 || (read_balance(op, &sum) && too_large(op));
}

/* Writes only if the balance is still what it was: 0 rows are a conflict. */
static bool swap_balance(struct op *op, int64_t sum)
{
	int64_t account = op_param(op, "account");

	return op_write(op, &(struct op_step){
		.label = "swap balance", .table = "demo_account", .key = account, .writes = sum,
		.sql = "UPDATE demo_account SET balance = ? WHERE id = ? AND balance = ?",
		.args = {db_int(sum), db_int(account), db_int(sum - op_param(op, "amount"))}}, NULL);
}

/* How often the account was written; it has no row for this before the first time. */
static bool read_version(struct op *op, int64_t *version)
{
	int64_t account = op_param(op, "account");

	return op_read(op, &(struct op_step){
		.label = "read version", .table = "racy_version", .key = account,
		.sql = "SELECT COALESCE(MAX(version), 0) FROM racy_version WHERE account_id = ?",
		.args = {db_int(account)}}, version);
}

/* The next version is for one only: 0 rows, or a first row that is there already, are a conflict. */
static bool take_version(struct op *op, int64_t version)
{
	int64_t account = op_param(op, "account");

	if (version == 0)
		return op_claim(op, &(struct op_step){
			.label = "take version", .table = "racy_version", .key = account, .writes = 1,
			.sql = "INSERT INTO racy_version (account_id, version) VALUES (?, 1)",
			.args = {db_int(account)}});
	return op_write(op, &(struct op_step){
		.label = "take version", .table = "racy_version", .key = account, .writes = version + 1,
		.sql = "UPDATE racy_version SET version = ? WHERE account_id = ? AND version = ?",
		.args = {db_int(version + 1), db_int(account), db_int(version)}}, NULL);
}

/* ---- the ways -------------------------------------------------------------------------------- */

static enum op_end atomic_long_delay(struct op *op)
{
	int64_t sum;

	bool done = op_begin(op, OP_READS)
	         && read_balance(op, &sum)
	         && op_pause(op, "think")
	         && record(op)
	         && write_balance(op, sum)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end non_atomic_long_delay(struct op *op)
{
	int64_t sum;

	bool done = read_balance(op, &sum)
	         && op_pause(op, "think")
	         && record(op)
	         && write_balance(op, sum);
	return op_end(op, done);
}

static enum op_end atomic_no_delay(struct op *op)
{
	int64_t sum;

	bool done = op_begin(op, OP_READS)
	         && read_balance(op, &sum)
	         && record(op)
	         && write_balance(op, sum)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end non_atomic_no_delay(struct op *op)
{
	int64_t sum;

	bool done = read_balance(op, &sum)
	         && record(op)
	         && write_balance(op, sum);
	return op_end(op, done);
}

static enum op_end row_locking_atomic_long_delay(struct op *op)
{
	int64_t sum;

	bool done = op_begin(op, OP_WRITES)
	         && lock_balance(op, &sum)
	         && op_pause(op, "think")
	         && record(op)
	         && write_balance(op, sum)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end atomic_update(struct op *op)
{
	bool done = op_begin(op, OP_READS)
	         && record(op)
	         && add_to_balance(op)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end update_first(struct op *op)
{
	bool done = op_begin(op, OP_READS)
	         && add_to_balance(op)
	         && record(op)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end optimistic_version(struct op *op)
{
	int64_t version, sum;

	bool done = op_begin(op, OP_READS)
	         && read_version(op, &version) /* before the balance: one that is too old is found out */
	         && read_balance(op, &sum)
	         && op_pause(op, "think")
	         && take_version(op, version)
	         && write_balance(op, sum)
	         && record(op)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end compare_and_set(struct op *op)
{
	int64_t sum;

	bool done = op_begin(op, OP_READS)
	         && read_balance(op, &sum)
	         && op_pause(op, "think")
	         && swap_balance(op, sum)
	         && record(op)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end for_share(struct op *op)
{
	int64_t sum;

	bool done = op_begin(op, OP_READS)
	         && share_balance(op, &sum)
	         && op_pause(op, "think")
	         && record(op)
	         && write_balance(op, sum)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end advisory_lock(struct op *op)
{
	int64_t sum;

	bool done = op_begin(op, OP_READS)
	         && op_lock(op, "take lock", op_param(op, "account"))
	         && read_balance(op, &sum)
	         && op_pause(op, "think")
	         && record(op)
	         && write_balance(op, sum)
	         && op_commit(op);
	return op_end(op, done);
}

static enum op_end ledger(struct op *op)
{
	int64_t sum;

	bool done = sum_balance(op, &sum)
	         && op_pause(op, "think")
	         && record(op);
	return op_end(op, done);
}

/* What several such deposits to one account at the same time may do; rows that were not measured
 * here are left unstated. READ UNCOMMITTED on MariaDB differs from READ COMMITTED in what is seen of
 * open transactions, not in who locks. */
#define SQLITE_ONLY(verdict) [ENGINE_SQLITE] = {[LEVEL_SERIALIZABLE] = verdict}
#define MARIADB(ru, rc, rr, ser)                                                                           \
	[ENGINE_MARIADB] = {[LEVEL_READ_UNCOMMITTED] = ru, [LEVEL_READ_COMMITTED] = rc,                    \
	                    [LEVEL_REPEATABLE_READ] = rr, [LEVEL_SERIALIZABLE] = ser}
/* PostgreSQL's READ UNCOMMITTED is its READ COMMITTED. */
#define POSTGRES(rc, rr, ser)                                                                              \
	[ENGINE_POSTGRES] = {[LEVEL_READ_UNCOMMITTED] = rc, [LEVEL_READ_COMMITTED] = rc,                   \
	                     [LEVEL_REPEATABLE_READ] = rr, [LEVEL_SERIALIZABLE] = ser}
/* Without its BEGIN and COMMIT. A lone statement that has waited is refused on PostgreSQL from REPEATABLE READ
 * on as a transaction is. */
#define BARE(sqlite, mariadb, postgres, strict_postgres)                                                   \
	{SQLITE_ONLY(sqlite), MARIADB(mariadb, mariadb, mariadb, mariadb),                                 \
	 POSTGRES(postgres, strict_postgres, strict_postgres)}
#define WAY_AS(way, function_) .name = #way, .why = way##_why, .run = function_, .function = #function_
#define WAY(way) WAY_AS(way, way)

static const struct variant variants[] = {
	{
		WAY(atomic_long_delay),
		.title = "a transaction, a long pause between read and write",
		.pauses = true, .atomic = true,
		.expected = {SQLITE_ONLY(REFUSES),
		             MARIADB(LOSES, LOSES, LOSES, REFUSES),
		             POSTGRES(LOSES, REFUSES, REFUSES)},
		.bare = BARE(LOSES, LOSES, LOSES, LOSES),
	},
	{
		WAY(non_atomic_long_delay),
		.title = "no transaction, a long pause between read and write",
		.pauses = true, .atomic = false,
		.expected = {SQLITE_ONLY(LOSES),
		             MARIADB(LOSES, LOSES, LOSES, LOSES),
		             POSTGRES(LOSES, LOSES, LOSES)},
		.bare = BARE(LOSES, LOSES, LOSES, LOSES),
	},
	{
		WAY(atomic_no_delay),
		.title = "a transaction, no pause",
		.pauses = false, .atomic = true,
		.expected = {SQLITE_ONLY(REFUSES),
		             MARIADB(LOSES, LOSES, LOSES, REFUSES),
		             POSTGRES(LOSES, REFUSES, REFUSES)},
		.bare = BARE(LOSES, LOSES, LOSES, LOSES),
	},
	{
		WAY(non_atomic_no_delay),
		.title = "no transaction, no pause",
		.pauses = false, .atomic = false,
		.expected = {SQLITE_ONLY(LOSES),
		             MARIADB(LOSES, LOSES, LOSES, LOSES),
		             POSTGRES(LOSES, LOSES, LOSES)},
		.bare = BARE(LOSES, LOSES, LOSES, LOSES),
	},
	{
		WAY(row_locking_atomic_long_delay),
		.title = "a transaction that locks the row, a long pause",
		.pauses = true, .atomic = true,
		.expected = {SQLITE_ONLY(HOLDS),
		             MARIADB(HOLDS, HOLDS, HOLDS, HOLDS),
		             POSTGRES(HOLDS, REFUSES, REFUSES)},
		.bare = BARE(LOSES, LOSES, LOSES, LOSES),
	},
	{
		WAY(atomic_update),
		.title = "the database adds: balance = balance + amount",
		.pauses = false, .atomic = true,
		.expected = {SQLITE_ONLY(HOLDS),
		             MARIADB(REFUSES, REFUSES, REFUSES, REFUSES),
		             POSTGRES(HOLDS, REFUSES, REFUSES)},
		.bare = BARE(HOLDS, HOLDS, HOLDS, LOSES),
	},
	{
		WAY(update_first),
		.title = "the same, and the UPDATE before the INSERT",
		.pauses = false, .atomic = true,
		.expected = {SQLITE_ONLY(HOLDS),
		             MARIADB(HOLDS, HOLDS, HOLDS, HOLDS),
		             POSTGRES(HOLDS, REFUSES, REFUSES)},
		.bare = BARE(HOLDS, HOLDS, HOLDS, REFUSES),
	},
	{
		WAY(optimistic_version),
		.title = "a version is checked when it is written",
		.pauses = true, .atomic = true,
		.expected = {SQLITE_ONLY(REFUSES),
		             MARIADB(REFUSES, REFUSES, REFUSES, REFUSES),
		             POSTGRES(REFUSES, REFUSES, REFUSES)},
		.bare = BARE(LOSES, LOSES, LOSES, LOSES),
	},
	{
		WAY(compare_and_set),
		.title = "writes only if the balance is still what was read",
		.pauses = true, .atomic = true,
		.expected = {SQLITE_ONLY(REFUSES),
		             MARIADB(REFUSES, REFUSES, REFUSES, REFUSES),
		             POSTGRES(REFUSES, REFUSES, REFUSES)},
		.bare = BARE(REFUSES, REFUSES, REFUSES, REFUSES),
	},
	{
		WAY_AS(serializable, atomic_long_delay),
		.title = "the first one again, at a level of its own: SERIALIZABLE",
		.pauses = true, .atomic = true, .iso = DB_SERIALIZABLE,
		.expected = {SQLITE_ONLY(REFUSES),
		             MARIADB(NOT_STATED, NOT_STATED, NOT_STATED, REFUSES),
		             POSTGRES(NOT_STATED, NOT_STATED, REFUSES)},
		.bare = {SQLITE_ONLY(LOSES), MARIADB(NOT_STATED, NOT_STATED, NOT_STATED, LOSES),
		         POSTGRES(NOT_STATED, NOT_STATED, LOSES)},
	},
	{
		WAY(for_share),
		.title = "locks the row for reading only",
		.pauses = true, .atomic = true, .needs = DB_HAS_SHARE_LOCKS,
		.expected = {MARIADB(REFUSES, REFUSES, REFUSES, REFUSES),
		             POSTGRES(REFUSES, REFUSES, REFUSES)},
		.bare = BARE(NOT_STATED, LOSES, LOSES, LOSES),
	},
	{
		WAY(advisory_lock),
		.title = "a lock by name around it",
		.pauses = true, .atomic = true, .needs = DB_HAS_NAMED_LOCKS,
		.expected = {MARIADB(HOLDS, HOLDS, HOLDS, HOLDS),
		             POSTGRES(HOLDS, REFUSES, REFUSES)},
		.bare = BARE(NOT_STATED, HOLDS, LOSES, LOSES),
	},
	{
		WAY(ledger),
		.title = "keeps no balance: it is the sum of what is recorded",
		.pauses = true, .atomic = true, .derives = true,
		.expected = {SQLITE_ONLY(HOLDS),
		             MARIADB(HOLDS, HOLDS, HOLDS, HOLDS),
		             POSTGRES(HOLDS, HOLDS, HOLDS)},
		.bare = BARE(HOLDS, HOLDS, HOLDS, HOLDS),
	},
	{
		WAY_AS(retry_lost_commit, update_first),
		.title = "tries again although the answer to COMMIT was lost",
		.pauses = false, .atomic = true, .needs = DB_HAS_CONNECTIONS, .blind = true,
		.expected = {MARIADB(HOLDS, HOLDS, HOLDS, HOLDS), POSTGRES(HOLDS, REFUSES, REFUSES)},
		.bare = BARE(NOT_STATED, HOLDS, HOLDS, REFUSES),
	},
};

/* ---- the world ------------------------------------------------------------------------------- */

/* The original's tables (Django's names and types), so that racy can be pointed at its database. */
static const char *const tables[] = {
	"CREATE TABLE IF NOT EXISTS demo_account ("
	" id {new_id},"
	" balance INTEGER NOT NULL DEFAULT 0"
	"){table_end}",
	"CREATE TABLE IF NOT EXISTS demo_transaction ("
	" id {new_id},"
	" amount INTEGER NOT NULL DEFAULT 0,"
	" timestamp {stamp} NOT NULL,"
	" account_id {id} NULL,"
	" CONSTRAINT demo_transaction_account FOREIGN KEY (account_id)"
	" REFERENCES demo_account (id) ON DELETE SET NULL"
	"){table_end}",
	NULL,
};

/* A table of racy's own: the original's have no version, and one that was adopted stays as it is. */
static const char *const versions[] = {
	"CREATE TABLE IF NOT EXISTS racy_version (account_id {id} PRIMARY KEY, version INTEGER NOT NULL){table_end}",
	NULL,
};

static const struct db_migration migrations[] = {
	{"accounts and transactions", tables},
	{"versions of accounts", versions},
};

/* For the lists of the pages and the sums of an account: all that is told of a transaction is in the first one. The
 * balance has none, since deposits would have to keep it. */
static const char *const indexes[] = {
	"{new_index} demo_transaction_of_account ON demo_transaction (account_id, id, amount, timestamp)",
	"{new_index} demo_transaction_by_time ON demo_transaction (timestamp, id)",
	NULL,
};

static const struct db_migration extensions[] = {
	{"indexes of transactions", indexes},
};

static const struct param params[] = {
	/* An account beyond its column is one that does not exist; the endpoint answers 404. */
	{"account", INT64_MIN, INT64_MAX},
	{"amount", 0, MAX_BALANCE},
};

static const struct operation operations[] = {
	{
		.name = "deposit", .route = "/demo/",
		.params = params, .n_params = COUNT_OF(params),
		.variants = variants, .n_variants = COUNT_OF(variants),
	},
};

static const struct invariant invariants[] = {
	{
		.name = "the balance is what was deposited",
		.why = "Every recorded transaction is part of the balance of its account.",
		.sql = "SELECT a.id, a.balance, COALESCE(SUM(t.amount), 0) FROM demo_account a"
		       " LEFT JOIN demo_transaction t ON t.account_id = a.id"
		       " GROUP BY a.id, a.balance HAVING a.balance <> COALESCE(SUM(t.amount), 0)",
	},
};

extern const char deposit_source[]; /* this file, embedded by the build */

const struct scenario scenario_deposit = {
	.name = "deposit",
	.title = "A deposit reads the balance, thinks, and writes it back",
	.story = "An account has a balance; a deposit records a transaction and adds its amount to the\n"
	         "balance. With one worker it works. With several, money disappears, and nobody can\n"
	         "reproduce it: it depends on who reads while somebody else is between read and write.",
	.migrations = migrations, .n_migrations = COUNT_OF(migrations),
	.extensions = extensions, .n_extensions = COUNT_OF(extensions),
	.operations = operations, .n_operations = COUNT_OF(operations),
	.invariants = invariants, .n_invariants = COUNT_OF(invariants),
	.source = deposit_source,
};
