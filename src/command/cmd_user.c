/* racy user: users for scripts, beside racy account. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/commands.h"
#include "command/people.h"

static int run(int argc, char **argv);

const struct command command_user = {
	.name = "user",
	.operands = "list|create NAME|disable NAME|enable NAME|delete NAME [--db URL] [--json]",
	.summary = "list, create, disable and delete the users of /admin/",
	.help = "  list           all users\n"
	        "  create NAME    makes one, who is no superuser unless --superuser; the password from\n"
	        "                 --password-file, else it is asked for\n"
	        "  disable NAME   cannot log in any more, and is logged out\n"
	        "  enable NAME    can again\n"
	        "  delete NAME    what the history says of the user stays\n"
	        "\n"
	        "The last active superuser can be neither disabled nor deleted. `racy createsuperuser` makes the\n"
	        "first one.",
	.run = run,
};

struct action {
	struct people people;
	const char *name, *email;
	bool superuser, json;
	struct password_source password;
};

static int fail(int code, struct err *err)
{
	code = command_fail(&command_user, code, err);
	err_fini(err);
	return code;
}

static json_t *json_of(const struct admin_user *user)
{
	return json_pack("{sI ss ss sb sb ss ss?}", "id", (json_int_t)user->id, "username", user->username, "email",
	                 user->email, "superuser", user->superuser, "active", user->active, "joined", user->joined,
	                 "last_login", user->last_login[0] != '\0' ? user->last_login : NULL);
}

static void print_json(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	puts(text);
	free(text);
	json_decref(value);
}

static void print_user(const struct admin_user *user)
{
	printf("%6" PRId64 "  %-30s %-10s %-9s %s\n", user->id, user->username, user->superuser ? "superuser" : "user",
	       user->active ? "active" : "disabled", user->last_login[0] != '\0' ?
	       	user->last_login : "never logged in");
}

static int list(struct action *action)
{
	json_t *array = json_array();
	char last[sizeof((struct admin_user *)NULL)->username] = "";
	struct err err = {0};
	bool more = true, ok = true, any = false;

	while (ok && more) {
		const struct users_ask ask = {.after = last, .limit = USER_MOST_ROWS};
		struct admin_user *users;
		size_t n;
		ok = users_list(action->people.who.session, &ask, &users, &n, &more, &err);
		for (size_t i = 0; ok && i < n; i++) {
			if (action->json)
				json_array_append_new(array, json_of(&users[i]));
			else
				print_user(&users[i]);
		}
		any |= n > 0;
		if (ok && n > 0)
			memcpy(last, users[n - 1].username, sizeof last);
		free(users);
	}
	if (ok && action->json)
		print_json(json_incref(array));
	else if (ok && !any)
		puts("There is no user. `racy createsuperuser` makes one.");
	json_decref(array);
	return ok ? RACY_OK : fail(RACY_ENVIRONMENT, &err);
}

/* The user as it is now; `what` is the sentence for a person. */
static int show(struct action *action, const char *what)
{
	struct admin_user user;
	struct err err = {0};
	enum user_end end = user_by_name(action->people.who.session, action->name, &user, &err);

	if (end != USER_OK)
		return people_fail(&command_user, end, action->name, &err);
	if (action->json)
		print_json(json_of(&user));
	else
		printf("User '%s' %s.\n", action->name, what);
	return RACY_OK;
}

static int create(struct action *action)
{
	struct admin_user values = {.superuser = action->superuser, .active = true};
	const char *email = action->email != NULL ? action->email : "";
	const char *fault = user_name_fault(action->name);
	struct err err = {0};
	int64_t id;

	if (fault == NULL)
		fault = user_email_fault(email);
	if (fault != NULL) {
		err_set(&err, "%s", fault);
		return fail(RACY_USAGE, &err);
	}
	char *password = people_password(&action->password, action->name, email, &err);
	if (password == NULL)
		return fail(RACY_USAGE, &err);
	(void)snprintf(values.username, sizeof values.username, "%s", action->name);
	(void)snprintf(values.email, sizeof values.email, "%s", email);
	bool hashed = password_hash(password, values.password, &err);
	free(password);
	if (!hashed)
		return fail(RACY_ENVIRONMENT, &err);
	enum user_end end = user_add(&action->people.who, &values, &id, &err);
	return end == USER_OK ? show(action, "is created") : people_fail(&command_user, end, action->name, &err);
}

/* As an edit of the row as it is: where somebody changes it meanwhile, it is read again. */
static int set_active(struct action *action, bool active)
{
	enum user_end end;
	struct err err = {0};

	do {
		struct admin_user loaded, values;
		json_t *conflicts = NULL;
		end = user_by_name(action->people.who.session, action->name, &loaded, &err);
		values = loaded;
		values.active = active;
		if (end == USER_OK)
			end = user_change(&action->people.who, loaded.id, &loaded, &values, &conflicts, &err);
		json_decref(conflicts);
	} while (end == USER_CHANGED);
	if (end != USER_OK)
		return people_fail(&command_user, end, action->name, &err);
	return show(action, active ? "is enabled" : "is disabled and logged out");
}

static int disable(struct action *action)
{
	return set_active(action, false);
}

static int enable(struct action *action)
{
	return set_active(action, true);
}

static int delete(struct action *action)
{
	struct admin_user user;
	struct err err = {0};
	enum user_end end = user_by_name(action->people.who.session, action->name, &user, &err);

	if (end == USER_OK)
		end = user_delete(&action->people.who, user.id, &err);
	if (end != USER_OK)
		return people_fail(&command_user, end, action->name, &err);
	if (action->json)
		print_json(json_pack("{ss sb}", "username", action->name, "deleted", 1));
	else
		printf("User '%s' is deleted; what the history says of it stays.\n", action->name);
	return RACY_OK;
}

static const struct verb {
	const char *name;
	bool needs_name;
	int (*run)(struct action *action);
} verbs[] = {
	{"list", false, list},  {"create", true, create}, {"disable", true, disable},
	{"enable", true, enable}, {"delete", true, delete},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int perform(const struct verb *verb, struct action *action, const struct database_options *where)
{
	struct err err = {0};
	int code;

	if (!people_open(where, &action->people, &code, &err))
		return fail(code, &err);
	code = verb->run(action);
	people_close(&action->people);
	return code;
}

static int run(int argc, char **argv)
{
	struct database_options where = {0};
	struct action action = {.password = {.ask = true}};
	const struct opt options[] = {
		DATABASE_OPTION_DB(where),
		{"email", 0, "ADDRESS", "create: may be left out", opt_text, &action.email, 0, 0},
		{"superuser", 0, NULL, "create: may change users too", opt_flag, &action.superuser, 0, 0},
		{"password-file", 0, "FILE", "create: its first line is the password", opt_text,
		 &action.password.file, 0, 0},
		{"json", 0, NULL, "answer as JSON", opt_flag, &action.json, 0, 0},
		{0},
	};
	int first, code;

	if (!command_options(&command_user, argc, argv, options, &first, &code))
		return code;
	const struct verb *verb = first < argc ? find_verb(argv[first]) : NULL;
	if (verb == NULL) {
		code = command_usage(&command_user, "say what to do: list, create, disable, enable or delete");
	} else if (argc - first != 1 + verb->needs_name) {
		code = command_usage(&command_user, verb->needs_name ?
		                     "%s takes one user's name" : "%s takes no operand",
		                     verb->name);
	} else {
		action.name = argv[first + 1];
		code = perform(verb, &action, &where);
	}
	database_options_fini(&where);
	return code;
}
