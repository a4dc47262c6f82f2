/* Rounds of a free world. */
#include "explore/stress.h"

#include <stdlib.h>

#include "base/clock.h"

static bool is_over(const struct search_limits *limits, int64_t began_ns)
{
	return search_is_interrupted(limits) ||
	       (limits->time_ns > 0 && clock_now_ns() - began_ns >= limits->time_ns);
}

static void note(const struct play *play, const struct search_limits *limits, const struct schedule *schedule,
                 struct stress *stress)
{
	bool bad = schedule->broken || !serial_has(limits->serial, play, schedule);

	stress->rounds++;
	stress->overlapping += schedule->overlapped;
	stress->bad += bad;
	if (bad && stress->outcome == NULL)
		stress->outcome = behaviour_text(play, schedule);
}

bool stress_run(const struct play *play, const struct db_target *target, const struct db_settings *settings,
                uint64_t rounds, const struct search_limits *limits, struct found *found, struct err *err)
{
	struct world *world = world_open_free(play, target, settings, err);
	const int64_t began_ns = clock_now_ns();
	struct schedule schedule = {0};
	bool ok = world != NULL;

	for (uint64_t i = 0; ok && i < rounds && !is_over(limits, began_ns); i++) {
		schedule_run_free(world, &schedule, err);
		ok = schedule.result == SCHEDULE_WHOLE;
		if (!ok && schedule.result != SCHEDULE_FAILED)
			err_set(err, "a round of all at once: %s", schedule.why);
		if (ok)
			note(play, limits, &schedule, &found->stress);
	}
	schedule_fini(&schedule);
	world_close(world);
	return ok;
}
