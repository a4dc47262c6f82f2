/* Orders at random: the same ones however many worlds share them, since each has dice of its own. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "explore/each.h"

struct dice {
	const struct search_limits *limits;
	struct rng rng;
	double ways; /* how many schedules there are, if all are like this one (Knuth 1975) */
};

struct throws {
	const struct search_limits *limits;
	struct found *found;
	struct rng seeds;
	uint64_t thrown, counted;
	double sum;
	struct dice *dice; /* of each world */
};

static int throw(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	struct dice *dice = context;

	(void)who;
	(void)next;
	if (search_is_interrupted(dice->limits))
		return CHOOSE_STOP;
	dice->ways *= (double)n;
	return (int)rng_between(&dice->rng, 0, (int64_t)n - 1);
}

static bool any(void *context)
{
	const struct throws *throws = context;

	return throws->thrown < throws->limits->max_schedules;
}

static void begin(void *context, size_t nth, struct chooser *chooser)
{
	struct throws *throws = context;
	struct dice *dice = &throws->dice[nth];

	throws->thrown++;
	*dice = (struct dice){.limits = throws->limits, .ways = 1};
	rng_init(&dice->rng, rng_next(&throws->seeds));
	*chooser = (struct chooser){dice, throw};
}

static void end(void *context, size_t nth)
{
	struct throws *throws = context;

	throws->sum += throws->dice[nth].ways;
	throws->found->estimate = throws->sum / (double)++throws->counted;
}

bool search_random(struct world *const *worlds, size_t n, uint64_t seed, const struct search_limits *limits,
                   struct found *found, struct err *err)
{
	struct throws throws = {.limits = limits, .found = found, .dice = mem_new(n, sizeof *throws.dice)};
	const struct each each = {&throws, any, begin, end};

	*found = (struct found){.orders = ORDERS_RANDOM, .seed = seed};
	rng_init(&throws.seeds, seed);
	bool ok = each_run(worlds, n, &each, limits, found, err);
	found->complete = false;
	free(throws.dice);
	return ok;
}
