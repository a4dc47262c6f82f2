/* One experiment: a subject of its own on private workers, a fresh account, a volley of requests, the
 * audit. The instrument itself stays outside: it never shares a process with the workers. */
#ifndef INSTRUMENT_EXPERIMENT_H
#define INSTRUMENT_EXPERIMENT_H

#include <signal.h>
#include <stdio.h>

#include "lab/fault.h"
#include "lab/registry.h"
#include "lab/retry.h"
#include "report/result.h"
#include "serve/serve.h"

struct experiment {
	struct registry_entry entry;
	const struct variant *mix; /* every second request's; NULL: none */
	int workers;
	enum worker_class worker_class;
	int threads; /* of each gthread worker; 0 counts as 1 */
	int cpus;    /* that all workers share; 0: all there are */
	size_t requests;
	int64_t wait_ns, delay_min_ns, delay_max_ns;
	int64_t timeout_ns; /* a worker busy for longer is killed, as `racy serve` does; 0: never */
	int64_t amount;     /* traced: of the first request, doubled for each further one */
	bool traced, recorded;
	enum tx_mode tx_mode;
	struct retry_policy retry; /* max_tries 0 counts as 1 */
	struct fault fault;
	const char *fault_text; /* as it was asked for, for reports; NULL: none */
	uint64_t seed;
	const struct db_target *target; /* its schema is up to date */
	struct db_settings db;
	const char *database; /* how reports name it */
	bool keep;            /* the account and its transactions stay */
	FILE *trace;          /* every event as NDJSON; NULL: none */
	const volatile sig_atomic_t *interrupted; /* set by a signal: end early and clean up; may be NULL */
	/* Called when all is ready, before the volley: plan and identity are filled. May be NULL. */
	void (*ready)(void *context, const struct run_result *result);
	/* Called at least every 20 ms during the volley. May be NULL. */
	void (*progress)(void *context, size_t ended, size_t requests);
	void *context;
};

/* The most requests that --traced can tell apart with this first amount: their sum must fit the
 * balance's column. */
size_t experiment_max_traced(int64_t amount);

/* False: no experiment took place (no database, no port, no workers), and *result needs nothing. Else
 * the result is given back with experiment_fini. What the run put into the database is removed again
 * unless `keep`; where that fails, `leftover` says what stayed. */
struct experiment_result {
	struct run_result run;
	struct audit_reply *replies;
	int64_t account;
	char *leftover; /* NULL: nothing stayed but what was to be kept */
	bool trace_failed; /* the file of events is not whole */
};
bool experiment_run(const struct experiment *experiment, struct experiment_result *result,
                    struct err *err) MUST_USE;
void experiment_fini(struct experiment_result *result);

#endif
