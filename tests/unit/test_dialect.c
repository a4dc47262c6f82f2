/* The words in which engines differ, the names of the room's enums, and messages that are shortened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "db/dialect.h"

static const struct dialect words = {
	.for_update = "LOCK!", .new_id = "SERIAL", .id = "BIG", .stamp = "TIME", .table_end = "",
	.for_share = "SHARE!", .returning_id = "TELL id",
	.new_index = "INDEX ANEW",
};

static void tokens_become_the_engines_words(void **state)
{
	static const struct {
		const char *sql, *expanded;
	} good[] = {
		{"", ""},
		{"SELECT 1", "SELECT 1"},
		{"{id}", "BIG"},
		{"SELECT n FROM a WHERE id = ? {for_update}", "SELECT n FROM a WHERE id = ? LOCK!"},
		{"CREATE TABLE a (id {new_id}, b {id}, t {stamp}) {table_end}",
		 "CREATE TABLE a (id SERIAL, b BIG, t TIME) "},
		{"{stamp}{stamp}", "TIMETIME"},
		{"{new_index} i ON a (b)", "INDEX ANEW i ON a (b)"},
		{"{for_share} {returning_id}", "SHARE! TELL id"},
		{"a } b", "a } b"},
		{"{id}}", "BIG}"},
		{"  {id}  {id}\n", "  BIG  BIG\n"},
		{"a{id}b", "aBIGb"},
		/* What is quoted is nobody's token. */
		{"VALUES ('{\"a\": {}}', '{id}', '{') {for_update}", "VALUES ('{\"a\": {}}', '{id}', '{') LOCK!"},
		{"\"{id}\" `{id}` $${id}$$ $x${id}$x$", "\"{id}\" `{id}` $${id}$$ $x${id}$x$"},
		{"'it''s {id}' {id}", "'it''s {id}' BIG"},
		{"a /* {id} */ {id} -- {for", "a /* {id} */ BIG -- {for"},
		{"a -- {for\n{id}", "a -- {for\nBIG"},
		/* Not all engines take these for comments. */
		{"1--1 {id}", "1--1 BIG"}, {"/*! {id} */", "/*! BIG */"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct err err = {0};
		char *sql = dialect_expand(&words, good[i].sql, &err);
		if (sql == NULL)
			fail_msg("%s: %s", good[i].sql, err_text(&err));
		assert_string_equal(sql, good[i].expanded);
		free(sql);
	}
}

static void an_unknown_token_is_named(void **state)
{
	static const struct {
		const char *sql, *part;
	} bad[] = {
		{"{foo}", "{foo}"}, {"x {for_updat} y", "{for_updat}"}, {"{for_update_}", "{for_update_}"},
		{"{}", "{}"}, {"{ID}", "{ID}"}, {"{ id}", "{ id}"}, {"{id", "has no '}'"},
		{"{", "has no '}'"}, {"a {b {id}", "has no '}'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct err err = {0};
		assert_null(dialect_expand(&words, bad[i].sql, &err));
		assert_non_null(strstr(err_text(&err), bad[i].part));
		if (strstr(bad[i].part, "has no") == NULL)
			assert_non_null(strstr(err_text(&err), "{for_update}, {new_id}, {id}, {stamp}"));
		err_fini(&err);
	}
}

static void a_word_that_an_engine_lacks_is_an_error(void **state)
{
	struct err err = {0};

	(void)state;
	assert_null(dialect_expand(&words, "SELECT {named_lock}", &err));
	assert_non_null(strstr(err_text(&err), "this engine has nothing that {named_lock}"));
	err_fini(&err);
}

static bool has_word(const struct dialect *dialect, const char *token)
{
	char *sql = dialect_expand(dialect, token, NULL);

	free(sql);
	return sql != NULL;
}

/* What may be lacking is told by an ability: a word is there with it and only then. */
static void every_engine_has_the_words_of_its_abilities(void **state)
{
	(void)state;
	for (size_t i = 0; db_drivers[i] != NULL; i++) {
		const struct dialect *dialect = db_drivers[i]->dialect;
		const unsigned abilities = db_drivers[i]->abilities;
		const bool named = (abilities & DB_HAS_NAMED_LOCKS) != 0, end = (abilities & DB_NAMED_LOCKS_END) != 0;
		assert_int_equal(has_word(dialect, "{for_share}"), (abilities & DB_HAS_SHARE_LOCKS) != 0);
		assert_int_equal(has_word(dialect, "{named_lock}"), named);
		assert_int_equal(has_word(dialect, "{named_unlock}"), named && !end);
		assert_true(named || !end);
		assert_int_equal(db_drivers[i]->cut != NULL, (abilities & DB_HAS_CONNECTIONS) != 0);
	}
	for (unsigned ability = DB_HAS_NAMED_LOCKS; ability <= DB_HAS_CONNECTIONS; ability *= 2)
		for (unsigned other = DB_HAS_NAMED_LOCKS; other < ability; other *= 2)
			assert_string_not_equal(db_ability_name(ability), db_ability_name(other));
	assert_string_equal(db_ability_name(DB_HAS_NAMED_LOCKS), "locks by name");
}

static void every_engine_has_every_other_word(void **state)
{
	(void)state;
	assert_non_null(db_drivers[0]);
	for (size_t i = 0; db_drivers[i] != NULL; i++) {
		const struct dialect *dialect = db_drivers[i]->dialect;
		const char *every = "{for_update}{returning_id}{new_id}{id}{stamp}{table_end}{new_index}";
		char *all = dialect_expand(dialect, every, NULL);
		assert_non_null(all);
		free(all);
		assert_int_equal(dialect->lock_migrations == NULL, dialect->unlock_migrations == NULL);
		if (dialect->count_alive != NULL)
			assert_non_null(strstr(dialect->count_alive, "%s"));
		const char *scheme = db_drivers[i]->schemes[0];
		assert_ptr_equal(db_driver_of_scheme(scheme, strlen(scheme)), db_drivers[i]);
		assert_null(db_driver_of_scheme(scheme, strlen(scheme) - 1));
	}
}

static void names_go_both_ways(void **state)
{
	enum db_err err;
	enum db_iso iso;
	size_t refusals = 0;

	(void)state;
	for (int i = DB_OK; i <= DB_BROKEN; i++) {
		assert_true(db_err_of_name(db_err_name((enum db_err)i), &err));
		assert_int_equal(err, i);
		refusals += db_err_is_refusal((enum db_err)i);
	}
	assert_int_equal(refusals, 4);
	assert_string_equal(db_err_name(DB_DEADLOCK), "deadlock");
	assert_string_equal(db_err_name(DB_TIMEOUT), "lock_timeout");
	assert_false(db_err_of_name("Deadlock", &err));
	assert_false(db_err_of_name("", &err));
	assert_string_equal(db_tx_name(DB_TX_ABORTED), "aborted");
	assert_string_equal(db_verb_name(DB_ROLLBACK), "rollback");
	for (int i = DB_ISO_DEFAULT; i <= DB_SERIALIZABLE; i++) {
		assert_true(db_iso_parse(db_iso_name((enum db_iso)i), &iso, NULL));
		assert_int_equal(iso, i);
	}
}

static void levels_are_read_as_people_write_them(void **state)
{
	static const char *const good[] = {"repeatable read", "REPEATABLE-READ", "Repeatable_Read"};
	static const char *const bad[] = {
		"", "repeatable", "repeatableread", "repeatable  read", "repeatable read ", " serializable",
		"serialisable", "SERIALIZABLE\x7f", "read\tcommitted", "default ",
	};
	enum db_iso iso;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(db_iso_parse(good[i], &iso, NULL));
		assert_int_equal(iso, DB_REPEATABLE_READ);
	}
	assert_true(db_iso_parse("Server", &iso, NULL));
	assert_int_equal(iso, DB_ISO_SERVER);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct err err = {0};
		if (db_iso_parse(bad[i], &iso, &err))
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(err_text(&err), "repeatable-read"));
		err_fini(&err);
	}
}

static void a_long_message_ends_in_dots_and_in_a_whole_character(void **state)
{
	struct db_outcome outcome = {.err = DB_OK, .tx = DB_TX_OPEN};
	char text[400];

	(void)state;
	for (size_t length = 250; length < 262; length++)
		for (size_t shift = 0; shift < 3; shift++) {
			memset(text, 'x', shift);
			for (size_t i = shift; i < length; i++)
				text[i] = "\xe2\x98\x95"[(i - shift) % 3]; /* a cup of three bytes */
			length -= (length - shift) % 3;
			text[length] = '\0';
			db_outcome_fail(&outcome, DB_BROKEN, text);
			size_t got = strlen(outcome.message);
			assert_int_equal(outcome.tx, DB_TX_OPEN);
			if (length < sizeof outcome.message) {
				assert_string_equal(outcome.message, text);
			} else {
				assert_true(got < sizeof outcome.message && got > 248);
				assert_string_equal(outcome.message + got - 3, "...");
				assert_memory_equal(outcome.message, text, got - 3);
				assert_int_equal((got - 3 - shift) % 3, 0);
			}
			length += 2;
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_become_the_engines_words),
		cmocka_unit_test(an_unknown_token_is_named),
		cmocka_unit_test(a_word_that_an_engine_lacks_is_an_error),
		cmocka_unit_test(every_engine_has_the_words_of_its_abilities),
		cmocka_unit_test(every_engine_has_every_other_word),
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(levels_are_read_as_people_write_them),
		cmocka_unit_test(a_long_message_ends_in_dots_and_in_a_whole_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
