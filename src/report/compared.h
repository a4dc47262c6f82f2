/* Two explorations side by side. */
#ifndef REPORT_COMPARED_H
#define REPORT_COMPARED_H

#include "report/explored.h"

void compared_text(FILE *to, const struct report_style *style, const struct explored *a, const struct explored *b);
/* {"a": ..., "b": ..., "sentence": "..."}, each as explored_json has it. */
void compared_json(FILE *to, const struct explored *a, const struct explored *b);

#endif
