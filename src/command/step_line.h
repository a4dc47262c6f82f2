/* What whoever steps types: one line, one wish. */
#ifndef COMMAND_STEP_LINE_H
#define COMMAND_STEP_LINE_H

#include "explore/order.h"

enum step_wish {
	STEP_NOTHING, /* an empty line */
	STEP_TAKE,    /* steps */
	STEP_BACK,
	STEP_RESTART,
	STEP_ROWS,
	STEP_ORDER,
	STEP_FINISH,
	STEP_QUIT,
	STEP_HELP,
};

struct step_line {
	enum step_wish wish;
	size_t back;             /* BACK: how many, at least one */
	struct step_order steps; /* TAKE: of whom, and which one: "": whichever is next */
};

/* Any bytes. Sessions' letters and commands in either case; "A.read" or "A", also together: "AAB". False: the
 * error, in ASCII whatever the bytes were; nothing is to be given back. */
bool step_line_parse(const char *bytes, size_t length, size_t sessions, struct step_line *line,
                     struct err *err) MUST_USE;
void step_line_fini(struct step_line *line);

#endif
