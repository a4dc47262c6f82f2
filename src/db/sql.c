/* One word at a time. */
#include "db/sql.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static size_t word_length(const char *at, const char *end)
{
	size_t n = 0;

	while (at + n < end && is_word_byte(at[n]))
		n++;
	return n;
}

/* With both quotes. A doubled one stands for one in the text. */
static size_t quoted_length(const char *at, const char *end, bool escapes)
{
	const char quote = *at;
	const char *byte = at + 1;

	while (byte < end) {
		const bool doubled = *byte == quote && byte + 1 < end && byte[1] == quote;
		const bool twice = doubled || (escapes && *byte == '\\' && byte + 1 < end);
		if (!twice && *byte == quote)
			return (size_t)(byte - at) + 1;
		byte += twice ? 2 : 1;
	}
	return (size_t)(end - at);
}

/* $tag$...$tag$, where the first tag begins; 0: it is none. */
static size_t dollar_length(const char *at, const char *end)
{
	size_t tag = 1;

	while (at + tag < end && at[tag] != '$' && is_word_byte(at[tag]))
		tag++;
	if (at + tag >= end || at[tag++] != '$' || isdigit((unsigned char)at[1]))
		return 0;
	const char *close = memmem(at + tag, (size_t)(end - at) - tag, at, tag);
	return close != NULL ? (size_t)(close - at) + tag : (size_t)(end - at);
}

static size_t comment_length(const char *at, const char *end)
{
	const size_t left = (size_t)(end - at);
	const char *close;

	if (left < 2 || (memcmp(at, "--", 2) != 0 && memcmp(at, "/*", 2) != 0))
		return 0;
	if (*at == '-') {
		close = memchr(at, '\n', left);
		return close != NULL ? (size_t)(close - at) : left;
	}
	close = memmem(at + 2, left - 2, "*/", 2);
	return close != NULL ? (size_t)(close - at) + 2 : left;
}

static size_t token_length(const char *at, const char *end)
{
	size_t n = word_length(at + 1, end) + 1;

	return n > 1 && at + n < end && at[n] == '}' ? n + 1 : 0;
}

static struct sql_word word_at(const char *at, const char *end)
{
	const bool escapes = at + 1 < end && (*at == 'e' || *at == 'E') && at[1] == '\'';
	size_t length;

	if (*at == '\'')
		return (struct sql_word){SQL_TEXT, at, quoted_length(at, end, false)};
	if (escapes)
		return (struct sql_word){SQL_TEXT, at, 1 + quoted_length(at + 1, end, true)};
	if (*at == '"' || *at == '`')
		return (struct sql_word){SQL_NAME, at, quoted_length(at, end, false)};
	if (*at == '$' && (length = dollar_length(at, end)) > 0)
		return (struct sql_word){SQL_TEXT, at, length};
	if (*at == '{' && (length = token_length(at, end)) > 0)
		return (struct sql_word){SQL_TOKEN, at, length};
	if ((length = comment_length(at, end)) > 0)
		return (struct sql_word){SQL_COMMENT, at, length};
	if ((length = word_length(at, end)) > 0)
		return (struct sql_word){SQL_WORD, at, length};
	return (struct sql_word){SQL_SIGN, at, 1};
}

bool sql_next(const char **at, const char *end, struct sql_word *word)
{
	while (*at < end && isspace((unsigned char)**at))
		(*at)++;
	if (*at >= end)
		return false;
	*word = word_at(*at, end);
	*at += word->length;
	return true;
}

bool sql_next_said(const char **at, const char *end, struct sql_word *word)
{
	bool any;

	do
		any = sql_next(at, end, word);
	while (any && word->kind == SQL_COMMENT);
	return any;
}

bool sql_is(const struct sql_word *word, const char *text)
{
	return word->kind != SQL_TEXT && word->kind != SQL_NAME && word->length == strlen(text) &&
	       strncasecmp(word->at, text, word->length) == 0;
}

bool sql_is_one_of(const struct sql_word *word, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		if (sql_is(word, *texts))
			return true;
	return false;
}

bool sql_is_plain_comment(const struct sql_word *word)
{
	const bool is_comment = word->kind == SQL_COMMENT;
	const char *rest = is_comment ? word->at + 2 : word->at;
	const size_t length = is_comment ? word->length - 2 : 0;

	if (!is_comment || *word->at == '-')
		return is_comment && (length == 0 || isspace((unsigned char)*rest));
	return memchr(rest, '!', length) == NULL && memmem(rest, length, "/*", 2) == NULL &&
	       (length == 0 || *rest != '+');
}

bool sql_is_plain(const char *sql)
{
	static const char *const signs[] = {"#", "[", "@", NULL};
	const char *end = sql + strlen(sql);
	struct sql_word word;

	while (sql_next(&sql, end, &word)) {
		bool quoted = word.kind == SQL_TEXT || word.kind == SQL_NAME;
		if ((word.kind == SQL_COMMENT && !sql_is_plain_comment(&word)) || sql_is_one_of(&word, signs) ||
		    (quoted && memchr(word.at, '\\', word.length) != NULL))
			return false;
	}
	return true;
}

bool sql_has(const char *sql, const char *const *texts)
{
	const char *end = sql + strlen(sql);
	struct sql_word word;

	while (sql_next_said(&sql, end, &word))
		if (sql_is_one_of(&word, texts))
			return true;
	return false;
}
