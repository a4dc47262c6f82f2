/* Which write erased which lost deposits. */
#ifndef AUDIT_OVERWRITES_H
#define AUDIT_OVERWRITES_H

#include "audit/lineage.h"

/* Fills findings->overwrites with what is sure: see struct overwrite. */
void overwrites_find(const struct lineage *lineage, struct findings *findings);

#endif
