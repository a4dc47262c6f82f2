/* Writes SQL out for one engine: the tokens in braces become the engine's own words. One table says
 * which tokens there are, so that an unknown one can be answered with the list. */
#include "db/dialect.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "db/sql.h"

static const struct {
	const char *name;
	size_t member; /* of struct dialect */
} tokens[] = {
	{"for_update", offsetof(struct dialect, for_update)}, {"new_id", offsetof(struct dialect, new_id)},
	{"id", offsetof(struct dialect, id)},                 {"stamp", offsetof(struct dialect, stamp)},
	{"table_end", offsetof(struct dialect, table_end)},   {"for_share", offsetof(struct dialect, for_share)},
	{"returning_id", offsetof(struct dialect, returning_id)},
	{"named_lock", offsetof(struct dialect, named_lock)},
	{"new_index", offsetof(struct dialect, new_index)},
	{"named_unlock", offsetof(struct dialect, named_unlock)},
};

static bool no_such_token(const char *token, size_t length, struct err *err)
{
	struct str known = {0};

	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		str_printf(&known, "%s{%s}", i > 0 ? ", " : "", tokens[i].name);
	err_set(err, "{%.*s} in an SQL statement is not a token; there are %s", (int)length, token,
	        str_text(&known));
	str_fini(&known);
	return false;
}

static const char *words_of(const struct dialect *dialect, const char *token, size_t length, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		if (strlen(tokens[i].name) == length && memcmp(tokens[i].name, token, length) == 0) {
			const char *words;

			memcpy(&words, (const char *)dialect + tokens[i].member, sizeof words);
			if (words == NULL)
				err_set(err, "this engine has nothing that {%s} in an SQL statement could stand for",
				        tokens[i].name);
			return words;
		}
	no_such_token(token, length, err);
	return NULL;
}

/* The token at *at, and *at behind it. */
static bool expand_token(const struct dialect *dialect, const char **at, struct str *out, struct err *err)
{
	const char *token = *at + 1;
	size_t length = strcspn(token, "{}");

	if (token[length] != '}')
		return err_set(err, "a '{' in an SQL statement has no '}'");
	const char *words = words_of(dialect, token, length, err);
	if (words == NULL)
		return false;
	str_add(out, words);
	*at = token + length + 1;
	return true;
}

char *dialect_expand(const struct dialect *dialect, const char *sql, struct err *err)
{
	const char *at = sql, *end = sql + strlen(sql), *taken = sql;
	struct sql_word word;
	struct str out = {0};
	bool ok = true;

	while (ok && sql_next(&at, end, &word)) {
		/* What is a comment for some engines only may be said for this one. */
		if (word.kind == SQL_COMMENT && !sql_is_plain_comment(&word))
			at = word.at + 2;
		if (*word.at != '{')
			continue;
		str_add_n(&out, taken, (size_t)(word.at - taken));
		at = word.at;
		ok = expand_token(dialect, &at, &out, err);
		taken = at;
	}
	str_add(&out, taken);
	if (ok)
		return str_take(&out);
	str_fini(&out);
	return NULL;
}
