/* Which write erased which deposits. */
#ifndef AUDIT_OVERWRITES_H
#define AUDIT_OVERWRITES_H

#include "audit/lineage.h"

/* Fills findings->overwrites with what is sure: see struct overwrite. Answers how many writes may have
 * erased something that could not be told whole. */
size_t overwrites_find(const struct lineage *lineage, struct findings *findings);

#endif
