/* Users from the shell. */
#include "command/people.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/schema.h"
#include "base/clock.h"
#include "base/mem.h"
#include "command/ask.h"

enum { SHORT_WAIT_S = 5 };

bool people_open(const struct database_options *where, struct people *people, int *code, struct err *err)
{
	*people = (struct people){.who = {.name = "(shell)"}};
	if (!database_open(where, NULL, SHORT_WAIT_S * NS_PER_S, &people->database, code, err))
		return false;
	people->who.session = db_open(&people->database.target, &people->database.settings, err);
	*code = RACY_ENVIRONMENT;
	if (people->who.session != NULL && admin_migrate(people->who.session, NULL, err))
		return true;
	people_close(people);
	return false;
}

void people_close(struct people *people)
{
	db_close(people->who.session);
	database_close(&people->database);
}

int people_fail(const struct command *command, enum user_end end, const char *name, struct err *err)
{
	int code = RACY_USAGE;

	switch (end) {
	case USER_OK:
	case USER_CHANGED:
		return RACY_OK;
	case USER_MISSING:
		err_set(err, "there is no user '%s'; `racy user list` shows those that there are", name);
		break;
	case USER_TAKEN:
		err_set(err, "there is a user '%s' already", name);
		break;
	case USER_LAST:
		err_set(err, "'%s' is the last active superuser; make another one first", name);
		break;
	case USER_FAILED:
		code = RACY_ENVIRONMENT;
		break;
	}
	code = command_fail(command, code, err);
	err_fini(err);
	return code;
}

/* ---- passwords -------------------------------------------------------------------------------------------------- */

static char *read_file(const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t capacity = 0;

	if (file == NULL) {
		err_set(err, "--password-file: %s: %s", path, strerror(errno));
		return NULL;
	}
	ssize_t n = getline(&line, &capacity, file);
	fclose(file);
	if (n > 0)
		line[strcspn(line, "\r\n")] = '\0';
	if (n > 0 && *line != '\0')
		return line;
	free(line);
	err_set(err, "--password-file: %s has no password on its first line", path);
	return NULL;
}

static bool is_accepted(const char *password, const char *username, const char *email, bool ask)
{
	struct str reasons = {0};
	bool strong = password_is_strong(password, username, email, &reasons);

	if (!strong)
		fputs(str_text(&reasons), stderr);
	str_fini(&reasons);
	return strong || !ask || ask_yes("Bypass password validation and create user anyway? [y/N]: ");
}

static char *ask_twice(void)
{
	for (;;) {
		char *one = ask_secret("Password: ");
		char *other = one != NULL ? ask_secret("Password (again): ") : NULL;
		bool same = other != NULL && strcmp(one, other) == 0;
		bool blank = same && *one == '\0', over = other == NULL;
		free(other);
		if (same && !blank)
			return one;
		free(one);
		if (over)
			return NULL;
		fputs(blank ?
		      "Error: Blank passwords aren't allowed.\n" : "Error: Your passwords didn't match.\n", stderr);
	}
}

static char *ask_password(const char *username, const char *email, struct err *err)
{
	for (;;) {
		char *password = ask_twice();
		if (password == NULL) {
			err_set(err, "no password was given");
			return NULL;
		}
		if (is_accepted(password, username, email, true))
			return password;
		free(password);
	}
}

char *people_password(const struct password_source *source, const char *username, const char *email, struct err *err)
{
	const char *variable = source->variable != NULL ? getenv(source->variable) : NULL;
	char *password = NULL;

	if (source->file != NULL)
		password = read_file(source->file, err);
	else if (variable != NULL && *variable != '\0')
		password = mem_text(variable);
	else if (source->ask && ask_possible())
		return ask_password(username, email, err);
	else
		err_set(err, "there is no terminal to ask for the password: give --password-file%s%s",
		        source->variable != NULL ? ", or --no-input with " : "",
		        source->variable != NULL ? source->variable : "");
	if (password != NULL && strlen(password) > PASSWORD_MOST) {
		err_set(err, "a password has at most %d bytes", PASSWORD_MOST);
		free(password);
		return NULL;
	}
	if (password != NULL)
		(void)is_accepted(password, username, email, false);
	return password;
}
