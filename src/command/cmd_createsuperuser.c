/* racy createsuperuser: as Django's users know it. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "command/ask.h"
#include "command/commands.h"
#include "command/people.h"

static int run(int argc, char **argv);

const struct command command_createsuperuser = {
	.name = "createsuperuser",
	.operands = "[options]",
	.summary = "make a user who may do everything at /admin/",
	.help = "Asks what is not given: the name, an e-mail address (may be empty), the password twice. A weak\n"
	        "password is named with the reason, and may be taken all the same.",
	.run = run,
};

struct order {
	const char *username, *email;
	struct password_source password;
	bool no_input;
	struct database_options where;
};

static int fail(int code, struct err *err)
{
	code = command_fail(&command_createsuperuser, code, err);
	err_fini(err);
	return code;
}

/* Who sits here, where he could have the name. */
static const char *own_name(void)
{
	const struct passwd *entry = getpwuid(getuid());

	return entry != NULL && user_name_fault(entry->pw_name) == NULL ? entry->pw_name : NULL;
}

/* Asks until it is of use. Heap; NULL: nobody answers. */
static char *ask_for(const char *question, const char *fallback, const char *(*fault_of)(const char *))
{
	for (;;) {
		char *line = ask_line(question);
		if (line == NULL)
			return NULL;
		if (*line == '\0' && fallback != NULL) {
			free(line);
			return mem_text(fallback);
		}
		const char *fault = fault_of(line);
		if (fault == NULL)
			return line;
		fprintf(stderr, "Error: %s\n", fault);
		free(line);
	}
}

static bool may_ask(const struct order *order)
{
	return !order->no_input && ask_possible();
}

/* Given, from the environment, or asked for. */
static char *take_name(const struct order *order, struct err *err)
{
	const char *given = order->username != NULL ? order->username : getenv("RACY_SUPERUSER_USERNAME");
	const char *own = own_name();
	char *question, *name = NULL;

	if (given != NULL && *given != '\0') {
		const char *fault = user_name_fault(given);
		if (fault == NULL)
			return mem_text(given);
		err_set(err, "'%s': %s", given, fault);
		return NULL;
	}
	question = own != NULL ? mem_printf("Username (leave blank to use '%s'): ", own) : mem_text("Username: ");
	if (may_ask(order))
		name = ask_for(question, own, user_name_fault);
	free(question);
	if (name == NULL)
		err_set(err, "who is it to be? Give --username, or RACY_SUPERUSER_USERNAME with --no-input");
	return name;
}

static char *take_email(const struct order *order, struct err *err)
{
	const char *given = order->email != NULL ? order->email : getenv("RACY_SUPERUSER_EMAIL");

	if (given == NULL && may_ask(order) && order->username == NULL) {
		char *email = ask_for("Email address: ", NULL, user_email_fault);
		return email != NULL ? email : mem_text("");
	}
	const char *fault = given != NULL ? user_email_fault(given) : NULL;
	if (fault == NULL)
		return mem_text(given != NULL ? given : "");
	err_set(err, "'%s': %s", given, fault);
	return NULL;
}

/* Before anything else is asked for. */
static bool is_free(struct people *people, const char *name, int *code)
{
	struct admin_user user;
	struct err err = {0};
	enum user_end end = user_by_name(people->who.session, name, &user, &err);

	if (end == USER_MISSING)
		return true;
	*code = people_fail(&command_createsuperuser, end == USER_OK ? USER_TAKEN : end, name, &err);
	return false;
}

static int create(struct people *people, const struct order *order, const char *name, const char *email)
{
	struct admin_user values = {.superuser = true, .active = true};
	char *password;
	struct err err = {0};
	int64_t id;

	password = people_password(&order->password, name, email, &err);
	if (password == NULL)
		return fail(RACY_USAGE, &err);
	(void)snprintf(values.username, sizeof values.username, "%s", name);
	(void)snprintf(values.email, sizeof values.email, "%s", email);
	bool hashed = password_hash(password, values.password, &err);
	free(password);
	if (!hashed)
		return fail(RACY_ENVIRONMENT, &err);
	enum user_end end = user_add(&people->who, &values, &id, &err);
	if (end != USER_OK)
		return people_fail(&command_createsuperuser, end, name, &err);
	puts("Superuser created successfully.");
	return RACY_OK;
}

static int perform(struct order *order)
{
	struct people people;
	struct err err = {0};
	int code;

	if (!people_open(&order->where, &people, &code, &err))
		return fail(code, &err);
	char *name = take_name(order, &err), *email = NULL;
	if (name == NULL)
		code = fail(RACY_USAGE, &err);
	else if (is_free(&people, name, &code))
		code = (email = take_email(order, &err)) != NULL ? create(&people, order, name, email)
		                                                 : fail(RACY_USAGE, &err);
	free(name);
	free(email);
	people_close(&people);
	return code;
}

static int run(int argc, char **argv)
{
	struct order order = {.password = {.variable = "RACY_SUPERUSER_PASSWORD"}};
	const struct opt options[] = {
		{"username", 0, "NAME", "else it is asked for", opt_text, &order.username, 0, 0},
		{"email", 0, "ADDRESS", "may be empty", opt_text, &order.email, 0, 0},
		{"password-file", 0, "FILE", "its first line is the password", opt_text, &order.password.file, 0, 0},
		{"no-input", 0, NULL,
		 "ask nothing: what is missing is taken from\n"
		 "RACY_SUPERUSER_USERNAME, RACY_SUPERUSER_EMAIL and\n"
		 "RACY_SUPERUSER_PASSWORD", opt_flag, &order.no_input, 0, 0},
		DATABASE_OPTION_DB(order.where),
		{0},
	};
	int first, code;

	if (!command_options(&command_createsuperuser, argc, argv, options, &first, &code))
		return code;
	order.password.ask = !order.no_input;
	if (!order.no_input)
		order.password.variable = NULL;
	code = first == argc ? perform(&order) : command_usage(&command_createsuperuser, "it takes no operand");
	database_options_fini(&order.where);
	return code;
}
