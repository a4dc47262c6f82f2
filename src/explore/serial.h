/* What the sessions of a play come to when they run one after the other: every order of each selection of them, run
 * for real. An outcome that is none of these is an anomaly, whether or not somebody wrote down an invariant.
 *
 * An outcome is how the sessions ended, what they read (where that is what they are for; of the try that counts), and
 * the final state. Who was refused is left out: a refusal must leave nothing behind, so the others must be as if it
 * had not been there.
 *
 * What each step of a session yielded is kept too, by who came before it, so that what it yielded in another schedule
 * can be compared (explore/seen.h). */
#ifndef EXPLORE_SERIAL_H
#define EXPLORE_SERIAL_H

#include "explore/schedule.h"

/* A statement that read or wrote, and was not refused. */
struct serial_step {
	uint64_t label;  /* of its text */
	uint64_t asks, gives; /* see struct named_rows */
	uint64_t yields; /* of a read all that it read, of a write how many rows: equal for equal ones */
	bool writes;
};

/* What a session does after certain others, one by one. A tree: it goes on with who comes next. */
struct serial_part {
	struct serial_step *steps; /* heap; of the try that counts */
	size_t n;
	unsigned runs; /* it was run so often */
	bool steady;   /* and came to the same each time */
	uint32_t next[PLAY_MOST_SESSIONS]; /* of serial->parts; 0: nobody */
};

struct serial {
	char **outcomes; /* each once */
	size_t n, capacity;
	struct serial_part *parts; /* the first one is nobody's, before all */
	size_t n_parts, parts_capacity;
	bool senseless; /* serial_run failed since the engine makes nothing of a statement */
	uint64_t orders; /* that were run */
	size_t longest[PLAY_MOST_SESSIONS]; /* how many steps each session took at most */
};

/* False: the error. Give it back with serial_fini in any case. */
bool serial_run(struct world *world, const struct play *play, struct serial *serial, struct err *err) MUST_USE;
bool serial_has(const struct serial *serial, const struct play *play, const struct schedule *schedule) MUST_USE;
/* The session's part right after that one (0: in the beginning). False: it was not run. */
bool serial_after(const struct serial *serial, uint32_t part, size_t who, uint32_t *next);
/* Whether the step is one that is kept: it read or wrote, in the try that counts. */
bool serial_keeps(const struct schedule *schedule, size_t i);
struct serial_step serial_step_of(const struct actor_step *step);
void serial_fini(struct serial *serial);

#endif
