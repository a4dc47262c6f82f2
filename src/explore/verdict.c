/* The rules, in the order of their strength. */
#include "explore/verdict.h"

#include <stdlib.h>

enum explored_verdict explored_verdict_of(const struct found *found, const char **reason)
{
	*reason = "";
	if (found->violating > 0 || found->stress.bad > 0)
		return EXPLORED_VIOLATED;
	if (found->unsure > 0) {
		*reason = found->why;
		return EXPLORED_INCONCLUSIVE;
	}
	if (found->orders == ORDERS_WRITTEN)
		*reason = "Only what was asked for was run.";
	if (!found->complete)
		return EXPLORED_NOT_FOUND;
	if (found->orders == ORDERS_LITERAL) {
		*reason = "Literal orders are for counting; leave out --orders to have all that locks allow.";
		return EXPLORED_INCONCLUSIVE;
	}
	if (found->lone) {
		*reason = "An operation is one statement, and a transaction of its own: that nothing comes between "
		          "what it reads and what it writes is the engine's claim.";
		return EXPLORED_INCONCLUSIVE;
	}
	return EXPLORED_PROVEN;
}

const char *explored_verdict_name(enum explored_verdict verdict)
{
	switch (verdict) {
	case EXPLORED_PROVEN: return "proven";
	case EXPLORED_VIOLATED: return "violated";
	case EXPLORED_NOT_FOUND: return "not_found";
	case EXPLORED_INCONCLUSIVE: return "inconclusive";
	}
	abort();
}
