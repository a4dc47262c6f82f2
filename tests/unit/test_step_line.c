/* command: what somebody types who chooses the steps; any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "command/step_line.h"

enum { SESSIONS = 3 };

static void parse(const char *text, struct step_line *line)
{
	struct err err = {0};

	if (!step_line_parse(text, strlen(text), SESSIONS, line, &err))
		fail_msg("'%s': %s", text, err_text(&err));
}

static void expect_steps(const char *text, const char *who, const char *names)
{
	struct step_line line;

	parse(text, &line);
	assert_int_equal(line.wish, STEP_TAKE);
	assert_int_equal(line.steps.n, strlen(who));
	for (size_t i = 0; i < line.steps.n; i++) {
		const size_t length = strcspn(names, " ");
		assert_int_equal(line.steps.who[i], who[i] - 'A');
		assert_int_equal(strlen(line.steps.steps[i]), length);
		assert_memory_equal(line.steps.steps[i], names, length);
		names += length + (names[length] == ' ');
	}
	step_line_fini(&line);
}

static void test_steps(void **state)
{
	(void)state;
	expect_steps("A", "A", "");
	expect_steps("aBc", "ABC", "  ");
	expect_steps(" \tAB  c\r", "ABC", "  ");
	expect_steps("A.read B.write_it b", "ABB", "read write_it ");
	expect_steps("AAB A.read A.", "AABAA", "   read ");
	expect_steps("A.b.c", "A", "b.c");
	expect_steps("cab", "CAB", "  "); /* a word, and sessions all the same */
}

static void expect(const char *text, enum step_wish wish, size_t back)
{
	struct step_line line;

	parse(text, &line);
	assert_int_equal(line.wish, wish);
	if (wish == STEP_BACK)
		assert_int_equal(line.back, back);
	step_line_fini(&line);
}

static void test_commands(void **state)
{
	(void)state;
	expect("", STEP_NOTHING, 0);
	expect(" \t\r", STEP_NOTHING, 0);
	expect("back", STEP_BACK, 1);
	expect(" BACK  12 ", STEP_BACK, 12);
	expect("back 1024\r", STEP_BACK, 1024);
	expect("restart", STEP_RESTART, 0);
	expect("rows", STEP_ROWS, 0);
	expect("order ", STEP_ORDER, 0);
	expect("finish", STEP_FINISH, 0);
	expect("Quit", STEP_QUIT, 0);
	expect("help", STEP_HELP, 0);
}

static void test_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"d", "there is no session D: there are A, B and C"}, {"A D.read", "there is no session D"},
		{"frob", "'frob' is neither a session (A, B and C) nor one of back, restart,"},
		{"backs", "'backs' is neither"}, {"1.read", "'1.read' is neither"}, {".", "'.' is neither"},
		{"back x", "back takes a number from 1 to 1024, not 'x'"}, {"back -1", "not '-1'"},
		{"back 1 2", "not '1 2'"}, {"back 1025", "not '1025'"},
		{"quit A", "quit stands alone, without 'A'"}, {"A,B", "'A,B' is neither"},
		{"\x80\xff\x1b", "'?" "?" "?' is neither"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct step_line line;
		struct err err = {0};
		assert_false(step_line_parse(cases[i].text, strlen(cases[i].text), SESSIONS, &line, &err));
		if (strstr(err_text(&err), cases[i].words) == NULL)
			fail_msg("'%s': %s", cases[i].text, err_text(&err));
		err_fini(&err);
	}
}

/* Whatever it is, it is understood or refused, and the refusal can be shown anywhere. */
static void test_any_bytes(void **state)
{
	static const char likely[] = "AaBbCcDd.. \t_backquitrows019\r\0\x80\xff";
	struct rng rng;

	(void)state;
	rng_init(&rng, 7);
	for (int i = 0; i < 20000; i++) {
		char bytes[40];
		size_t length = (size_t)rng_between(&rng, 0, sizeof bytes);
		for (size_t k = 0; k < length; k++)
			bytes[k] = likely[rng_between(&rng, 0, sizeof likely - 1)];
		struct step_line line;
		struct err err = {0};
		if (step_line_parse(bytes, length, SESSIONS, &line, &err)) {
			for (size_t k = 0; k < line.steps.n; k++)
				assert_true(line.steps.who[k] < SESSIONS);
			step_line_fini(&line);
			continue;
		}
		for (const char *c = err_text(&err); *c != '\0'; c++)
			assert_true(*c >= ' ' && *c <= '~');
		err_fini(&err);
	}
}

static void test_a_nul(void **state)
{
	struct step_line line;
	struct err err = {0};

	(void)state;
	assert_false(step_line_parse("A\0B", 3, SESSIONS, &line, &err));
	assert_non_null(strstr(err_text(&err), "NUL"));
	err_fini(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_a_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
