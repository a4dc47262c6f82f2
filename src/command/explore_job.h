/* One exploration from its options to its result, for every command that explores. */
#ifndef COMMAND_EXPLORE_JOB_H
#define COMMAND_EXPLORE_JOB_H

#include "command/explore_subject.h"
#include "command/explore_worlds.h"
#include "explore/auto.h"
#include "report/explored.h"

/* How much is run, and of which orders. */
struct explore_limits {
	int64_t max_schedules, time_ns; /* 0: no limit */
	int64_t preemptions;            /* -1: any number */
	int64_t random, seed;           /* 0: not at random; a fresh seed */
	int64_t stress;                 /* rounds for what is one statement */
	int64_t jobs;                   /* worlds side by side; 0: as many as are of use */
	enum reduction reduction;
	enum orders orders;             /* RANDOM is said by `random` */
	const char *order; /* WRITTEN: this one; NULL: those of the file */
};
struct explore_limits explore_limits_default(void);

opt_parse_fn explore_opt_reduction;
/* Lines for a command's option table; `limits` is a struct explore_limits. */
#define EXPLORE_LIMIT_OPTIONS(limits)                                                                      \
	{"reduction", 0, "WHEN",                                                                           \
	 "on, off, or auto (the default): above 20,000 orders run\n"                                       \
	 "one of those that differ only in steps that do not meet",                                        \
	 explore_opt_reduction, &(limits).reduction, 0, 0},                                                \
	{"preemptions", 0, "N", "only orders that leave a session that could go on at\nmost N times",      \
	 opt_number, &(limits).preemptions, 0, 1000},                                                      \
	{"random", 0, "N", "N orders at random", opt_number, &(limits).random, 1, INT64_MAX},              \
	{"seed", 0, "N", "... the same ones again", opt_number, &(limits).seed, 1, INT64_MAX},             \
	{"jobs", 0, "N",                                                                                   \
	 "so many databases side by side, where all orders are run\n"                                     \
	 "(one for each processor where there are many orders)",                                           \
	 opt_number, &(limits).jobs, 1, EXPLORE_MOST_WORLDS},                                              \
	{"stress", 0, "N", "what is one statement alone: N rounds of all sessions at\nonce (1000)", opt_number, \
	 &(limits).stress, 0, INT64_MAX},                                                                  \
	{"max-schedules", 0, "N", "stop after so many orders", opt_number, &(limits).max_schedules, 1,     \
	 INT64_MAX},                                                                                       \
	{"time", 0, "SECONDS", "stop after so long", opt_duration, &(limits).time_ns, 0, 0}

struct explore_result {
	struct serial serial;
	struct found found;
	struct db_identity identity;
	char *database;
	struct explored explored; /* all of it, for reports; parts belong to the order and the subject */
};

/* Each option may be right, and yet together they ask for nothing. */
bool explore_check(const struct explore_limits *limits, const struct explore_subject *subject,
                   struct err *err) MUST_USE;
/* RACY_OK: there is a result, to be given back with explore_result_fini; else the error. Nothing is left on the
 * server in any case, or the error says what. Ctrl-C ends it with what was found until then. */
int explore_run(struct explore_order *order, const struct explore_limits *limits,
                const struct explore_subject *subject, struct explore_result *result, struct err *err) MUST_USE;
void explore_result_fini(struct explore_result *result);
/* What every report of an exploration begins with; `identity` is filled and kept by it, as are the others. */
struct explored explore_head(const struct explore_order *order, const struct explore_subject *subject,
                             const struct explore_place *place, struct db_identity *identity);
/* 0 proven, 1 violated, 4 anything else. */
int explore_code_of(enum explored_verdict verdict);
/* The output is complete, or the error. */
bool explore_flush(struct err *err) MUST_USE;

#endif
