/* Inside the room: what the text of one run and the table of several share. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "base/str.h"
#include "report/report.h"

/* "2 deadlock, 1 busy"; nothing where nothing was refused. */
void str_refusals(struct str *str, const struct findings *findings);

/* See struct report_format. */
void text_table(FILE *to, const struct report_style *style, const struct run_result *results, size_t n);

#endif
