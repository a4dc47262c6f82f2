/* What the parts of the audit share while they fill in the findings. */
#ifndef AUDIT_FINDINGS_H
#define AUDIT_FINDINGS_H

#include "audit/audit.h"
#include "base/attr.h"
#include "base/str.h"

/* Something that takes the ground from under a verdict: the events are not whole, or they and the
 * database do not tell the same story. Makes the run inconclusive; the text is a sentence. */
void findings_doubt(struct findings *findings, const char *format, ...) PRINTF_LIKE(2, 3);
/* Numbers of requests, gathered for one sentence. */
struct accused {
	uint32_t *requests;
	size_t n, capacity;
};
void accused_add(struct accused *accused, uint32_t request);

/* A doubt about some requests: "request 3 <singular>" or "requests 3 and 5 <plural>"; none where
 * there are none. Gives the list back. */
void findings_doubt_about(struct findings *findings, struct accused *accused, const char *singular,
                          const char *plural);
/* Something that a reader should know beside the verdict. */
void findings_remark(struct findings *findings, const char *format, ...) PRINTF_LIKE(2, 3);

/* "request 2", "requests 2 and 5", "requests 2, 5 and 7"; with `word` "or": "request 2 or 5".
 * They are sorted; one that is there twice is named once. */
void findings_name_requests(struct str *text, const char *word, const uint32_t *requests, size_t n);

#endif
