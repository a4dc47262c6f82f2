/* Where the words of SQL begin and end, and what a file of transactions makes of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"
#include "db/sql.h"
#include "explore/script.h"

/* "w" for each kind of word. */
static const char kinds[] = "wtnc{.";

/* Each word with its kind before it, and a bar behind it. */
static char *words_of(const char *sql)
{
	const char *end = sql + strlen(sql);
	struct sql_word word;
	struct str text = {0};

	while (sql_next(&sql, end, &word)) {
		str_add_char(&text, kinds[word.kind]);
		str_add_n(&text, word.at, word.length);
		str_add_char(&text, '|');
	}
	return str_take(&text);
}

static void words_end_where_all_engines_end_them(void **state)
{
	static const struct {
		const char *sql, *words;
	} cases[] = {
		{" SELECT a_1 ,\n2.5", "wSELECT|wa_1|.,|w2|..|w5|"},
		{"'it''s' x", "t'it''s'|wx|"},
		{"'' 'a' \"b\"\"c\" `d` e", "t''|t'a'|n\"b\"\"c\"|n`d`|we|"},
		{"'{' \"}\" {for_update} {} {a b}", "t'{'|n\"}\"|{{for_update}|.{|.}|.{|wa|wb|.}|"},
		{"-- it's {\nx --", "c-- it's {|wx|c--|"},
		{"a/* it's } */b /*/ c */ d /* e", "wa|c/* it's } */|wb|c/*/ c */|wd|c/* e|"},
		{"$$ ' { $$ $t$ $$ $t$ $1 a$b$c $2$x$2$", "t$$ ' { $$|t$t$ $$ $t$|w$1|wa$b$c|w$2$x$2$|"},
		{"E'\\'' e'\\\\' 'a\\' b", "tE'\\''|te'\\\\'|t'a\\'|wb|"},
		{"'open", "t'open|"},
		{"$t$ open", "t$t$ open|"},
		{"\xc3\xa9t\xc3\xa9 a", "w\xc3\xa9t\xc3\xa9|wa|"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *words = words_of(cases[i].sql);
		assert_string_equal(words, cases[i].words);
		free(words);
	}
}

static void what_is_quoted_is_no_word(void **state)
{
	static const char *const into[] = {"INTO", NULL};

	(void)state;
	assert_true(sql_has("SELECT 1 into x", into));
	assert_false(sql_has("SELECT 'into', \"into\", $$ into $$, intox -- into\n /* into */", into));
}

static void parse(const char *text, struct script *script)
{
	struct err err = {0};
	bool ok = script_parse("file", text, strlen(text), script, &err);

	if (!ok)
		fail_msg("%s", err_text(&err));
}

static void a_block_ends_at_its_own_brace(void **state)
{
	struct script script;

	(void)state;
	parse("schema { CREATE TABLE a (n int) /* } */; CREATE TABLE b (n int, t text DEFAULT ';') -- }\n }\n"
	      "setup { INSERT INTO a VALUES (1); /* nothing; at all */ ; }\n"
	      "session A step x { /* first */ SELECT $$ } $$, n FROM a -- all }\n } into t, n\n"
	      "step y { UPDATE b SET n = :n, t = ':n' /* :n */ WHERE n::int = :n }\n"
	      "step z { -- :n\n SELECT 1 }", &script);
	assert_int_equal(script.schema.n, 2);
	assert_int_equal(script.setup.n, 1);
	assert_string_equal(script.setup.items[0].sql, "INSERT INTO a VALUES (1)");
	const struct script_step *steps = script.sessions[0].steps;
	assert_string_equal(steps[0].sql, "SELECT $$ } $$, n FROM a");
	assert_int_equal(steps[0].verb, DB_READ);
	assert_string_equal(steps[1].sql, "UPDATE b SET n = ?, t = ':n' /* :n */ WHERE n::int = ?");
	assert_int_equal(steps[1].n_args, 2);
	assert_string_equal(steps[2].sql, "SELECT 1");
	assert_int_equal(steps[2].verb, DB_READ);
	script_fini(&script);
}

static struct script script_with(const char *schema, const char *step)
{
	struct script script;
	struct str text = {0};

	str_printf(&text, "schema { %s } session A step x { %s }", schema, step);
	parse(str_text(&text), &script);
	str_fini(&text);
	return script;
}

/* What is taken for granted of a statement is so on every engine. */
static void only_what_is_understood_is_plain(void **state)
{
	static const struct {
		const char *step;
		bool plain;
	} cases[] = {
		{"SELECT n FROM a", true},
		{"SELECT count /* all */ (*) FROM a", true},
		{"INSERT INTO a (n) VALUES (1)", true},
		{"INSERT INTO a(n) SELECT max(n) FROM a", true},
		{"SELECT 'f(1)' FROM a", true},
		{"SELECT f(1) FROM a", false},
		{"SELECT f /* hidden */ (1) FROM a", false},
		{"SELECT f -- hidden\n (1) FROM a", false},
		{"SELECT \"f\"(1) FROM a", false},
		{"SELECT 1 /*! , f(1) */ FROM a", false},
		{"SELECT 1 /*M!100000 , f(1) */ FROM a", false},
		{"SELECT 1 /* /* */ , */ FROM a", false},
		{"SELECT 'a\\' , f(1) , ' ' FROM a", false},
		{"SELECT n INTO b FROM a", false},
		{"SELECT 'into' FROM a", true},
		{"UPDATE a SET n = @x", false},
		{"SELECT @x := 1", false},
		{"LOCK TABLE a", false},
		{"UPDATE a SET n = 1 # don't\n, n = f(2) # won't", false},
		{"UPDATE a SET n = n--f(1)\n", false},
		{"UPDATE a SET n = n -- of all\n", true},
		{"SELECT [last_insert_rowid]() FROM a", false},
		{"SELECT n FROM a /*! FOR UPDATE */", false},
		{"SELECT n FROM a /* all */", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct script script = script_with("CREATE TABLE a (n int)", cases[i].step);
		if (script.plain != cases[i].plain)
			fail_msg("%s", cases[i].step);
		script_fini(&script);
	}
}

static void a_schema_is_known_only_where_it_is_understood(void **state)
{
	static const struct {
		const char *schema;
		bool reducible, tells_tables;
	} cases[] = {
		{"CREATE TABLE a (n int); CREATE INDEX i ON a (n) -- both\n", true, true},
		{"CREATE TABLE a (n int REFERENCES b (n))", true, false},
		{"CREATE TABLE a (n int /*!, FOREIGN KEY (n) REFERENCES b (n) */)", false, false},
		{"CREATE TABLE a (n int) /*!50100 PARTITION BY HASH (n) */", false, false},
		{"CREATE TABLE a (n int COMMENT 'a\\'s', m int REFERENCES b (n) COMMENT 'it\\'s')", false, false},
		{"CREATE TABLE a (n serial)", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct script script = script_with(cases[i].schema, "SELECT n FROM a");
		if (script.reducible != cases[i].reducible || script.tells_tables != cases[i].tells_tables)
			fail_msg("%s", cases[i].schema);
		script_fini(&script);
	}
}

static void what_may_be_more_than_a_comment_stays(void **state)
{
	static const char *const steps[] = {
		"SELECT n FROM a /*! FOR UPDATE */", "/*! SELECT n FROM a */", "/* a /* b */ c */ SELECT 1",
		"UPDATE a SET n = 3--1", "/*+ a hint */ SELECT 1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct str step = {0};
		str_printf(&step, "%s\n", steps[i]);
		struct script script = script_with("CREATE TABLE a (n int)", str_text(&step));
		assert_string_equal(script.sessions[0].steps[0].sql, steps[i]);
		script_fini(&script);
		str_fini(&step);
	}
}

static void tables_and_keys_are_found(void **state)
{
	static const struct {
		const char *schema, *table, *key; /* key NULL: it has none */
	} cases[] = {
		{"CREATE TABLE a (id INTEGER PRIMARY KEY, n int)", "a", "id"},
		{"create unlogged table if not exists a(n int unique)", "a", "n"},
		{"/* one */ CREATE /* two */ TABLE s.a (n int, PRIMARY KEY (n))", "s.a", "n"},
		{"CREATE TABLE \"a b\" (n int DEFAULT 0)", "\"a b\"", NULL},
		{"CREATE TABLE a (n text DEFAULT 'x, unique', m int)", "a", NULL},
		{"CREATE TABLE a (n int, m int, UNIQUE (n, m))", "a", NULL},
		{"CREATE TABLE a (n int /* unique */)", "a", NULL},
		{"CREATE TABLE a (id {new_id}, n int)", "a", "id"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct script script = script_with(cases[i].schema, "SELECT 1");
		assert_int_equal(script.tables.n, 1);
		assert_string_equal(script.tables.items[0].name, cases[i].table);
		assert_int_equal(script.n_keys, cases[i].key != NULL);
		if (cases[i].key != NULL)
			assert_string_equal(script.keys[0].column, cases[i].key);
		script_fini(&script);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_end_where_all_engines_end_them),
		cmocka_unit_test(what_is_quoted_is_no_word),
		cmocka_unit_test(a_block_ends_at_its_own_brace),
		cmocka_unit_test(only_what_is_understood_is_plain),
		cmocka_unit_test(a_schema_is_known_only_where_it_is_understood),
		cmocka_unit_test(what_may_be_more_than_a_comment_stays),
		cmocka_unit_test(tables_and_keys_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
