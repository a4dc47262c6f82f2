/* Partial-order reduction: of the orders that differ only in steps whose footprints do not meet, one is run. Source
 * sets with sleep sets (Abdulla, Aronis, Jonsson, Sagonas 2014), found from the orders that were run: where two steps
 * of different sessions met without anything between them, the other way round is run too. */
#ifndef EXPLORE_REDUCE_H
#define EXPLORE_REDUCE_H

#include "explore/search.h"

/* As search_all, in one world. Not for sessions that wait in their client (SQLite). */
bool search_reduced(struct world *world, const struct search_limits *limits, struct found *found,
                    struct err *err) MUST_USE;

#endif
