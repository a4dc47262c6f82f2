/* The size of the space first: an upper bound from the lengths of the serial orders, then Knuth's estimate. */
#include "explore/auto.h"

#include <stdio.h>
#include <string.h>

#include "explore/reduce.h"

enum { PROBES = 50, SPOT_CHECKS = 100 };

/* Words with so many letters of each session. */
double search_words(const struct serial *serial)
{
	double words = 1;
	size_t n = 0;

	for (size_t who = 0; who < PLAY_MOST_SESSIONS; who++)
		for (size_t i = 1; i <= serial->longest[who]; i++)
			words *= (double)++n / (double)i;
	return words;
}

static bool probe(struct world *world, const struct search_limits *limits, uint64_t runs, struct found *found,
                  struct err *err)
{
	const struct search_limits few = {
		.max_schedules = runs, .time_ns = limits->time_ns, .interrupted = limits->interrupted,
		.serial = limits->serial,
	};

	return search_random(&world, 1, 1, &few, found, err);
}

static bool is_large(struct world *world, const struct search_limits *limits, bool *large, struct err *err)
{
	struct found found;

	*large = false;
	if (search_words(limits->serial) <= REDUCTION_FROM)
		return true;
	bool ok = probe(world, limits, PROBES, &found, err);
	*large = found.estimate > REDUCTION_FROM;
	found_fini(&found);
	return ok;
}

/* Random ones of all orders: what they come to must be known. */
static bool spot_check(struct world *world, const struct search_limits *limits, struct found *found, struct err *err)
{
	struct found random;
	bool ok = probe(world, limits, SPOT_CHECKS, &random, err);

	for (size_t i = 0; ok && i < random.n_behaviours; i++)
		if (!found_has(found, random.behaviours[i].text) && found->unsure++ == 0)
			(void)snprintf(found->why, sizeof found->why,
			               "a random order came to something that none of the reduced ones came to");
	found->spot_checks = random.schedules;
	found->estimate = random.estimate;
	found->took_ns += random.took_ns;
	found->complete = found->complete && found->unsure == 0 && random.schedules > 0;
	found_fini(&random);
	return ok;
}

bool search_reduces(struct world *world, enum reduction reduction, const struct search_limits *limits, bool *reduce,
                    struct err *err)
{
	*reduce = reduction == REDUCTION_ON;
	return reduction != REDUCTION_AUTO || world_waits_in_client(world) || !world_play(world)->reducible ||
	       is_large(world, limits, reduce, err);
}

bool search_reduced_and_checked(struct world *world, const struct search_limits *limits, struct found *found,
                                struct err *err)
{
	return search_reduced(world, limits, found, err) &&
	       (!found->complete || spot_check(world, limits, found, err));
}

bool search_auto(struct world *world, enum reduction reduction, const struct search_limits *limits,
                 struct found *found, struct err *err)
{
	bool reduce;

	*found = (struct found){0};
	if (!search_reduces(world, reduction, limits, &reduce, err))
		return false;
	return reduce ? search_reduced_and_checked(world, limits, found, err)
	              : search_all(&world, 1, limits, found, err);
}
