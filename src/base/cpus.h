/* Which processors threads may use. */
#ifndef BASE_CPUS_H
#define BASE_CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* How many processors this process may use; 0 and an error when the kernel does not tell. */
int cpus_allowed(struct err *err) MUST_USE;
/* Keeps the calling thread, and what it starts from now on, on the first n of those that it may use; n is at
 * least 1. False and an error: it may not use so many, or the kernel refuses. */
bool cpus_keep_to(int n, struct err *err) MUST_USE;
/* The n-th of those that the calling thread may use, for CPU masks, counted around from the one on which this process
 * ran when it first asked: several processes that each ask for the 0th are where the kernel had put them, which is
 * seldom in one place. Empty when the kernel does not tell. */
cpu_set_t cpus_nth(size_t n);

#endif
