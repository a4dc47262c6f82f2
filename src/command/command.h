/* The subcommands: one file each, its entry struct first, then the code.
 *
 * How to add one: docs/ARCHITECTURE.md; a file src/command/NAME.c with a `const struct command`,
 * a line in commands.def. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "base/opt.h"

/* Exit codes, told apart so that scripts can act on them. */
enum exit_code {
	RACY_OK = 0,           /* done; a run: none seen */
	RACY_VIOLATED = 1,     /* a run: the race struck; a comparison: not what is expected */
	RACY_USAGE = 2,        /* the command line or its values are wrong */
	RACY_ENVIRONMENT = 3,  /* no database, port taken, disk full, no server installed */
	RACY_INCONCLUSIVE = 4, /* the run allows no verdict; it says why */
};

struct command {
	const char *name;
	const char *operands; /* "deposit/VARIANT [options]" */
	const char *summary;  /* one line for `racy help` */
	const char *help;     /* more, before the options; may be NULL */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; answers an exit code */
};

/* Reads the options. Returns true to go on; else *code is what to end with: help was printed to
 * stdout (0), or an error to stderr (2). Operands are argv[*first..argc-1]. */
bool command_options(const struct command *command, int argc, char **argv, const struct opt *options,
                     int *first, int *code) MUST_USE;

/* "racy NAME: text" on stderr; returns the code. */
int command_fail(const struct command *command, int code, const struct err *err);
int command_usage(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
