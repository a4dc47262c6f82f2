/* report: what a run looks like. Runs made by hand, printed whole, held by files that people read.
 * The files are compared as golden.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "report_world.h"

static const struct report_style plain = {.columns = 80, .utf8 = true};

static void plan_and_run_are_golden(const char *name, struct world *world)
{
	struct printed printed;

	printed_begin(&printed);
	report_text.plan(printed.to, &plain, &world->result);
	report_text.run(printed.to, &plain, &world->result);
	is_golden(name, &printed);
}

/* ---- the runs ---------------------------------------------------------------------------------- */

static const int64_t long_pauses_us[] = {
	410000, 580000, 830000, 940000, 322000, 610000, 467000, 995000, 301000, 720000,
};

static struct world *long_delay_race(int workers)
{
	struct world *world = world_new("atomic_long_delay", 10, workers);

	world_race(world, &(struct world_rules){.atomic = true, .pauses_us = long_pauses_us});
	return world;
}

static void a_loss_with_its_lanes(void **state)
{
	struct world *world = long_delay_race(3);

	(void)state;
	assert_int_equal(world->result.findings.verdict, VERDICT_VIOLATED);
	plan_and_run_are_golden("loss.txt", world);
	world_free(world);
}

/* The same run on other screens: a wide one in colour, a narrow one, one without UTF-8. */
static void a_loss_on_other_screens(void **state)
{
	static const struct report_style styles[] = {
		{.columns = 120, .utf8 = true, .wrap = true},
		{.columns = 100, .utf8 = true, .wrap = true, .colour = true},
		{.columns = 60, .utf8 = true, .wrap = true},
		{.columns = 60, .wrap = true},
		{.columns = 40, .utf8 = true, .wrap = true},
		{.columns = 10, .utf8 = true, .wrap = true},
	};
	struct world *world = long_delay_race(3);
	struct printed printed;

	(void)state;
	printed_begin(&printed);
	for (size_t i = 0; i < COUNT_OF(styles); i++) {
		(void)fprintf(printed.to, "%s== %d columns%s%s\n", i > 0 ? "\n" : "", styles[i].columns,
		              styles[i].utf8 ? "" : ", ASCII", styles[i].colour ? ", colour" : "");
		if (i == 0)
			report_text.run(printed.to, &styles[i], &world->result);
		else
			report_lanes(printed.to, &styles[i], &world->result, 0);
	}
	is_golden("screens.txt", &printed);
	world_free(world);
}

static void the_first_round_alone(void **state)
{
	struct world *world = long_delay_race(3);
	struct printed printed;

	(void)state;
	printed_begin(&printed);
	int64_t until_ns = report_first_round_end(&world->result);
	assert_int_equal(until_ns, world->result.history.requests[3].begin_ns);
	report_lanes(printed.to, &plain, &world->result, until_ns);
	is_golden("first_round.txt", &printed);
	world_free(world);
}

static void waits_for_a_row_lock(void **state)
{
	struct world *world = world_new("row_locking_atomic_long_delay", 5, 3);

	(void)state;
	world_race(world, &(struct world_rules){.locking = true, .atomic = true, .pauses_us = long_pauses_us});
	assert_int_equal(world->result.findings.verdict, VERDICT_NONE_SEEN);
	plan_and_run_are_golden("row_locking.txt", world);
	world_free(world);
}

/* Two transactions hold the shared lock that the foreign key took; both want to write. */
static struct world *deadlock(void)
{
	struct world *world = world_new("atomic_no_delay", 3, 2);
	struct findings *findings = &world->result.findings;
	static struct refusals refused = {"deadlock", 1};

	world->result.plan.pauses = false;
	for (uint32_t i = 1; i <= 2; i++) {
		struct history_request *at = world_serve(world, i, i - 1, 300 + 40 * i);
		int64_t us = 400 + 100 * i;
		world_step(at, "begin", DB_BEGIN, us, us + 80, 0);
		world_step(at, "read balance", DB_READ, us + 90, us + 260, 0);
		world_step(at, "record", DB_WRITE, us + 270, us + 700, 100);
		if (i == 1) {
			world_step(at, "write balance", DB_WRITE, us + 710, us + 1300, 100);
			world_step(at, "commit", DB_COMMIT, us + 1310, us + 2600, 0);
			world_answer(world, at, us + 2700, 200, OP_DONE);
		} else {
			world_step(at, "write balance", DB_WRITE, us + 710, us + 1000, 100)->err = DB_DEADLOCK;
			world_step(at, "rollback", DB_ROLLBACK, us + 1010, us + 1100, 0);
			world_answer(world, at, us + 1200, 503, OP_FAILED);
			at->err = DB_DEADLOCK;
			(void)snprintf(world->replies[1].reason, sizeof world->replies[1].reason, "deadlock");
		}
	}
	struct history_request *at = world_serve(world, 3, 1, 2400);
	world_step(at, "begin", DB_BEGIN, 2500, 2580, 0);
	world_step(at, "read balance", DB_READ, 2600, 2760, 0);
	world_step(at, "record", DB_WRITE, 2770, 3100, 100);
	world_step(at, "write balance", DB_WRITE, 3110, 3400, 100);
	world_step(at, "commit", DB_COMMIT, 3410, 4500, 0);
	world_answer(world, at, 4600, 200, OP_DONE);
	world_overwrite(world, &(struct world_written){.us = 4500, .value = 100, .read_us = 2760, .request = 3},
	                &(struct world_written){.us = 3100, .value = 100, .in_it = 2, .request = 1}, 0);
	findings->verdict = VERDICT_VIOLATED;
	findings->answered = findings->transactions = 2;
	findings->refused[0] = refused;
	findings->n_refused = findings->n_refused_kinds = 1;
	findings->recorded_sum = findings->expected_balance = 200;
	findings->actual_balance = findings->missing = findings->lost_amount = 100;
	static uint32_t first = 1;
	findings->lost = &first;
	findings->n_lost = 1;
	findings->lost_updates = 1;
	world_overlap(world);
	world->result.end_ns = world_ns(9000);
	return world;
}

static void a_deadlock_refuses(void **state)
{
	struct world *world = deadlock();

	(void)state;
	plan_and_run_are_golden("deadlock.txt", world);
	world_free(world);
}

/* The worker of request 2 is killed in its pause, that of request 3 while it commits; the rows say
 * that 3 was done. The client of request 5 gave up before its worker did. */
static void killed_workers(void **state)
{
	struct world *world = world_new("atomic_long_delay", 5, 3);
	struct findings *findings = &world->result.findings;

	(void)state;
	world->result.plan.traced = true;
	world->result.plan.amount = 1;
	for (uint32_t i = 1; i <= 5; i++) {
		int64_t us = i < 4 ? 400 + 50 * i : 640000 + 20000 * i, until = us + 500000 + 60000 * i;
		struct history_request *at = world_serve(world, i, i < 4 ? i - 1 : 0, us);
		at->amount = world->replies[i - 1].amount = 1 << (i - 1);
		int64_t read = i < 4 ? 0 : 4;
		world_step(at, "begin", DB_BEGIN, us + 200, us + 300, 0);
		world_step(at, "read balance", DB_READ, us + 310, us + 500, read);
		world_pause(at, us + 510, i == 2 ? -1 : until);
		world->replies[i - 1].ended_ns = world_ns(i == 2 ? 410000 : i == 5 ? 900000 : 690000);
		if (i == 2)
			continue;
		world_step(at, "record", DB_WRITE, until, until + 300, at->amount);
		world_step(at, "write balance", DB_WRITE, until + 310, until + 600, read + at->amount);
		world_step(at, "commit", DB_COMMIT, until + 610, i == 3 ? -1 : until + 1500, 0);
		if (i == 3)
			continue;
		world_answer(world, at, until + 1600, 200, OP_DONE);
		if (i == 5) {
			world->replies[i - 1].status = 0;
			world->replies[i - 1].ended_ns = world_ns(900000);
		}
	}
	world_overwrite(world, &(struct world_written){.us = 681500, .value = 4, .read_us = 1050, .request = 3},
	                &(struct world_written){.us = 562000, .value = 1, .in_it = 2, .request = 1}, 0);
	world_overwrite(world, &(struct world_written){.us = 1542000, .value = 20, .was_in_it = 8,
	                                               .read_us = 741000, .read_value = 4, .request = 5},
	                &(struct world_written){.us = 1461500, .value = 12, .in_it = 24, .request = 4}, 0);
	findings->verdict = VERDICT_VIOLATED;
	findings->answered = 2;
	findings->unanswered = 3;
	findings->unanswered_but_done = 2;
	findings->transactions = 4;
	findings->recorded_sum = findings->expected_balance = 29;
	findings->actual_balance = 20;
	findings->missing = findings->lost_amount = 9;
	findings->lost_updates = 2;
	world_reason(world, "the worker in slot 1 was replaced during the run");
	world_overlap(world);
	plan_and_run_are_golden("killed.txt", world);
	world_free(world);
}

static void without_recording(void **state)
{
	struct world *world = long_delay_race(3);
	struct findings *findings = &world->result.findings;

	(void)state;
	world->result.plan.recorded = false;
	world->result.history = (struct history){0};
	findings->n_overwrites = 0;
	findings->lost_updates = findings->torn = -1;
	findings->lost_amount = 0;
	findings->overlap_seen_by_client = true;
	findings->max_in_flight = 10;
	findings->pairs_overlapped = 45;
	findings->answered = 8;
	findings->n_refused = findings->n_refused_kinds = 1;
	findings->refused[0] = (struct refusals){"lock_timeout", 1};
	findings->unanswered = findings->unanswered_but_done = 1;
	world->replies[4].status = 0;
	world->replies[7].status = 503;
	(void)snprintf(world->replies[7].reason, sizeof world->replies[7].reason, "lock_timeout");
	plan_and_run_are_golden("no_trace.txt", world);
	world_free(world);
}

static void serial_by_construction(void **state)
{
	struct world *world = world_new("non_atomic_no_delay", 6, 1);

	(void)state;
	world->result.plan.pauses = false;
	world_race(world, &(struct world_rules){.locking = true});
	world->result.findings.serial_by_construction = true;
	assert_int_equal(world->result.findings.max_in_flight, 1);
	plan_and_run_are_golden("serial.txt", world);
	world_free(world);
}

static void inconclusive_says_why(void **state)
{
	static const struct db_setting sets[] = {{"innodb_snapshot_isolation", "on"}, {"lock_wait_timeout", "5"}};
	struct world *world = world_new("atomic_no_delay", 4, 3);
	struct findings *findings = &world->result.findings;

	(void)state;
	world->result.plan.wait_ns = 250 * NS_PER_MS;
	world->result.plan.pauses = false;
	world->result.plan.sets = sets;
	world->result.plan.n_sets = COUNT_OF(sets);
	world->result.identity.snapshot_isolation = 1;
	memcpy(world->result.identity.isolation, "REPEATABLE READ", sizeof "REPEATABLE READ");
	world_race(world, &(struct world_rules){.atomic = true});
	for (size_t i = 0; i < 3; i++) { /* one after the other, and the last never sent: Ctrl-C */
		struct history_request *at = &world->result.history.requests[i];
		int64_t later = (int64_t)i * 250 * NS_PER_MS;
		world->replies[i].sent_ns += later;
		at->begin_ns += later;
		for (size_t j = 0; j < at->n_steps; j++) {
			at->steps[j].begin_ns += later;
			at->steps[j].end_ns += later;
		}
	}
	world->result.history.n = 3;
	world->replies[3] = (struct audit_reply){.amount = 100, .atomic = true};
	world->result.interrupted = true;
	findings->n_overwrites = 0;
	findings->answered = findings->transactions = 3;
	findings->max_in_flight = 1;
	findings->pairs_overlapped = 0;
	findings->recorded_sum = findings->expected_balance = findings->actual_balance = 300;
	findings->missing = findings->lost_amount = findings->lost_updates = 0;
	findings->unanswered = 1;
	findings->verdict = VERDICT_INCONCLUSIVE;
	world_reason(world, "no two requests overlapped although they could");
	world_reason(world, "the run was interrupted.");
	plan_and_run_are_golden("inconclusive.txt", world);
	world_free(world);
}

/* Two variants beside each other, a culprit that is one of two, a torn deposit. */
static void mixed_and_torn(void **state)
{
	struct world *world = world_new("row_locking_atomic_long_delay", 4, 4);
	struct findings *findings = &world->result.findings;
	static uint32_t torn[] = {4}, either[] = {1, 2};

	(void)state;
	world->result.plan.mix = "non_atomic_no_delay";
	for (uint32_t i = 1; i <= 4; i++) {
		bool quick = i % 2 == 0;
		struct history_request *at = world_serve(world, i, i - 1, 500 + 20 * i);
		int64_t us = 900 + 40 * i, end = quick ? us + 200 : i == 1 ? 500000 : 900000;
		world->replies[i - 1].atomic = !quick;
		event_text(at->op, quick ? "non_atomic_no_delay" : world->result.plan.variant);
		if (!quick)
			world_step(at, "begin", DB_BEGIN, us, us + 50, 0);
		world_step(at, quick ? "read balance" : "lock balance", DB_READ, us + 60, i == 3 ? 501600 : us + 190,
		           i == 3 ? 100 : 0);
		if (!quick)
			world_pause(at, i == 3 ? 501700 : us + 200, end);
		world_step(at, "record", DB_WRITE, end, end + 200, 100);
		struct history_step *write =
			world_step(at, "write balance", DB_WRITE, end + 300, end + 700, i == 3 ? 200 : 100);
		if (!quick)
			world_step(at, "commit", DB_COMMIT, end + 710, end + 1400, 0);
		if (i == 4) {
			write->end_ns = world_ns(400000);
			write->err = DB_TIMEOUT;
			world_answer(world, at, 400100, 503, OP_FAILED);
			(void)snprintf(world->replies[3].reason, sizeof world->replies[3].reason, "lock_timeout");
		} else {
			world_answer(world, at, write->end_ns / 1000 - world_start_ns / 1000 + 2000, 200, OP_DONE);
		}
	}
	findings->overwrites[0] = (struct overwrite){
		.writer = 3, .read_value = 100, .read_ns = world_ns(501600), .over_value = 100,
		.over_ns = world_ns(501400), .over_committed = true, .over_writers = either, .n_over_writers = 2,
		.wrote_value = 200, .wrote_ns = world_ns(900700), .erased = either, .n_erased = 2, .n_gone = 1,
	};
	findings->n_overwrites = 1;
	findings->verdict = VERDICT_VIOLATED;
	findings->answered = 3;
	findings->transactions = 4;
	findings->n_refused = findings->n_refused_kinds = 1;
	findings->refused[0] = (struct refusals){"lock_timeout", 1};
	findings->recorded_sum = findings->expected_balance = 400;
	findings->actual_balance = 200;
	findings->missing = 200;
	findings->lost_updates = findings->torn = 1;
	findings->lost_amount = findings->torn_amount = 100;
	findings->torn_requests = torn;
	findings->n_torn_requests = 1;
	world_overlap(world);
	plan_and_run_are_golden("mixed.txt", world);
	world_free(world);
}

static void quick_requests_keep_their_order(void **state)
{
	struct world *world = world_new("atomic_no_delay", 30, 3);
	struct printed printed;

	(void)state;
	printed_begin(&printed);
	world_race(world, &(struct world_rules){.atomic = true});
	report_lanes(printed.to, &plain, &world->result, 0);
	is_golden("crowded.txt", &printed);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_with_its_lanes),
		cmocka_unit_test(a_loss_on_other_screens),
		cmocka_unit_test(the_first_round_alone),
		cmocka_unit_test(waits_for_a_row_lock),
		cmocka_unit_test(a_deadlock_refuses),
		cmocka_unit_test(killed_workers),
		cmocka_unit_test(without_recording),
		cmocka_unit_test(serial_by_construction),
		cmocka_unit_test(inconclusive_says_why),
		cmocka_unit_test(mixed_and_torn),
		cmocka_unit_test(quick_requests_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
