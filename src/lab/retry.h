/* Trying again: a policy of whoever runs operations, never of a driver or an operation.
 *
 * What may be tried again is what the database or the operation refused and may accept when it is made
 * again: busy, deadlock, serialization failure, lock time-out, conflict. Each attempt begins from the start and
 * reads again. A write whose answer was lost is not tried again, since it may have been carried out: only a
 * variant that is written to do so (`blind`) does it, to show what comes of it. Who tries again what is not
 * atomic leaves behind what the refused attempt had written by itself: that is not prevented, it is told. */
#ifndef LAB_RETRY_H
#define LAB_RETRY_H

#include "base/rng.h"
#include "lab/op.h"

struct retry_policy {
	int max_tries; /* 1: none is tried again */
	/* The n-th wait between attempts is drawn from 0 to base * 2^(n-1), at most `cap` ("full jitter": Brooker,
	 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). */
	int64_t base_ns, cap_ns;
};
extern const struct retry_policy retry_default; /* one try; the waits of who asks for more */

/* May be tried again: the operation as it ended, with this variant. */
bool retry_is_worthwhile(const struct variant *variant, const struct op_result *result);

/* Attempts until one ends well, cannot be tried again, or was the last. `request->attempt` is where counting
 * begins; the result is the last attempt's; its `attempts` tells how many there were, and its `outcome_unknown` and
 * `wrote_alone` speak of all of them. */
void retry_run(struct op_host *host, const struct op_request *request, const struct retry_policy *policy,
               struct rng *waits, struct op_result *result);

#endif
