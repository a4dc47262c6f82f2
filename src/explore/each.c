/* Each order once, by a crew. */
#include "explore/each.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "explore/crew.h"

struct all {
	struct world *const *worlds;
	const struct each *each;
	const struct search_limits *limits;
	struct found *found;
	int64_t began_ns;
	struct one { /* of each world */
		struct chooser chooser;
		struct schedule schedule;
	} *ones;
	bool were_all;
};

static enum crew_take take(void *context, size_t nth, size_t at_work)
{
	struct all *all = context;

	all->were_all = all->were_all || !all->each->any(all->each->context);
	if (all->were_all || search_is_enough(all->limits, all->found, at_work, all->began_ns))
		return CREW_NO_MORE;
	all->each->begin(all->each->context, nth, &all->ones[nth].chooser);
	return CREW_TAKEN;
}

static bool run(void *context, size_t nth, struct err *err)
{
	struct all *all = context;

	schedule_run(all->worlds[nth], &all->ones[nth].chooser, &all->ones[nth].schedule, err);
	return all->ones[nth].schedule.result != SCHEDULE_FAILED;
}

static void count(void *context, size_t nth)
{
	struct all *all = context;

	found_note(all->found, world_play(all->worlds[nth]), all->limits->serial, &all->ones[nth].schedule, false);
	if (all->each->end != NULL)
		all->each->end(all->each->context, nth);
	search_tell(all->limits, all->found);
}

bool each_run(struct world *const *worlds, size_t n, const struct each *each, const struct search_limits *limits,
              struct found *found, struct err *err)
{
	struct all all = {.worlds = worlds, .each = each, .limits = limits, .found = found, .began_ns = clock_now_ns(),
	                  .ones = mem_new(n, sizeof *all.ones)};
	const struct crew_work work = {&all, take, run, count};
	bool ok = crew_run(n, &work, err);

	found->interrupted = search_is_interrupted(limits);
	found->complete = ok && all.were_all && found->unsure == 0 && !found->interrupted;
	found->took_ns = clock_now_ns() - all.began_ns;
	found_sort(found);
	for (size_t i = 0; i < n; i++)
		schedule_fini(&all.ones[i].schedule);
	free(all.ones);
	return ok;
}
