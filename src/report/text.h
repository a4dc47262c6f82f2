/* Inside the room: what the text of one run and the table of several share. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "base/str.h"
#include "report/report.h"
#include "report/style.h"

/* A reason as words: "lock timeout". */
void str_reason(struct str *str, const char *reason);
/* "2 deadlock, 1 busy". */
void str_reasons(struct str *str, const struct refusals *refusals, size_t n);
/* Of what the client was refused; nothing where nothing was. */
void str_refusals(struct str *str, const struct findings *findings);
/* Sentences on lines of their own: who is on record more than once, who had no answer from the database, how
 * often requests were tried. None where there is nothing to tell. */
void str_tries(struct str *str, const struct report_style *style, const struct run_result *result);

/* "deposit/atomic_no_delay: 10 deposits of 100 to ..."; "MariaDB 10.11.19 READ COMMITTED ..." */
void str_volley(struct str *str, const struct run_plan *plan);
void str_place(struct str *str, const struct run_result *result);
/* "; nothing is recorded at the workers; seed 41." */
void str_plan_end(struct str *line, const struct run_plan *plan);
/* The verdict as a sentence, with what a reader should know beside it. */
void str_verdict(struct str *str, const struct report_style *style, const char *indent,
                 const struct run_result *result);
/* "LOST", "none seen", ... */
const char *verdict_words(const struct run_result *result);
enum ink result_ink(const struct run_result *result);
/* "MariaDB 10.11.19": of result i, told apart from the others; its level. */
void str_product(struct str *str, const struct run_result *results, size_t n, size_t i);
void str_level(struct str *str, const struct run_result *result);

enum table_key { TABLE_BY_VARIANT, TABLE_BY_DATABASE };
void str_table(struct str *str, const struct report_style *style, enum table_key key,
               const struct run_result *results, size_t n);

/* See struct report_format. */
void text_table(FILE *to, const struct report_style *style, const struct run_result *results, size_t n);
void text_volley(FILE *to, const struct report_style *style, const struct run_result *result);
void text_place(FILE *to, const struct report_style *style, const struct run_result *result);
void text_databases(FILE *to, const struct report_style *style, const struct run_result *results, size_t n,
                    const char *const *again);

#endif
