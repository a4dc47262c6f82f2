/* racy account: accounts for scripts. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/database.h"
#include "scenarios/accounts.h"

static int run(int argc, char **argv);

const struct command command_account = {
	.name = "account",
	.operands = "create|list|show ID|reset ID|delete ID [--db URL] [--json]",
	.summary = "create, list, show, reset and delete accounts",
	.help = "  create [--balance N]  makes an account and prints it\n"
	        "  list                  all accounts: balance, recorded transactions and what they sum up to\n"
	        "  show ID               one of them; difference: recorded but not in the balance\n"
	        "  reset ID              balance 0, its transactions deleted\n"
	        "  delete ID             the account goes; its transactions stay, without an account\n"
	        "\n"
	        "create and show print JSON in any case; list, reset and delete with --json.",
	.run = run,
};

struct action {
	struct db_session *session;
	int64_t id, balance;
	bool json;
};

enum { SHORT_WAIT_S = 5 }; /* how long a script's command waits for somebody else's lock */

static int fail(int code, struct err *err)
{
	code = command_fail(&command_account, code, err);
	err_fini(err);
	return code;
}

static int tell(enum account_result result, const struct action *action, struct err *err)
{
	switch (result) {
	case ACCOUNT_OK:
		return RACY_OK;
	case ACCOUNT_MISSING:
		err_set(err, "there is no account %" PRId64 "; `racy account list` shows those that there are",
		        action->id);
		return fail(RACY_USAGE, err);
	case ACCOUNT_ERROR:
		break;
	}
	return fail(RACY_ENVIRONMENT, err);
}

static void print_json(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	puts(text);
	free(text);
	json_decref(value);
}

static json_t *json_of(const struct account *account)
{
	return json_pack("{sI sI sI sI sI}", "id", account->id, "balance", account->balance, "transactions",
	                 account->transactions, "recorded_sum", account->recorded_sum, "difference",
	                 account->recorded_sum - account->balance);
}

static int create(const struct action *action)
{
	struct err err = {0};
	int64_t id;

	if (!account_create(action->session, action->balance, &id, &err))
		return fail(RACY_ENVIRONMENT, &err);
	print_json(json_pack("{sI sI}", "id", id, "balance", action->balance));
	return RACY_OK;
}

static int show(const struct action *action)
{
	struct err err = {0};
	struct account account;
	int code = tell(account_show(action->session, action->id, &account, &err), action, &err);

	if (code == RACY_OK)
		print_json(json_of(&account));
	return code;
}

static void print_list(const struct account *accounts, size_t n)
{
	printf("%12s %12s %12s %14s %12s\n", "id", "balance", "transactions", "recorded sum", "difference");
	for (size_t i = 0; i < n; i++)
		printf("%12" PRId64 " %12" PRId64 " %12" PRId64 " %14" PRId64 " %12" PRId64 "\n", accounts[i].id,
		       accounts[i].balance, accounts[i].transactions, accounts[i].recorded_sum,
		       accounts[i].recorded_sum - accounts[i].balance);
}

static int list(const struct action *action)
{
	struct err err = {0};
	struct account *accounts = NULL;
	size_t n = 0;

	if (!accounts_list(action->session, &accounts, &n, &err))
		return fail(RACY_ENVIRONMENT, &err);
	if (action->json) {
		json_t *array = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(array, json_of(&accounts[i]));
		print_json(array);
	} else if (n == 0) {
		puts("There is no account. `racy account create` makes one.");
	} else {
		print_list(accounts, n);
	}
	free(accounts);
	return RACY_OK;
}

static int reset(const struct action *action)
{
	struct err err = {0};
	int code = tell(account_reset(action->session, action->id, &err), action, &err);

	if (code != RACY_OK)
		return code;
	if (action->json)
		return show(action);
	printf("Account %" PRId64 ": balance 0, no transactions.\n", action->id);
	return RACY_OK;
}

static int delete(const struct action *action)
{
	struct err err = {0};
	int code = tell(account_delete(action->session, action->id, false, &err), action, &err);

	if (code != RACY_OK)
		return code;
	if (action->json)
		print_json(json_pack("{sI sb}", "id", action->id, "deleted", 1));
	else
		printf("Account %" PRId64 " is deleted; its transactions stay, without an account.\n", action->id);
	return RACY_OK;
}

static const struct verb {
	const char *name;
	bool needs_id;
	int (*run)(const struct action *action);
} verbs[] = {
	{"create", false, create}, {"list", false, list}, {"show", true, show},
	{"reset", true, reset},    {"delete", true, delete},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (text_equal(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int perform(const struct verb *verb, struct action *action, const struct database_options *where)
{
	struct database database;
	struct err err = {0};
	int code;

	if (!database_open(where, NULL, SHORT_WAIT_S * NS_PER_S, &database, &code, &err))
		return fail(code, &err);
	action->session = db_open(&database.target, &database.settings, &err);
	code = action->session != NULL ? verb->run(action) : fail(RACY_ENVIRONMENT, &err);
	db_close(action->session);
	database_close(&database);
	return code;
}

/* The verb and the id out of the operands; NULL when they are wrong, with *code told. */
static const struct verb *read_operands(int n, char **operands, struct action *action, int *code)
{
	const struct verb *verb = n > 0 ? find_verb(operands[0]) : NULL;
	struct err err = {0};

	if (verb == NULL) {
		*code = n > 0 ? command_usage(&command_account, "there is no '%s': create, list, show, reset or delete",
		                              operands[0])
		              : command_usage(&command_account, "say what to do: create, list, show, reset or delete");
		return NULL;
	}
	if (n != 1 + verb->needs_id) {
		*code = command_usage(&command_account, verb->needs_id ? "%s takes one account's id"
		                                                       : "%s takes no operand", verb->name);
		return NULL;
	}
	if (verb->needs_id && !num_parse(operands[1], INT64_MIN, INT64_MAX, &action->id, &err)) {
		*code = fail(RACY_USAGE, &err);
		return NULL;
	}
	return verb;
}

static int run(int argc, char **argv)
{
	struct database_options where = {0};
	struct action action = {0};
	const struct opt options[] = {
		DATABASE_OPTION_DB(where),
		{"balance", 0, "N", "create: what it begins with (0)", opt_number, &action.balance,
		 -ACCOUNT_MAX_BALANCE - 1LL, ACCOUNT_MAX_BALANCE},
		{"json", 0, NULL, "answer as JSON", opt_flag, &action.json, 0, 0},
		{0},
	};
	int first, code;

	if (!command_options(&command_account, argc, argv, options, &first, &code))
		return code;
	const struct verb *verb = read_operands(argc - first, argv + first, &action, &code);
	if (verb != NULL)
		code = perform(verb, &action, &where);
	database_options_fini(&where);
	return code;
}
