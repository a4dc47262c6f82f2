/* The keys of a file's tables: columns that are the PRIMARY KEY or UNIQUE by themselves, as CREATE TABLE says. What is
 * missed here (quoted names, indexes made later) only leaves rows without a name. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "explore/script.h"

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Is the word in it, as a whole? */
static const char *find_word(const char *text, const char *end, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = text; at + length <= end; at++)
		if (strncasecmp(at, word, length) == 0 && (at == text || !is_name_byte(at[-1])) &&
		    (at + length == end || !is_name_byte(at[length])))
			return at;
	return NULL;
}

static size_t name_length(const char *at, const char *end)
{
	size_t length = 0;

	while (at + length < end && is_name_byte(at[length]))
		length++;
	return length;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && isspace((unsigned char)*at))
		at++;
	return at;
}

static void add(struct script *script, const char *table, const char *column, size_t length)
{
	if (script->n_keys < SCRIPT_MOST_KEYS && length > 0)
		script->keys[script->n_keys++] =
			(struct row_key){table, arena_text_n(&script->arena, column, length)};
}

/* PRIMARY KEY (id), UNIQUE (id): of one column. */
static void take_constraint(struct script *script, const char *table, const char *at, const char *end)
{
	const char *open = memchr(at, '(', (size_t)(end - at));

	if (open == NULL || find_word(at, end, "foreign") != NULL || find_word(at, end, "check") != NULL)
		return;
	const char *column = skip_blanks(open + 1, end);
	size_t length = name_length(column, end);
	const char *close = skip_blanks(column + length, end);
	if (close < end && *close == ')')
		add(script, table, column, length);
}

/* Between two commas of CREATE TABLE. */
static void take_part(struct script *script, const char *table, const char *at, const char *end)
{
	static const char *const constraints[] = {"primary", "unique", "constraint", "key", "index", "foreign", "check",
	                                          "exclude", "like", "fulltext", "spatial"};
	at = skip_blanks(at, end);
	size_t length = name_length(at, end);
	bool unique = find_word(at, end, "unique") != NULL || find_word(at, end, "primary") != NULL;

	for (size_t i = 0; i < sizeof constraints / sizeof *constraints; i++)
		if (find_word(at, at + length, constraints[i]) == at && length == strlen(constraints[i])) {
			if (unique)
				take_constraint(script, table, at, end);
			return;
		}
	if (unique || find_word(at, end, "{new_id}") != NULL)
		add(script, table, at, length);
}

static void take_table(struct script *script, const char *table, const char *sql)
{
	const char *at = strchr(sql, '('), *begin = at != NULL ? at + 1 : NULL;
	int depth = 0;

	for (; at != NULL && *at != '\0'; at++) {
		depth += (*at == '(') - (*at == ')');
		if ((*at == ',' && depth == 1) || depth == 0) {
			take_part(script, table, begin, at);
			begin = at + 1;
		}
		if (depth == 0)
			return;
	}
}

/* Tables are in the order of their statements. */
void script_find_keys(struct script *script)
{
	size_t table = 0;

	for (size_t i = 0; i < script->schema.n && table < script->tables.n; i++)
		if (strncasecmp(script->schema.items[i].sql, "CREATE TABLE ", 13) == 0)
			take_table(script, script->tables.items[table++].sql, script->schema.items[i].sql);
}
