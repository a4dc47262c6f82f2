/* racy migrate: brings the schema of a database up to date. */
#include <stdio.h>

#include "command/commands.h"
#include "command/database.h"

static int run(int argc, char **argv);

const struct command command_migrate = {
	.name = "migrate",
	.operands = "[--db URL] [--extend]",
	.summary = "make or update the tables of a database",
	.help = "Tables that are there, Django's for instance, are taken as they are. May be run as often as you\n"
	        "like, also by several at once. Commands that need the tables make them themselves.\n"
	        "--extend gives Django's tables the indexes that racy's own have, for the lists of the pages.",
	.run = run,
};

/* Counts what it applied to what was. */
static bool extend(struct database *database, struct err *err)
{
	struct db_session *session = db_open(&database->target, &database->settings, err);
	size_t applied;
	bool ok = session != NULL && database_migrate(session, true, &applied, err);

	if (ok)
		database->applied += applied;
	db_close(session);
	return ok;
}

static int run(int argc, char **argv)
{
	struct database_options where = {0};
	bool extended = false;
	const struct opt options[] = {
		DATABASE_OPTION_DB(where),
		{"extend", 0, NULL, "the indexes too, on tables that Django made", opt_flag, &extended, 0, 0},
		{0},
	};
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
	if (!database_open(&where, NULL, 0, &database, &code, &err)) {
		command_fail(&command_migrate, code, &err);
	} else if (extended && !extend(&database, &err)) {
		database_close(&database);
		code = command_fail(&command_migrate, RACY_ENVIRONMENT, &err);
	} else {
		printf("%s: %s %s, ", database_text(&database), database.identity.product, database.identity.version);
		if (database.applied > 0)
			printf("%zu migration%s applied\n", database.applied, database.applied > 1 ? "s" : "");
		else
			printf("up to date\n");
		database_close(&database);
		code = RACY_OK;
	}
	err_fini(&err);
	database_options_fini(&where);
	return code;
}
