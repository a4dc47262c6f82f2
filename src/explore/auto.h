/* How a play is searched when nobody says how: all orders as long as there are not too many, else a reduced set of
 * them that is held against random ones. */
#ifndef EXPLORE_AUTO_H
#define EXPLORE_AUTO_H

#include "explore/search.h"

enum reduction { REDUCTION_AUTO, REDUCTION_ON, REDUCTION_OFF };
/* Above it the orders are reduced. */
enum { REDUCTION_FROM = 20000 };

/* limits->serial is needed. Worlds beyond the first are used where all orders are run. */
bool search_auto(struct world *const *worlds, size_t n, enum reduction reduction, const struct search_limits *limits,
                 struct found *found, struct err *err) MUST_USE;

#endif
