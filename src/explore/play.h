/* What is explored: sessions that act on a small world, and how the world is set up and judged. The explorer knows
 * nothing else of it; a scenario's operations and a file of somebody's SQL are two kinds.
 *
 * What a session does must depend on nothing but what its statements answer: no clock, no random. */
#ifndef EXPLORE_PLAY_H
#define EXPLORE_PLAY_H

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"
#include "explore/rows.h"

enum { PLAY_MOST_SESSIONS = 8 };

/* How a session's part ended. */
struct play_end {
	uint32_t attempt;  /* told while it acts: from 0, one more each time that the part begins anew */
	bool refused;      /* the database or a condition on what was read said no: as if it had not been there */
	enum db_err err;   /* what the database said in the end; DB_OK: nothing, or the operation's own condition */
	bool sound;        /* the session may be used again: no transaction is open, and it is not broken */
	char text[64];     /* "done", "denied", "deadlock": part of the behaviour */
};

struct play {
	void *context;
	size_t sessions;
	/* What a session reads is what it is for, as with somebody's SQL; else only what it does with it counts. */
	bool reads_are_results;
	bool keeps_sql; /* actor_step.sql is wanted */
	bool reducible; /* what its statements touch is known well enough for a reduction by partial orders */
	bool fresh_sessions; /* a part may leave something behind in its session: each has a new one */
	/* Names by which its SQL tells what it touches; none: that is not known. */
	const char *const *tables;
	size_t n_tables;
	/* Columns by which its SQL may name a row, where its calls do not say which one; see explore/rows.h. */
	const struct row_key *keys;
	size_t n_keys;
	/* Before each schedule, in a session of its own: the same world every time, by fresh keys. */
	bool (*set_up)(void *context, struct db_session *session, struct err *err);
	/* A session's part, on a thread or a fiber of its own: a plain blocking function whose every statement is a
	 * step, and which waits for nothing else. */
	void (*act)(void *context, size_t who, struct db_session *session, struct play_end *end);
	/* After each schedule: the final state as a text that is equal for equal states (no key, no time), and
	 * whether the invariants hold. */
	bool (*judge)(void *context, struct db_session *session, struct str *state, bool *broken, struct err *err);
};

#endif
