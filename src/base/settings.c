/* Three places into one list of texts, and a text into its option's target. */
#include "base/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum { LARGEST_FILE = 64 * 1024 };

void settings_fini(struct settings *settings)
{
	for (size_t i = 0; i < settings->n; i++)
		free(settings->items[i].where);
	free(settings->items);
	arena_fini(&settings->arena);
	*settings = (struct settings){0};
}

void settings_add(struct settings *settings, enum setting_source source, const char *name, const char *text,
                  const char *where)
{
	settings->items = mem_grow(settings->items, &settings->capacity, settings->n + 1,
	                           sizeof *settings->items);
	settings->items[settings->n++] = (struct setting){name, text, source, mem_text(where)};
}

/* ---- flags ---------------------------------------------------------------------------------- */

bool settings_opt(const struct opt *opt, const char *text, struct err *err)
{
	char *where = mem_printf("--%s", opt->name);

	(void)err;
	settings_add(opt->target, SETTING_FLAG, opt->name, text != NULL ? text : "yes", where);
	free(where);
	return true;
}

/* ---- the environment ------------------------------------------------------------------------ */

static char *variable_of(const char *prefix, const char *name)
{
	char *variable = mem_printf("%s_%s", prefix, name);

	for (char *c = variable; *c != '\0'; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return variable;
}

static bool take_variable(struct settings *settings, const char *variable, const char *name)
{
	const char *text = getenv(variable);

	if (text == NULL || text[0] == '\0')
		return false;
	settings_add(settings, SETTING_ENVIRONMENT, name, text, variable);
	return true;
}

void settings_read_environment(struct settings *settings, const char *prefix, const struct opt *options,
                               const struct setting_alias *aliases)
{
	for (const struct opt *opt = options; opt->name != NULL; opt++) {
		char *variable = variable_of(prefix, opt->name);
		bool taken = take_variable(settings, variable, opt->name);
		for (const struct setting_alias *a = aliases; !taken && a->alias != NULL; a++)
			taken = text_equal(a->name, opt->name) && take_variable(settings, a->alias, opt->name);
		free(variable);
	}
}

/* ---- the file ------------------------------------------------------------------------------- */

struct reading {
	struct settings *settings;
	const char *path;
	size_t line;
	const struct settings_names *names;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(char **begin, char **end)
{
	while (*begin < *end && is_blank(**begin))
		(*begin)++;
	while (*end > *begin && is_blank((*end)[-1]))
		(*end)--;
}

static const struct opt *find(const struct settings_names *names, const char *name)
{
	for (const struct setting_alias *a = names->aliases; a->alias != NULL; a++)
		if (text_equal(a->alias, name))
			name = a->name;
	for (const struct opt *opt = names->options; opt->name != NULL; opt++)
		if (text_equal(opt->name, name))
			return opt;
	return NULL;
}

static bool may_repeat(const struct reading *reading, const char *name)
{
	for (const char *const *one = reading->names->repeating; *one != NULL; one++)
		if (text_equal(*one, name))
			return true;
	return false;
}

static const struct setting *find_in_file(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n; i++)
		if (settings->items[i].source == SETTING_FILE && text_equal(settings->items[i].name, name))
			return &settings->items[i];
	return NULL;
}

static void take_line(const struct reading *reading, const struct opt *opt, const char *value)
{
	char *where = mem_printf("%s:%zu", reading->path, reading->line);

	settings_add(reading->settings, SETTING_FILE, opt->name, value, where);
	free(where);
}

static bool read_name(const struct reading *reading, char *name, const struct opt **opt, struct err *err)
{
	for (char *c = name; *c != '\0'; c++)
		if (*c == '_')
			*c = '-';
	*opt = find(reading->names, name);
	if (*opt == NULL)
		return err_set(err, "there is no setting '%s'", name);
	const struct setting *earlier = find_in_file(reading->settings, (*opt)->name);
	if (earlier != NULL && !may_repeat(reading, (*opt)->name))
		return err_set(err, "%s is set a second time; before at %s", name, earlier->where);
	return true;
}

/* `begin` to `end` is within a buffer that may be written. */
static bool read_line(const struct reading *reading, char *begin, char *end, struct err *err)
{
	struct arena *arena = &reading->settings->arena;
	const struct opt *opt;

	trim(&begin, &end);
	if (begin == end || *begin == '#')
		return true;
	if (memchr(begin, '\0', (size_t)(end - begin)) != NULL)
		return err_set(err, "a NUL byte: this is no text file");
	char *equals = memchr(begin, '=', (size_t)(end - begin));
	if (equals == NULL || equals == begin)
		return err_set(err, "a line is 'name = value', or a comment that begins with '#'");
	char *name_end = equals, *value = equals + 1;
	trim(&begin, &name_end);
	trim(&value, &end);
	if (end - value >= 2 && (*value == '"' || *value == '\'') && end[-1] == *value) {
		value++;
		end--;
	}
	if (!read_name(reading, arena_text_n(arena, begin, (size_t)(name_end - begin)), &opt, err))
		return false;
	take_line(reading, opt, arena_text_n(arena, value, (size_t)(end - value)));
	return true;
}

bool settings_parse_file(struct settings *settings, const char *path, const char *bytes, size_t length,
                         const struct settings_names *names, struct err *err)
{
	struct reading reading = {settings, path, 1, names};
	char *copy = mem_new(length + 1, 1);
	bool ok = true;

	memcpy(copy, bytes, length);
	for (char *at = copy, *end = copy + length; ok && at < end; reading.line++) {
		char *stop = memchr(at, '\n', (size_t)(end - at));
		ok = read_line(&reading, at, stop != NULL ? stop : end, err);
		if (!ok)
			err_prefix(err, "%s:%zu", path, reading.line);
		at = stop != NULL ? stop + 1 : end;
	}
	free(copy);
	return ok;
}

bool settings_read_file(struct settings *settings, const char *path, const struct settings_names *names,
                        struct err *err)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return err_set(err, "the settings file %s cannot be read: %s", path, strerror(errno));
	char *bytes = mem_new(LARGEST_FILE + 1, 1);
	size_t length = fread(bytes, 1, LARGEST_FILE + 1, file);
	bool ok = false;
	if (ferror(file))
		err_set(err, "the settings file %s cannot be read: %s", path, strerror(errno));
	else if (length > LARGEST_FILE)
		err_set(err, "the settings file %s is larger than %d bytes", path, LARGEST_FILE);
	else
		ok = settings_parse_file(settings, path, bytes, length, names, err);
	free(bytes);
	fclose(file);
	return ok;
}

/* ---- what counts ---------------------------------------------------------------------------- */

enum setting_source settings_strongest(const struct settings *settings, const char *name)
{
	enum setting_source strongest = SETTING_DEFAULT;

	for (size_t i = 0; i < settings->n; i++)
		if (settings->items[i].source > strongest && text_equal(settings->items[i].name, name))
			strongest = settings->items[i].source;
	return strongest;
}

static bool apply_switch(const struct opt *option, const char *text, struct err *err)
{
	if (text_equal(text, "yes"))
		return option->parse(option, NULL, err);
	if (text_equal(text, "no"))
		return true;
	return err_set(err, "'%s' is neither yes nor no", text);
}

static bool apply_one(const struct setting *setting, const struct opt *option, struct err *err)
{
	bool ok = option->value != NULL ? option->parse(option, setting->text, err)
	                                : apply_switch(option, setting->text, err);

	if (ok)
		return true;
	if (setting->source == SETTING_FILE)
		err_prefix(err, "%s", option->name);
	if (setting->where != NULL)
		err_prefix(err, "%s", setting->where);
	return false;
}

bool settings_apply(const struct settings *settings, enum setting_source source, const struct opt *option,
                    struct err *err)
{
	for (size_t i = 0; i < settings->n; i++)
		if (settings->items[i].source == source && text_equal(settings->items[i].name, option->name) &&
		    !apply_one(&settings->items[i], option, err))
			return false;
	return true;
}
