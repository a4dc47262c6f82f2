/* report: the JSON object as programs rely on it, the table and its widths, the words of every
 * verdict, and what a place to print to is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report_words.h"

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_of(const struct world *world)
{
	struct printed printed;
	json_error_t error;

	printed_begin(&printed);
	report_json.run(printed.to, &plain, &world->result);
	char *text = printed_end(&printed);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		fail_msg("%s: %s", error.text, text);
	free(text);
	return object;
}

static struct world *lossy(void)
{
	static const int64_t pauses_us[] = {410000, 580000, 830000, 300000};
	static const struct db_setting set = {"lock_wait_timeout", "5"};
	struct world *world = world_new("atomic_long_delay", 4, 3);

	world_race(world, &(struct world_rules){.atomic = true, .pauses_us = pauses_us});
	world->result.plan.sets = &set;
	world->result.plan.n_sets = 1;
	world->result.findings.refused[0] = (struct refusals){"deadlock", 2};
	world->result.findings.n_refused = 2;
	world->result.findings.n_refused_kinds = 1;
	return world;
}

static void number_is(const json_t *object, const char *key, int64_t wanted)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("%s is not a whole number", key);
	assert_int_equal(json_integer_value(value), wanted);
}

static void text_is(const json_t *object, const char *key, const char *wanted)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		fail_msg("%s is not a text", key);
	assert_string_equal(json_string_value(value), wanted);
}

static void seconds_are(const json_t *value, double wanted)
{
	assert_true(json_is_number(value));
	assert_true(fabs(json_number_value(value) - wanted) < 1e-6);
}

static void json_tells_the_plan_and_the_place(void **state)
{
	struct world *world = lossy();
	json_t *object = json_of(world);
	const json_t *db = json_object_get(object, "db"), *delay = json_object_get(object, "delay_s");

	(void)state;
	text_is(object, "scenario", "deposit");
	text_is(object, "variant", "atomic_long_delay");
	assert_true(json_is_null(json_object_get(object, "mix")));
	text_is(db, "product", "MariaDB");
	text_is(db, "version", "10.11.19");
	text_is(db, "engine", "mariadb");
	text_is(object, "isolation", "READ COMMITTED");
	assert_true(json_is_false(json_object_get(object, "snapshot_isolation")));
	number_is(object, "workers", 3);
	number_is(object, "requests", 4);
	number_is(object, "amount", 100);
	seconds_are(json_object_get(object, "wait_s"), 0);
	seconds_are(json_array_get(delay, 0), 0.3);
	seconds_are(json_array_get(delay, 1), 1);
	assert_true(json_is_false(json_object_get(object, "traced")));
	assert_true(json_is_true(json_object_get(object, "recorded")));
	text_is(json_object_get(object, "sets"), "lock_wait_timeout", "5");
	number_is(object, "seed", 41);
	assert_true(json_is_false(json_object_get(object, "interrupted")));
	json_decref(object);
	world_free(world);
}

static void json_tells_what_was_found(void **state)
{
	struct world *world = lossy();
	json_t *object = json_of(world);
	const json_t *overlap = json_object_get(object, "overlap");

	(void)state;
	text_is(object, "verdict", "violated");
	number_is(object, "answered", 4);
	number_is(json_object_get(object, "refused"), "deadlock", 2);
	number_is(object, "unanswered", 0);
	number_is(object, "unanswered_but_done", 0);
	number_is(object, "transactions", 4);
	number_is(object, "start_balance", 0);
	number_is(object, "expected_balance", 400);
	number_is(object, "actual_balance", world->result.findings.actual_balance);
	number_is(object, "missing", 400 - world->result.findings.actual_balance);
	number_is(object, "lost_updates", world->result.findings.lost_updates);
	number_is(object, "torn", 0);
	number_is(overlap, "max_in_flight", 3);
	number_is(overlap, "pairs", (int64_t)world->result.findings.pairs_overlapped);
	assert_true(json_is_true(json_object_get(overlap, "possible")));
	text_is(overlap, "seen_by", "workers");
	assert_int_equal(json_array_size(json_object_get(object, "reasons")), 0);
	assert_true(json_is_false(json_object_get(object, "serial_by_construction")));
	seconds_are(json_object_get(object, "seconds"),
	            (double)(world->result.end_ns - world_start_ns) / 1e9);
	json_decref(object);
	world_free(world);
}

static void json_lists_every_overwrite(void **state)
{
	struct world *world = lossy();
	const struct findings *findings = &world->result.findings;

	(void)state;
	assert_true(findings->n_overwrites >= 1);
	findings->overwrites[0].over_ns = 0; /* the events do not tell */
	findings->overwrites[0].n_gone = 0;
	json_t *object = json_of(world);
	const json_t *list = json_object_get(object, "overwrites"), *first = json_array_get(list, 0);
	assert_int_equal(json_array_size(list), findings->n_overwrites);
	number_is(first, "writer", findings->overwrites[0].writer);
	number_is(first, "read", findings->overwrites[0].read_value);
	number_is(first, "over", findings->overwrites[0].over_value);
	number_is(first, "wrote", findings->overwrites[0].wrote_value);
	number_is(first, "gone", 0);
	seconds_are(json_object_get(first, "read_s"),
	            (double)(findings->overwrites[0].read_ns - world_start_ns) / 1e9);
	assert_true(json_is_null(json_object_get(first, "over_s")));
	assert_int_equal(json_array_size(json_object_get(first, "erased")), findings->overwrites[0].n_erased);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(first, "erased"), 0)),
	                 findings->overwrites[0].erased[0]);
	assert_int_equal(json_array_size(json_object_get(first, "over_writers")), 1);
	assert_int_equal(json_array_size(json_object_get(first, "back")), findings->overwrites[0].n_back);
	assert_true(json_is_false(json_object_get(first, "sure")));
	char *sentence = overwrite_sentence(&findings->overwrites[0], world_start_ns);
	text_is(first, "sentence", sentence);
	free(sentence);
	json_decref(object);
	world_free(world);
}

static void json_says_null_for_what_is_not_known(void **state)
{
	struct world *world = world_new("non_atomic_no_delay", 1, 1);
	struct findings *findings = &world->result.findings;

	(void)state;
	findings->lost_updates = findings->torn = -1;
	findings->overlap_seen_by_client = true;
	findings->verdict = VERDICT_INCONCLUSIVE;
	world_reason(world, "because");
	world->result.plan.pauses = false;
	world->result.plan.mix = "atomic_no_delay";
	world->result.plan.database = "sqlite:/tmp/\xff.db";
	world->result.identity.snapshot_isolation = -1;
	world->result.interrupted = true;
	json_t *object = json_of(world);
	static const char *const unknown[] = {"lost_updates", "torn", "delay_s", "snapshot_isolation"};
	for (size_t i = 0; i < COUNT_OF(unknown); i++)
		if (!json_is_null(json_object_get(object, unknown[i])))
			fail_msg("%s is not null", unknown[i]);
	text_is(object, "mix", "atomic_no_delay");
	text_is(object, "verdict", "inconclusive");
	text_is(json_object_get(object, "overlap"), "seen_by", "client");
	assert_true(json_is_false(json_object_get(json_object_get(object, "overlap"), "possible")));
	text_is(json_object_get(object, "db"), "url", "sqlite:/tmp/?.db");
	assert_true(json_is_true(json_object_get(object, "interrupted")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(object, "reasons"), 0)), "because");
	json_decref(object);
	world_free(world);
}

static void json_of_several_runs_is_one_object(void **state)
{
	struct world *world = lossy(), *other = world_new("atomic_no_delay", 2, 1);
	struct run_result results[2] = {world->result, other->result};
	struct printed printed;

	(void)state;
	printed_begin(&printed);
	report_json.table(printed.to, &plain, results, 2);
	char *text = printed_end(&printed);
	json_t *object = json_loads(text, 0, NULL);
	assert_non_null(object);
	assert_int_equal(json_array_size(json_object_get(object, "runs")), 2);
	const json_t *second = json_array_get(json_object_get(object, "runs"), 1);
	text_is(second, "variant", "atomic_no_delay");
	assert_true(json_is_false(json_object_get(json_object_get(second, "overlap"), "possible")));
	assert_null(report_json.plan);
	json_decref(object);
	free(text);
	world_free(world);
	world_free(other);
}

/* ---- the table --------------------------------------------------------------------------------- */

static struct run_result run_of(struct world *world, const char *variant, size_t answered, size_t recorded,
                                int64_t balance)
{
	struct run_result result = world->result;

	result.plan.variant = variant;
	result.findings = (struct findings){
		.answered = answered, .transactions = recorded, .recorded_sum = (int64_t)recorded * 100,
		.expected_balance = (int64_t)recorded * 100, .actual_balance = balance,
		.missing = (int64_t)recorded * 100 - balance,
	};
	if (result.findings.missing != 0)
		result.findings.verdict = VERDICT_VIOLATED;
	return result;
}

static void the_table_fits_and_keeps_every_figure(void **state)
{
	static const int widths[] = {100, 80, 78};
	struct world *world = world_new("", 10, 3);
	struct printed printed;
	struct run_result results[] = {
		run_of(world, "non_atomic_no_delay", 10, 10, 600),
		run_of(world, "atomic_no_delay", 8, 8, 700),
		run_of(world, "non_atomic_long_delay", 10, 10, 400),
		run_of(world, "atomic_long_delay", 10, 10, 400),
		run_of(world, "row_locking_atomic_long_delay", 10, 10, 1000),
		run_of(world, "atomic_no_delay", 3, 5, 500),
	};

	(void)state;
	results[1].findings.n_refused = 2;
	results[1].findings.n_refused_kinds = 1;
	results[1].findings.refused[0] = (struct refusals){"deadlock", 2};
	printed_begin(&printed);
	for (size_t i = 0; i < COUNT_OF(widths); i++) {
		(void)fprintf(printed.to, "== %d columns\n", widths[i]);
		report_text.table(printed.to, &(struct report_style){.columns = widths[i], .wrap = true}, results, 5);
	}
	results[5].findings.unanswered = 2;
	results[5].findings.verdict = VERDICT_INCONCLUSIVE;
	results[5].plan.mix = "non_atomic_no_delay";
	results[4].findings.serial_by_construction = true;
	results[3].findings.missing = -100;
	(void)fputs("== with other ends\n", printed.to);
	report_text.table(printed.to, &plain, results + 3, 3);
	is_golden("table.txt", &printed);
	world_free(world);
}

/* ---- the words --------------------------------------------------------------------------------- */

static void every_verdict_in_words(void **state)
{
	struct world *world = world_new("atomic_no_delay", 1, 3);
	struct findings *findings = &world->result.findings;

	(void)state;
	world->result.plan.pauses = false;
	says(world, "deposit/atomic_no_delay: 1 deposit of 100 to a fresh account, 3 synchronous workers; ");
	findings->serial_by_construction = true;
	says(world, "\nNo loss seen: serial by construction (there was only one request).\n");
	findings->serial_by_construction = false;
	findings->max_in_flight = 2;
	findings->pairs_overlapped = 1;
	says(world, "\nNo loss seen in this run: 1 request, at most 2 in flight, 1 pair overlapped. "
	            "This proves nothing.\n");
	findings->overlap_seen_by_client = true;
	says(world, "1 pair overlapped as the client saw them. This proves nothing.\n");
	findings->verdict = VERDICT_VIOLATED;
	findings->answered = findings->transactions = 1;
	findings->missing = 100;
	findings->torn = 1;
	says(world, "\nLOST: 1 deposit was answered 200 OK, 1 is on record, 100 is gone (1 torn deposit).\n");
	says(world, "  1 torn deposit, on record and never written to the balance: whose cannot be told.\n");
	findings->torn = 0;
	findings->missing = -100;
	says(world, "\nWRONG: 1 deposit was answered 200 OK, 1 is on record, the balance is 100 too high.\n");
	findings->verdict = VERDICT_INCONCLUSIVE;
	world_reason(world, "3 events are missing.");
	world_reason(world, "a session was still open");
	says(world, "\nInconclusive: 3 events are missing; a session was still open.\n");
	world_free(world);
}

static void only_the_first_overwrites_are_told(void **state)
{
	struct world *world = world_new("non_atomic_no_delay", 60, 3);
	struct findings *findings = &world->result.findings;

	(void)state;
	world_race(world, &(struct world_rules){0});
	assert_true(findings->n_overwrites > 13);
	char *more = mem_printf("\n  and %zu more: --json lists them.\n", findings->n_overwrites - 12);
	char *text = run_text(world);
	size_t told = 0;
	for (const char *line = strstr(text, " gone.\n"); line != NULL; line = strstr(line + 1, " gone.\n"))
		told++;
	assert_int_equal(told, 12);
	assert_non_null(strstr(text, more));
	free(more);
	free(text);
	world_free(world);
}

static void who_was_done_without_an_answer_is_named_only_when_sure(void **state)
{
	struct world *world = world_new("atomic_no_delay", 4, 2);
	struct findings *findings = &world->result.findings;

	(void)state;
	/* 1 and 2: the commit has no end; 3: never came to it; 4: never began */
	for (uint32_t i = 1; i <= 3; i++) {
		struct history_request *at = world_serve(world, i, 0, 1000 * i);
		world_step(at, "read balance", DB_READ, 1000 * i + 10, 1000 * i + 20, 0);
		if (i < 3)
			world_step(at, "commit", DB_COMMIT, 1000 * i + 30, -1, 0);
	}
	findings->unanswered = 4;
	findings->unanswered_but_done = 1;
	says(world, "\n  1 of 4 requests without an answer was done all the same.\n");
	findings->unanswered_but_done = 3;
	says(world, "\n  requests 1, 2 and 4 got no answer, but their deposits were made.\n");
	world->result.history.requests[1].steps[1].end_ns = world_ns(2050);
	findings->unanswered_but_done = 1;
	says(world, "\n  request 2 got no answer, but its deposit was made.\n");
	world->replies[3].reached = false;
	findings->unanswered_but_done = 2;
	says(world, "\n  requests 1 and 2 got no answer, but their deposits were made.\n");
	world_free(world);
}

static void sentences_break_between_words(void **state)
{
	struct printed printed;

	(void)state;
	printed_begin(&printed);
	report_paragraph(printed.to, &(struct report_style){.columns = 40, .wrap = true}, "  ",
	                 "one two three four five six seven eight nine ten eleven \u2014 twelve "
	                 "averylongwordthatnoterminalofthiswidthcouldevershow thirteen");
	report_paragraph(printed.to, &(struct report_style){.columns = 40}, "  ",
	                 "one two three four five six seven eight nine ten eleven");
	char *text = printed_end(&printed);
	assert_string_equal(text, "  one two three four five six seven\n"
	                          "    eight nine ten eleven \u2014 twelve\n"
	                          "    averylongwordthatnoterminalofthiswidthcouldevershow\n"
	                          "    thirteen\n"
	                          "  one two three four five six seven eight nine ten eleven\n");
	free(text);
}

/* ---- where it is printed ----------------------------------------------------------------------- */

static void set_environment(const char *columns, const char *no_colour, const char *locale)
{
	static const char *const names[] = {"COLUMNS", "NO_COLOR", "LC_ALL"};
	const char *values[] = {columns, no_colour, locale};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(values[i] != NULL ? setenv(names[i], values[i], 1) : unsetenv(names[i]), 0);
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	assert_int_equal(setenv("LANG", "C", 1), 0);
	assert_int_equal(unsetenv("LC_CTYPE"), 0);
}

static void a_file_is_80_columns_without_colour(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	set_environment(NULL, NULL, "C.UTF-8");
	struct report_style style = report_style_of(file);
	assert_int_equal(style.columns, 80);
	assert_false(style.colour);
	assert_false(style.wrap);
	assert_true(style.utf8);
	set_environment("132", NULL, "C");
	style = report_style_of(file);
	assert_int_equal(style.columns, 132);
	assert_false(style.utf8);
	set_environment("many", NULL, "nowhere_XX.UTF-8"); /* not installed here, and clear all the same */
	style = report_style_of(file);
	assert_int_equal(style.columns, 80);
	assert_true(style.utf8);
	set_environment(NULL, NULL, "nowhere_XX");
	assert_false(report_style_of(file).utf8);
	assert_int_equal(fclose(file), 0);
}

static void a_terminal_tells_its_width(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct winsize size = {.ws_row = 24, .ws_col = 57};

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	FILE *terminal = fopen(ptsname(master), "w");
	assert_non_null(terminal);
	assert_int_equal(ioctl(fileno(terminal), TIOCSWINSZ, &size), 0);
	set_environment(NULL, NULL, "C");
	struct report_style style = report_style_of(terminal);
	assert_int_equal(style.columns, 57);
	assert_true(style.colour);
	assert_true(style.wrap);
	set_environment("99", "1", "C");
	style = report_style_of(terminal);
	assert_int_equal(style.columns, 99);
	assert_false(style.colour);
	set_environment(NULL, "", "C"); /* empty: not set, as no-color.org has it */
	assert_true(report_style_of(terminal).colour);
	assert_int_equal(setenv("TERM", "dumb", 1), 0);
	assert_false(report_style_of(terminal).colour);
	assert_int_equal(fclose(terminal), 0);
	assert_int_equal(close(master), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_tells_the_plan_and_the_place),
		cmocka_unit_test(json_tells_what_was_found),
		cmocka_unit_test(json_lists_every_overwrite),
		cmocka_unit_test(json_says_null_for_what_is_not_known),
		cmocka_unit_test(json_of_several_runs_is_one_object),
		cmocka_unit_test(the_table_fits_and_keeps_every_figure),
		cmocka_unit_test(every_verdict_in_words),
		cmocka_unit_test(only_the_first_overwrites_are_told),
		cmocka_unit_test(who_was_done_without_an_answer_is_named_only_when_sure),
		cmocka_unit_test(sentences_break_between_words),
		cmocka_unit_test(a_file_is_80_columns_without_colour),
		cmocka_unit_test(a_terminal_tells_its_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
