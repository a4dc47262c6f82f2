/* All scenarios, and finding one's way among their names. */
#ifndef LAB_REGISTRY_H
#define LAB_REGISTRY_H

#include "base/err.h"
#include "lab/scenario.h"

/* Set once at the start of the program (main.c knows the rooms above this one). */
void registry_set(const struct scenario *const *scenarios, size_t n);
size_t registry_count(void);
const struct scenario *registry_at(size_t i);

struct registry_entry {
	const struct scenario *scenario;
	const struct operation *operation;
	const struct variant *variant;
};
/* "deposit/atomic_no_delay", or the variant's name alone where it is unique. The error lists the
 * names that there are, the nearest first. */
bool registry_find(const char *name, struct registry_entry *entry, struct err *err) MUST_USE;
/* By the path of a request: "/demo/atomic_no_delay/". */
bool registry_route(const char *path, struct registry_entry *entry) MUST_USE;

#endif
