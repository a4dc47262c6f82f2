/* Everything that one run yields: what was planned, where it ran, what happened, what the audit found.
 * Reports read this and nothing else; who ran the experiment fills it. */
#ifndef REPORT_RESULT_H
#define REPORT_RESULT_H

#include "audit/audit.h"
#include "db/db.h"

struct run_plan {
	const char *scenario, *variant; /* "deposit", "atomic_long_delay" */
	const char *mix;                /* every second request's variant; NULL: none */
	int workers;
	const char *worker_class;       /* "sync", "gthread"; NULL: sync */
	int threads;                    /* of each worker; 0 counts as 1 */
	int cpus;                       /* that the workers share; 0: all there are */
	size_t requests;
	int64_t wait_ns;                  /* between the starts of two requests */
	int64_t delay_min_ns, delay_max_ns;
	bool pauses;                      /* some variant of the run has a pause */
	int64_t amount;                   /* of each deposit; traced runs: of the first, doubled each time */
	bool traced, recorded;            /* --traced; not --no-trace */
	uint64_t seed;
	bool own_level;                   /* the level of the sessions is the variant's own */
	bool no_transaction;              /* BEGIN and COMMIT are left out */
	int max_tries;                    /* of a request, by the runner; 1 (and 0): none is tried again */
	const char *fault;                /* "commit:lose/3", as it was given; NULL: none */
	const struct db_setting *sets;
	size_t n_sets;
	const char *database;             /* the URL without its password, or "a throw-away server of our own" */
	const char *db_option;            /* what --db takes for it, without its password: "mariadb",
	                                   * "sqlite:shop.db"; NULL: the default one */
};

struct run_result {
	struct run_plan plan;
	struct db_identity identity; /* read back from a worker-like session */
	enum expectation expected;   /* of the variant there; NOT_STATED where another one is mixed in */
	const char *not_applicable;  /* why it was not raced there, and nothing below is filled; NULL: it was */
	int64_t start_ns, end_ns;    /* CLOCK_MONOTONIC: the volley's start, and when the audit was done */
	const struct audit_reply *replies; /* plan.requests of them */
	struct history history;      /* empty where nothing was recorded */
	struct findings findings;
	bool interrupted;            /* Ctrl-C: the run was cut short */
};

#endif
