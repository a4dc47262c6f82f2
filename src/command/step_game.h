/* Who steps: reads lines from standard input, lets them be done, tells on standard output what came of it. */
#ifndef COMMAND_STEP_GAME_H
#define COMMAND_STEP_GAME_H

#include "command/step_input.h"
#include "command/step_line.h"
#include "explore/stepping.h"
#include "report/stepped.h"

struct step_game {
	/* given */
	const struct explored *subject;
	const char *again; /* a command line for one order, up to its steps */
	bool json;
	struct report_style style;
	bool echoes; /* what is typed shows nowhere else */
	/* its own */
	struct step_input input;
	struct step_line line; /* what was typed, and is done up to `at` */
	size_t at;
	enum stepped_part part; /* what to tell next */
	char *error;
	struct str told;
	bool began;
	struct world *world;
	struct err *err;
	/* how it ended */
	int code; /* 0 the order that was finished breaks nothing, 1 it does, 4 it was not finished */
};

/* Until it is quit, by a word, the end of what is typed, or a signal. False: the error: the database is of no
 * more use, or nothing can be read or written. */
bool step_game_play(struct step_game *game, struct world *world, const struct serial *serial,
                    struct err *err) MUST_USE;

#endif
