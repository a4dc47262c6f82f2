/* The file format: words, names, and blocks of SQL in braces. */
#include "explore/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "db/sql.h"

struct reader {
	struct script *script;
	const char *path;
	const char *at, *end;
	int line;
	struct script_list shows; /* lines, read when all names are known */
	struct script_session *session; /* the one whose steps come; NULL: none yet */
	struct err *err;
};

static bool fault(struct reader *reader, const char *what, const char *word)
{
	return err_set(reader->err, word != NULL ? "%s:%d: %s '%s'" : "%s:%d: %s", reader->path, reader->line, what,
	               word);
}

/* ---- words ------------------------------------------------------------------------------------------------ */

/* Past blanks and comments: # and -- to the end of the line. */
static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end) {
		const char *at = reader->at;
		bool comment = *at == '#' || (*at == '-' && at + 1 < reader->end && at[1] == '-');
		if (comment) {
			while (reader->at < reader->end && *reader->at != '\n')
				reader->at++;
		} else if (isspace((unsigned char)*at)) {
			reader->line += *at == '\n';
			reader->at++;
		} else {
			return;
		}
	}
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* NULL: no word stands there. */
static const char *take_word(struct reader *reader)
{
	skip_blanks(reader);
	const char *from = reader->at;
	while (reader->at < reader->end && is_name_byte(*reader->at))
		reader->at++;
	return reader->at > from ? arena_text_n(&reader->script->arena, from, (size_t)(reader->at - from)) : NULL;
}

static bool take_char(struct reader *reader, char c)
{
	skip_blanks(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* "text in quotes", on one line. */
static const char *take_quoted(struct reader *reader)
{
	if (!take_char(reader, '"'))
		return NULL;
	const char *from = reader->at;
	while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\n')
		reader->at++;
	if (reader->at == reader->end || *reader->at != '"')
		return NULL;
	return arena_text_n(&reader->script->arena, from, (size_t)(reader->at++ - from));
}

/* ---- blocks of SQL ------------------------------------------------------------------------------------------ */

/* What stands between braces. */
static bool take_block(struct reader *reader, const char **from, const char **to)
{
	const char *at;
	struct sql_word word;
	int depth = 1;

	if (!take_char(reader, '{'))
		return fault(reader, "SQL in braces is missing here", NULL);
	at = *from = reader->at;
	while (depth > 0 && sql_next(&at, reader->end, &word))
		depth += sql_is(&word, "{") - sql_is(&word, "}");
	if (depth > 0)
		return fault(reader, "a brace is not closed, or a quote within it", NULL);
	*to = word.at;
	for (; reader->at < at; reader->at++)
		reader->line += *reader->at == '\n';
	return true;
}

/* To the first word and the last one: without blanks, and without comments around it, unless they may be more than that
 * to some engine. Empty where there is none. */
static void trim(const char **from, const char **to)
{
	const char *at = *from, *last = *from;
	struct sql_word word;
	bool any = false;

	while (sql_next(&at, *to, &word)) {
		if (sql_is_plain_comment(&word))
			continue;
		*from = any ? *from : word.at;
		any = true;
		last = word.at + word.length;
	}
	*to = any ? last : *from;
}

static void list_add(struct script_list *list, const char *name, const char *sql)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
	list->items[list->n++] = (struct script_query){name, sql};
}

/* Statements with ';' between them. */
static void split(struct reader *reader, struct script_list *list, const char *from, const char *to)
{
	for (const char *at = from; from < to; from = at) {
		struct sql_word word = {.at = from};
		bool any;
		while ((any = sql_next(&at, to, &word)) && !sql_is(&word, ";"))
			;
		const char *first = from, *last = any ? word.at : to;
		trim(&first, &last);
		if (first < last)
			list_add(list, NULL, arena_text_n(&reader->script->arena, first, (size_t)(last - first)));
	}
}

static bool take_statements(struct reader *reader, struct script_list *list)
{
	const char *from, *to;

	if (!take_block(reader, &from, &to))
		return false;
	split(reader, list, from, to);
	return true;
}

/* ---- a step -------------------------------------------------------------------------------------------------- */

static bool begins_with(const char *sql, const char *word)
{
	size_t length = strlen(word);

	return strncasecmp(sql, word, length) == 0 && !is_name_byte(sql[length]);
}

static bool is_one_of(const char *sql, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcasecmp(sql, *words) == 0)
			return true;
	return false;
}

/* BEGIN, COMMIT and ROLLBACK are verbs of their own, so that where the transaction is stays known. What else may stand
 * behind these words would be lost. */
static bool settle_verb(struct reader *reader, struct script_step *step)
{
	static const char *const reads[] = {"SELECT", "WITH", "VALUES", "SHOW", "TABLE"};
	static const char *const begins[] = {"BEGIN", "BEGIN WORK", "BEGIN TRANSACTION", "BEGIN DEFERRED",
	                                     "START TRANSACTION", "BEGIN IMMEDIATE", NULL};
	static const char *const commits[] = {"COMMIT", "COMMIT WORK", "COMMIT TRANSACTION", "END", NULL};
	static const char *const rollbacks[] = {"ROLLBACK", "ROLLBACK WORK", "ROLLBACK TRANSACTION", NULL};
	const char *sql = step->sql;

	step->verb = DB_WRITE;
	if (is_one_of(sql, begins)) {
		step->verb = DB_BEGIN;
		step->for_write = strcasecmp(sql, "BEGIN IMMEDIATE") == 0;
	} else if (is_one_of(sql, commits)) {
		step->verb = DB_COMMIT;
	} else if (is_one_of(sql, rollbacks)) {
		step->verb = DB_ROLLBACK;
	} else if (begins_with(sql, "BEGIN") || begins_with(sql, "START") || begins_with(sql, "COMMIT") ||
	           begins_with(sql, "END") || (begins_with(sql, "ROLLBACK") && strcasestr(sql, " TO ") == NULL)) {
		return fault(reader,
		             "BEGIN, BEGIN IMMEDIATE, COMMIT and ROLLBACK stand alone (the level is --isolation), not",
		             sql);
	}
	if (begins_with(sql, "SET") && strcasestr(sql, "ISOLATION") != NULL)
		return fault(reader, "the level is --isolation, of all sessions, and no step:", sql);
	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
		if (begins_with(sql, reads[i]))
			step->verb = DB_READ;
	return true;
}

static size_t name_index(struct script_session *session, const char *name, size_t length)
{
	size_t i = 0;

	while (i < session->n_names &&
	       (strlen(session->names[i]) != length || memcmp(session->names[i], name, length) != 0))
		i++;
	return i;
}

/* ":name", with nothing between. *name: the name. */
static bool is_value(const char *at, const char *end, const struct sql_word *word, struct sql_word *name)
{
	return sql_is(word, ":") && sql_next(&at, end, name) && name->kind == SQL_WORD && name->at == word->at + 1 &&
	       (isalpha((unsigned char)*name->at) || *name->at == '_');
}

static bool bind_value(struct reader *reader, struct script_step *step, const struct sql_word *name)
{
	size_t index = name_index(reader->session, name->at, name->length);
	bool known = index < reader->session->n_names;

	if (!known || step->n_args == DB_MAX_ARGS)
		return fault(reader, known ? "too many values; the last is" : "no step before this one reads into",
		             arena_text_n(&reader->script->arena, name->at, name->length));
	step->args[step->n_args++] = index;
	return true;
}

/* ":name" outside of quotes becomes `?`; "::" is PostgreSQL's. Comments stay: they may be hints. */
static bool bind_values(struct reader *reader, struct script_step *step, const char *from, const char *to)
{
	const char *at = from, *copied = from;
	struct str sql = {0};
	struct sql_word word, name;
	bool ok = true;

	while (ok && sql_next(&at, to, &word)) {
		if (sql_is(&word, ":") && at < to && *at == ':')
			at++; /* so that what follows does not stand at the first one */
		if (!is_value(at, to, &word, &name))
			continue;
		str_add_n(&sql, copied, (size_t)(word.at - copied));
		str_add_char(&sql, '?');
		ok = bind_value(reader, step, &name);
		copied = at = name.at + name.length;
	}
	str_add_n(&sql, copied, (size_t)(to - copied));
	step->sql = arena_text_n(&reader->script->arena, str_text(&sql), sql.length);
	str_fini(&sql);
	return ok;
}

static bool take_into(struct reader *reader, struct script_step *step)
{
	struct script_session *session = reader->session;
	const char *name;

	do {
		name = take_word(reader);
		if (name == NULL || step->n_into == DB_MAX_ARGS)
			return fault(reader, "after 'into' come up to 8 names, with commas between them", NULL);
		size_t index = name_index(session, name, strlen(name));
		if (index == SCRIPT_MAX_NAMES)
			return fault(reader, "too many names in a session; one more is", name);
		if (index == session->n_names)
			session->names[session->n_names++] = name;
		step->into[step->n_into++] = index;
	} while (take_char(reader, ','));
	return true;
}

static bool take_step(struct reader *reader)
{
	struct script_session *session = reader->session;
	struct script_step step = {.name = take_word(reader)};
	const char *from, *to;

	if (session == NULL)
		return fault(reader, "a step belongs to a session: write 'session NAME' before it", NULL);
	if (step.name == NULL || strlen(step.name) >= 32)
		return fault(reader, "after 'step' comes its name, of up to 31 characters", NULL);
	for (size_t i = 0; i < session->n_steps; i++)
		if (strcmp(session->steps[i].name, step.name) == 0)
			return fault(reader, "the session has two steps of the name", step.name);
	if (session->n_steps == SCRIPT_MAX_STEPS)
		return fault(reader, "a session has at most 64 steps", NULL);
	if (!take_block(reader, &from, &to))
		return false;
	trim(&from, &to);
	while (to > from && to[-1] == ';')
		to--;
	trim(&from, &to);
	if (from == to)
		return fault(reader, "there is no statement in the step", step.name);
	if (!bind_values(reader, &step, from, to) || !settle_verb(reader, &step))
		return false;
	const char *before = reader->at;
	const char *word = take_word(reader);
	if (word == NULL || strcmp(word, "into") != 0)
		reader->at = before;
	else if (!take_into(reader, &step))
		return false;
	session->steps = mem_grow(session->steps, &session->capacity, session->n_steps + 1, sizeof *session->steps);
	session->steps[session->n_steps++] = step;
	return true;
}

/* ---- sessions and the rest -------------------------------------------------------------------------------------- */

static struct script_session *find_session(struct script *script, const char *name)
{
	for (size_t i = 0; i < script->n_sessions; i++)
		if (strcmp(script->sessions[i].name, name) == 0)
			return &script->sessions[i];
	return NULL;
}

static bool take_like(struct reader *reader)
{
	const char *name = take_word(reader);
	const struct script_session *other = name != NULL ? find_session(reader->script, name) : NULL;
	struct script_session *session = reader->session;
	const struct script_session own = *session;

	if (other == NULL || other == session)
		return fault(reader, "after 'like' comes the name of a session before this one, not",
		             name != NULL ? name : "");
	if (session->steps != NULL)
		return fault(reader, "a session is like one other, and not also like", name);
	*session = *other;
	session->name = own.name;
	session->goes_on |= own.goes_on;
	session->capacity = other->n_steps;
	session->steps = mem_new(other->n_steps, sizeof *session->steps);
	memcpy(session->steps, other->steps, other->n_steps * sizeof *session->steps);
	return true;
}

static bool take_session(struct reader *reader)
{
	struct script *script = reader->script;
	const char *name = take_word(reader);

	if (name == NULL)
		return fault(reader, "after 'session' comes its name", NULL);
	if (find_session(script, name) != NULL)
		return fault(reader, "there are two sessions of the name", name);
	if (script->n_sessions == PLAY_MOST_SESSIONS)
		return fault(reader, "there are at most 8 sessions", NULL);
	reader->session = &script->sessions[script->n_sessions++];
	reader->session->name = name;
	for (;;) {
		const char *before = reader->at;
		int line = reader->line;
		const char *word = take_word(reader);
		if (word != NULL && strcmp(word, "like") == 0) {
			if (!take_like(reader))
				return false;
		} else if (word != NULL && strcmp(word, "goes-on") == 0) {
			reader->session->goes_on = true;
		} else {
			reader->at = before;
			reader->line = line;
			return true;
		}
	}
}

static bool take_query(struct reader *reader, struct script_list *list, bool named)
{
	const char *name = named ? take_quoted(reader) : NULL;
	const char *from, *to;

	if (named && name == NULL)
		return fault(reader, "after 'invariant' comes what it says, in double quotes", NULL);
	if (!take_block(reader, &from, &to))
		return false;
	trim(&from, &to);
	list_add(list, name, arena_text_n(&reader->script->arena, from, (size_t)(to - from)));
	return true;
}

/* To the end of the line, or to a comment. */
static void take_line(struct reader *reader, struct script_list *list)
{
	const char *from = reader->at, *to;

	while (reader->at < reader->end && *reader->at != '\n' && *reader->at != '#')
		reader->at++;
	to = reader->at;
	trim(&from, &to);
	list_add(list, NULL, arena_text_n(&reader->script->arena, from, (size_t)(to - from)));
}

static bool take_part(struct reader *reader, const char *word)
{
	struct script *script = reader->script;

	if (strcmp(word, "schema") == 0)
		return take_statements(reader, &script->schema);
	if (strcmp(word, "setup") == 0)
		return take_statements(reader, &script->setup);
	if (strcmp(word, "session") == 0)
		return take_session(reader);
	if (strcmp(word, "step") == 0)
		return take_step(reader);
	if (strcmp(word, "invariant") == 0)
		return take_query(reader, &script->invariants, true);
	if (strcmp(word, "state") == 0)
		return take_query(reader, &script->state, false);
	if (strcmp(word, "shows") == 0 || strcmp(word, "order") == 0) {
		take_line(reader, word[0] == 's' ? &reader->shows : &script->orders);
		return true;
	}
	return fault(reader,
	             "one of schema, setup, session, step, invariant, shows, state and order is expected, not", word);
}

static bool check_whole(struct reader *reader)
{
	struct script *script = reader->script;

	if (script->n_sessions == 0)
		return fault(reader, "there is no session in it", NULL);
	for (size_t i = 0; i < script->n_sessions; i++)
		if (script->sessions[i].n_steps == 0)
			return fault(reader, "there is no step in the session", script->sessions[i].name);
	return true;
}

/* Before each schedule: the tables emptied, those first that were made last, and filled. */
static void list_anew(struct script *script)
{
	script->anew = mem_new(script->tables.n + script->setup.n + 1, sizeof *script->anew);
	for (size_t i = script->tables.n; i-- > 0;)
		script->anew[script->n_anew++] =
			arena_printf(&script->arena, "DELETE FROM %s", script->tables.items[i].name);
	for (size_t i = 0; i < script->setup.n; i++)
		script->anew[script->n_anew++] = script->setup.items[i].sql;
}

bool script_parse(const char *path, const char *bytes, size_t length, struct script *script, struct err *err)
{
	struct reader reader = {.script = script, .path = path, .at = bytes, .end = bytes + length, .line = 1,
	                        .err = err};
	bool ok = true;

	*script = (struct script){0};
	if (memchr(bytes, '\0', length) != NULL)
		ok = fault(&reader, "a NUL byte cannot be part of it", NULL);
	for (skip_blanks(&reader); ok && reader.at < reader.end; skip_blanks(&reader)) {
		const char *word = take_word(&reader);
		if (word != NULL)
			ok = take_part(&reader, word);
		else
			ok = fault(&reader, "this cannot stand here:",
			           (char[]){*reader.at >= ' ' && *reader.at < 127 ? *reader.at : '?', '\0'});
	}
	ok = ok && check_whole(&reader);
	if (ok) {
		ok = script_take_shows(script, &reader.shows, err) && script_find_tables(script, err);
		if (!ok)
			err_prefix(err, "%s", path);
	}
	free(reader.shows.items);
	if (ok) {
		script_find_keys(script);
		script_find_plain(script);
		list_anew(script);
	} else {
		script_fini(script);
	}
	return ok;
}

static bool read_all(FILE *file, struct str *bytes)
{
	char buffer[4096];
	size_t n;

	while ((n = fread(buffer, 1, sizeof buffer, file)) > 0 && bytes->length <= SCRIPT_MAX_BYTES)
		str_add_n(bytes, buffer, n);
	return !ferror(file);
}

bool script_read(const char *path, struct script *script, struct err *err)
{
	FILE *file = fopen(path, "re");
	struct str bytes = {0};
	bool ok;

	if (file == NULL)
		return err_set(err, "%s: %s", path, strerror(errno));
	if (!read_all(file, &bytes))
		ok = err_set(err, "%s: %s", path, strerror(errno));
	else if (bytes.length > SCRIPT_MAX_BYTES)
		ok = err_set(err, "%s: more than 1 MiB", path);
	else
		ok = script_parse(path, str_text(&bytes), bytes.length, script, err);
	fclose(file);
	str_fini(&bytes);
	return ok;
}

void script_fini(struct script *script)
{
	struct script_list *lists[] = {&script->schema, &script->setup,  &script->invariants,
	                               &script->state,  &script->tables, &script->orders};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		free(lists[i]->items);
	for (size_t i = 0; i < script->n_sessions; i++)
		free(script->sessions[i].steps);
	free(script->shows);
	free(script->anew);
	arena_fini(&script->arena);
	*script = (struct script){0};
}
