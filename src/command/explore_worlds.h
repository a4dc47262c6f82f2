/* Worlds beside the first one, so that an exploration uses more than one processor: each on a database that nobody else
 * uses, with a play of its own. */
#ifndef COMMAND_EXPLORE_WORLDS_H
#define COMMAND_EXPLORE_WORLDS_H

#include "command/explore_place.h"
#include "command/explore_subject.h"
#include "explore/schedule.h"

enum { EXPLORE_MOST_WORLDS = 64 };

struct explore_worlds {
	struct world *worlds[EXPLORE_MOST_WORLDS]; /* the first one is the caller's */
	size_t n;
	struct explore_side *sides; /* one for each further one */
};

/* Several worlds can be side by side there: not on a MariaDB that the user named, which tells who waits for the whole
 * server only. */
bool explore_worlds_can_be(const struct explore_place *place);
/* With fewer orders a further world would not be ready before the first one is done. */
size_t explore_worlds_from(const struct explore_place *place);
/* n - 1 worlds more, by the same order; or if need not be `all`, as many as can be had. False: the error; what was
 * opened is closed again. */
bool explore_worlds_open(struct world *first, size_t n, bool all, const struct explore_order *order,
                         const struct explore_subject *subject, const struct explore_place *place,
                         struct explore_worlds *worlds, struct err *err) MUST_USE;
/* All but the first. False: something is left on a server, and the error says what. */
bool explore_worlds_close(struct explore_worlds *worlds, struct err *err) MUST_USE;

#endif
