/* Conditions on what sessions read: "shows A.x = 10, B.x <> A.y". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "explore/script.h"

static bool fault(struct err *err, const char *text)
{
	return err_set(err, "shows %s: conditions such as A.x = 10 or A.x <> B.y are expected, with commas between "
	                    "them, of names that reads go into", text);
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

	while (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == '-')
		n++;
	return n;
}

static bool equals(const char *name, const char *word, size_t length)
{
	return strlen(name) == length && memcmp(name, word, length) == 0;
}

/* "A.x" */
static bool take_value(const struct script *script, const char **at, struct script_value *value)
{
	size_t length = word_length(*at);
	size_t who = 0, name = 0;

	while (who < script->n_sessions && !equals(script->sessions[who].name, *at, length))
		who++;
	if (who == script->n_sessions || (*at)[length] != '.')
		return false;
	*at += length + 1;
	length = word_length(*at);
	while (name < script->sessions[who].n_names && !equals(script->sessions[who].names[name], *at, length))
		name++;
	*at += length;
	*value = (struct script_value){.who = who, .name = name};
	return name < script->sessions[who].n_names;
}

/* A number, null, or a value of a session. */
static bool take_operand(struct script *script, const char **at, struct script_condition *condition)
{
	size_t length = word_length(*at);
	int64_t number;

	if ((*at)[length] == '.')
		return take_value(script, at, &condition->right);
	condition->literal = arena_text_n(&script->arena, *at, length);
	*at += length;
	return text_equal(condition->literal, "null") || num_parse(condition->literal, INT64_MIN, INT64_MAX,
	                                                           &number, NULL);
}

static bool take_condition(struct script *script, const char **at, struct script_condition *condition)
{
	*at = skip_blanks(*at);
	if (!take_value(script, at, &condition->left))
		return false;
	*at = skip_blanks(*at);
	condition->differs = strncmp(*at, "<>", 2) == 0;
	if (!condition->differs && **at != '=')
		return false;
	*at = skip_blanks(*at + (condition->differs ? 2 : 1));
	bool ok = take_operand(script, at, condition);
	*at = skip_blanks(*at);
	return ok;
}

static bool take_shows(struct script *script, const char *text, struct err *err)
{
	struct script_shows shows = {0};
	const char *at = text;

	do {
		if (shows.n == SCRIPT_MOST_CONDITIONS || !take_condition(script, &at, &shows.conditions[shows.n++]))
			return fault(err, text);
	} while (*at++ == ',');
	if (at[-1] != '\0')
		return fault(err, text);
	script->shows = mem_grow(script->shows, &script->shows_capacity, script->n_shows + 1, sizeof *script->shows);
	script->shows[script->n_shows++] = shows;
	return true;
}

bool script_take_shows(struct script *script, const struct script_list *lines, struct err *err)
{
	for (size_t i = 0; i < lines->n; i++)
		if (!take_shows(script, lines->items[i].sql, err))
			return false;
	return true;
}

/* NULL: it has none, since its session was refused or did not come so far. */
static const char *value_of(script_values *const *values, struct script_value which)
{
	const char *text = (*values[which.who])[which.name];

	return text[0] != '\0' ? text : NULL;
}

static bool holds(const struct script_condition *condition, script_values *const *values)
{
	const char *left = value_of(values, condition->left);
	const char *right = condition->literal != NULL ? condition->literal : value_of(values, condition->right);

	return left != NULL && right != NULL && text_equal(left, right) != condition->differs;
}

bool script_is_shown(const struct script *script, script_values *const *values)
{
	for (size_t i = 0; i < script->n_shows; i++) {
		bool all = true;
		for (size_t k = 0; k < script->shows[i].n; k++)
			all = all && holds(&script->shows[i].conditions[k], values);
		if (all)
			return true;
	}
	return false;
}
