/* report: requests that were tried again, that had no answer, that are on record twice; one experiment on
 * several databases, side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "report_words.h"

static void says_not(const struct world *world, const char *unwanted)
{
	char *text = run_text(world);

	if (strstr(text, unwanted) != NULL)
		fail_msg("'%s' is in:\n%s", unwanted, text);
	free(text);
}

/* ---- one run ----------------------------------------------------------------------------------- */

static void the_head_tells_how_requests_are_run(void **state)
{
	struct world *world = world_new("atomic_no_delay", 2, 3);
	struct run_plan *plan = &world->result.plan;

	(void)state;
	says_not(world, "own level");
	says_not(world, "BEGIN");
	says_not(world, "tries");
	says_not(world, "fault");
	plan->own_level = plan->no_transaction = true;
	plan->max_tries = 5;
	plan->fault = "commit:lose/3";
	says(world, ", without BEGIN and COMMIT (--no-transaction), up to 5 tries, fault: commit:lose/3; MariaDB ");
	says(world, " READ COMMITTED (the variant's own level) (innodb_snapshot_isolation OFF), ");
	world_free(world);
}

static void tries_are_told_where_there_were_some(void **state)
{
	struct world *world = world_new("atomic_no_delay", 10, 3);
	struct tries *tries = &world->result.findings.tries;

	(void)state;
	for (uint32_t i = 1; i <= 10; i++)
		world_serve(world, i, 0, 1000 * i);
	tries->attempts = 10;
	tries->most = 1;
	says_not(world, "took");
	world->result.plan.max_tries = 5;
	says(world, "\n  10 requests took 10 tries: none was tried again.\n");
	tries->attempts = 23;
	tries->again = 8;
	tries->given_up = 1;
	tries->failed[0] = (struct refusals){"deadlock", 9};
	tries->failed[1] = (struct refusals){"lock_timeout", 4};
	tries->n_failed_kinds = 2;
	tries->cost_ns = 1200 * NS_PER_MS;
	says(world, "\n  10 requests took 23 tries: 8 were tried again, 1 of them in vain; failed tries: "
	            "9 deadlock, 4 lock timeout; retries cost 1.2 s.\n");
	tries->given_up = 0;
	says(world, ": 8 were tried again; failed tries: ");
	world->result.plan.recorded = false;
	says_not(world, "took");
	world_free(world);
}

static void unknown_outcomes_are_resolved(void **state)
{
	struct world *world = world_new("atomic_no_delay", 4, 3);
	struct findings *findings = &world->result.findings;

	(void)state;
	says_not(world, "had no answer from the database");
	findings->outcome_unknown = findings->unknown_done = 1;
	says(world, "\n  1 request had no answer from the database to its last write: it is on record all the "
	            "same.\n");
	world_step(world_serve(world, 1, 0, 1000), "commit", DB_COMMIT, 1100, 1200, 0);
	findings->outcome_unknown = 3;
	says(world, "\n  3 requests had no answer from the database to their COMMIT: 1 is on record, 0 are not; "
	            "of 2 it cannot be told.\n");
	findings->unknown_done = 3;
	says(world, " to their COMMIT: all are on record all the same.\n");
	findings->unknown_done = 0;
	says(world, " to their COMMIT: whether done or not cannot be told.\n");
	findings->unknown_not_done = 3;
	says(world, " to their COMMIT: none is on record.\n");
	findings->unknown_done = 2;
	findings->unknown_not_done = 1;
	says(world, " to their COMMIT: 2 are on record, 1 is not.\n");
	world_free(world);
}

static void who_is_on_record_twice_is_named(void **state)
{
	static uint32_t requests[] = {4, 6};
	struct world *world = world_new("atomic_no_delay", 10, 3);
	struct findings *findings = &world->result.findings;

	(void)state;
	says_not(world, "more than once");
	findings->verdict = VERDICT_VIOLATED;
	findings->answered = 10;
	findings->transactions = 11;
	findings->doubled = 1;
	says(world, "\n  at least 1 deposit is on record more than once: whose cannot be told.\n");
	findings->doubled_requests = requests;
	findings->n_doubled_requests = 1;
	says(world, "\n  the deposit of request 4 is on record more than once.\n");
	says(world, "\nDOUBLED: 10 deposits were answered 200 OK, 11 are on record: 1 deposit more than once.\n");
	findings->n_doubled_requests = 2;
	findings->doubled = 4;
	findings->missing = 100;
	findings->lost_updates = 1;
	says(world, "\n  the deposits of requests 4 and 6 are on record more than once.\n"
	            "  at least 2 more deposits are on record more than once: whose cannot be told.\n");
	says(world, "\nLOST: 10 deposits were answered 200 OK, 11 are on record, 100 is gone (1 lost update, "
	            "at least 4 deposits more than once).\n");
	world_free(world);
}

static void equal_amounts_leave_open_whose(void **state)
{
	static const int64_t pauses_us[] = {410000, 580000, 830000, 300000};
	struct world *world = world_new("atomic_long_delay", 4, 3);

	(void)state;
	world_race(world, &(struct world_rules){.atomic = true, .pauses_us = pauses_us});
	says_not(world, "--traced");
	world->result.findings.overwrites[0].n_gone = 0;
	says(world, "--traced makes each twice the one before.\n");
	world->result.plan.traced = true;
	says_not(world, "--traced");
	world_free(world);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_of(const struct run_result *result)
{
	struct printed printed;

	printed_begin(&printed);
	report_json.run(printed.to, &plain, result);
	char *text = printed_end(&printed);
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(object);
	free(text);
	return object;
}

static int64_t number_at(const json_t *object, const char *outer, const char *inner)
{
	const json_t *value = json_object_get(json_object_get(object, outer), inner);

	if (!json_is_integer(value))
		fail_msg("%s.%s is not a whole number", outer, inner);
	return json_integer_value(value);
}

static void json_tells_all_of_it(void **state)
{
	static uint32_t requests[] = {4};
	struct world *world = world_new("atomic_no_delay", 10, 3);
	struct findings *findings = &world->result.findings;

	(void)state;
	world->result.plan.own_level = world->result.plan.no_transaction = true;
	world->result.plan.max_tries = 5;
	world->result.plan.fault = "commit:lose/3";
	world->result.plan.db_option = "mariadb";
	findings->tries = (struct tries){.attempts = 23, .most = 5, .again = 8, .given_up = 1,
	                                 .failed = {{"deadlock", 9}}, .n_failed_kinds = 1, .cost_ns = 1200 * NS_PER_MS};
	findings->outcome_unknown = 3;
	findings->unknown_done = 2;
	findings->unknown_not_done = 1;
	findings->doubled = 2;
	findings->doubled_requests = requests;
	findings->n_doubled_requests = 1;
	json_t *object = json_of(&world->result);
	assert_true(json_is_true(json_object_get(object, "own_level")));
	assert_true(json_is_true(json_object_get(object, "no_transaction")));
	assert_int_equal(json_integer_value(json_object_get(object, "max_tries")), 5);
	assert_string_equal(json_string_value(json_object_get(object, "fault")), "commit:lose/3");
	assert_string_equal(json_string_value(json_object_get(object, "database")), "mariadb");
	assert_int_equal(number_at(object, "tries", "attempts"), 23);
	assert_int_equal(number_at(object, "tries", "most"), 5);
	assert_int_equal(number_at(object, "tries", "again"), 8);
	assert_int_equal(number_at(object, "tries", "given_up"), 1);
	assert_int_equal(number_at(json_object_get(object, "tries"), "failed", "deadlock"), 9);
	assert_true(json_real_value(json_object_get(json_object_get(object, "tries"), "cost_s")) == 1.2);
	assert_int_equal(number_at(object, "outcome_unknown", "requests"), 3);
	assert_int_equal(number_at(object, "outcome_unknown", "on_record"), 2);
	assert_int_equal(number_at(object, "outcome_unknown", "not_on_record"), 1);
	assert_int_equal(json_integer_value(json_object_get(object, "doubled")), 2);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(object, "doubled_requests"), 0)), 4);
	json_decref(object);
	world->result.plan.recorded = false;
	world->result.plan.max_tries = 0;
	object = json_of(&world->result);
	assert_true(json_is_null(json_object_get(object, "tries")));
	assert_int_equal(json_integer_value(json_object_get(object, "max_tries")), 1);
	json_decref(object);
	world_free(world);
}

static void json_of_what_is_not_applicable(void **state)
{
	struct world *world = world_new("advisory_lock", 10, 3);

	(void)state;
	world->result.not_applicable = "SQLite has no locks by name";
	json_t *object = json_of(&world->result);
	assert_string_equal(json_string_value(json_object_get(object, "verdict")), "not_applicable");
	assert_string_equal(json_string_value(json_array_get(json_object_get(object, "reasons"), 0)),
	                    "SQLite has no locks by name");
	assert_string_equal(json_string_value(json_object_get(object, "variant")), "advisory_lock");
	assert_null(json_object_get(object, "answered"));
	json_decref(object);
	world_free(world);
}

/* ---- several databases ------------------------------------------------------------------------- */

static struct db_identity at(const char *product, const char *version, const char *level)
{
	struct db_identity identity = {.snapshot_isolation = -1};

	(void)snprintf(identity.product, sizeof identity.product, "%s", product);
	(void)snprintf(identity.version, sizeof identity.version, "%s", version);
	(void)snprintf(identity.isolation, sizeof identity.isolation, "%s", level);
	return identity;
}

static void refused(struct run_result *result, const char *reason, size_t n)
{
	result->findings.refused[0] = (struct refusals){reason, n};
	result->findings.n_refused = n;
	result->findings.n_refused_kinds = 1;
}

static struct run_result sums(const struct world *world, const char *variant, size_t answered, int64_t balance)
{
	struct run_result result = world->result;

	result.plan.variant = variant;
	result.findings = (struct findings){
		.answered = answered, .transactions = answered, .recorded_sum = (int64_t)answered * 100,
		.expected_balance = (int64_t)answered * 100, .actual_balance = balance,
		.missing = (int64_t)answered * 100 - balance, .max_in_flight = 3, .pairs_overlapped = 9,
	};
	result.findings.verdict = result.findings.missing != 0 ? VERDICT_VIOLATED : VERDICT_NONE_SEEN;
	result.findings.lost_updates = result.findings.missing / 100;
	return result;
}

static void one_experiment_on_several_databases(void **state)
{
	static const int64_t pauses_us[] = {410000, 580000, 830000, 300000, 410000, 580000, 830000, 300000};
	static const char *const again[] = {"racy run x --db mariadb", "racy run x --db sqlite:a.db",
	                                    "racy run x --db sqlite:b.db", NULL};
	struct world *world = world_new("atomic_long_delay", 8, 3);
	struct printed printed;

	(void)state;
	world_race(world, &(struct world_rules){.atomic = true, .pauses_us = pauses_us});
	struct run_result results[] = {world->result, sums(world, "atomic_long_delay", 4, 400),
	                               sums(world, "atomic_long_delay", 8, 800), sums(world, "", 0, 0)};
	results[0].plan.db_option = "mariadb";
	results[1].identity = results[2].identity = results[3].identity = at("SQLite", "3.40.1", "SERIALIZABLE");
	results[1].plan.db_option = "sqlite:a.db";
	results[2].plan.db_option = "sqlite:b.db";
	results[3].identity = at("PostgreSQL", "15.13", "READ COMMITTED");
	results[3].not_applicable = "PostgreSQL has nothing of the kind";
	refused(&results[1], "busy", 4);
	printed_begin(&printed);
	report_text.volley(printed.to, &plain, &results[0]);
	report_text.place(printed.to, &plain, &results[0]);
	report_text.place(printed.to, &plain, &results[1]);
	report_text.databases(printed.to, &plain, results, 4, again);
	for (size_t i = 0; i < 3; i++)
		results[i].plan.max_tries = 5;
	results[1].findings.tries = (struct tries){
		.attempts = 23, .again = 8, .given_up = 1,
		.failed = {{"deadlock", 9}, {"serialization", 2}, {"conflict", 4}},
		.n_failed_kinds = 3, .cost_ns = 1200 * NS_PER_MS};
	(void)fputs("== with tries, 80 columns\n", printed.to);
	report_text.databases(printed.to, &(struct report_style){.columns = 80, .wrap = true}, results, 2, again);
	is_golden("databases.txt", &printed);
	world_free(world);
}

static void several_ways_on_each(void **state)
{
	struct world *world = world_new("", 10, 3);
	struct printed printed;
	struct run_result results[] = {
		sums(world, "non_atomic_no_delay", 10, 600), sums(world, "row_locking_atomic_long_delay", 10, 1000),
		sums(world, "non_atomic_no_delay", 10, 400), sums(world, "row_locking_atomic_long_delay", 10, 1000),
		sums(world, "non_atomic_no_delay", 2, 200), sums(world, "row_locking_atomic_long_delay", 7, 700),
	};

	(void)state;
	results[2].identity = results[3].identity = at("PostgreSQL", "15.13", "READ COMMITTED");
	results[4].identity = results[5].identity = at("SQLite", "3.40.1", "SERIALIZABLE");
	results[0].identity.snapshot_isolation = results[1].identity.snapshot_isolation = 1;
	refused(&results[4], "busy", 8);
	results[5].findings.unanswered = 3;
	results[5].findings.verdict = VERDICT_INCONCLUSIVE;
	printed_begin(&printed);
	report_ways(printed.to, &plain, results, 2, 3);
	report_differences(printed.to, &plain, results, 2, 3);
	(void)fputs("== 80 columns\n", printed.to);
	report_ways(printed.to, &(struct report_style){.columns = 80, .wrap = true}, results, 2, 3);
	is_golden("ways.txt", &printed);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_head_tells_how_requests_are_run),
		cmocka_unit_test(tries_are_told_where_there_were_some),
		cmocka_unit_test(unknown_outcomes_are_resolved),
		cmocka_unit_test(who_is_on_record_twice_is_named),
		cmocka_unit_test(equal_amounts_leave_open_whose),
		cmocka_unit_test(json_tells_all_of_it),
		cmocka_unit_test(json_of_what_is_not_applicable),
		cmocka_unit_test(one_experiment_on_several_databases),
		cmocka_unit_test(several_ways_on_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
