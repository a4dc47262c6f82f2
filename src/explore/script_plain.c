/* What the text of a file's statements allows to take for granted. Lists of what is known, never of what is not: a
 * statement that is not understood may do anything. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "explore/script.h"

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_blanks(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

static size_t word_length(const char *at)
{
	size_t n = 0;

	while (is_word_byte(at[n]))
		n++;
	return n;
}

static bool word_is(const char *at, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(at, word, length) == 0;
}

static bool is_one_of(const char *at, size_t length, const char *const *words)
{
	for (; *words != NULL; words++)
		if (word_is(at, length, *words))
			return true;
	return false;
}

/* Past a text or a name in quotes; else one byte. */
static const char *skip_part(const char *at)
{
	const char quote = *at;

	if (quote != '\'' && quote != '"' && quote != '`')
		return at + 1;
	for (at++; *at != '\0' && *at != quote; at++)
		;
	return *at != '\0' ? at + 1 : at;
}

/* Does one of these words stand in it, outside of quotes? */
static bool has_word(const char *sql, const char *const *words)
{
	while (*sql != '\0') {
		size_t length = word_length(sql);
		if (length > 0 && is_one_of(sql, length, words))
			return true;
		sql = length > 0 ? sql + length : skip_part(sql);
	}
	return false;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

/* From CREATE on to what is made: past OR REPLACE, UNLOGGED and the like. *temporary: it is its session's alone. */
static const char *skip_adjectives(const char *at, bool *temporary)
{
	static const char *const adjectives[] = {"OR", "REPLACE", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", NULL};
	static const char *const temporaries[] = {"TEMP", "TEMPORARY", NULL};

	for (;; at = skip_blanks(at + word_length(at))) {
		size_t length = word_length(at);
		if (is_one_of(at, length, temporaries))
			*temporary = true;
		else if (!is_one_of(at, length, adjectives))
			return at;
	}
}

/* CREATE TABLE: at its name; NULL: it makes no table. */
static const char *table_name(const char *sql, bool *temporary)
{
	static const char *const unless[] = {"IF", "NOT", "EXISTS", NULL};
	const char *at = skip_blanks(sql);

	*temporary = false;
	if (!word_is(at, word_length(at), "CREATE"))
		return NULL;
	at = skip_adjectives(skip_blanks(at + word_length(at)), temporary);
	if (!word_is(at, word_length(at), "TABLE"))
		return NULL;
	at = skip_blanks(at + word_length(at));
	while (is_one_of(at, word_length(at), unless))
		at = skip_blanks(at + word_length(at));
	return at;
}

static size_t name_length(const char *name)
{
	const char *at = name;

	while (*at != '\0' && *at != '(' && !isspace((unsigned char)*at))
		at = skip_part(at);
	return (size_t)(at - name);
}

bool script_find_tables(struct script *script, struct err *err)
{
	for (size_t i = 0; i < script->schema.n; i++) {
		struct script_list *tables = &script->tables;
		bool temporary;
		const char *name = table_name(script->schema.items[i].sql, &temporary);
		if (name == NULL)
			continue;
		if (temporary)
			return err_set(err, "schema: a temporary table is its session's alone; the sessions would not "
			                    "see it: %.60s", script->schema.items[i].sql);
		tables->items = mem_grow(tables->items, &tables->capacity, tables->n + 1, sizeof *tables->items);
		tables->items[tables->n++] =
			(struct script_query){NULL, arena_text_n(&script->arena, name, name_length(name))};
	}
	return true;
}

/* ---- what is plain ------------------------------------------------------------------------------------------ */

/* Every `name(` is one of these, or a table that is inserted into. */
static bool calls_only_what_is_known(const struct script *script, const char *sql)
{
	static const char *const known[] = {"count", "sum", "min", "max", "avg", "abs", "coalesce", "round", "lower",
	                                    "upper", "length", "mod", "in", "values", "and", "or", "not", "exists",
	                                    "from", "where", "as", "then", "when", "else", "select", "on", "set", NULL};

	while (*sql != '\0') {
		size_t length = word_length(sql);
		bool is_known = length == 0 || *skip_blanks(sql + length) != '(' || is_one_of(sql, length, known);
		for (size_t i = 0; i < script->tables.n && !is_known; i++)
			is_known = word_is(sql, length, script->tables.items[i].sql);
		if (!is_known || *sql == '@' || (*sql == ':' && sql[1] == '='))
			return false;
		sql = length > 0 ? sql + length : skip_part(sql);
	}
	return true;
}

static bool has_plain_tokens(const char *sql)
{
	static const char *const known[] = {"{for_update}", "{for_share}", NULL};

	for (const char *at = strchr(sql, '{'); at != NULL; at = strchr(at + 1, '{')) {
		bool is_known = false;
		for (const char *const *token = known; *token != NULL; token++)
			is_known |= strncmp(at, *token, strlen(*token)) == 0;
		if (!is_known)
			return false;
	}
	return true;
}

/* It reads or writes rows of the tables that it names, and nothing of it is left in its session. */
static bool is_plain(const struct script *script, const char *sql)
{
	static const char *const verbs[] = {"SELECT", "INSERT", "UPDATE", "DELETE", NULL};
	static const char *const into[] = {"INTO", NULL};
	const char *at = skip_blanks(sql);
	const size_t length = word_length(at);

	return is_one_of(at, length, verbs) && (!word_is(at, length, "SELECT") || !has_word(at, into)) &&
	       has_plain_tokens(at) && calls_only_what_is_known(script, at);
}

/* A BEGIN within a transaction ends it on MariaDB. */
static bool steps_are_plain(const struct script *script, const struct script_session *session)
{
	bool in_transaction = false;

	for (size_t i = 0; i < session->n_steps; i++) {
		const struct script_step *step = &session->steps[i];
		bool is_statement = step->verb == DB_READ || step->verb == DB_WRITE;
		if ((is_statement && !is_plain(script, step->sql)) || (step->verb == DB_BEGIN && in_transaction))
			return false;
		if (!is_statement)
			in_transaction = step->verb == DB_BEGIN;
	}
	return true;
}

static bool schema_is_plain(const struct script *script)
{
	static const char *const hidden[] = {"TRIGGER", "VIEW", "FUNCTION", "PROCEDURE", "RULE", "SEQUENCE",
	                                     "PARTITION", "INHERITS", "nextval", "serial", "bigserial", NULL};

	for (size_t i = 0; i < script->schema.n; i++) {
		const char *sql = script->schema.items[i].sql;
		bool temporary;
		const char *at = skip_blanks(sql);
		bool is_index = word_is(at, word_length(at), "CREATE");
		if (is_index) {
			at = skip_adjectives(skip_blanks(at + word_length(at)), &temporary);
			is_index = word_is(at, word_length(at), "INDEX");
		}
		if ((table_name(sql, &temporary) == NULL && !is_index) || has_word(sql, hidden))
			return false;
	}
	return true;
}

void script_find_plain(struct script *script)
{
	static const char *const references[] = {"REFERENCES", NULL};

	script->plain = true;
	for (size_t i = 0; i < script->n_sessions; i++)
		script->plain = script->plain && steps_are_plain(script, &script->sessions[i]);
	script->reducible = script->plain && schema_is_plain(script);
	for (size_t i = 0; i < script->setup.n; i++)
		script->reducible = script->reducible && is_plain(script, script->setup.items[i].sql);
	script->tells_tables = script->reducible && script->tables.n > 0 && script->tables.n <= 64;
	for (size_t i = 0; i < script->schema.n; i++)
		script->tells_tables = script->tells_tables && !has_word(script->schema.items[i].sql, references);
}
