/* One order that somebody chooses step by step, on the real server, and may take steps back of. A database cannot
 * be undone: what was chosen is run again from the start without them (re-execution), and held against how it went
 * before.
 *
 * Whoever chooses is shown the steps until now, how each session stands, and what is committed. What a session
 * itself would see is not asked: a query in its transaction may take its snapshot (which begins with the first
 * statement at REPEATABLE READ), lock what it reads (MariaDB's SERIALIZABLE) or count as a read (PostgreSQL's), and
 * so change what comes next. What it did see stands with its own reads. */
#ifndef EXPLORE_STEPPING_H
#define EXPLORE_STEPPING_H

#include <signal.h>

#include "explore/schedule.h"
#include "explore/serial.h"

enum stepping_at {
	STEPPING_ASKS,   /* everybody stands still, and somebody can be chosen */
	STEPPING_OVER,   /* all have ended, and the end is judged */
	STEPPING_UNTOLD, /* how it goes on cannot be told: schedule->why */
};

enum stepping_rerun {
	STEPPING_FIRST,  /* nothing was run again since it was asked last */
	STEPPING_ALIKE,  /* it was run again from the start, and went the same way */
	STEPPING_UNLIKE, /* ... and went another way: `told` */
};

struct stepping_session {
	enum actor_at at; /* READY; BUSY, WAITING: it waits for a lock; ENDED; IDLE: UNTOLD */
	bool can;         /* be chosen: READY; or WAITING (SQLite), to look again for the lock */
	const struct actor_step *next; /* READY: what it stands before; it waits: with what; else NULL */
	const struct play_end *end;    /* ENDED: how; else NULL */
	/* It waits, and cannot be chosen: bit i: for session i it may be. One bit: that is certain. The engine is
	 * asked who waits, not for whom; whoever has sent nothing yet holds nothing. */
	unsigned waits_for;
};

struct stepping_view {
	enum stepping_at at;
	const struct schedule *schedule; /* until now; ends and state when it is OVER */
	const struct stepping_session *sessions;
	size_t n;
	size_t choices;      /* that were made: so many can be taken back */
	enum stepping_rerun rerun;
	bool undone;         /* what was wished last was not done: `told` */
	const char *told;    /* what happened besides what was wished: sentences; "": nothing */
	bool unlike_serial;  /* OVER: no serial order comes to this */
};

enum stepping_wish_kind {
	STEPPING_NOTHING, /* to be asked again */
	STEPPING_STEP,    /* `n`: who; one who can */
	STEPPING_BACK,    /* `n`: how many choices */
	STEPPING_FINISH,  /* all to the end, the first session as far as it comes, then the next */
	STEPPING_QUIT,
};
struct stepping_wish {
	enum stepping_wish_kind kind;
	size_t n;
};

/* For settings.lock_wait_ns of its sessions. People think for longer than servers wait (MariaDB: 50 s): a statement
 * is to wait until whoever holds its lock goes on, however long that takes to be chosen. */
enum { STEPPING_PATIENCE_S = 24 * 3600 };

struct stepping_player {
	void *context;
	/* STEP and FINISH only where it ASKS. The view holds until it returns. */
	struct stepping_wish (*ask)(void *context, const struct stepping_view *view);
	const volatile sig_atomic_t *interrupted; /* no more steps; may be NULL */
};

/* Until the player quits. False: the database is of no more use. */
bool stepping_run(struct world *world, const struct serial *serial, const struct stepping_player *player,
                  struct err *err) MUST_USE;

#endif
