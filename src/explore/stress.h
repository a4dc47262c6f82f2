/* What no order of statements can tell: whether one statement is a whole. All sessions are let go at once, again and
 * again, and what they come to is held against the serial orders. That none was seen is no proof. */
#ifndef EXPLORE_STRESS_H
#define EXPLORE_STRESS_H

#include "explore/search.h"

/* `rounds` times, into found->stress; limits->serial is needed, its time and interruption end it early. On sessions of
 * its own, on the same database. `play` has no other world meanwhile. */
bool stress_run(const struct play *play, const struct db_target *target, const struct db_settings *settings,
                uint64_t rounds, const struct search_limits *limits, struct found *found, struct err *err) MUST_USE;

#endif
