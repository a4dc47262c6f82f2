/* Results as a person or a program reads them: one vtable, two formats.
 *
 * A report is built whole and written at once; whether the bytes arrived is the command's to ask
 * (ferror, fflush), since only it knows what a full disk means for its exit code. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdio.h>

#include "report/result.h"

struct report_style {
	int columns; /* the width to fit into; 80 where it is not a terminal and COLUMNS is not set */
	bool wrap;   /* a terminal: long sentences break between words; else one line each, for grep */
	bool colour; /* only on a terminal, never with NO_COLOR */
	bool utf8;   /* the locale can show "·" and "—"; else ASCII */
};
/* Works with and without a setlocale elsewhere. */
struct report_style report_style_of(FILE *to);

struct report_format {
	const char *name;
	/* Before the volley: what will be done, where. May be NULL. Reads plan and identity only. */
	void (*plan)(FILE *to, const struct report_style *style, const struct run_result *result);
	/* After the audit. */
	void (*run)(FILE *to, const struct report_style *style, const struct run_result *result);
	/* One experiment on several databases: what will be done, once; then, before each is raced, where.
	 * NULL as `plan` is. */
	void (*volley)(FILE *to, const struct report_style *style, const struct run_result *result);
	void (*place)(FILE *to, const struct report_style *style, const struct run_result *result);
	/* After the last; `again[i]` is the command that tells all of results[i]. */
	void (*databases)(FILE *to, const struct report_style *style, const struct run_result *results,
	                  size_t n, const char *const *again);
	/* Several ways side by side: `racy demo`. */
	void (*table)(FILE *to, const struct report_style *style, const struct run_result *results, size_t n);
};
extern const struct report_format report_text, report_json;

/* The same ways on several databases: results[d * n_ways + w] is way w on database d. A row a way and a
 * column a database where that fits, else a table a database. */
void report_ways(FILE *to, const struct report_style *style, const struct run_result *results, size_t n_ways,
                 size_t n_databases);

/* Of the same: the ways that lose on one database and refuse on another, a sentence each after an empty line;
 * nothing where there is none. */
void report_differences(FILE *to, const struct report_style *style, const struct run_result *results,
                        size_t n_ways, size_t n_databases);

/* The lanes alone: one line a request, drawn to time, what each step did, who erased whom. Shows the
 * requests that began at the workers before `until_ns` (0: all, also those that no worker began).
 * Later is never drawn left of earlier, in whichever lane; the times in the first line are those of
 * the marks below them. At most 30 lanes, fewer where the width cannot keep that order; the rest is
 * counted in a last line. */
void report_lanes(FILE *to, const struct report_style *style, const struct run_result *result,
                  int64_t until_ns);

/* When the first round of requests was over: the earliest time at which a worker took its second
 * request; 0 if none did. A worker is its slot, whichever process served in it. */
int64_t report_first_round_end(const struct run_result *result);

/* A sentence on lines of its own, each after `indent` (spaces), where the style wraps broken between
 * words; what follows the first line is indented by two more. */
void report_paragraph(FILE *to, const struct report_style *style, const char *indent, const char *text);

#endif
