/* racy list: what there is to race. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "command/commands.h"
#include "command/handling.h"
#include "lab/registry.h"

static int run(int argc, char **argv);

const struct command command_list = {
	.name = "list",
	.operands = "[--json]",
	.summary = "the scenarios and the ways to write each operation",
	.run = run,
};

static void print_variant(const struct scenario *scenario, const struct variant *variant)
{
	printf("  %s/%-30s %s", scenario->name, variant->name, variant->title);
	if (variant->iso != DB_ISO_DEFAULT && strstr(variant->title, db_iso_name(variant->iso)) == NULL)
		printf(" (%s)", db_iso_name(variant->iso));
	for (int e = 0; e < ENGINES; e++) {
		char *lack = handling_lack(variant, (enum engine)e);
		if (lack != NULL)
			printf(" (not on %s)", engine_product((enum engine)e));
		free(lack);
	}
	putchar('\n');
}

static void print_text(const struct scenario *scenario)
{
	printf("%s: %s\n\n", scenario->name, scenario->title);
	for (size_t o = 0; o < scenario->n_operations; o++) {
		const struct operation *operation = &scenario->operations[o];
		for (size_t v = 0; v < operation->n_variants; v++)
			print_variant(scenario, &operation->variants[v]);
	}
}

static json_t *lacks_of(const struct variant *variant)
{
	json_t *lacks = json_object();

	for (int e = 0; e < ENGINES; e++) {
		char *lack = handling_lack(variant, (enum engine)e);
		if (lack != NULL)
			json_object_set_new(lacks, engine_product((enum engine)e), json_string(lack));
		free(lack);
	}
	return lacks;
}

static json_t *level_of(const struct variant *variant)
{
	return variant->iso != DB_ISO_DEFAULT ? json_string(db_iso_name(variant->iso)) : json_null();
}

static json_t *json_of(const struct scenario *scenario)
{
	json_t *variants = json_array();

	for (size_t o = 0; o < scenario->n_operations; o++) {
		const struct operation *operation = &scenario->operations[o];
		for (size_t v = 0; v < operation->n_variants; v++) {
			const struct variant *variant = &operation->variants[v];
			char *path = NULL;
			if (asprintf(&path, "%s%s/", operation->route, variant->name) < 0)
				abort();
			json_array_append_new(variants,
			                      json_pack("{ss ss ss ss sb sb so so}", "name", variant->name, "operation",
			                                operation->name, "title", variant->title, "path", path,
			                                "pauses", variant->pauses, "atomic", variant->atomic,
			                                "isolation", level_of(variant), "not_applicable",
			                                lacks_of(variant)));
			free(path);
		}
	}
	return json_pack("{ss ss so}", "name", scenario->name, "title", scenario->title, "variants", variants);
}

static int run(int argc, char **argv)
{
	bool json = false;
	const struct opt options[] = {
		{"json", 0, NULL, "answer as JSON", opt_flag, &json, 0, 0},
		{0},
	};
	int first, code;

	if (!command_options(&command_list, argc, argv, options, &first, &code))
		return code;
	if (first < argc)
		return command_usage(&command_list, "'%s' is too much: it takes no operand", argv[first]);
	json_t *array = json_array();
	for (size_t i = 0; i < registry_count(); i++) {
		if (json)
			json_array_append_new(array, json_of(registry_at(i)));
		else
			print_text(registry_at(i));
	}
	if (json) {
		char *text = json_dumps(array, JSON_COMPACT);
		puts(text);
		free(text);
	} else {
		puts("\n`racy explain NAME` tells what one does and why; `racy run NAME` races it.");
	}
	json_decref(array);
	return RACY_OK;
}
