/* What a step of a schedule tells of who came before its session: the serial orders were run, so what it yielded is
 * known for each selection and order of the others before it. What only those with X before it yield, it has seen X;
 * what only those without X yield, although with X something else comes of it, it has not. Reads tell it by what they
 * read, writes by how many rows they found. */
#ifndef EXPLORE_SEEN_H
#define EXPLORE_SEEN_H

#include "explore/depends.h"

/* Adds what each step saw and missed, and the dirty reads; the overwrites must be there. */
void seen_read(struct depends *depends, const struct schedule *schedule, size_t sessions, const struct serial *serial);

#endif
