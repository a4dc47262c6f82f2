/* One order as it is told to others: "A.read B.read A.write", each word a session and its step. Its sessions are what
 * counts; the steps' names are for people, and to see whether it went the same way. */
#ifndef EXPLORE_ORDER_H
#define EXPLORE_ORDER_H

#include "explore/search.h"

enum { ORDER_MOST_STEPS = 1024 };

struct step_order {
	size_t *who;
	char **steps;
	size_t n, capacity;
};

/* False: the error; nothing is to be given back. */
bool order_parse(const char *text, size_t sessions, struct step_order *order, struct err *err) MUST_USE;
void order_fini(struct step_order *order);

/* Runs it: a step that cannot be taken since its session waits is taken when it can (one that waits in its client
 * looks for its lock before its next step), one of a session that has ended falls away, and what the order does not
 * name comes in the end. *same: every step was the one that the order names. */
void order_run(struct world *world, const struct step_order *order, struct schedule *schedule, bool *same,
               struct err *err);
/* All of these; limits->time_ns and max_schedules are not asked. Never complete. */
bool search_orders(struct world *world, const struct step_order *orders, size_t n, const struct search_limits *limits,
                   struct found *found, struct err *err) MUST_USE;
/* Does `name`, as it stands after the dot, name this step? */
bool order_names(const char *name, const struct actor_step *step);
/* A step's name as it stands there: without blanks. */
void order_name(struct str *text, const struct actor_step *step);
/* "A.read B.read A.write". */
void order_text(struct str *text, const struct schedule *schedule);

#endif
