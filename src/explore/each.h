/* Orders that do not depend on one another, each in whichever world is free. */
#ifndef EXPLORE_EACH_H
#define EXPLORE_EACH_H

#include "explore/search.h"

struct each {
	void *context;
	/* Is there another order? One world at a time, as the next two. */
	bool (*any)(void *context);
	/* The chooser of the next one, whose context is the nth world's (from 0) until that takes another one. */
	void (*begin)(void *context, size_t nth, struct chooser *chooser);
	/* The nth world's was counted. May be NULL. */
	void (*end)(void *context, size_t nth);
};

/* Adds to what was found; ->complete where all were run, to the end and without a doubt. The rest as search_all. */
bool each_run(struct world *const *worlds, size_t n, const struct each *each, const struct search_limits *limits,
              struct found *found, struct err *err) MUST_USE;

#endif
