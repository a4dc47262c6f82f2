/* PostgreSQL numbers the marks for values: `?` becomes $1, $2, ... What stands in quotes or comments
 * is passed over, by the rules of the server's own lexer. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "db/postgres.h"

static bool is_in_a_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Past the closing quote. A doubled quote ends one text and begins another, which is the same here. */
static const char *skip_quoted(const char *at, bool escapes)
{
	const char quote = *at++;

	while (*at != '\0' && *at != quote)
		at += escapes && at[0] == '\\' && at[1] != '\0' ? 2 : 1;
	return *at == '\0' ? at : at + 1;
}

static const char *skip_comment(const char *at)
{
	int depth = 0; /* they nest */

	do
		if (strncmp(at, "/*", 2) == 0) {
			depth++;
			at += 2;
		} else if (strncmp(at, "*/", 2) == 0) {
			depth--;
			at += 2;
		} else {
			at++;
		}
	while (depth > 0 && *at != '\0');
	return at;
}

/* $$...$$ or $tag$...$tag$; any other '$' is passed over alone. */
static const char *skip_dollar(const char *at)
{
	size_t tag = 1;

	while (isdigit((unsigned char)at[1]) == 0 && at[tag] != '$' && is_in_a_name(at[tag]))
		tag++;
	if (at[tag] != '$')
		return at + 1;
	const char *end = memmem(at + tag + 1, strlen(at + tag + 1), at, tag + 1);
	return end != NULL ? end + tag + 1 : at + strlen(at);
}

/* Past what begins here and is no mark. */
static const char *skip(const char *sql, const char *at)
{
	bool within_name = at > sql && is_in_a_name(at[-1]);

	if (*at == '"')
		return skip_quoted(at, false);
	if (*at == '\'') /* E'..\'..' */
		return skip_quoted(at, within_name && (at[-1] == 'e' || at[-1] == 'E') &&
		                           (at - 1 == sql || !is_in_a_name(at[-2])));
	if (strncmp(at, "--", 2) == 0)
		return at + strcspn(at, "\n");
	if (strncmp(at, "/*", 2) == 0)
		return skip_comment(at);
	if (*at == '$' && !within_name)
		return skip_dollar(at);
	return at + 1;
}

char *pg_number_marks(const char *sql, size_t *n_marks)
{
	struct str out = {0};

	*n_marks = 0;
	for (const char *at = sql; *at != '\0';) {
		if (*at == '?') {
			str_printf(&out, "$%zu", ++*n_marks);
			at++;
			continue;
		}
		const char *next = skip(sql, at);
		str_add_n(&out, at, (size_t)(next - at));
		at = next;
	}
	return str_take(&out);
}
