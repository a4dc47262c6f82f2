/* An order that somebody chooses step by step (explore/stepping.h), for people and for programs. */
#ifndef REPORT_STEPPED_H
#define REPORT_STEPPED_H

#include <stdio.h>

#include "explore/stepping.h"
#include "report/explored.h"

struct stepped {
	const struct explored *subject; /* what, where, with which settings; `found`: NULL */
	const struct stepping_view *view;
	const char *told;    /* what happened: view->told, of all steps since it was told last */
	const char *rows;    /* that are committed; NULL: they are not to be seen now */
	const char *no_rows; /* ... why */
	const char *error;   /* what was wrong with what was typed; NULL: nothing */
	const char *again;   /* what to type to have the order once more; NULL where it is not OVER */
	bool first;          /* nothing was told before */
};

enum stepped_part {
	STEPPED_ALL,   /* the steps, the rows, who can go on; in the end what it came to */
	STEPPED_ROWS,
	STEPPED_ORDER, /* the line that it can be shared by */
	STEPPED_HELP,
	STEPPED_ERROR, /* nothing has changed */
};

/* The order is OVER: an invariant does not hold, or no serial order comes to the same. */
bool stepped_breaks(const struct stepping_view *view);

void stepped_text(FILE *to, const struct report_style *style, const struct stepped *stepped,
                  enum stepped_part part);
/* One object on a line, which holds all of it whatever the part; see docs/explore.md. */
void stepped_json(FILE *to, const struct stepped *stepped);

#endif
