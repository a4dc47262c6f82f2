/* `racy run` on several databases: the same experiment on each, one after another. */
#ifndef COMMAND_SEVERAL_H
#define COMMAND_SEVERAL_H

#include "command/database.h"
#include "command/race.h"
#include "report/report.h"

struct several {
	const struct command *command;
	const struct experiment *experiment; /* all but its database and whom it tells */
	const struct databases *databases;
	char **obstacles;         /* of each: why it is not applicable there; NULL: it is */
	const char *const *again; /* of each: see struct report_format */
	const struct report_format *format;
};
/* Answers the exit code; RACY_ENVIRONMENT comes with an error that tells which database. */
int several_race(const struct several *several, struct err *err) MUST_USE;

#endif
