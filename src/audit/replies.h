/* What the clients were told, counted, and held against what became true. */
#ifndef AUDIT_REPLIES_H
#define AUDIT_REPLIES_H

#include "audit/deposits.h"

/* Fills answered, refused and unanswered. */
void replies_count(const struct audit_input *input, struct findings *findings);
/* With recording: fills unanswered_but_done; doubts where a reply and the events cannot both be true. */
void replies_check(const struct audit_input *input, const struct deposits *deposits,
                   struct findings *findings);
/* Without: the same by amounts, since nothing ties a row to its request. */
void replies_check_sums(const struct audit_input *input, struct findings *findings);

#endif
