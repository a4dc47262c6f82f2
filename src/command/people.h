/* What the commands about users share: the database with its tables of users, a password from wherever it comes. */
#ifndef COMMAND_PEOPLE_H
#define COMMAND_PEOPLE_H

#include "admin/users.h"
#include "command/command.h"
#include "command/database.h"

struct people {
	struct database database;
	struct ledger_who who; /* its session, and the name under which the shell does it */
};
/* False: the error, and *code. */
bool people_open(const struct database_options *where, struct people *people, int *code, struct err *err) MUST_USE;
void people_close(struct people *people);

/* Answers for an end other than OK: the exit code, told on stderr. */
int people_fail(const struct command *command, enum user_end end, const char *name, struct err *err);

/* Where a password is to come from. */
struct password_source {
	const char *file;     /* --password-file; its first line. NULL: not from there */
	const char *variable; /* of the environment; NULL, or not set: not from there */
	bool ask;             /* twice, and again where they differ; a weak one may be accepted */
};
/* The password, heap. NULL: the error, or nobody answered. A weak one from elsewhere is warned of on stderr. */
char *people_password(const struct password_source *source, const char *username, const char *email,
                      struct err *err) MUST_USE;

#endif
