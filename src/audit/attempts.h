/* What trying again cost, and what came of it: attempts counted, outcomes that nobody was told, requests
 * that are on record more than once. */
#ifndef AUDIT_ATTEMPTS_H
#define AUDIT_ATTEMPTS_H

#include "audit/deposits.h"

/* Fills findings->tries: out of the events alone. */
void attempts_count(const struct history *history, struct findings *findings);
/* Fills outcome_unknown, unknown_done, unknown_not_done, doubled and doubled_requests, when all that can be
 * told of the deposits is. */
void attempts_resolve(const struct deposits *deposits, struct findings *findings);

#endif
