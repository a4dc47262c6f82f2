/* What is explored, and how it is told on the command line: a scenario's operations ("deposit/atomic_no_delay",
 * "A + B") or a file's transactions ("FILE.sql"). */
#ifndef COMMAND_EXPLORE_SUBJECT_H
#define COMMAND_EXPLORE_SUBJECT_H

#include "command/database.h"
#include "command/handling.h"
#include "explore/script.h"
#include "instrument/operation_play.h"

enum { EXPLORE_MOST_SESSIONS = 4 };

/* The options of every command that explores. */
struct explore_order {
	struct database_options where;
	struct handling handling; /* = handling_default() */
	int64_t sessions;         /* 0: nothing was said */
};
/* Lines for a command's option table. */
#define EXPLORE_OPTIONS(order)                                                                             \
	DATABASE_OPTIONS((order).where),                                                                   \
	{"sessions", 0, "N", "how many at a time, 1 to 4 (2, or one for each variant)", opt_number,        \
	 &(order).sessions, 1, EXPLORE_MOST_SESSIONS},                                                     \
	{"no-transaction", 0, NULL, "leave BEGIN and COMMIT out of the very same code", opt_flag,          \
	 &(order).handling.no_transaction, 0, 0},                                                          \
	{"max-tries", 0, "N",                                                                              \
	 "try a request that the database refuses again, up to N\ntries in all (1: none is)", opt_number,  \
	 &(order).handling.max_tries, 1, 100}

struct explore_subject {
	char *what; /* as it was asked for */
	bool is_file;
	struct operation_play operation;
	struct script script;
	struct script_play transactions;
	const struct play *play;
	const char *parts[PLAY_MOST_SESSIONS]; /* what each session does, in a word */
	enum db_iso iso; /* the variants' own level; DEFAULT: they have none, or not all the same */
	const char *own_levels[PLAY_MOST_SESSIONS]; /* of a session that has another one; NULL: none */
};
/* The words of the command line, "A", "+", "B". It must not move from then on. False: the error. Give it back with
 * explore_subject_fini in any case. */
bool explore_subject_take(int argc, char **argv, const struct explore_order *order, struct explore_subject *subject,
                          struct err *err) MUST_USE;
/* Another play of the same, for a world beside the first. It lives as long as `play`, which must not move. */
struct explore_play {
	struct operation_play operation;
	struct script_play transactions;
};
const struct play *explore_subject_another(const struct explore_subject *subject, struct explore_play *play);
/* On a fresh database: a file's schema. False: an engine on which the subject cannot be, or bad SQL. */
bool explore_subject_create(const struct explore_subject *subject, const struct database *database,
                            struct err *err) MUST_USE;
/* Its steps keep their SQL from now on. */
void explore_subject_keep_sql(struct explore_subject *subject);
/* What the sessions begin with, in words. */
const char *explore_subject_state(const struct explore_subject *subject);
/* The database's identity, at the level that the subject runs at. */
struct db_identity explore_subject_identity(const struct explore_subject *subject, const struct database *database);
void explore_subject_fini(struct explore_subject *subject);

#endif
