/* Lines from whoever steps: a terminal, or a program's pipe. A signal that ends the program ends the waiting for
 * a line at once, whenever it comes. */
#ifndef COMMAND_STEP_INPUT_H
#define COMMAND_STEP_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { STEP_LINE_MOST = 64 * 1024 };

struct step_input {
	int fd;
	struct str bytes; /* that were read, and not taken yet from `at` on */
	size_t at;
	bool ended, cutting; /* cutting: the line was too long; its rest is passed over */
};

enum step_read {
	STEP_READ_LINE,
	STEP_READ_TOO_LONG, /* more than STEP_LINE_MOST bytes: gone, up to its end */
	STEP_READ_END,      /* there are no more */
	STEP_READ_INTERRUPTED,
	STEP_READ_FAILED,   /* the error */
};

/* False: standard input is closed. To be asked before anything else is opened, which would take its place. */
bool step_input_is_open(struct err *err) MUST_USE;
/* `*line` and `*length`: without its end; there may be a NUL in it. Valid until the next call. */
enum step_read step_input_read(struct step_input *input, const char **line, size_t *length, struct err *err);
void step_input_fini(struct step_input *input);

/* Threads that are started between the two leave INT, TERM and HUP to the one that reads. */
void step_signals_hold(void);
void step_signals_let_go(void);

#endif
