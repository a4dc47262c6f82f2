/* Inside the room: inks, glyphs and paragraphs, the same for the lanes and for the text around them. */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

#include "base/str.h"
#include "report/report.h"

enum ink {
	INK_PLAIN,
	INK_QUIET,   /* what only passes time */
	INK_STRONG,  /* what changes the balance */
	INK_LOSS,    /* what is gone, and who erased it */
	INK_REFUSAL, /* refused, unknown, unanswered */
};

/* The bytes before and after a text in that ink; "" where nothing is coloured. */
const char *ink_on(const struct report_style *style, enum ink ink);
const char *ink_off(const struct report_style *style, enum ink ink);
void str_ink(struct str *str, const struct report_style *style, enum ink ink, const char *text);

/* A sentence on lines of its own after `indent`; see report_paragraph. */
void str_paragraph(struct str *str, const struct report_style *style, const char *indent, const char *text);

/* Everything at once, so that a report is never half on the screen when something else prints. */
void str_write(struct str *str, FILE *to);

/* "1 pair", "9 pairs": the noun takes an s. Both on the report. */
void str_count(struct str *str, size_t n, const char *noun);

#endif
