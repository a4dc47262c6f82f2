/* Which processors the workers may use: concurrency is not parallelism, and --cpus 1 shows it. */
#ifndef SERVE_CPUS_H
#define SERVE_CPUS_H

#include <stdbool.h>

#include "base/err.h"

/* How many processors this process may use; 0 and an error when the kernel does not tell. */
int cpus_allowed(struct err *err) MUST_USE;
/* Keeps the calling thread, and what it starts from now on, on the first n of those that it may use; n is at
 * least 1. False and an error: it may not use so many, or the kernel refuses. */
bool cpus_keep_to(int n, struct err *err) MUST_USE;

#endif
