/* A command's options as one table, from which both the parsing and the help text come.
 * The parsing itself is getopt_long's.
 *
 * How to add an option: a line in the command's table. `parse` gets the text that was given (NULL
 * for a flag) and `target`, and says in the error what it would have taken. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct opt;
typedef bool opt_parse_fn(const struct opt *opt, const char *text, struct err *err);

struct opt {
	const char *name;   /* without dashes; NULL ends a table */
	char letter;        /* 0: none */
	const char *value;  /* "N", "FILE"; NULL: a flag */
	const char *help;
	opt_parse_fn *parse;
	void *target;
	int64_t min, max;   /* for opt_number */
};

/* Parsers for the common kinds of target. */
opt_parse_fn opt_flag;     /* bool: set to true */
opt_parse_fn opt_text;     /* const char *: the text itself, not copied */
opt_parse_fn opt_number;   /* int64_t, within min..max */
opt_parse_fn opt_duration; /* int64_t, nanoseconds; see clock.h */

enum opt_result { OPT_OK, OPT_HELP, OPT_ERROR };

/* Reads argv[1..]. Options and operands may be mixed; after "--" all is operands. Operands end up
 * at argv[*first..argc-1]. With `single_dash`, long options may be written with one dash as Go's
 * flag package has them. OPT_HELP: --help or -h was asked for, nothing else matters. */
enum opt_result opt_read(int argc, char **argv, const struct opt *options, bool single_dash, int *first,
                         struct err *err) MUST_USE;

/* The options part of a help text, aligned. */
void opt_print(FILE *to, const struct opt *options);

#endif
