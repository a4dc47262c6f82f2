/* Transactions that somebody wrote down as SQL: the file format of `racy explore FILE.sql` (docs/explore-files.md).
 *
 *     schema { CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER) {table_end} }
 *     setup { INSERT INTO account VALUES (1, 0) }
 *     session A
 *     step begin  { BEGIN }
 *     step read   { SELECT balance FROM account WHERE id = 1 } into balance
 *     step write  { UPDATE account SET balance = :balance + 100 WHERE id = 1 }
 *     step commit { COMMIT }
 *     session B like A
 *     shows A.balance = 0, B.balance = 0
 *     invariant "each deposit is in the balance" { SELECT 1 FROM account WHERE balance <> 200 }
 *
 * Who knows isolationtester's specifications knows `setup`, `session` and `step`. */
#ifndef EXPLORE_SCRIPT_H
#define EXPLORE_SCRIPT_H

#include "base/arena.h"
#include "base/err.h"
#include "explore/play.h"

enum { SCRIPT_MAX_BYTES = 1024 * 1024, SCRIPT_MAX_STEPS = 64, SCRIPT_MAX_NAMES = 32, SCRIPT_MOST_KEYS = 64 };

struct script_step {
	const char *name;
	const char *sql; /* one statement, `?` for each value; NULL for BEGIN, COMMIT and ROLLBACK alone */
	enum db_verb verb;
	bool for_write; /* BEGIN IMMEDIATE */
	size_t args[DB_MAX_ARGS], n_args; /* which of the session's names each `?` is */
	size_t into[DB_MAX_ARGS], n_into; /* which names the columns of the first row go into */
};

struct script_session {
	const char *name;
	struct script_step *steps;
	size_t n_steps, capacity;
	const char *names[SCRIPT_MAX_NAMES]; /* of values that reads carry into later steps */
	size_t n_names;
	bool goes_on; /* after a statement that failed: the next ones are sent all the same */
};

struct script_query {
	const char *name, *sql;
};

struct script_list {
	struct script_query *items;
	size_t n, capacity;
};

/* The value that a session's read put under a name. */
struct script_value {
	size_t who, name;
};

struct script_condition {
	struct script_value left, right;
	const char *literal; /* instead of `right`: a number or "null"; NULL: none */
	bool differs;        /* <>, not = */
};

enum { SCRIPT_MOST_CONDITIONS = 8 };

/* What must all hold for it to be shown. */
struct script_shows {
	struct script_condition conditions[SCRIPT_MOST_CONDITIONS];
	size_t n;
};

struct script {
	struct arena arena; /* owns all texts */
	struct script_list schema, setup, invariants, state;
	bool plain;        /* its steps read and write rows, and leave nothing behind in their sessions */
	bool reducible;    /* and nothing else happens on the way (triggers, views, sequences) */
	const char **anew; /* what makes the world anew before each schedule */
	size_t n_anew;
	bool tells_tables; /* and its SQL names all that it touches: no foreign key */
	struct script_list tables; /* that the schema makes, each with its statement: emptied before each schedule */
	struct row_key keys[SCRIPT_MOST_KEYS]; /* primary keys and unique columns of these */
	size_t n_keys;
	struct script_session sessions[PLAY_MOST_SESSIONS];
	size_t n_sessions;
	struct script_shows *shows; /* alternatives; each shows what must not be */
	size_t n_shows, shows_capacity;
	struct script_list orders; /* "A.read B.read ...", as they are written */
};

/* False: the error, with the line. Nothing is left to be given back then. */
bool script_parse(const char *path, const char *bytes, size_t length, struct script *script, struct err *err) MUST_USE;
bool script_read(const char *path, struct script *script, struct err *err) MUST_USE;
void script_fini(struct script *script);

/* The tables that its schema makes, by their names. False: one that the sessions would not see. */
bool script_find_tables(struct script *script, struct err *err) MUST_USE;
/* What is plain in it, see above. */
void script_find_plain(struct script *script);
/* Finds the keys in the schema; see explore/rows.h. Beyond SCRIPT_MOST_KEYS none is known. */
void script_find_keys(struct script *script);

/* What a session's reads put under its names, as texts; "": nothing. */
typedef char script_values[SCRIPT_MAX_NAMES][24];
/* Reads the conditions after the word `shows`. */
bool script_take_shows(struct script *script, const struct script_list *lines, struct err *err) MUST_USE;
bool script_is_shown(const struct script *script, script_values *const *values);

/* The script as something to explore; neither may move. */
struct script_play {
	struct play play;
	const struct script *script;
	const char *tables[64];
	script_values values[PLAY_MOST_SESSIONS]; /* of the last schedule, of those that were not refused */
};
void script_play_init(struct script_play *play, const struct script *script);
/* Once for a database: the schema. */
bool script_create(const struct script *script, struct db_session *session, struct err *err) MUST_USE;

#endif
