/* One schedule: all sessions of a play from its set-up to its judgement, one statement at a time, in the order that
 * a chooser says.
 *
 * A session whose statement waits for another's lock is not among those that can be chosen; when it goes on is the
 * engine's matter. So every order that is run is one that the engine's locks allow. */
#ifndef EXPLORE_SCHEDULE_H
#define EXPLORE_SCHEDULE_H

#include <signal.h>

#include "explore/actor.h"

struct world;
/* The sessions of a play, one that sets up and judges, and one that observes; all on one database that nobody else
 * uses. `nth`, from 0: of worlds side by side each has a processor of its own, as long as there are so many. */
struct world *world_open(const struct play *play, const struct db_target *target,
                         const struct db_settings *settings, size_t nth, struct err *err) MUST_USE;
/* One whose sessions nobody stops; for schedule_run_free only. */
struct world *world_open_free(const struct play *play, const struct db_target *target,
                              const struct db_settings *settings, struct err *err) MUST_USE;
void world_close(struct world *world);
/* Where that is set, what runs is stopped soon, also where nobody is asked who is next. */
void world_interrupted_by(struct world *world, const volatile sig_atomic_t *interrupted);
const struct play *world_play(const struct world *world);
/* A session that waits does so in its own client (SQLite). */
bool world_waits_in_client(const struct world *world);
/* Bit i: session i takes no part in what is run from now on; its end is "left out". */
void world_leave_out(struct world *world, unsigned who);
/* As read back from the first session. */
const struct db_identity *world_identity(const struct world *world);
/* For a chooser that shows how everybody stands: at that time a session is READY, waits for a lock on the server
 * (BUSY) or in its client (WAITING), or has ENDED. One that is BUSY may stop being so by the engine's own doing. */
struct actor *world_actor(const struct world *world, size_t who);

/* From now on one more session, by which a chooser sees what is committed and disturbs nobody: each query alone, at
 * READ COMMITTED, so that it keeps no snapshot, locks no row and counts as no read of a serializable transaction; and
 * soon tired of waiting, should a table be locked as a whole. `settings`: of the sessions, whose world it is to see. */
bool world_open_viewer(struct world *world, const struct db_target *target, const struct db_settings *settings,
                       struct err *err) MUST_USE;
/* The rows by it, as the play judges them. False: they are not to be seen now. */
bool world_look(const struct world *world, struct str *rows, struct err *err) MUST_USE;

struct schedule_step {
	size_t who;
	struct actor_step what;
	bool waited;     /* for another's lock, before it went on */
	bool waited_for_good; /* ... until the engine ended a deadlock or its patience */
	size_t woken_by; /* waited: the step (from 0) in which it went on; itself: by the engine's own doing */
};

enum schedule_result {
	SCHEDULE_WHOLE,   /* to the end, and judged */
	SCHEDULE_VAIN,    /* a session looked again for a lock that was not to be had: another order is the same */
	SCHEDULE_UNSURE,  /* whether a statement waits could not be told, or it took too long: `why` */
	SCHEDULE_STOPPED, /* the chooser said so */
	SCHEDULE_FAILED,  /* the database is of no more use: the error */
};

struct schedule {
	enum schedule_result result;
	struct schedule_step *steps; /* in the order of their beginning */
	size_t n, capacity;
	struct play_end ends[PLAY_MOST_SESSIONS];
	struct str state;  /* the final one */
	bool broken;       /* an invariant does not hold in it */
	bool blocked;      /* some statement waited */
	bool deadlocked;   /* nobody could go on but by the engine's own doing */
	bool overlapped;   /* run free: two had a statement under way at a time */
	bool queued;       /* of several sessions that waited the engine let some go on, and others not */
	char why[128];
};
void schedule_fini(struct schedule *schedule);

/* Which of these n >= 1 sessions (by number, rising; before the statement that actor_next tells) takes the next
 * step: an index below n, or CHOOSE_STOP. CHOOSE_AGAIN: while it took its time, the engine ended the waiting of a
 * session by its own doing: what came of it is noted, and it is asked anew. */
enum { CHOOSE_STOP = -1, CHOOSE_AGAIN = -2 };
struct chooser {
	void *context;
	int (*choose)(void *context, const size_t *who, const struct actor_step *const *next, size_t n);
};

/* `= {0}`, or one that was run before, whose memory is used again. */
void schedule_run(struct world *world, const struct chooser *chooser, struct schedule *schedule, struct err *err);
/* All sessions at once, in a free world: they meet before their first statements, and nobody says anything from then
 * on. The steps are in the order of their ends. */
void schedule_run_free(struct world *world, struct schedule *schedule, struct err *err);

#endif
