/* audit: who erased whom, what is torn, what a kill leaves open: each rule in the smallest case that
 * shows it. test_audit_model.c holds them together on thousands of worlds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deposit_cases.h"

static void assert_sentence(const struct findings *findings, size_t i, const char *expected)
{
	assert_in_range(i, 0, findings->n_overwrites - 1);
	char *sentence = overwrite_sentence(&findings->overwrites[i], 0);
	assert_string_equal(sentence, expected);
	free(sentence);
}

/* ---- who erased whom ----------------------------------------------------------------------------- */

static void a_round_of_three_counts_once(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 400, .commit_at = 410});
	deposit(world, 2, 1, (struct plan){.read_at = 11, .write_at = 500, .commit_at = 510});
	deposit(world, 3, 2, (struct plan){.read_at = 12, .write_at = 600, .commit_at = 610});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 2, 0);
	assert_int_equal(findings->missing, 200);
	assert_int_equal(findings->expected_balance, 300);
	assert_int_equal(findings->n_overwrites, 2);
	assert_sentence(findings, 0,
	                "request 2 read 0 at 0.012 s; request 1 committed 100; request 2 wrote 100: "
	                "the deposit of request 1 is gone");
	assert_sentence(findings, 1,
	                "request 3 read 0 at 0.013 s; request 2 committed 100; request 3 wrote 100: "
	                "the deposit of request 2 is gone");
	assert_int_equal(findings->overwrites[1].over_ns, ms(511));
	assert_int_equal(findings->overwrites[1].wrote_ns, ms(601));
	assert_int_equal(findings->n_lost, 2);
	assert_int_equal(findings->lost[0], 1);
	assert_int_equal(findings->lost[1], 2);
	assert_int_equal(findings->n_reasons, 0);
	assert_int_equal(findings->max_in_flight, 3);
	assert_int_equal(findings->pairs_overlapped, 3);
}

static void the_sentence_of_the_issue(void **state)
{
	struct world *world = *state;

	world->input.start_balance = 300;
	for (uint32_t i = 1; i <= 4; i++) /* never sent */
		world->replies[i - 1] = (struct audit_reply){.amount = 100};
	deposit(world, 5, 0, (struct plan){.read = 300, .read_at = 401, .write_at = 500, .commit_at = 510});
	world->replies[5] = (struct audit_reply){.amount = 100};
	deposit(world, 7, 1, (struct plan){.read = 300, .read_at = 411, .write_at = 600, .commit_at = 610});
	struct findings *findings = audit(world, 400);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_sentence(findings, 0,
	                "request 7 read 300 at 0.412 s; request 5 committed 400; request 7 wrote 400: "
	                "the deposit of request 5 is gone");
	assert_int_equal(findings->unanswered, 5);
}

static void a_lone_write_does_not_commit(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 400});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 11, .write_at = 500});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_sentence(findings, 0, "request 2 read 0 at 0.012 s; request 1 wrote 100; request 2 wrote 100: "
	                "the deposit of request 1 is gone");
	assert_int_equal(findings->overwrites[0].over_ns, ms(401));
}

static void a_stale_write_erases_several(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 1000, .commit_at = 1010});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 30, .commit_at = 40});
	deposit(world, 3, 1, (struct plan){.read = 100, .read_at = 50, .write_at = 60, .commit_at = 70});
	struct findings *findings = audit(world, 100);
	assert_lost(findings, 2, 0);
	assert_int_equal(findings->n_overwrites, 1);
	assert_sentence(findings, 0,
	                "request 1 read 0 at 0.011 s; request 3 committed 200; request 1 wrote 100: "
	                "the deposits of requests 2 and 3 are gone");
}

static void what_comes_back_is_told_each_time(void **state)
{
	struct world *world = *state;

	/* 2 erases 1; 3 had read 1's balance and brings it back, erasing 2; 4 erases 1 and 3 */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .commit_at = 210});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 120, .write_at = 300, .commit_at = 310});
	deposit(world, 4, 3, (struct plan){.read_at = 30, .write_at = 400, .commit_at = 410});
	struct findings *findings = audit(world, 100);
	assert_lost(findings, 3, 0);
	assert_int_equal(findings->n_overwrites, 3);
	assert_sentence(findings, 0,
	                "request 2 read 0 at 0.021 s; request 1 committed 100; request 2 wrote 100: "
	                "the deposit of request 1 is gone, until a later write brings it back");
	assert_sentence(findings, 1,
	                "request 3 read 100 at 0.121 s; request 2 committed 100; request 3 wrote 200: "
	                "the deposit of request 2 is gone");
	assert_sentence(findings, 2,
	                "request 4 read 0 at 0.031 s; request 3 committed 200; request 4 wrote 100: "
	                "the deposits of requests 1 and 3 are gone");
}

static void what_a_later_write_brings_back(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .commit_at = 210});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 120, .write_at = 300, .commit_at = 310});
	struct findings *findings = audit(world, 200);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->lost[0], 2);
	assert_int_equal(findings->n_overwrites, 2);
	assert_sentence(findings, 0,
	                "request 2 read 0 at 0.021 s; request 1 committed 100; request 2 wrote 100: "
	                "the deposit of request 1 is gone, until a later write brings it back");
	assert_int_equal(findings->overwrites[0].n_back, 1);
	assert_int_equal(findings->overwrites[1].n_back, 0);
}

static void who_cannot_be_told_is_not_named(void **state)
{
	struct world *world = *state;

	/* the lone writes of 1 and 2 overlap: either may have been the first */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100, .write_to = 120});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 11, .write_at = 110, .write_to = 130});
	deposit(world, 3, 2, (struct plan){.lone = true, .read_at = 12, .write_at = 200});
	struct findings *findings = audit(world, 100);
	assert_lost(findings, 2, 0);
	assert_int_equal(findings->n_overwrites, 1);
	assert_sentence(findings, 0,
	                "request 3 read 0 at 0.013 s; request 1 or 2 wrote 100; request 3 wrote 100: "
	                "the deposit of request 1 or 2 is gone");
	assert_int_equal(findings->overwrites[0].over_ns, 0);
	assert_says(findings, "of the writes erased could not be told");
}

static void some_of_several_are_gone(void **state)
{
	struct world *world = *state;

	/* 3 and 4 read the balance of 1 and overlap; 2, which read the start, writes over one of them */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 11, .write_at = 400});
	deposit(world, 3, 2, (struct plan){.lone = true, .read = 100, .read_at = 110, .write_at = 200,
	                                   .write_to = 220});
	deposit(world, 4, 3, (struct plan){.lone = true, .read = 100, .read_at = 111, .write_at = 210,
	                                   .write_to = 230});
	struct findings *findings = audit(world, 100);
	assert_lost(findings, 3, 0);
	assert_int_equal(findings->n_overwrites, 1);
	assert_sentence(findings, 0,
	                "request 2 read 0 at 0.012 s; request 3 or 4 wrote 200; request 2 wrote 100: "
	                "2 of the deposits of requests 1, 3 and 4 are gone");
}

static void a_later_read_tells_the_order(void **state)
{
	struct world *world = *state;

	/* as before, but amounts tell themselves, and 3 read what 1 wrote: 2 came first */
	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100,
	                                   .write_to = 120});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read_at = 11, .write_at = 110,
	                                   .write_to = 130});
	deposit(world, 3, 2, (struct plan){.amount = 4, .lone = true, .read = 1, .read_at = 140,
	                                   .write_at = 200});
	struct findings *findings = audit(world, 5);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_overwrites, 1);
	assert_sentence(findings, 0, "request 1 read 0 at 0.011 s; request 2 wrote 2; request 1 wrote 1: "
	                "the deposit of request 2 is gone");
}

static void the_final_balance_tells_the_order(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100,
	                                   .write_to = 120});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read_at = 11, .write_at = 110,
	                                   .write_to = 130});
	struct findings *findings = audit(world, 1);
	assert_lost(findings, 1, 0);
	assert_sentence(findings, 0, "request 1 read 0 at 0.011 s; request 2 wrote 2; request 1 wrote 1: "
	                "the deposit of request 2 is gone");
}

static void a_balance_that_was_overwritten_cannot_be_read(void **state)
{
	struct world *world = *state;

	/* 3 read 100 when 2 had surely replaced 1's 100 by its own: 2's deposit is kept, 1's is not */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .commit_at = 210});
	deposit(world, 3, 0, (struct plan){.read = 100, .read_at = 211, .write_at = 300, .commit_at = 310});
	struct findings *findings = audit(world, 200);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 1);
	assert_int_equal(findings->lost[0], 1);

	/* a read that overlaps 2's commit may have seen either */
	world->events.n = 0;
	world->input.n_rows = 0;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .commit_at = 210,
	                                   .commit_to = 212});
	deposit(world, 3, 0, (struct plan){.read = 100, .read_at = 211, .write_at = 300, .commit_at = 310});
	findings = audit(world, 200);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 0);
	assert_says(findings, "of the writes erased could not be told");
}

static void a_transaction_is_seen_from_its_commit_on(void **state)
{
	struct world *world = *state;

	/* 2 read 0 after 1 had written 100 and before it committed */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 200});
	deposit(world, 2, 1, (struct plan){.read_at = 150, .write_at = 201, .commit_at = 210});
	struct findings *findings = audit(world, 100);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->lost[0], 1);

	world->events.n = 0; /* and cannot have read 100 then */
	world->input.n_rows = 0;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 200});
	deposit(world, 2, 1, (struct plan){.read = 100, .read_at = 150, .write_at = 201, .commit_at = 210});
	assert_doubt(audit(world, 200), "request 2 read a balance that no request of this run had put there");

	world->input.dirty_reads = true; /* unless it reads what is not committed */
	findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
}

static void what_was_never_committed_may_have_been_read(void **state)
{
	struct world *world = *state;

	world->input.dirty_reads = true;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .cut = AFTER_WRITE});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 205, .write_at = 300, .commit_at = 310});
	assert_doubt(audit(world, 200), "request 3 may have read what was never committed");
	world->input.dirty_reads = false;
	assert_verdict(audit(world, 200), VERDICT_NONE_SEEN);
}

/* ---- torn, unknown, resolved --------------------------------------------------------------------- */

static void a_torn_deposit(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100,
	                                   .fails = DB_DEADLOCK});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 20, .write_at = 200,
	                                   .cut = AFTER_RECORD});
	deposit(world, 3, 2, (struct plan){.lone = true, .read_at = 30, .write_at = 300});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 0, 2);
	assert_int_equal(findings->torn_amount, 200);
	assert_int_equal(findings->n_torn_requests, 2);
	assert_int_equal(findings->torn_requests[0], 1);
	assert_int_equal(findings->torn_requests[1], 2);
	assert_int_equal(findings->n_overwrites, 0);
	assert_int_equal(findings->unanswered, 1);
	assert_int_equal(findings->unanswered_but_done, 1);
}

static void a_write_that_found_no_row_wrote_nothing(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 20, .write_at = 200});
	for (size_t i = 0; i < world->events.n; i++) {
		struct event *event = &world->events.items[i];
		if (event->request == 2 && event->kind == EVENT_CALL_END && strcmp(event->label,
		                                                                   WRITE.label) == 0)
			event->value = 0;
	}
	struct findings *findings = audit(world, 100);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->torn_requests[0], 2);

	/* a transaction that was committed all the same wrote nothing either */
	world->events.n = 0;
	world->input.n_rows = 0;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read = 100, .read_at = 120, .write_at = 200, .commit_at = 210});
	find_event(world, 2, EVENT_CALL_END, &WRITE)->value = 0;
	findings = audit(world, 100);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->torn_requests[0], 2);
}

static void killed_in_the_insert(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 20, .write_at = 200, .cut = IN_RECORD});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->unanswered_but_done, 0);

	world->rows[world->input.n_rows++] = (struct audit_row){777, 100}; /* the row of nobody else */
	findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->torn_requests[0], 2);
	assert_int_equal(findings->unanswered_but_done, 1);

	world->rows[1].amount = 50; /* it holds another amount: not this one's */
	assert_doubt(audit(world, 100),
	             "1 of the rows on record were not put there by any request of this run");
}

static void one_of_two_killed_in_the_insert(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 20, .write_at = 200, .cut = IN_RECORD});
	deposit(world, 3, 2, (struct plan){.lone = true, .read_at = 30, .write_at = 200, .cut = IN_RECORD});
	world->rows[world->input.n_rows++] = (struct audit_row){777, 100};
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->n_torn_requests, 0);
	assert_int_equal(findings->unanswered_but_done, 1);

	world->rows[world->input.n_rows++] = (struct audit_row){778, 100};
	findings = audit(world, 100);
	assert_lost(findings, 0, 2);
	assert_int_equal(findings->n_torn_requests, 2);
}

static void killed_in_the_write_and_seen_by_the_final_balance(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read = 100, .read_at = 110, .write_at = 200,
	                                   .cut = IN_WRITE});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 120, .write_at = 130, .cut = AFTER_WRITE});
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->n_reasons, 0);
	assert_int_equal(findings->unanswered_but_done, 1);
}

static void killed_in_the_write_and_read_by_another(void **state)
{
	struct world *world = *state;

	/* 2's deposit was there, as 3 read it; 4 erased both */
	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read = 1, .read_at = 110,
	                                   .write_at = 200, .cut = IN_WRITE});
	deposit(world, 3, 2, (struct plan){.amount = 4, .lone = true, .read = 3, .read_at = 210,
	                                   .write_at = 300});
	deposit(world, 4, 3, (struct plan){.amount = 8, .lone = true, .read = 1, .read_at = 111,
	                                   .write_at = 400});
	struct findings *findings = audit(world, 9);
	assert_lost(findings, 2, 0);
	assert_int_equal(findings->n_lost, 2);
	assert_int_equal(findings->lost[0], 2);
	assert_int_equal(findings->n_reasons, 0);
	assert_sentence(findings, 0, "request 4 read 1 at 0.112 s; request 3 wrote 7; request 4 wrote 9: "
	                "the deposits of requests 2 and 3 are gone");
}

static void killed_in_the_write_and_nobody_after_it(void **state)
{
	struct world *world = *state;

	/* had it been written, it would be the final balance */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read = 100, .read_at = 110, .write_at = 200,
	                                   .cut = IN_WRITE});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->torn_requests[0], 2);
	assert_int_equal(findings->n_reasons, 0);
}

static void killed_in_the_write_and_nothing_tells(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100,
	                                   .cut = IN_WRITE});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read_at = 20, .write_at = 200});
	struct findings *findings = audit(world, 2);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 0);
	assert_int_equal(findings->n_overwrites, 0);
	assert_says(findings, "1 deposit was cut off, and nothing tells whether the balance was written");
}

static void a_write_that_outlives_its_client(void **state)
{
	struct world *world = *state;

	/* it waited for a lock when its worker was killed, and was carried out after 2's: it erased that */
	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100,
	                                   .cut = IN_WRITE});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read_at = 20, .write_at = 200});
	struct findings *findings = audit(world, 1);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->lost[0], 2);
	assert_sentence(findings, 0, "request 1 read 0 at 0.011 s; request 2 wrote 2; request 1 wrote 1: "
	                "the deposit of request 2 is gone");
	assert_int_equal(findings->overwrites[0].wrote_ns, 0);
}

static void killed_in_the_commit(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read = 100, .read_at = 120, .write_at = 200, .commit_at = 210,
	                                   .cut = IN_COMMIT});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 130, .write_at = 140, .cut = AFTER_WRITE});
	struct findings *findings = audit(world, 100); /* its row is not there: not committed */
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->unanswered_but_done, 0);

	world->rows[world->input.n_rows++] = (struct audit_row){102, 100};
	findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->unanswered_but_done, 1);
	/* committed, and yet not in the balance: no write after it can have erased it */
	assert_doubt(audit(world, 100),
	             "the balance is 100, which no request of this run can have put there last");
}

static void a_lost_answer_to_a_commit_is_no_contradiction(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read = 100, .read_at = 112, .write_at = 200, .commit_at = 210,
	                                   .cut = IN_COMMIT,
	                                   .fails = DB_LOST, .keep_row = true});
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 113, .write_at = 140, .cut = AFTER_WRITE});
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->n_refused, 1);
	assert_string_equal(findings->refused[0].reason, "lost");
}

static void numbers_of_rows_come_again(void **state)
{
	struct world *world = *state;

	/* 1 was rolled back; its row's number went to 2 */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .row = 9, .cut = AFTER_WRITE});
	deposit(world, 2, 1, (struct plan){.read_at = 20, .write_at = 200, .commit_at = 210, .row = 9});
	/* 3 may have been: but its number is 4's, who surely was */
	deposit(world, 3, 2, (struct plan){.read = 100, .read_at = 220, .write_at = 300, .commit_at = 310,
	                                   .row = 10, .cut = IN_COMMIT});
	deposit(world, 4, 1, (struct plan){.read = 100, .read_at = 320, .write_at = 400, .commit_at = 410,
	                                   .row = 10});
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->unanswered_but_done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_round_of_three_counts_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_sentence_of_the_issue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lone_write_does_not_commit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stale_write_erases_several, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_comes_back_is_told_each_time, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(what_a_later_write_brings_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_cannot_be_told_is_not_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(some_of_several_are_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_later_read_tells_the_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_final_balance_tells_the_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_balance_that_was_overwritten_cannot_be_read, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_transaction_is_seen_from_its_commit_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_never_committed_may_have_been_read, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_torn_deposit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_write_that_found_no_row_wrote_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_in_the_insert, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_of_two_killed_in_the_insert, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_in_the_write_and_seen_by_the_final_balance, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(killed_in_the_write_and_read_by_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_in_the_write_and_nobody_after_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_in_the_write_and_nothing_tells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_write_that_outlives_its_client, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_in_the_commit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lost_answer_to_a_commit_is_no_contradiction, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(numbers_of_rows_come_again, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
