/* What a run's text says, for the tests of reports. Include it after cmocka.h. */
#ifndef UNIT_REPORT_WORDS_H
#define UNIT_REPORT_WORDS_H

#include "golden.h"
#include "report_world.h"

static const struct report_style plain = {.columns = 80, .utf8 = true};

static inline char *run_text(const struct world *world)
{
	struct printed printed;

	printed_begin(&printed);
	report_text.plan(printed.to, &plain, &world->result);
	report_text.run(printed.to, &plain, &world->result);
	return printed_end(&printed);
}

static inline void says(const struct world *world, const char *wanted)
{
	char *text = run_text(world);

	if (strstr(text, wanted) == NULL)
		fail_msg("'%s' is not in:\n%s", wanted, text);
	free(text);
}

#endif
