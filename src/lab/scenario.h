/* The only header that a scenario includes: a small world with an invariant, the operations that
 * requests do in it, and the ways (variants) to write them.
 *
 * An operation is a plain blocking function over `struct op`. It sees no clock, no random, no SQL
 * client and no HTTP type, so the same code runs in a web worker, in a loop, and under a scheduler
 * that decides which session goes on. It is a sequence of steps; a step that fails ends it:
 *
 *     bool done = op_begin(op, OP_WRITES) && read_balance(op, &balance) && ... && op_commit(op);
 *     return op_end(op, done);
 *
 * How to add a scenario: docs/HOWTO-scenario.md. */
#ifndef LAB_SCENARIO_H
#define LAB_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "db/db.h"

struct op;

/* How an operation ended. */
enum op_end {
	OP_DONE,
	OP_DENIED,   /* the business said no (op_deny): no such account, too large */
	OP_CONFLICT, /* 0 rows matched a condition on what was read: may be tried again */
	OP_FAILED,   /* a statement failed; the reason is the database's */
};
const char *op_end_name(enum op_end end);

/* Why the business said no; what it means for a reply is the caller's matter. */
enum op_denial { OP_NOT_DENIED, OP_NO_SUCH_ROW, OP_TOO_LARGE };

/* ---- what an operation may do ---------------------------------------------------------------- */

/* The request's parameter of this name; the program ends if the operation has none such. */
int64_t op_param(const struct op *op, const char *name);
/* The request's timestamp, UTC, "2026-11-23 18:22:01.123456". */
const char *op_stamp(const struct op *op);

/* READS: a plain BEGIN. WRITES: the intent to write is told at once, which matters on SQLite only
 * (BEGIN IMMEDIATE: the lock on the whole database is taken here). */
enum op_intent { OP_READS, OP_WRITES };
bool op_begin(struct op *op, enum op_intent intent) MUST_USE;
bool op_commit(struct op *op) MUST_USE;

/* One statement. `label` names the step in every lane, schedule and report. */
struct op_step {
	const char *label; /* at most EVENT_TEXT - 1 bytes, as is the table */
	const char *table; /* the table and row it touches */
	int64_t key;
	const char *sql; /* see struct db_call */
	struct db_value args[DB_MAX_ARGS];
	int64_t writes;  /* a write: the value it puts there; with DB_ADDS: that it adds */
	unsigned traits; /* of enum db_trait */
};
/* A statement whose answer is one whole number in one row. No row: denied as OP_NO_SUCH_ROW. */
bool op_read(struct op *op, const struct op_step *step, int64_t *value) MUST_USE;
/* Where `matched` is NULL, a write that matches no row is a conflict and fails; else it is told. */
bool op_write(struct op *op, const struct op_step *step, int64_t *matched) MUST_USE;

/* The step that just failed did so since a rule of the database forbids it: a unique or a foreign key. */
bool op_broke_rule(const struct op *op);
/* A write that only one can make: a row that is there already is a conflict, not a failure. */
bool op_claim(struct op *op, const struct op_step *step) MUST_USE;

/* Takes the lock of this number, which nothing but such calls knows of (an advisory lock). It ends with the
 * transaction, or is given back by op_end after it: no other can slip in before the commit. The variant needs
 * DB_HAS_NAMED_LOCKS. */
bool op_lock(struct op *op, const char *label, int64_t number) MUST_USE;

/* The time between read and write: in a worker as long as --delay says, elsewhere no time at all. */
bool op_pause(struct op *op, const char *label) MUST_USE;

/* The business says no: the text is one line for the person who asked. Returns false. */
bool op_deny(struct op *op, enum op_denial denial, const char *text);

/* Ends the operation: `done` or not; a transaction that is open then is rolled back, as a
 * framework's does when an exception leaves its block. */
enum op_end op_end(struct op *op, bool done) MUST_USE;

typedef enum op_end op_fn(struct op *op);

/* ---- what a scenario is --------------------------------------------------------------------- */

enum engine { ENGINE_SQLITE, ENGINE_MARIADB, ENGINE_POSTGRES, ENGINES };
/* The levels that expectations are written for; an engine that lacks one has no expectation. */
enum level { LEVEL_READ_UNCOMMITTED, LEVEL_READ_COMMITTED, LEVEL_REPEATABLE_READ, LEVEL_SERIALIZABLE, LEVELS };

/* What several such operations at once may do there, as far as it was measured or is documented.
 * The tests hold the laboratory to it. NOT_STATED: nobody has measured it. REFUSES: nothing is lost, and
 * some that overlap are refused. HOLDS: nothing is lost; a refusal would be a surprise. */
enum expectation { NOT_STATED, LOSES, REFUSES, HOLDS };
const char *expectation_name(enum expectation expectation); /* "not_stated", "loses", ... */

/* NONE (--no-transaction): BEGIN and COMMIT are left out of the very same code. */
enum tx_mode { TX_AS_WRITTEN, TX_NONE };

struct variant {
	const char *name;  /* its endpoint's name */
	const char *title; /* one line */
	const char *why;   /* paragraphs: what it does, whether it races, how, on what the claim rests */
	op_fn *run;
	const char *function; /* name of `run` in the scenario's source, for `racy explain` */
	bool pauses;          /* it has a pause between read and write */
	bool atomic;          /* all or nothing, with its transaction: half of it can never stay behind */
	enum db_iso iso;      /* a level of its own, which wins over the session's; DEFAULT: the session's */
	unsigned needs;       /* of enum db_ability: where one is lacking the variant is not applicable */
	bool derives;         /* it keeps no balance: that is the sum of what is recorded */
	bool blind;           /* where the runner tries again, it does so after a lost answer too */
	enum expectation expected[ENGINES][LEVELS];
	enum expectation bare[ENGINES][LEVELS]; /* under TX_NONE */
};

struct param {
	const char *name;
	int64_t min, max; /* below min: malformed; above max: too large for its column */
};

struct operation {
	const char *name;
	const char *route; /* "/demo/": before the variant's name and a slash */
	const struct param *params;
	size_t n_params;
	const struct variant *variants;
	size_t n_variants;
};

struct invariant {
	const char *name, *why;
	const char *sql; /* yields the rows that break it: none when it holds */
};

struct scenario {
	const char *name, *title, *story;
	const struct db_migration *migrations;
	size_t n_migrations;
	/* The same, for tables that racy made itself: indexes of lists. Tables that were adopted get them when the user
	 * asks for it (racy migrate --extend). */
	const struct db_migration *extensions;
	size_t n_extensions;
	const struct operation *operations;
	size_t n_operations;
	const struct invariant *invariants;
	size_t n_invariants;
	const char *source; /* its own source text, embedded by the build */
};

#endif
