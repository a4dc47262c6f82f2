/* racy migrate: brings the schema of a database up to date. */
#include <stdio.h>

#include "command/commands.h"
#include "command/database.h"

static int run(int argc, char **argv);

const struct command command_migrate = {
	.name = "migrate",
	.operands = "[--db URL]",
	.summary = "make or update the tables of a database",
	.help = "Tables that are there, Django's for instance, are taken as they are. May be run as often as you\n"
	        "like, also by several at once. Commands that need the tables make them themselves.",
	.run = run,
};

static int run(int argc, char **argv)
{
	struct database_options where = {0};
	const struct opt options[] = {DATABASE_OPTION_DB(where), {0}};
	struct database database;
	struct err err = {0};
	int first, code;

	if (!command_options(&command_migrate, argc, argv, options, &first, &code))
		return code;
	if (first < argc)
		return command_usage(&command_migrate, "'%s' is too much: it takes no operand", argv[first]);
	if (where.n_urls > 0 && database_is_throw_away(where.urls[0]))
		return command_usage(&command_migrate, "a throw-away server is gone when this command ends: name a "
		                                       "database that stays");
	if (database_open(&where, NULL, 0, &database, &code, &err)) {
		printf("%s: %s %s, ", database_text(&database), database.identity.product, database.identity.version);
		if (database.applied > 0)
			printf("%zu migration%s applied\n", database.applied, database.applied > 1 ? "s" : "");
		else
			printf("up to date\n");
		database_close(&database);
		code = RACY_OK;
	} else {
		command_fail(&command_migrate, code, &err);
	}
	err_fini(&err);
	database_options_fini(&where);
	return code;
}
