/* What the text of a file's statements allows to take for granted. Lists of what is known, never of what is not: a
 * statement that is not understood may do anything. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "db/sql.h"
#include "explore/script.h"

/* What is left of a statement, word by word. */
struct rest {
	const char *at, *end;
	struct sql_word word; /* the last one taken */
};

static struct rest rest_of(const char *sql)
{
	return (struct rest){.at = sql, .end = sql + strlen(sql)};
}

static bool take(struct rest *rest)
{
	if (sql_next_said(&rest->at, rest->end, &rest->word))
		return true;
	rest->word = (struct sql_word){SQL_SIGN, rest->end, 0};
	return false;
}

static bool stands_next(const struct rest *rest, const char *text)
{
	struct rest ahead = *rest;

	return take(&ahead) && sql_is(&ahead.word, text);
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

/* From CREATE on to what is made: past OR REPLACE, UNLOGGED and the like. *temporary: it is its session's alone. False:
 * it is no CREATE. */
static bool take_create(struct rest *rest, bool *temporary)
{
	static const char *const adjectives[] = {"OR", "REPLACE", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", NULL};
	static const char *const temporaries[] = {"TEMP", "TEMPORARY", NULL};

	*temporary = false;
	if (!take(rest) || !sql_is(&rest->word, "CREATE"))
		return false;
	while (take(rest)) {
		*temporary |= sql_is_one_of(&rest->word, temporaries);
		if (!sql_is_one_of(&rest->word, temporaries) && !sql_is_one_of(&rest->word, adjectives))
			return true;
	}
	return false;
}

/* CREATE TABLE: at its name, which ends at a blank or the parenthesis, with a schema's before it; false: it makes no
 * table. */
static bool take_table(struct rest *rest, bool *temporary, struct sql_word *name)
{
	static const char *const unless[] = {"IF", "NOT", "EXISTS", NULL};

	if (!take_create(rest, temporary) || !sql_is(&rest->word, "TABLE"))
		return false;
	while (take(rest) && sql_is_one_of(&rest->word, unless))
		;
	*name = rest->word;
	while (rest->at < rest->end && *rest->at == '.' && take(rest) && take(rest))
		name->length = (size_t)(rest->at - name->at);
	return name->length > 0;
}

static bool makes_table(const char *sql)
{
	struct rest rest = rest_of(sql);
	struct sql_word name;
	bool temporary;

	return take_table(&rest, &temporary, &name);
}

static bool makes_index(const char *sql)
{
	struct rest rest = rest_of(sql);
	bool temporary;

	return take_create(&rest, &temporary) && sql_is(&rest.word, "INDEX");
}

bool script_find_tables(struct script *script, struct err *err)
{
	for (size_t i = 0; i < script->schema.n; i++) {
		struct script_list *tables = &script->tables;
		struct rest rest = rest_of(script->schema.items[i].sql);
		struct sql_word name;
		bool temporary;
		if (!take_table(&rest, &temporary, &name))
			continue;
		if (temporary)
			return err_set(err, "schema: a temporary table is its session's alone; the sessions would not "
			                    "see it: %.60s", script->schema.items[i].sql);
		tables->items = mem_grow(tables->items, &tables->capacity, tables->n + 1, sizeof *tables->items);
		tables->items[tables->n++] =
			(struct script_query){.name = arena_text_n(&script->arena, name.at, name.length),
			                      .sql = script->schema.items[i].sql};
	}
	return true;
}

/* ---- what is plain ------------------------------------------------------------------------------------------ */

static bool is_a_table(const struct script *script, const struct sql_word *word)
{
	for (size_t i = 0; i < script->tables.n; i++) {
		const char *table = script->tables.items[i].name;
		if (word->length == strlen(table) && strncasecmp(word->at, table, word->length) == 0)
			return true;
	}
	return false;
}

/* Every `name(` is one of these, or a table that is inserted into; no variable is set. */
static bool uses_only_what_is_known(const struct script *script, const char *sql)
{
	static const char *const known[] = {"count", "sum", "min", "max", "avg", "abs", "coalesce", "round", "lower",
	                                    "upper", "length", "mod", "in", "values", "and", "or", "not", "exists",
	                                    "from", "where", "as", "then", "when", "else", "select", "on", "set", NULL};
	static const char *const tokens[] = {"{for_update}", "{for_share}", NULL};
	struct rest rest = rest_of(sql);

	while (take(&rest)) {
		const struct sql_word *word = &rest.word;
		bool is_call = (word->kind == SQL_WORD || word->kind == SQL_NAME) && stands_next(&rest, "(");
		if ((is_call && !sql_is_one_of(word, known) && !is_a_table(script, word)) ||
		    (word->kind == SQL_TOKEN && !sql_is_one_of(word, tokens)) ||
		    (sql_is(word, ":") && stands_next(&rest, "=")))
			return false;
	}
	return true;
}

/* It reads or writes rows of the tables that it names, and nothing of it is left in its session. */
static bool is_plain(const struct script *script, const char *sql)
{
	static const char *const verbs[] = {"SELECT", "INSERT", "UPDATE", "DELETE", NULL};
	static const char *const into[] = {"INTO", NULL};
	struct rest rest = rest_of(sql);

	return sql_is_plain(sql) && take(&rest) && sql_is_one_of(&rest.word, verbs) &&
	       (!sql_is(&rest.word, "SELECT") || !sql_has(rest.at, into)) && uses_only_what_is_known(script, sql);
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
		if (!sql_is_plain(sql) || (!makes_table(sql) && !makes_index(sql)) || sql_has(sql, hidden))
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
		script->tells_tables = script->tells_tables && !sql_has(script->schema.items[i].sql, references);
}
