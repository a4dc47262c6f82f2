/* How a play is searched when nobody says how: all orders as long as there are not too many, else a reduced set of
 * them that is held against random ones. */
#ifndef EXPLORE_AUTO_H
#define EXPLORE_AUTO_H

#include "explore/search.h"

enum reduction { REDUCTION_AUTO, REDUCTION_ON, REDUCTION_OFF };
/* Above it the orders are reduced. */
enum { REDUCTION_FROM = 20000 };

/* Whether the orders are to be reduced: AUTO looks how many there are. limits->serial is needed, as below. */
bool search_reduces(struct world *world, enum reduction reduction, const struct search_limits *limits, bool *reduce,
                    struct err *err) MUST_USE;
/* How many orders there would be without locks: no fewer than there are. */
double search_words(const struct serial *serial);
/* Reduced, and held against random orders. */
bool search_reduced_and_checked(struct world *world, const struct search_limits *limits, struct found *found,
                                struct err *err) MUST_USE;
/* All of it, in one world. */
bool search_auto(struct world *world, enum reduction reduction, const struct search_limits *limits,
                 struct found *found, struct err *err) MUST_USE;

#endif
