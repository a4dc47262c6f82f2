/* A schedule that was run, with its SQL, for other programs than this one. */
#ifndef REPORT_EXPORTED_H
#define REPORT_EXPORTED_H

#include <stdio.h>

#include "explore/script.h"
#include "report/explored.h"

struct exported {
	const char *what; /* the subject's name */
	const struct script *world; /* its schema, setup and tables */
	size_t sessions;
	const char *const *own_levels; /* of each session: other than the identity's; NULL: none */
	const struct db_target *target;
	const struct db_identity *identity;
	const struct db_setting *sets;
	size_t n_sets;
	const struct schedule *schedule; /* of a play that keeps SQL */
};

/* For the engine's own client: a terminal for each session, and what is typed into which, in the order. */
void exported_client(FILE *to, const struct exported *exported);
/* A specification for isolationtester with one permutation. False: there is none of this, and the error says why. */
bool exported_spec(FILE *to, const struct exported *exported, struct err *err) MUST_USE;

#endif
