/* Whose deposits are in a balance: each version's own, and those in what its writer had read. */
#ifndef AUDIT_CONTENT_H
#define AUDIT_CONTENT_H

#include "audit/lineage.h"

/* Fills must, may, must_final, may_final and final of a lineage whose sources and finals are found. */
void content_build(struct lineage *lineage);

#endif
