/* `racy demo`: the ways that it races, and what is told about them. */
#ifndef COMMAND_DEMO_H
#define COMMAND_DEMO_H

#include "command/database.h"
#include "command/race.h"
#include "report/report.h"

enum { DEMO_WAYS = 5, DEMO_DEPOSITS = 10, DEMO_AMOUNT = 100 };

/* The demo as it was run: runs[d * DEMO_WAYS + w] is way w on database d. */
struct demo_story {
	struct report_style style;
	const struct databases *databases;
	const struct registry_entry *entries; /* DEMO_WAYS of them */
	const struct run_result *runs;
	size_t n_runs;
};

/* "no", "one", ... "ten", "11". The text of a large number stays until the next call. */
const char *number_word(size_t n);

/* On stdout: where, before; what happened, after. */
void story_place(const struct demo_story *story, int64_t workers, bool as_framework);
void story_tell(const struct demo_story *story);

#endif
