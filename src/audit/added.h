/* What was added on top of a base when somebody read the balance: writes that add are known by what they
 * add, not by what they put there, so a value that was read is the base and the sum of some of them. */
#ifndef AUDIT_ADDED_H
#define AUDIT_ADDED_H

#include "audit/lineage.h"

/* Holds for a base and a reading, if that base was under what was read. */
struct added {
	bool possible;        /* some of what may be there make up the difference */
	uint64_t *sure, *may; /* by version; those that are sure may be, too */
	size_t min, max;      /* how many of those that would be missed */
	int64_t amount;       /* the difference */
};

struct added added_new(const struct lineage *lineage) MUST_USE;
void added_fini(struct added *added);
void added_find(struct added *added, const struct lineage *lineage, const struct reading *reading, size_t base);

#endif
