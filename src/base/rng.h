/* Random numbers that a seed gives again, on every machine: splitmix64 (Steele, Lea, Flood 2014).
 * Own code since libc's generators differ between systems and share state between threads. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
/* Uniform in min..max, both included; min <= max. */
int64_t rng_between(struct rng *rng, int64_t min, int64_t max);
/* A seed from the kernel, small enough to be read out and typed in again (1..999999). */
uint64_t rng_fresh_seed(void);

#endif
