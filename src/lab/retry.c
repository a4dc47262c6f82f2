/* The loop around op_run: what may be tried again, and how long to wait before. */
#include "lab/retry.h"

#include "base/clock.h"

const struct retry_policy retry_default = {.max_tries = 1, .base_ns = 10 * NS_PER_MS, .cap_ns = NS_PER_S};

bool retry_is_worthwhile(const struct variant *variant, const struct op_result *result)
{
	switch (result->end) {
	case OP_DONE:
	case OP_DENIED:
		return false;
	case OP_CONFLICT:
		return true;
	case OP_FAILED:
		break;
	}
	if (result->err == DB_LOST)
		return variant->blind;
	return db_err_is_refusal(result->err) && (variant->blind || !result->outcome_unknown);
}

static int64_t draw_wait(const struct retry_policy *policy, struct rng *waits, int tries)
{
	int64_t longest = policy->base_ns;

	for (int i = 1; i < tries && longest < policy->cap_ns; i++)
		longest *= 2;
	return rng_between(waits, 0, longest < policy->cap_ns ? longest : policy->cap_ns);
}

/* A session whose transaction is not surely over would carry it into the next attempt. */
static bool renew_session(struct op_host *host, const struct op_result *result)
{
	if (result->err != DB_LOST && result->tx == DB_TX_NONE)
		return true;
	host->session = host->reopen(host->context);
	return host->session != NULL;
}

void retry_run(struct op_host *host, const struct op_request *request, const struct retry_policy *policy,
               struct rng *waits, struct op_result *result)
{
	struct op_request attempt = *request;
	bool outcome_unknown = false, wrote_alone = false;

	for (int tries = 1;; tries++, attempt.attempt++) {
		op_run(host, &attempt, result);
		result->attempts = (uint32_t)tries;
		/* What an earlier attempt may have done, a later one does not undo. */
		outcome_unknown = result->outcome_unknown |= outcome_unknown;
		wrote_alone = result->wrote_alone |= wrote_alone;
		if (tries >= policy->max_tries || !retry_is_worthwhile(request->variant, result))
			return;
		int64_t wait_ns = draw_wait(policy, waits, tries);
		if (!renew_session(host, result)) /* before the wait: a broken one may still hold locks */
			return;
		host->rest(host->context, wait_ns);
	}
}
