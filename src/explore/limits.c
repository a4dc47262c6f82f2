/* When a search has run enough. */
#include "base/clock.h"
#include "explore/search.h"

/* Each may have cost the limit of a step, and nothing can be proven any more. */
enum { MOST_UNSURE = 3 };

bool search_is_interrupted(const struct search_limits *limits)
{
	return limits->interrupted != NULL && *limits->interrupted;
}

bool search_is_enough(const struct search_limits *limits, const struct found *found, uint64_t at_work, int64_t began_ns)
{
	return search_is_interrupted(limits) || found->unsure >= MOST_UNSURE ||
	       (limits->first && found->breaking > 0) ||
	       (limits->max_schedules > 0 && found->schedules + at_work >= limits->max_schedules) ||
	       (limits->time_ns > 0 && clock_now_ns() - began_ns >= limits->time_ns);
}

void search_tell(const struct search_limits *limits, const struct found *found)
{
	if (limits->progress != NULL)
		limits->progress(limits->context, found);
}
