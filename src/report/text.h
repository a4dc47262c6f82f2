/* Inside the room: what the text of one run and the table of several share. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "base/str.h"
#include "report/report.h"

/* A reason as words: "lock timeout". */
void str_reason(struct str *str, const char *reason);
/* "2 deadlock, 1 busy". */
void str_reasons(struct str *str, const struct refusals *refusals, size_t n);
/* Of what the client was refused; nothing where nothing was. */
void str_refusals(struct str *str, const struct findings *findings);
/* Sentences on lines of their own: who is on record more than once, who had no answer from the database, how
 * often requests were tried. None where there is nothing to tell. */
void str_tries(struct str *str, const struct report_style *style, const struct run_result *result);

/* See struct report_format. */
void text_table(FILE *to, const struct report_style *style, const struct run_result *results, size_t n);

#endif
