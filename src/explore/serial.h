/* What the sessions of a play come to when they run one after the other: every order of each selection of them, run
 * for real. An outcome that is none of these is an anomaly, whether or not somebody wrote down an invariant.
 *
 * An outcome is how the sessions ended, what they read (where that is what they are for; of the try that counts), and
 * the final state. Who was refused is left out: a refusal must leave nothing behind, so the others must be as if it
 * had not been there. */
#ifndef EXPLORE_SERIAL_H
#define EXPLORE_SERIAL_H

#include "explore/schedule.h"

struct serial {
	char **outcomes; /* each once */
	size_t n, capacity;
	uint64_t orders; /* that were run */
	size_t longest[PLAY_MOST_SESSIONS]; /* how many steps each session took at most */
};

/* False: the error. Give it back with serial_fini in any case. */
bool serial_run(struct world *world, const struct play *play, struct serial *serial, struct err *err) MUST_USE;
bool serial_has(const struct serial *serial, const struct play *play, const struct schedule *schedule) MUST_USE;
void serial_fini(struct serial *serial);

#endif
