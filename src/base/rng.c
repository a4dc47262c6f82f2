/* splitmix64, and numbers within bounds without favouring any. */
#include "base/rng.h"

#include <stdlib.h>
#include <sys/random.h>

void rng_init(struct rng *rng, uint64_t seed)
{
	rng->state = seed;
}

uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9E3779B97F4A7C15U;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
	return z ^ (z >> 31);
}

int64_t rng_between(struct rng *rng, int64_t min, int64_t max)
{
	uint64_t span = (uint64_t)max - (uint64_t)min + 1;

	if (span == 0)
		return (int64_t)rng_next(rng);
	/* Values above the last whole multiple of span would favour small results. */
	uint64_t limit = UINT64_MAX - UINT64_MAX % span;
	uint64_t value;
	do
		value = rng_next(rng);
	while (value >= limit);
	return (int64_t)((uint64_t)min + value % span);
}

uint64_t rng_fresh_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		abort();
	return seed % 999999 + 1;
}
