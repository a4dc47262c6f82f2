/* Walks the schedules of a play: all of them over the sessions that can go on, those with the fewest preemptions first.
 * A schedule is replayed from its start each time (re-execution); nothing is undone. */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H

#include <signal.h>

#include "explore/schedule.h"
#include "explore/serial.h"

/* One that was found, and how often: all results, ends and the final state. */
struct behaviour {
	char *text;
	uint64_t schedules;
	bool broken;  /* an invariant does not hold in it */
	bool refused; /* somebody was refused */
	bool serial;  /* see struct serial */
};

struct refusal_count {
	char what[32]; /* "deadlock (1213)" */
	uint64_t schedules; /* in which somebody was */
};

enum { SEARCH_MOST_REASONS = 16 };

/* Which orders are run. */
enum orders {
	ORDERS_ALLOWED, /* all that locks allow: search_all */
	ORDERS_LITERAL, /* search_literal */
	ORDERS_WRITTEN, /* search_orders */
	ORDERS_RANDOM,  /* search_random */
};
/* "allowed", "literal", "written", "random". */
const char *orders_name(enum orders orders);

/* See stress.h. */
struct stress {
	uint64_t rounds, overlapping; /* in which at least two sessions had a statement under way at a time */
	uint64_t bad; /* that came to what no serial order does */
	char *outcome; /* of the first of these; NULL: none */
};

struct found {
	bool complete; /* every schedule was run */
	enum orders orders;
	uint64_t seed;
	uint64_t schedules, refusing, blocking, deadlocked, vain;
	uint64_t queued; /* see struct schedule: with the deadlocks, what the engine chose */
	uint64_t violating;     /* either of the next two */
	uint64_t breaking;      /* an invariant does not hold in the end */
	uint64_t unlike_serial; /* whose outcome no serial order has */
	struct stress stress;
	bool lone;         /* in every schedule some session was one statement that was its own transaction */
	uint64_t diverged; /* beginnings that went another way when they were run again */
	uint64_t unsure;
	char why[128];     /* of the first unsure one */
	unsigned bound;    /* preemptions of the last one; all with fewer were run */
	bool reduced;      /* by partial orders: those that were run stand for all */
	uint64_t spot_checks; /* reduced: random orders that were held against it */
	uint64_t pruned;   /* reduced: orders that were left when it was clear that another one is equal */
	double estimate;   /* of all schedules there are (Knuth 1975); exact when complete */
	struct behaviour *behaviours;
	size_t n_behaviours, capacity;
	struct refusal_count by_code[SEARCH_MOST_REASONS];
	size_t n_codes;
	/* The violating one, or else the one unlike any serial order, with the fewest preemptions of those that were
	 * run; n 0: there was none. */
	struct schedule witness;
	struct schedule shown; /* WRITTEN: the last one, whatever came of it */
	uint64_t astray;       /* WRITTEN: those that did not go step by step as they were written */
	bool witness_breaks; /* an invariant does not hold in it */
	unsigned preemptions; /* in the witness: a session was left although it could have gone on */
	bool interrupted;
	int64_t took_ns;
};

struct search_limits {
	uint64_t max_schedules; /* 0: none */
	int64_t time_ns;        /* 0: none */
	unsigned max_preemptions; /* UINT_MAX: none */
	bool first; /* stop at the first one in which an invariant does not hold */
	const volatile sig_atomic_t *interrupted; /* may be NULL */
	const struct serial *serial; /* what to compare with; NULL: nothing is compared */
	/* Called after each schedule. May be NULL. */
	void (*progress)(void *context, const struct found *found);
	void *context;
};

/* For searches. */
bool search_is_interrupted(const struct search_limits *limits) MUST_USE;
/* One of the limits is reached, or so many runs are unsure that nothing can be proven any more; `at_work`: orders that
 * are being run. */
bool search_is_enough(const struct search_limits *limits, const struct found *found, uint64_t at_work,
                      int64_t began_ns) MUST_USE;
void search_tell(const struct search_limits *limits, const struct found *found);

/* In n >= 1 worlds of their own side by side, which come to the same sums as one. False: the database is of no more
 * use. What was found until then is there all the same; it is given back with found_fini. */
bool search_all(struct world *const *worlds, size_t n, const struct search_limits *limits, struct found *found,
                struct err *err) MUST_USE;
/* limits->max_schedules of them, each choice drawn anew; the seed gives the same ones again. Never complete. */
bool search_random(struct world *const *worlds, size_t n, uint64_t seed, const struct search_limits *limits,
                   struct found *found, struct err *err) MUST_USE;
/* The literal orders: each word in which session i stands n_steps[i] times, whatever locks say of it. A step that is
 * addressed to a session that waits is taken when it can go on, before anything else; one of a session that has
 * ended falls away. Their number is the same on every engine. */
bool search_literal(struct world *const *worlds, size_t n, const size_t *n_steps, const struct search_limits *limits,
                    struct found *found, struct err *err) MUST_USE;
/* One of these: each letter a session that takes a step, in the same manner. */
void word_run(struct world *world, const size_t *letters, size_t n, struct schedule *schedule, struct err *err);
bool found_has(const struct found *found, const char *behaviour);
/* Behaviours and reasons by their texts: the same however many worlds found them. */
void found_sort(struct found *found);
void found_fini(struct found *found);

/* Adds what was run to the sums: a whole schedule, or why it is none. */
void found_note(struct found *found, const struct play *play, const struct serial *serial,
                const struct schedule *schedule, bool diverged);
/* How often a session was left although it could have gone on. */
unsigned schedule_preemptions(const struct schedule *schedule);
/* Of everything that can be chosen: the same beginning has the same mark. */
uint64_t search_mark(const size_t *who, const struct actor_step *const *next, size_t n);

/* "balance 100 -> done": what a schedule did, equal for equal behaviour. Heap. */
char *behaviour_text(const struct play *play, const struct schedule *schedule) MUST_USE;

#endif
