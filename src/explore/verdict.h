/* What a search allows to say. Nothing is called proven but what was run as a whole. */
#ifndef EXPLORE_VERDICT_H
#define EXPLORE_VERDICT_H

#include "explore/search.h"

enum explored_verdict {
	EXPLORED_PROVEN,       /* every order was run, and none breaks an invariant or differs from all serial ones */
	EXPLORED_VIOLATED,     /* some order does */
	EXPLORED_NOT_FOUND,    /* none of those that were run did, and there are more */
	EXPLORED_INCONCLUSIVE, /* something could not be told: the reason */
};

/* *reason: a sentence; "" where there is nothing to say. It lives as long as what was found. */
enum explored_verdict explored_verdict_of(const struct found *found, const char **reason);
/* "proven", "violated", "not_found", "inconclusive". */
const char *explored_verdict_name(enum explored_verdict verdict);

#endif
