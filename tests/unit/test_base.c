/* base: durations, numbers as Python reads them, seeds, memory, options, fibers, processors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/fiber.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/rng.h"
#include "base/str.h"

static void durations_are_read_and_told(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
		const char *told;
	} good[] = {
		{"0", 0, "0 s"}, {"1", NS_PER_S, "1 s"}, {"300us", 300 * NS_PER_US, "300 us"},
		{"2.5ms", 2500 * NS_PER_US, "2.5 ms"}, {"1.5s", 1500 * NS_PER_MS, "1.5 s"},
		{"0.3", 300 * NS_PER_MS, "300 ms"}, {"86400", 86400 * NS_PER_S, "86400 s"},
		{"999.9us", 999900, "1 ms"}, {".5s", 500 * NS_PER_MS, "500 ms"},
	};
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 s", "1h", "0x10", "inf", "nan", "1e3",
	                                  "86401", "1..2", "s", ".", "1s2"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		int64_t ns = -1;
		assert_true(duration_parse(good[i].text, &ns, NULL));
		assert_int_equal(ns, good[i].ns);
		char *told = duration_text(ns);
		assert_string_equal(told, good[i].told);
		free(told);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int64_t ns;
		struct err err = {0};
		if (duration_parse(bad[i], &ns, &err))
			fail_msg("'%s' was taken as %lld ns", bad[i], (long long)ns);
		assert_non_null(strstr(err_text(&err), bad[i]));
		err_fini(&err);
	}
}

static void ranges_of_durations(void **state)
{
	int64_t min, max;
	struct err err = {0};

	(void)state;
	assert_true(duration_range_parse("0.3..1s", &min, &max, NULL));
	assert_int_equal(min, 300 * NS_PER_MS);
	assert_int_equal(max, NS_PER_S);
	assert_true(duration_range_parse("20ms", &min, &max, NULL));
	assert_int_equal(min, max);
	assert_true(duration_range_parse("1..1", &min, &max, NULL));
	assert_false(duration_range_parse("2..1", &min, &max, &err));
	assert_non_null(strstr(err_text(&err), "before it begins"));
	err_fini(&err);
	assert_false(duration_range_parse("1..", &min, &max, NULL));
	assert_false(duration_range_parse("..1", &min, &max, NULL));
}

static void stamps_are_utc_to_the_microsecond(void **state)
{
	char stamp[CLOCK_STAMP_SIZE];

	(void)state;
	clock_stamp(INT64_C(1000000000000007), stamp);
	assert_string_equal(stamp, "2001-09-09 01:46:40.000007");
}

static void numbers_as_python_reads_them(void **state)
{
	static const struct {
		const char *text;
		enum num_python result;
		int64_t number;
	} cases[] = {
		{"100", NUM_PYTHON_OK, 100}, {" 100\n", NUM_PYTHON_OK, 100}, {"+7", NUM_PYTHON_OK, 7},
		{"-7", NUM_PYTHON_OK, -7}, {"-0", NUM_PYTHON_OK, 0}, {"007", NUM_PYTHON_OK, 7},
		{"1_000", NUM_PYTHON_OK, 1000}, {"\xc2\xa0" "5\xe3\x80\x80", NUM_PYTHON_OK, 5},
		{"\xd9\xa1\xd9\xa2", NUM_PYTHON_OK, 12}, {"\xef\xbc\x91\xef\xbc\x90", NUM_PYTHON_OK, 10},
		{"\xf0\x9d\x9f\x98", NUM_PYTHON_OK, 0}, {"\xf0\x9d\x9f\xbf", NUM_PYTHON_OK, 9},
		{"9223372036854775807", NUM_PYTHON_OK, INT64_MAX},
		{"-9223372036854775808", NUM_PYTHON_OK, INT64_MIN},
		{"9223372036854775808", NUM_PYTHON_TOO_LARGE, INT64_MAX},
		{"-9223372036854775809", NUM_PYTHON_TOO_LARGE, INT64_MIN},
		{"99999999999999999999999", NUM_PYTHON_TOO_LARGE, INT64_MAX},
		{"", NUM_PYTHON_NOT_A_NUMBER, 0}, {" ", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"1.0", NUM_PYTHON_NOT_A_NUMBER, 0}, {"1e3", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"0x10", NUM_PYTHON_NOT_A_NUMBER, 0}, {"1__0", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"_1", NUM_PYTHON_NOT_A_NUMBER, 0}, {"1_", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"1_ ", NUM_PYTHON_NOT_A_NUMBER, 0}, {"+ 1", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"+-1", NUM_PYTHON_NOT_A_NUMBER, 0}, {"+_1", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"1 2", NUM_PYTHON_NOT_A_NUMBER, 0}, {"-", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"\xc2\xb2", NUM_PYTHON_NOT_A_NUMBER, 0}, {"1\xff", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"\x1c" "5", NUM_PYTHON_NOT_A_NUMBER, 0}, {"5\x1f", NUM_PYTHON_NOT_A_NUMBER, 0},
		{"\xc2\x85" "5\x0b", NUM_PYTHON_OK, 5},
		{"\xc0\xb1", NUM_PYTHON_NOT_A_NUMBER, 0}, {"1\xd9", NUM_PYTHON_NOT_A_NUMBER, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t number = 0;
		enum num_python result = num_parse_python(cases[i].text, strlen(cases[i].text), &number);
		if (result != cases[i].result || number != cases[i].number)
			fail_msg("'%s': %d, %lld", cases[i].text, (int)result, (long long)number);
	}
	int64_t number;
	assert_int_equal(num_parse_python("1\0002", 3, &number), NUM_PYTHON_NOT_A_NUMBER);
}

static void python_refuses_more_than_4300_digits(void **state)
{
	char digits[4302];
	int64_t number;

	(void)state;
	memset(digits, '0', sizeof digits);
	assert_int_equal(num_parse_python(digits, 4300, &number), NUM_PYTHON_OK);
	assert_int_equal(num_parse_python(digits, 4301, &number), NUM_PYTHON_NOT_A_NUMBER);
}

static void random_numbers_repeat_and_stay_within(void **state)
{
	struct rng a, b;
	bool seen[3] = {false};

	(void)state;
	rng_init(&a, 41);
	rng_init(&b, 41);
	for (int i = 0; i < 1000; i++) {
		int64_t number = rng_between(&a, -1, 1);
		assert_int_equal(number, rng_between(&b, -1, 1));
		assert_in_range(number + 1, 0, 2);
		seen[number + 1] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	assert_int_equal(rng_between(&a, 5, 5), 5);
	/* What splitmix64 gives everywhere: a stored seed must mean the same for ever. */
	rng_init(&a, 1234567);
	assert_true(rng_next(&a) == 6457827717110365317U);
	assert_true(rng_next(&a) == 3203168211198807973U);
}

static void memory_that_cannot_be_had_ends_the_program(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		size_t capacity = 0;
		close(STDERR_FILENO);
		alarm(10);
		_exit(mem_grow(NULL, &capacity, SIZE_MAX - 1, 1) != NULL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

struct settings {
	bool loud;
	const char *name;
	int64_t n, noise, wait_ns;
};

static enum opt_result read_options(struct settings *settings, bool single_dash, int argc, char **argv,
                                    int *first, struct err *err)
{
	const struct opt options[] = {
		{"loud", 'l', NULL, "be loud", opt_flag, &settings->loud, 0, 0},
		{"name", 0, "NAME", "the name", opt_text, &settings->name, 0, 0},
		{"noise", 0, "N", "any number", opt_number, &settings->noise, INT64_MIN, INT64_MAX},
		{"requests", 'n', "N", "how many", opt_number, &settings->n, 1, 100},
		{"wait", 0, "SECONDS", "how long", opt_duration, &settings->wait_ns, 0, 0},
		{0},
	};
	return opt_read(argc, argv, options, single_dash, first, err);
}

static void options_in_every_spelling(void **state)
{
	char *argv[] = {"x", "-n5", "operand", "--wait=0.5", "-l", "--name", "A B", "--", "-n", NULL};
	struct settings settings = {0};
	int first = 0;

	(void)state;
	assert_int_equal(read_options(&settings, false, 9, argv, &first, NULL), OPT_OK);
	assert_true(settings.loud);
	assert_string_equal(settings.name, "A B");
	assert_int_equal(settings.n, 5);
	assert_int_equal(settings.wait_ns, NS_PER_S / 2);
	assert_int_equal(first, 7);
	assert_string_equal(argv[first], "operand");
	assert_string_equal(argv[first + 1], "-n");

	char *go[] = {"x", "-wait=0", "-name", "y", "--noise", "-7", NULL};
	assert_int_equal(read_options(&settings, true, 6, go, &first, NULL), OPT_OK);
	assert_int_equal(settings.wait_ns, 0);
	assert_string_equal(settings.name, "y");
	assert_int_equal(settings.noise, -7);
	assert_int_equal(first, 6);
}

static void what_looks_like_an_option_may_be_a_value(void **state)
{
	char *argv[] = {"x", "--noise", "-5", "--no=-6", "--name", "--loud", "-", NULL};
	struct settings settings = {0};
	int first = 0;

	(void)state;
	assert_int_equal(read_options(&settings, false, 7, argv, &first, NULL), OPT_OK);
	assert_int_equal(settings.noise, -6); /* the last one counts */
	assert_string_equal(settings.name, "--loud");
	assert_false(settings.loud);
	assert_int_equal(first, 6);
	assert_string_equal(argv[first], "-");
}

/* Scripts that set it for other programs must not change what a command line means here. */
static void the_environment_does_not_change_the_reading(void **state)
{
	char *argv[] = {"x", "one", "-l", "two", "-n", "7", "--", "-three", NULL};
	struct settings settings = {0};
	int first = 0;

	(void)state;
	assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
	assert_int_equal(read_options(&settings, false, 8, argv, &first, NULL), OPT_OK);
	assert_int_equal(unsetenv("POSIXLY_CORRECT"), 0);
	assert_true(settings.loud);
	assert_int_equal(settings.n, 7);
	assert_int_equal(first, 5);
	assert_string_equal(argv[5], "one");
	assert_string_equal(argv[6], "two");
	assert_string_equal(argv[7], "-three");
}

static void wrong_options_are_named(void **state)
{
	static const struct {
		bool single_dash;
		const char *told; /* the whole sentence */
		char *argv[5];
	} cases[] = {
		{false, "--requests: 0 is outside of 1 to 100", {"x", "--requests", "0"}},
		{false, "-n: 'ten' is not a whole number", {"x", "-n", "ten"}},
		{false, "-n: -5 is outside of 1 to 100", {"x", "-n", "-5"}},
		{false, "--requests: '' is not a whole number", {"x", "--requests="}},
		{false, "--wait: '-1' is not a duration: write 300us, 20ms, 1.5s, or a number of seconds",
		 {"x", "--wait", "-1"}},
		{true, "-wait: 'a' is not a duration: write 300us, 20ms, 1.5s, or a number of seconds",
		 {"x", "-wait=a"}},
		{false, "there is no option --colour (see --help)", {"x", "--colour=red"}},
		{true, "there is no option -colour (see --help)", {"x", "-colour", "red"}},
		{false, "there is no option -z (see --help)", {"x", "-z"}},
		{false, "there is no option -z (see --help)", {"x", "--loud", "-zl"}},
		{false, "there is no option -z (see --help)", {"x", "-lz", "--loud"}},
		{false, "there is no option -5 (see --help)", {"x", "show", "-5"}},
		{false, "there is no option -\\xc3 (see --help)", {"x", "-\xc3\xa9"}},
		{false, "--name needs a value: --name NAME (see --help)", {"x", "--name"}},
		{false, "-n needs a value: -n N (see --help)", {"x", "--loud", "-ln"}},
		{true, "-name needs a value: -name NAME (see --help)", {"x", "--name"}},
		{false, "--loud takes no value", {"x", "--loud=1"}},
		{false, "--help takes no value", {"x", "--help=me"}},
		{false, "--n may stand for --name, --noise: write more of it", {"x", "--n=5"}},
		{false, "there is no option -- (see --help)", {"x", "--=5"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct settings settings = {0};
		struct err err = {0};
		int first, argc = 0;
		char *argv[COUNT_OF(cases[0].argv)];
		memcpy(argv, cases[i].argv, sizeof argv);
		while (argv[argc] != NULL)
			argc++;
		assert_int_equal(read_options(&settings, cases[i].single_dash, argc, argv, &first, &err), OPT_ERROR);
		assert_string_equal(err_text(&err), cases[i].told);
		err_fini(&err);
	}
}

static void help_goes_before_what_follows(void **state)
{
	static char *const cases[][4] = {{"x", "--help", "--colour"}, {"x", "-lh"}, {"x", "--he"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct settings settings = {0};
		char *argv[4];
		int first, argc = 0;
		memcpy(argv, cases[i], sizeof argv);
		while (argv[argc] != NULL)
			argc++;
		assert_int_equal(read_options(&settings, false, argc, argv, &first, NULL), OPT_HELP);
	}
}

struct counter {
	struct fiber *fiber;
	int from, deep;
	int *trail, *n;
};

/* The counting is done below frames of their own, which must be there again each time. */
static void count_deep(struct counter *counter, int deep)
{
	char frame[256];

	memset(frame, deep, sizeof frame);
	if (deep > 0)
		count_deep(counter, deep - 1);
	for (int i = 0; deep == 0 && i < 3; i++) {
		counter->trail[(*counter->n)++] = counter->from + i;
		fiber_rest(counter->fiber);
	}
	for (size_t i = 0; i < sizeof frame; i++)
		assert_int_equal(frame[i], deep);
}

static void count(void *context)
{
	struct counter *counter = context;

	count_deep(counter, counter->deep);
}

static void fibers_go_on_where_they_rested(void **state)
{
	static const int expected[] = {10, 20, 11, 21, 12, 22};
	int trail[6], n = 0;
	struct counter counters[] = {{.from = 10, .deep = 5, .trail = trail, .n = &n},
	                             {.from = 20, .deep = 90, .trail = trail, .n = &n}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counters); i++) {
		counters[i].fiber = fiber_new(count, &counters[i]);
		assert_non_null(counters[i].fiber);
	}
	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < COUNT_OF(counters); i++) {
			assert_false(fiber_has_ended(counters[i].fiber));
			fiber_go_on(counters[i].fiber);
		}
	assert_int_equal(n, 6);
	assert_memory_equal(trail, expected, sizeof expected);
	for (size_t i = 0; i < COUNT_OF(counters); i++) {
		assert_true(fiber_has_ended(counters[i].fiber));
		fiber_free(counters[i].fiber);
	}
}

/* Each of several processes begins with the one on which it ran: they do not all choose the same. */
static int counts_from(int processor, int n)
{
	cpu_set_t all, only, got;
	bool right = sched_getaffinity(0, sizeof all, &all) == 0;

	CPU_ZERO(&only);
	CPU_SET((size_t)processor, &only);
	right = right && sched_setaffinity(0, sizeof only, &only) == 0;
	got = cpus_nth(0);
	right = right && CPU_EQUAL(&got, &only) && sched_setaffinity(0, sizeof all, &all) == 0;
	for (int i = 0; right && i < 2 * n; i++) {
		got = cpus_nth((size_t)i);
		right = CPU_COUNT(&got) == 1 && CPU_ISSET((size_t)processor, &got) == (i % n == 0);
	}
	return right ? 0 : 1;
}

static void processors_are_counted_from_where_one_is(void **state)
{
	cpu_set_t all;
	int status;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET((size_t)i, &all))
			continue;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(counts_from(i, CPU_COUNT(&all)));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_and_told),
		cmocka_unit_test(ranges_of_durations),
		cmocka_unit_test(stamps_are_utc_to_the_microsecond),
		cmocka_unit_test(numbers_as_python_reads_them),
		cmocka_unit_test(python_refuses_more_than_4300_digits),
		cmocka_unit_test(random_numbers_repeat_and_stay_within),
		cmocka_unit_test(memory_that_cannot_be_had_ends_the_program),
		cmocka_unit_test(options_in_every_spelling),
		cmocka_unit_test(what_looks_like_an_option_may_be_a_value),
		cmocka_unit_test(the_environment_does_not_change_the_reading),
		cmocka_unit_test(wrong_options_are_named),
		cmocka_unit_test(help_goes_before_what_follows),
		cmocka_unit_test(fibers_go_on_where_they_rested),
		cmocka_unit_test(processors_are_counted_from_where_one_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
