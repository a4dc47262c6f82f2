/* Words of SQL, no parser: one table, and conditions with AND between them, of which one may be `key = value` or
 * `key IN (values)`. Everything else names no row. */
#include "explore/rows.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "db/sql.h"
#include "explore/mark.h"

/* A statement with more names no row. */
enum { MOST_WORDS = 256 };

struct word {
	struct sql_word word;
	bool is_number;
	size_t arg; /* "?": which one, from 0 */
};

struct sentence {
	const struct db_call *call;
	struct word words[MOST_WORDS];
	size_t n;
	size_t table, where, end; /* indexes: its table's name; the first word after WHERE, `end` if there is none */
};

/* ---- words ------------------------------------------------------------------------------------------------- */

/* Names in quotes, texts whose end is for the engine to say, and a second statement name no row. */
static bool is_plain(const struct sql_word *word)
{
	return word->kind != SQL_NAME && !sql_is(word, ";") && !sql_is(word, "\\") &&
	       (word->kind != SQL_TEXT || (*word->at == '\'' && memchr(word->at, '\\', word->length) == NULL &&
	                                   memmem(word->at, word->length, "''", 2) == NULL));
}

/* False: it has such words, comments or too many words. */
static bool split(const char *sql, struct sentence *sentence)
{
	const char *end = sql + strlen(sql);
	struct sql_word word;
	size_t args = 0;

	sentence->n = 0;
	while (sql_next(&sql, end, &word)) {
		const bool is_arg = sql_is(&word, "?");
		const bool is_number = word.kind == SQL_WORD && *sql != '.' &&
		                       strspn(word.at, "0123456789") == word.length;
		if (word.kind == SQL_COMMENT || !is_plain(&word) || sentence->n == MOST_WORDS)
			return false;
		sentence->words[sentence->n++] = (struct word){word, is_number, is_arg ? args++ : 0};
	}
	return true;
}

static bool is(const struct sentence *sentence, size_t i, const char *text)
{
	return i < sentence->n && sql_is(&sentence->words[i].word, text);
}

static bool is_arg(const struct sentence *sentence, size_t i)
{
	return is(sentence, i, "?");
}

static bool is_one_of(const struct sentence *sentence, size_t i, const char *const *texts, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (is(sentence, i, texts[k]))
			return true;
	return false;
}

/* The next one outside of parentheses from i on, or the end. */
static size_t find(const struct sentence *sentence, size_t i, const char *const *texts, size_t n)
{
	for (size_t depth = 0; i < sentence->n; i++) {
		if (depth == 0 && is_one_of(sentence, i, texts, n))
			return i;
		depth += is(sentence, i, "(");
		depth -= depth > 0 && is(sentence, i, ")");
	}
	return sentence->n;
}

#define FIND(sentence, i, ...)                                                                             \
	find(sentence, i, (const char *const[]){__VA_ARGS__},                                               \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* ---- a statement ------------------------------------------------------------------------------------------- */

/* More than one table or search, or conditions that are not all required. */
static bool is_involved(const struct sentence *sentence)
{
	static const char *const words[] = {"select", "or", "between", "union", "join", "xor", "limit"};

	for (size_t i = 1; i < sentence->n; i++)
		if (is_one_of(sentence, i, words, sizeof words / sizeof *words) ||
		    (is(sentence, i, "|") && is(sentence, i + 1, "|")))
			return true;
	return false;
}

/* Its table stands alone, before WHERE or SET or at the end. */
static bool find_parts(struct sentence *sentence)
{
	const bool update = is(sentence, 0, "update");
	size_t from = update ? 0 : FIND(sentence, 0, "from");

	if (from == sentence->n || (!update && !is(sentence, 0, "select") && !is(sentence, 0, "delete")))
		return false;
	sentence->table = from + 1;
	sentence->where = FIND(sentence, from, "where");
	if (!is(sentence, from + 2, update ? "set" : "where"))
		return false;
	sentence->end = FIND(sentence, sentence->where, "for", "lock", "order", "group", "having", "returning");
	for (size_t i = sentence->where; i < sentence->end; i++) {
		if (sentence->words[i].word.kind == SQL_TOKEN)
			sentence->end = i;
		else if (is(sentence, i, "case")) /* has conditions of its own */
			return false;
	}
	sentence->where += sentence->where < sentence->end;
	return true;
}

static bool is_key(const struct sentence *sentence, size_t i, const struct row_key *keys, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (is(sentence, sentence->table, keys[k].table) && is(sentence, i, keys[k].column))
			return true;
	return false;
}

/* UPDATE item SET id = 3: one row becomes another. */
static bool moves(const struct sentence *sentence, const struct row_key *keys, size_t n)
{
	for (size_t i = sentence->table + 1; i < sentence->where; i++)
		if (is_key(sentence, i, keys, n) && is(sentence, i + 1, "="))
			return true;
	return false;
}

/* Whole numbers, and texts of which no collation makes two the same. */
static bool value_of(const struct sentence *sentence, size_t i, uint64_t *mark)
{
	const struct word *word = &sentence->words[i];
	const struct db_value *arg = &sentence->call->args[word->arg < DB_MAX_ARGS ? word->arg : 0];
	const char *text = word->word.at;
	size_t length = word->word.length;
	char digits[24];

	if (is_arg(sentence, i) && arg->type == DB_INT) {
		(void)snprintf(digits, sizeof digits, "%lld", (long long)arg->integer);
		*mark = mark_of_text(*mark, digits);
		return true;
	}
	if (word->is_number) {
		*mark = mark_of_bytes(mark_of_bytes(*mark, text, length), "", 1);
		return length == 1 || *text != '0';
	}
	if (is_arg(sentence, i) && arg->type == DB_TEXT) {
		text = arg->text;
		length = arg->length;
	} else if (word->word.kind == SQL_TEXT && length >= 2) {
		text++;
		length -= 2;
	} else {
		return false;
	}
	for (size_t k = 0; k < length; k++)
		if (!islower((unsigned char)text[k]) && (k == 0 || !isdigit((unsigned char)text[k])))
			return false;
	*mark = mark_of_bytes(mark_of_bytes(*mark, text, length), "", 1);
	return length > 0;
}

static uint64_t mark_of_name(uint64_t mark, const struct sql_word *word)
{
	for (size_t i = 0; i < word->length; i++) {
		const char lower = (char)tolower((unsigned char)word->at[i]);
		mark = mark_of_bytes(mark, &lower, 1);
	}
	return mark_of_bytes(mark, "", 1);
}

/* One condition, the words from i to `end`. False: it is none on a key. */
static bool name_row(const struct sentence *sentence, size_t i, size_t end, const struct row_key *keys, size_t n,
                     struct named_rows *rows)
{
	const bool lone = end - i == 3 && is(sentence, i + 1, "=");
	const bool list = end - i >= 5 && is(sentence, i + 1, "in") && is(sentence, i + 2, "(");

	if ((!lone && !list) || !is_key(sentence, i, keys, n))
		return false;
	uint64_t column = mark_of_name(mark_of_name(MARK_SEED, &sentence->words[sentence->table].word),
	                               &sentence->words[i].word);
	uint64_t row = column;
	if ((lone && value_of(sentence, i + 2, &row)) || (list && end - i == 5 && value_of(sentence, i + 3, &row))) {
		rows->row = row;
		rows->column = column;
	}
	return true;
}

static void name_rows(const struct sentence *sentence, const struct row_key *keys, size_t n, struct named_rows *rows)
{
	size_t named = 0, conditions = 0;

	for (size_t i = sentence->where; i < sentence->end; conditions++) {
		size_t end = FIND(sentence, i, "and");
		end = end < sentence->end ? end : sentence->end;
		named += name_row(sentence, i, end, keys, n, rows);
		i = end + 1;
	}
	rows->by_key = named > 0 && named == conditions;
}

/* ---- a call ------------------------------------------------------------------------------------------------ */

/* The values from one `?` to another, without the first that the caller says is the key: that one differs each time. */
static uint64_t mark_of_args(const struct db_call *call, size_t from, size_t to)
{
	uint64_t mark = MARK_SEED;
	bool keyed = call->table == NULL;

	for (size_t i = from; i < to && call->args[i].type != DB_END; i++) {
		const struct db_value *arg = &call->args[i];
		if (arg->type == DB_INT && !keyed && arg->integer == call->key)
			keyed = true;
		else if (arg->type == DB_INT)
			mark = mark_of_bytes(mark, &arg->integer, sizeof arg->integer);
		else if (arg->type == DB_TEXT)
			mark = mark_of_bytes(mark, arg->text, arg->length);
		const char type = (char)('0' + arg->type);
		mark = mark_of_bytes(mark, &type, 1);
	}
	return mark;
}

static size_t args_before(const struct sentence *sentence, size_t end)
{
	size_t n = 0;

	for (size_t i = 0; i < end; i++)
		n += is_arg(sentence, i);
	return n;
}

/* Values that are given may be of the moment (a time), so that the caller says which one counts. */
static void mark_values(const struct sentence *sentence, struct named_rows *rows)
{
	const struct db_call *call = sentence->call;
	size_t before = args_before(sentence, FIND(sentence, 0, "where"));

	rows->asks = mark_of_args(call, before, DB_MAX_ARGS);
	rows->gives = call->table != NULL ? mark_of_bytes(MARK_SEED, &call->value, sizeof call->value)
	                                  : mark_of_args(call, 0, before);
}

struct named_rows rows_of_call(const struct db_call *call, const struct row_key *keys, size_t n)
{
	struct sentence sentence = {.call = call};
	struct named_rows rows = {0};

	if (call->verb != DB_READ && call->verb != DB_WRITE)
		return rows;
	rows.asks = mark_of_args(call, 0, DB_MAX_ARGS);
	rows.gives = call->verb == DB_WRITE ? rows.asks : 0;
	if (!split(call->sql, &sentence))
		return rows;
	if (call->verb == DB_WRITE)
		mark_values(&sentence, &rows);
	rows.makes = is(&sentence, 0, "insert") && FIND(&sentence, 0, "on", "replace", "select") == sentence.n;
	if (is_involved(&sentence) || is(&sentence, 0, "insert") || is(&sentence, 0, "replace"))
		return rows;
	if (call->table != NULL) {
		rows.column = mark_of_text(MARK_SEED, call->table);
		rows.row = mark_of_bytes(rows.column, &call->key, sizeof call->key);
		rows.by_key = true;
	} else if (find_parts(&sentence) && !moves(&sentence, keys, n)) {
		name_rows(&sentence, keys, n, &rows);
	}
	return rows;
}

bool call_overwrites(const struct db_call *call)
{
	if (call->verb != DB_WRITE)
		return false;
	if (call->table != NULL)
		return (call->traits & DB_ADDS) == 0;
	const char *where = strcasestr(call->sql, " where "), *set = strcasestr(call->sql, " set ");
	const char *value = set != NULL ? strchr(set, '=') : NULL;
	if (value == NULL || where == NULL)
		return false;
	return value + 1 + strspn(value + 1, " ?0123456789+-*/()") >= where;
}
