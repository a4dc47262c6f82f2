/* Worlds side by side: one worker for each, who takes some work, does it, and counts what came of it, until there is no
 * more. The first one is the caller's own thread. */
#ifndef EXPLORE_CREW_H
#define EXPLORE_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum crew_take {
	CREW_TAKEN,
	CREW_LATER,   /* what others are at may leave some; with nobody at work it is no more */
	CREW_NO_MORE,
};

struct crew_work {
	void *context;
	/* One worker at a time; nth, from 0: who. `at_work`: how many have taken some that is not counted yet. */
	enum crew_take (*take)(void *context, size_t nth, size_t at_work);
	/* Side by side. False: no more of any, and the error. */
	bool (*run)(void *context, size_t nth, struct err *err);
	/* One worker at a time. */
	void (*count)(void *context, size_t nth);
};

/* n >= 1; where the system has no threads for all there are fewer. False: the first error of a run. */
bool crew_run(size_t n, const struct crew_work *work, struct err *err) MUST_USE;

#endif
