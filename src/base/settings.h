/* Options that may also come by the environment and by a settings file. What was said in each place is
 * collected as text first and parsed by the options' own parsers afterwards, so that an error names the
 * place: "racy.conf:3: workers: ...". Strength: flag > environment > file > what the program takes itself. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/opt.h"

enum setting_source { SETTING_DEFAULT, SETTING_FILE, SETTING_ENVIRONMENT, SETTING_FLAG };

struct setting {
	const char *name; /* of its option */
	const char *text; /* "yes" or "no" for an option that takes no value */
	enum setting_source source;
	char *where; /* "racy.conf:3", "RACY_WORKERS", "--workers"; NULL: a default */
};

/* `= {0}` is "nothing was said". Texts of files live in the arena, others where they came from. */
struct settings {
	struct arena arena;
	struct setting *items;
	size_t n, capacity;
};
void settings_fini(struct settings *settings);

/* A name, of a variable or in a file, that stands for an option's. */
struct setting_alias {
	const char *alias; /* "WEB_CONCURRENCY"; NULL ends a list */
	const char *name;
};

/* What a file may name. */
struct settings_names {
	const struct opt *options;
	const struct setting_alias *aliases;
	const char *const *repeating; /* may stand more than once; NULL ends it */
};

void settings_add(struct settings *settings, enum setting_source source, const char *name, const char *text,
                  const char *where);

/* A parser for an option's line: takes the text down as a flag's; `target` is the struct settings. */
opt_parse_fn settings_opt;

/* For each option PREFIX_NAME ("RACY_GRACEFUL_TIMEOUT"), else the first alias of it that is set. An empty
 * variable counts as none. */
void settings_read_environment(struct settings *settings, const char *prefix, const struct opt *options,
                               const struct setting_alias *aliases);

/* Lines "name = value"; '_' stands for '-' in a name, '#' begins a line of comment, a value may stand in a pair
 * of quotes. A name that is no option's, or that stands twice and may not be repeated, is an error. Values are
 * not parsed. `path` is for errors. */
bool settings_parse_file(struct settings *settings, const char *path, const char *bytes, size_t length,
                         const struct settings_names *names, struct err *err) MUST_USE;
/* The same with the file's bytes; at most 64 KB. */
bool settings_read_file(struct settings *settings, const char *path, const struct settings_names *names,
                        struct err *err) MUST_USE;

/* The source whose word counts for this option: the strongest that said anything. */
enum setting_source settings_strongest(const struct settings *settings, const char *name);
/* Parses what `source` says about the option into its target; nothing said is no error. */
bool settings_apply(const struct settings *settings, enum setting_source source, const struct opt *option,
                    struct err *err) MUST_USE;

#endif
