/* The keys of a file's tables: columns that are the PRIMARY KEY or UNIQUE by themselves, as CREATE TABLE says. What is
 * missed here (quoted names, indexes made later) only leaves rows without a name. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/sql.h"
#include "explore/script.h"

/* The words between two commas of CREATE TABLE. */
struct part {
	struct sql_word *words;
	size_t n, capacity;
};

static const struct sql_word *find(const struct part *part, const char *text)
{
	for (size_t i = 0; i < part->n; i++)
		if (sql_is(&part->words[i], text))
			return &part->words[i];
	return NULL;
}

static void add(struct script *script, const char *table, const struct sql_word *column)
{
	if (script->n_keys < SCRIPT_MOST_KEYS && column->kind == SQL_WORD)
		script->keys[script->n_keys++] =
			(struct row_key){table, arena_text_n(&script->arena, column->at, column->length)};
}

/* PRIMARY KEY (id), UNIQUE (id): of one column. */
static void take_constraint(struct script *script, const char *table, const struct part *part)
{
	const struct sql_word *open = find(part, "(");

	if (open != NULL && open + 3 == part->words + part->n && sql_is(open + 2, ")") &&
	    find(part, "foreign") == NULL && find(part, "check") == NULL)
		add(script, table, open + 1);
}

static void take_part(struct script *script, const char *table, const struct part *part)
{
	static const char *const constraints[] = {"primary", "unique", "constraint", "key", "index", "foreign", "check",
	                                          "exclude", "like", "fulltext", "spatial", NULL};
	bool unique = find(part, "unique") != NULL || find(part, "primary") != NULL;

	if (part->n == 0)
		return;
	if (!sql_is_one_of(&part->words[0], constraints)) {
		if (unique || find(part, "{new_id}") != NULL)
			add(script, table, &part->words[0]);
	} else if (unique) {
		take_constraint(script, table, part);
	}
}

static void take_table(struct script *script, const char *table, const char *sql)
{
	const char *end = sql + strlen(sql);
	struct sql_word word;
	struct part part = {0};
	int depth = 0;

	while (sql_next_said(&sql, end, &word)) {
		const int before = depth;
		depth += sql_is(&word, "(") - sql_is(&word, ")");
		if (before == 0)
			continue;
		if (depth > 0 && !(depth == 1 && sql_is(&word, ","))) {
			part.words = mem_grow(part.words, &part.capacity, part.n + 1, sizeof *part.words);
			part.words[part.n++] = word;
			continue;
		}
		take_part(script, table, &part);
		part.n = 0;
		if (depth == 0)
			break;
	}
	free(part.words);
}

/* Tables are in the order of their statements. */
void script_find_keys(struct script *script)
{
	for (size_t i = 0; i < script->tables.n; i++)
		take_table(script, script->tables.items[i].name, script->tables.items[i].sql);
}
