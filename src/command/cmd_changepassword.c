/* racy changepassword: another password for a user; all of his sessions end. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/people.h"

static int run(int argc, char **argv);

const struct command command_changepassword = {
	.name = "changepassword",
	.operands = "[NAME] [options]",
	.summary = "give a user of /admin/ another password",
	.help = "NAME: your own, if it is left out. The user is logged out everywhere.",
	.run = run,
};

static int fail(int code, struct err *err)
{
	code = command_fail(&command_changepassword, code, err);
	err_fini(err);
	return code;
}

static int change(struct people *people, const struct password_source *source, const char *name)
{
	struct admin_user user;
	char hash[PASSWORD_HASH_SIZE], *password;
	struct err err = {0};
	enum user_end end = user_by_name(people->who.session, name, &user, &err);

	if (end != USER_OK)
		return people_fail(&command_changepassword, end, name, &err);
	fprintf(stderr, "Changing password for user '%s'\n", name);
	password = people_password(source, name, user.email, &err);
	if (password == NULL)
		return fail(RACY_USAGE, &err);
	bool hashed = password_hash(password, hash, &err);
	free(password);
	if (!hashed)
		return fail(RACY_ENVIRONMENT, &err);
	end = user_set_password(&people->who, user.id, hash, &err);
	if (end != USER_OK)
		return people_fail(&command_changepassword, end, name, &err);
	printf("Password changed successfully for user '%s'\n", name);
	return RACY_OK;
}

static int perform(const struct database_options *where, const struct password_source *source, const char *name)
{
	struct people people;
	struct err err = {0};
	int code;

	if (!people_open(where, &people, &code, &err))
		return fail(code, &err);
	code = change(&people, source, name);
	people_close(&people);
	return code;
}

static int run(int argc, char **argv)
{
	struct database_options where = {0};
	struct password_source source = {.ask = true};
	const struct passwd *own = getpwuid(getuid());
	const struct opt options[] = {
		{"password-file", 0, "FILE", "its first line is the password; else it is asked for", opt_text,
		 &source.file,
		 0, 0},
		DATABASE_OPTION_DB(where),
		{0},
	};
	int first, code;

	if (!command_options(&command_changepassword, argc, argv, options, &first, &code))
		return code;
	const char *name = first < argc ? argv[first] : own != NULL ? own->pw_name : NULL;
	if (name == NULL || argc - first > 1)
		code = command_usage(&command_changepassword, "it takes one user's name");
	else
		code = perform(&where, &source, name);
	database_options_fini(&where);
	return code;
}
