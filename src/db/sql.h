/* The words of SQL, as far as they are the same for all engines: where a text, a name in quotes or a comment begins and
 * ends, so that what stands in them is taken for nothing else. No parser; the server has one.
 *
 * Where engines differ (comments within comments, backslashes, '#', names in brackets) these are the words of one of
 * them only: who concludes something from a statement asks sql_is_plain first. */
#ifndef DB_SQL_H
#define DB_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

enum sql_kind {
	SQL_WORD,    /* a name, a keyword, a number: letters, digits, '_', '$', and what is beyond ASCII */
	SQL_TEXT,    /* '...', E'...', $$...$$, $tag$...$tag$, with its quotes */
	SQL_NAME,    /* "..." or `...`, with its quotes */
	SQL_COMMENT, /* from -- to the end of the line; between slash and asterisk, MariaDB's with code in it too */
	SQL_TOKEN,   /* {for_update} */
	SQL_SIGN,    /* any other byte, alone */
};

struct sql_word {
	enum sql_kind kind;
	const char *at;
	size_t length;
};

/* The next one from *at on, past blanks, and *at behind it; what is not closed goes to the end. False: there is
 * none. */
bool sql_next(const char **at, const char *end, struct sql_word *word);
/* The same, past comments too. */
bool sql_next_said(const char **at, const char *end, struct sql_word *word);
/* In any letter case; what stands in quotes is no such word. */
bool sql_is(const struct sql_word *word, const char *text) MUST_USE;
/* `texts` ends with NULL. */
bool sql_is_one_of(const struct sql_word *word, const char *const *texts) MUST_USE;
/* A comment for every engine, and nothing else: none with code in it (MariaDB's), or within another one, and none that
 * MariaDB takes for two minuses (no blank behind them). */
bool sql_is_plain_comment(const struct sql_word *word) MUST_USE;
/* No engine takes the statement for other words than these: no comment but such ones, no backslash in a text or a name
 * in quotes, none of the signs with which one engine begins what another one has no such thing of ('#', '[', '@'). */
bool sql_is_plain(const char *sql) MUST_USE;
/* Does one of them stand in it? */
bool sql_has(const char *sql, const char *const *texts) MUST_USE;

#endif
