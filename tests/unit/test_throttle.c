/* Log-ins that failed, on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "admin/throttle.h"
#include "base/clock.h"

static struct throttle *throttle;
static int64_t now_ns;

static int begin(void **state)
{
	(void)state;
	throttle = throttle_new();
	now_ns = 1000 * NS_PER_S;
	return 0;
}

static int end(void **state)
{
	(void)state;
	throttle_free(throttle);
	return 0;
}

static int64_t try(const char *name, const char *address)
{
	return throttle_ask(throttle, name, address, now_ns);
}

static void fail_times(int n, const char *name, const char *address)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(try(name, address), 0);
}

static void each_wait_is_twice_the_one_before(void **state)
{
	(void)state;
	fail_times(6, "ann", "192.0.2.1");
	for (int64_t wait_s = 1; wait_s < 900; wait_s *= 2) {
		assert_int_equal(try("ann", "192.0.2.1"), wait_s);
		now_ns += wait_s * NS_PER_S;
		assert_int_equal(try("ann", "192.0.2.1"), 0);
	}
	assert_int_equal(try("ann", "192.0.2.1"), 900);
}

static void who_waits_is_not_counted(void **state)
{
	(void)state;
	fail_times(6, "ann", "192.0.2.1");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(try("ann", "192.0.2.1"), 1);
}

static void nobody_else_waits(void **state)
{
	(void)state;
	fail_times(6, "ann", "192.0.2.1");
	assert_int_equal(try("ann", "192.0.2.2"), 0);
	assert_int_equal(try("bob", "192.0.2.1"), 0);
	assert_int_equal(try("ann", "192.0.2.1"), 1);
}

static void an_address_may_not_try_name_after_name(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i <= 30; i++) {
		snprintf(name, sizeof name, "name%d", i);
		fail_times(1, name, "192.0.2.1");
	}
	assert_int_equal(try("yet another", "192.0.2.1"), 1);
	assert_int_equal(try("yet another", "192.0.2.2"), 0);
}

static void who_got_in_begins_anew(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		fail_times(5, "ann", "192.0.2.1");
		throttle_forget(throttle, "ann", "192.0.2.1");
		now_ns += 3601 * NS_PER_S; /* the four that failed count for the address */
	}
}

static void an_hour_later_it_is_forgotten(void **state)
{
	(void)state;
	fail_times(6, "ann", "192.0.2.1");
	now_ns += 3601 * NS_PER_S;
	fail_times(6, "ann", "192.0.2.1");
}

/* The table does not grow, and who invents names pushes out their own first of all: the address keeps waiting. */
static void names_that_are_invented_free_nobody(void **state)
{
	char name[16];

	(void)state;
	fail_times(6, "ann", "192.0.2.1");
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "name%d", i);
		(void)try(name, "192.0.2.9");
	}
	assert_true(try("name10000", "192.0.2.9") > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_wait_is_twice_the_one_before, begin, end),
		cmocka_unit_test_setup_teardown(who_waits_is_not_counted, begin, end),
		cmocka_unit_test_setup_teardown(nobody_else_waits, begin, end),
		cmocka_unit_test_setup_teardown(an_address_may_not_try_name_after_name, begin, end),
		cmocka_unit_test_setup_teardown(who_got_in_begins_anew, begin, end),
		cmocka_unit_test_setup_teardown(an_hour_later_it_is_forgotten, begin, end),
		cmocka_unit_test_setup_teardown(names_that_are_invented_free_nobody, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
