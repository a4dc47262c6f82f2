/* What `run` and `demo` share: from the database to a result, and the exit code of a verdict. */
#ifndef COMMAND_RACE_H
#define COMMAND_RACE_H

#include "command/command.h"
#include "instrument/experiment.h"

int race_exit_code(enum verdict verdict);

/* A progress line on stderr, on a terminal only, for volleys that last; `context` is a struct progress. */
struct progress {
	const char *what;
	int64_t since_ns, shown_ns;
	bool visible; /* a line stands on the terminal */
};
void progress_start(struct progress *progress, const char *what);
void progress_show(void *progress, size_t ended, size_t requests);
void progress_clear(struct progress *progress);

#endif
