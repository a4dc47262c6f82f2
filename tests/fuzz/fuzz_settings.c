/* Any bytes as a settings file: an error names its line; what is taken names an option, holds no line end and
 * no blank around it, and means the same when it is written down again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct opt options[] = {
	{"workers", 'w', "N", "", NULL, NULL, 0, 0},
	{"graceful-timeout", 0, "TIME", "", NULL, NULL, 0, 0},
	{"set", 0, "NAME=VALUE", "", NULL, NULL, 0, 0},
	{"no-transaction", 0, NULL, "", NULL, NULL, 0, 0},
	{0},
};
static const struct setting_alias aliases[] = {{"workforce", "workers"}, {0}};
static const char *const repeating[] = {"set", NULL};
static const struct settings_names names = {options, aliases, repeating};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void check_item(const struct setting *item, size_t times)
{
	bool known = false;

	for (const struct opt *opt = options; opt->name != NULL; opt++)
		known = known || opt->name == item->name;
	expect(known && item->source == SETTING_FILE);
	expect(text_starts_with(item->where, "f:"));
	expect(strchr(item->text, '\n') == NULL);
	expect(times == 1 || text_equal(item->name, "set"));
}

static size_t count(const struct settings *settings, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < settings->n; i++)
		n += settings->items[i].name == name;
	return n;
}

static void check_again(const struct settings *settings)
{
	struct settings again = {0};
	struct str text = {0};

	for (size_t i = 0; i < settings->n; i++)
		str_printf(&text, "%s=\"%s\"\n", settings->items[i].name, settings->items[i].text);
	expect(settings_parse_file(&again, "f", str_text(&text), text.length, &names, NULL));
	expect(again.n == settings->n);
	for (size_t i = 0; i < again.n; i++)
		expect(again.items[i].name == settings->items[i].name &&
		       text_equal(again.items[i].text, settings->items[i].text));
	settings_fini(&again);
	str_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings = {0};
	struct err err = {0};

	if (settings_parse_file(&settings, "f", (const char *)data, size, &names, &err)) {
		expect(err.text == NULL);
		for (size_t i = 0; i < settings.n; i++)
			check_item(&settings.items[i], count(&settings, settings.items[i].name));
		check_again(&settings);
	} else {
		expect(text_starts_with(err.text, "f:"));
	}
	settings_fini(&settings);
	err_fini(&err);
	return 0;
}
