/* What is still to be run: beginnings of schedules, by how many preemptions they have. A beginning says who takes its
 * steps; beyond it the session that took the last one goes on as long as it can, so each beginning is one schedule.
 * The ones with the fewest preemptions come first: most races need one or two (Musuvathi, Qadeer 2007). */
#ifndef EXPLORE_FRONTIER_H
#define EXPLORE_FRONTIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choice {
	uint8_t who;
	uint64_t mark; /* of all that could be chosen: the same beginning has the same */
};

struct prefix {
	struct choice *choices; /* heap; whoever has the prefix gives it back */
	size_t n;
	unsigned preemptions;
	double share; /* of all schedules, if each choice's ways hold as many (Knuth 1975) */
};

struct frontier {
	struct frontier_level {
		struct prefix *items;
		size_t n, capacity;
	} *levels;
	size_t n, capacity;
};

/* The empty beginning, of which all others come. */
void frontier_add_root(struct frontier *frontier);
/* A copy of `n` choices with one more behind them. */
void frontier_add(struct frontier *frontier, const struct choice *choices, size_t n, struct choice last,
                  unsigned preemptions, double share);
/* Of those with the fewest preemptions, the one added last; at most `most` preemptions. False: there is none. */
bool frontier_take(struct frontier *frontier, unsigned most, struct prefix *prefix);
bool frontier_is_empty(const struct frontier *frontier);
void frontier_fini(struct frontier *frontier);

#endif
