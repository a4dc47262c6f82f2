/* audit: what is sure about the order of writes and about what a read saw, and what a cut-off request
 * left: each step of the reasoning in a case that comes out otherwise without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "deposit_cases.h"

static void assert_gone(const struct findings *findings, uint32_t writer, uint32_t erased)
{
	for (size_t i = 0; i < findings->n_overwrites; i++) {
		const struct overwrite *overwrite = &findings->overwrites[i];
		for (size_t e = 0; e < overwrite->n_erased && overwrite->writer == writer; e++) {
			if (overwrite->n_gone == overwrite->n_erased && overwrite->erased[e] == erased)
				return;
		}
	}
	fail_msg("nothing says that %u erased %u", writer, erased);
}

static void assert_lost_are(const struct findings *findings, const char *expected)
{
	struct str told = {0};

	for (size_t i = 0; i < findings->n_lost; i++)
		str_printf(&told, "%s%u", i > 0 ? " " : "", findings->lost[i]);
	assert_string_equal(str_text(&told), expected);
	str_fini(&told);
}

/* ---- order --------------------------------------------------------------------------------------- */

static void a_transaction_keeps_the_row_until_it_commits(void **state)
{
	struct world *world = *state;

	/* 2 began to write before 1 committed and ended after it: it waited, whatever its begin says */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 300});
	deposit(world, 2, 1, (struct plan){.read_at = 11, .write_at = 110, .write_to = 305,
	                                   .commit_at = 310});
	struct findings *findings = audit(world, 100);
	assert_lost_are(findings, "1");
	assert_gone(findings, 2, 1);
}

static void a_read_orders_what_was_there_before_it(void **state)
{
	struct world *world = *state;

	/* 1, 2 and 3 overlap; 4 read 2's: 1 and 3, which had ended, came before. 5 read 4's. */
	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100,
	                                   .write_to = 130});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read_at = 11, .write_at = 110,
	                                   .write_to = 140});
	deposit(world, 3, 2, (struct plan){.amount = 4, .lone = true, .read = 1, .read_at = 101,
	                                   .write_at = 120, .write_to = 150});
	deposit(world, 4, 0, (struct plan){.amount = 8, .lone = true, .read = 2, .read_at = 160,
	                                   .write_at = 170});
	struct findings *findings = audit(world, 10);
	assert_lost_are(findings, "1 3");
	assert_gone(findings, 2, 1);
	assert_gone(findings, 2, 3);
}

static void a_read_tells_when_a_balance_was_there(void **state)
{
	struct world *world = *state;

	/* 1's long write was there by 201, when 3 read it, before 2's began: so 2 erased 1, and 4 erased 2 */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100, .write_to = 400});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 11, .write_at = 300, .write_to = 500});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 200, .write_at = 210,
	                                   .fails = DB_DEADLOCK});
	deposit(world, 4, 3, (struct plan){.lone = true, .read_at = 12, .write_at = 600});
	struct findings *findings = audit(world, 100);
	assert_lost_are(findings, "1 2");
	assert_int_equal(findings->n_overwrites, 2);
	assert_gone(findings, 2, 1);
	assert_gone(findings, 4, 2);
}

static void one_read_sharpens_another(void **state)
{
	struct world *world = *state;

	/* 3 read 100 before 2 had begun: 1's. So 1 was before 2, and the 100 that 4 read after both is 2's. */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100, .write_to = 130});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 11, .write_at = 110, .write_to = 140});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 105, .write_at = 120,
	                                   .fails = DB_DEADLOCK});
	deposit(world, 4, 3, (struct plan){.lone = true, .read = 100, .read_at = 150, .write_at = 160});
	struct findings *findings = audit(world, 200);
	assert_lost_are(findings, "1");
	assert_gone(findings, 2, 1);
}

static void the_last_is_after_all_others(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100,
	                                   .write_to = 130});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read_at = 11, .write_at = 110,
	                                   .write_to = 140});
	deposit(world, 3, 2, (struct plan){.amount = 4, .lone = true, .read = 1, .read_at = 131,
	                                   .write_at = 135, .write_to = 150});
	struct findings *findings = audit(world, 2);
	assert_lost_are(findings, "1 3");
	assert_gone(findings, 2, 1);
	assert_gone(findings, 2, 3);
}

static void a_snapshot_is_as_old_as_its_transaction(void **state)
{
	struct world *world = *state;

	/* 3's transaction read 100 at 250, but its first statement was at 150, when that 100 was 1's */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .commit_at = 210});
	struct scribe *worker = &world->worker[2];
	scribe_begin(worker, ms(140), 3, 100);
	call(worker, &BEGIN, 145, 146, 0, 0, DB_TX_OPEN);
	call(worker, &RECORD, 150, 151, 100, 103, DB_TX_OPEN);
	call(worker, &READ, 250, 251, 0, 100, DB_TX_OPEN);
	call(worker, &WRITE, 300, 301, 200, 1, DB_TX_OPEN);
	call(worker, &COMMIT, 310, 311, 0, 0, DB_TX_NONE);
	scribe_end(worker, ms(312), OP_DONE, DB_OK, 200);
	world->rows[world->input.n_rows++] = (struct audit_row){103, 100};
	world->replies[2] = (struct audit_reply){.status = 200, .amount = 100, .reached = true,
	                                         .atomic = true};
	world->input.n_replies = 3;
	struct findings *findings = audit(world, 200);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 0); /* 1 or 2 */
}

/* ---- cut off ------------------------------------------------------------------------------------- */

static void what_may_not_have_been_orders_nothing(void **state)
{
	struct world *world = *state;

	/* 1 was killed in its write and never seen: it says nothing about what is before and after it */
	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100,
	                                   .cut = IN_WRITE});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read_at = 11, .write_at = 90,
	                                   .write_to = 120});
	deposit(world, 3, 2, (struct plan){.amount = 4, .lone = true, .read = 2, .read_at = 110,
	                                   .write_at = 200});
	struct findings *findings = audit(world, 6);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 0);
	assert_int_equal(findings->n_overwrites, 0);
	assert_says(findings, "1 deposit was cut off, and nothing tells whether the balance was written");
}

static void what_a_read_showed_stands_between_others(void **state)
{
	struct world *world = *state;

	/* 2 was killed in its write; 3 read it: so 4 wrote over 2's balance, and not over 1's */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read = 100, .read_at = 110, .write_at = 200,
	                                   .cut = IN_WRITE});
	deposit(world, 3, 2, (struct plan){.read = 200, .read_at = 210, .write_at = 250,
	                                   .fails = DB_DEADLOCK});
	deposit(world, 4, 3, (struct plan){.lone = true, .read = 100, .read_at = 111, .write_at = 300});
	struct findings *findings = audit(world, 200);
	assert_lost_are(findings, "2");
	assert_gone(findings, 4, 2);
	assert_int_equal(findings->n_reasons, 0);
}

static void two_commits_without_an_answer_and_one_row(void **state)
{
	struct world *world = *state;

	/* numbers of rows come again: row 9 is 1's or 2's, and so is the balance */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110, .row = 9,
	                                   .cut = IN_COMMIT});
	deposit(world, 2, 1, (struct plan){.read_at = 90, .write_at = 200, .commit_at = 210, .row = 9,
	                                   .cut = IN_COMMIT,
	                                   .keep_row = true});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->unanswered_but_done, 1);
}

static void a_row_that_another_may_own(void **state)
{
	struct world *world = *state;

	/* row 9 is 1's, whose commit had no answer, or 2's, which was killed in its INSERT. 3 read 100: so 1
	 * took place, the row is its own, and 2 was not recorded. */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110, .row = 9,
	                                   .cut = IN_COMMIT,
	                                   .keep_row = true});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 20, .write_at = 200, .cut = IN_RECORD});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 190, .write_at = 300, .commit_at = 310});
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->unanswered_but_done, 1);

	/* without 3, and the balance 0: 1 did not, and 2 is torn */
	world->events.n = 0;
	world->input.n_rows = 0;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110, .row = 9,
	                                   .cut = IN_COMMIT,
	                                   .keep_row = true});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 20, .write_at = 200, .cut = IN_RECORD});
	findings = audit(world, 0);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->n_torn_requests, 1);
	assert_int_equal(findings->torn_requests[0], 2);
}

static void of_three_rows_one_at_least_is_torn(void **state)
{
	struct world *world = *state;

	/* two rows of three: 1 and 2 were killed in the INSERT; 3's commit had no answer, and another wrote over
	 * what it may have written */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100, .cut = IN_RECORD});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 20, .write_at = 100, .cut = IN_RECORD});
	deposit(world, 3, 2, (struct plan){.read_at = 30, .write_at = 100, .commit_at = 110, .row = 9,
	                                   .cut = IN_COMMIT,
	                                   .keep_row = true});
	deposit(world, 4, 3, (struct plan){.read_at = 40, .write_at = 200, .commit_at = 210});
	world->rows[world->input.n_rows++] = (struct audit_row){777, 100};
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 1);
	assert_int_equal(findings->n_lost, 0);
	assert_int_equal(findings->n_torn_requests, 0);
	assert_int_equal(findings->unanswered_but_done, 2);
	assert_says(findings, "1 deposit was cut off, and nothing tells");
}

static void a_strange_row_beside_one_without_an_answer(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read = 100, .read_at = 112, .write_at = 200, .commit_at = 210,
	                                   .cut = IN_COMMIT, .keep_row = true});
	world->rows[world->input.n_rows++] = (struct audit_row){777, 100}; /* 2 had a row of its own */
	assert_doubt(audit(world, 200),
	             "1 of the rows on record were not put there by any request of this run");
}

/* A lone deposit that writes the balance first, and is killed in its INSERT. */
static void put_balance_first(struct world *world, uint32_t request, uint32_t slot, int64_t at)
{
	struct scribe *worker = &world->worker[slot];

	scribe_begin(worker, ms(at), request, 100);
	call(worker, &READ, at + 1, at + 2, 0, 0, DB_TX_NONE);
	call(worker, &WRITE, at + 5, at + 6, 100, 1, DB_TX_NONE);
	scribe_call_begin(worker, &RECORD, ms(at + 7), 100);
	scribe_boot(worker, ms(at + 8), 60);
	world->replies[request - 1] = (struct audit_reply){.amount = 100, .reached = true};
	world->input.n_replies = request;
}

static void a_balance_that_may_be_of_who_is_not_on_record(void **state)
{
	struct world *world = *state;

	put_balance_first(world, 1, 0, 10);
	put_balance_first(world, 2, 1, 11);
	world->rows[world->input.n_rows++] = (struct audit_row){777, 100};
	assert_doubt(audit(world, 100), "may be in the balance without being on record");
	world->rows[world->input.n_rows++] = (struct audit_row){778, 100};
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 0);

	/* one row of the two, and both are surely gone: one deposit is lost, 1's or 2's */
	world->input.n_rows--;
	deposit(world, 3, 2, (struct plan){.lone = true, .read_at = 5, .write_at = 300});
	findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 0);
}

/* ---- what is not committed ----------------------------------------------------------------------- */

static void put_taken_back(struct world *world, int64_t read)
{
	world->events.n = 0;
	world->input.n_rows = 0;
	world->input.dirty_reads = true;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	/* it wrote 200 and took it back at 203 */
	deposit(world, 2, 1, (struct plan){.amount = 200, .read_at = 20, .write_at = 200, .write_to = 201,
	                                   .fails = DB_BUSY,
	                                   .no_row = true});
	find_event(world, 2, EVENT_CALL_END, &WRITE)->detail = DB_OK;
	find_event(world, 2, EVENT_CALL_END, &WRITE)->value = 1;
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = read, .write_at = 300, .commit_at = 310});
	deposit(world, 4, 2, (struct plan){.read = 200, .read_at = 312, .write_at = 400, .commit_at = 410});
}

static void only_what_may_have_been_read_is_doubted(void **state)
{
	struct world *world = *state;

	put_taken_back(world, 202); /* 3 read another value, and 4 came later */
	assert_verdict(audit(world, 300), VERDICT_NONE_SEEN);
	find_event(world, 2, EVENT_CALL_BEGIN, &WRITE)->value = 100;
	assert_doubt(audit(world, 300), "request 3 may have read what was never committed");
	find_event(world, 2, EVENT_CALL_END, &WRITE)->value = 0; /* it matched no row */
	assert_verdict(audit(world, 300), VERDICT_NONE_SEEN);
	find_event(world, 2, EVENT_CALL_END, &WRITE)->value = 1;
	find_event(world, 2, EVENT_CALL_END, &WRITE)->detail = DB_BUSY; /* it was refused at once */
	assert_verdict(audit(world, 300), VERDICT_NONE_SEEN);
	put_taken_back(world, 150); /* 3 read before it */
	find_event(world, 2, EVENT_CALL_BEGIN, &WRITE)->value = 100;
	assert_verdict(audit(world, 300), VERDICT_NONE_SEEN);
	put_taken_back(world, 250); /* and after it was taken back */
	find_event(world, 2, EVENT_CALL_BEGIN, &WRITE)->value = 100;
	assert_verdict(audit(world, 300), VERDICT_NONE_SEEN);
	find_event(world, 2, EVENT_ATTEMPT_END, NULL)->detail = DB_LOST; /* nobody knows when */
	assert_doubt(audit(world, 300), "request 3 may have read what was never committed");
}

static void what_may_have_been_taken_back_follows_nothing(void **state)
{
	struct world *world = *state;

	/* row 9 is 1's or 2's; 2 read the start after 1 had written, as if that had been taken back */
	world->input.dirty_reads = true;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110, .row = 9,
	                                   .cut = IN_COMMIT});
	deposit(world, 2, 1, (struct plan){.read_at = 120, .write_at = 200, .commit_at = 210, .row = 9,
	                                   .cut = IN_COMMIT,
	                                   .keep_row = true});
	deposit(world, 3, 2, (struct plan){.read_at = 20, .write_at = 220, .fails = DB_DEADLOCK});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
}

static void a_commit_without_an_answer_may_have_been_taken_back(void **state)
{
	struct world *world = *state;

	world->input.dirty_reads = true;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .commit_at = 210,
	                                   .cut = IN_COMMIT});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 250, .write_at = 300, .commit_at = 310});
	assert_doubt(audit(world, 200), "request 3 may have read what was never committed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_transaction_keeps_the_row_until_it_commits, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_read_orders_what_was_there_before_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_read_tells_when_a_balance_was_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_read_sharpens_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_is_after_all_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_snapshot_is_as_old_as_its_transaction, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_may_not_have_been_orders_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_read_showed_stands_between_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_commits_without_an_answer_and_one_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_row_that_another_may_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_three_rows_one_at_least_is_torn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_strange_row_beside_one_without_an_answer, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_balance_that_may_be_of_who_is_not_on_record, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(only_what_may_have_been_read_is_doubted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_may_have_been_taken_back_follows_nothing, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_commit_without_an_answer_may_have_been_taken_back, set_up,
		                                tear_down),
	};

	return cmocka_run_group_tests_name("audit_order", tests, NULL, NULL);
}
