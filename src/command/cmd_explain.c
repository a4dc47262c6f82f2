/* racy explain: a variant's explanation beside its code, as it is compiled. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/handling.h"
#include "lab/registry.h"

static int run(int argc, char **argv);

const struct command command_explain = {
	.name = "explain",
	.operands = "SCENARIO/VARIANT [--json]",
	.summary = "what a variant does, whether it races and why, beside its code",
	.run = run,
};

static const char *const levels[LEVELS] = {"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ",
                                           "SERIALIZABLE"};
static const char *const expectations[] = {"not stated", "loses", "refuses some, loses none",
                                           "loses none, refuses none"};

/* The text of a function: from its name's line to the closing brace in the first column. */
static char *function_text(const char *source, const char *name)
{
	char *head = mem_printf(" %s(struct op *op", name);
	const char *at = strstr(source, head);
	const char *start = at, *end = NULL;

	while (start != NULL && start > source && start[-1] != '\n')
		start--;
	if (at != NULL)
		end = strstr(at, "\n}\n");
	free(head);
	return end != NULL ? mem_text_n(start, (size_t)(end + 2 - start)) : NULL;
}

/* The steps that a function is made of: those functions of the same source that it calls, each once.
 * `seen`: the names that were met, between spaces. */
static void print_steps(const char *source, const char *code, struct str *seen)
{
	static const char call[] = "(op";

	for (const char *at = strstr(code, call); at != NULL; at = strstr(at + 1, call)) {
		const char *start = at;
		if (at[strlen(call)] != ',' && at[strlen(call)] != ')')
			continue;
		while (start > code && (start[-1] == '_' || (start[-1] >= 'a' && start[-1] <= 'z')))
			start--;
		char *name = mem_printf(" %.*s ", (int)(at - start), start);
		bool again = strstr(str_text(seen), name) != NULL;
		str_add(seen, name + 1);
		name[strlen(name) - 1] = '\0';
		char *text = again || strncmp(name, " op_", 4) == 0 ? NULL : function_text(source, name + 1);
		if (text != NULL) {
			printf("\n%s\n", text);
			print_steps(source, strchr(text, '{'), seen);
		}
		free(text);
		free(name);
	}
}

static void print_place(const struct variant *variant)
{
	if (variant->iso != DB_ISO_DEFAULT)
		printf("\nIt runs at a level of its own, whatever the session's is: %s.\n", db_iso_name(variant->iso));
	for (int e = 0; e < ENGINES; e++) {
		char *lack = handling_lack(variant, (enum engine)e);
		if (lack != NULL)
			printf("\nNot applicable everywhere: %s.\n", lack);
		free(lack);
	}
}

static void print_expected(const enum expectation expected[ENGINES][LEVELS])
{
	for (int e = 0; e < ENGINES; e++)
		for (int l = 0; l < LEVELS; l++)
			if (expected[e][l] != NOT_STATED)
				printf("  %-12s %-18s %s\n", engine_product((enum engine)e), levels[l],
				       expectations[expected[e][l]]);
}

static void print_text(const struct registry_entry *entry, const char *code)
{
	struct str seen = {0};

	printf("%s/%s: %s\n\n%s\n", entry->scenario->name, entry->variant->name, entry->variant->title,
	       entry->variant->why);
	print_place(entry->variant);
	printf("\nExpected of several at once on one account:\n");
	print_expected(entry->variant->expected);
	printf("\nWithout BEGIN and COMMIT (--no-transaction):\n");
	print_expected(entry->variant->bare);
	printf("\nThe code, as it runs in every worker:\n\n%s\n", code);
	str_add(&seen, " ");
	print_steps(entry->scenario->source, strchr(code, '{'), &seen);
	str_fini(&seen);
}

static json_t *json_of(const enum expectation expected[ENGINES][LEVELS])
{
	json_t *all = json_object();

	for (int e = 0; e < ENGINES; e++) {
		json_t *of_engine = json_object();
		for (int l = 0; l < LEVELS; l++)
			if (expected[e][l] != NOT_STATED)
				json_object_set_new(of_engine, levels[l], json_string(expectations[expected[e][l]]));
		if (json_object_size(of_engine) > 0)
			json_object_set(all, engine_product((enum engine)e), of_engine);
		json_decref(of_engine);
	}
	return all;
}

static void print_json(const struct registry_entry *entry, const char *code)
{
	json_t *object = json_pack("{ss ss ss ss ss so so}", "scenario", entry->scenario->name, "variant",
	                           entry->variant->name, "title", entry->variant->title, "why",
	                           entry->variant->why, "code", code, "expected",
	                           json_of(entry->variant->expected), "expected_without_transaction",
	                           json_of(entry->variant->bare));
	char *text = json_dumps(object, JSON_COMPACT);
	puts(text);
	free(text);
	json_decref(object);
}

static int run(int argc, char **argv)
{
	bool json = false;
	const struct opt options[] = {
		{"json", 0, NULL, "answer as JSON", opt_flag, &json, 0, 0},
		{0},
	};
	struct registry_entry entry;
	struct err err = {0};
	int first, code;

	if (!command_options(&command_explain, argc, argv, options, &first, &code))
		return code;
	if (argc - first != 1)
		return command_usage(&command_explain, "name one variant; `racy list` shows them");
	if (!registry_find(argv[first], &entry, &err)) {
		code = command_fail(&command_explain, RACY_USAGE, &err);
		err_fini(&err);
		return code;
	}
	char *text = function_text(entry.scenario->source, entry.variant->function);
	if (text == NULL)
		abort(); /* a test asks for every variant's text */
	if (json)
		print_json(&entry, text);
	else
		print_text(&entry, text);
	free(text);
	return RACY_OK;
}
