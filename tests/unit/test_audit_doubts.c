/* audit: when there is no verdict and why, what the clients were told, and what sums alone can tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deposit_cases.h"

/* Two deposits that overlap and lose nothing: what each doubt is put into. */
static void put_two(struct world *world)
{
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read = 100, .read_at = 111, .write_at = 200, .commit_at = 210});
	deposit(world, 3, 2, (struct plan){.read_at = 20, .write_at = 190, .fails = DB_DEADLOCK});
}

/* ---- verdicts ------------------------------------------------------------------------------------ */

static void nothing_lost_is_none_seen(void **state)
{
	struct world *world = *state;

	put_two(world);
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_false(findings->serial_by_construction);
	assert_false(findings->overlap_seen_by_client);
	assert_int_equal(findings->n_reasons, 0);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->transactions, 2);
	assert_int_equal(findings->recorded_sum, 200);
	assert_int_equal(findings->pairs_overlapped, 3);
	assert_string_equal(verdict_name(findings->verdict), "none_seen");
	assert_string_equal(verdict_name(VERDICT_VIOLATED), "violated");
	assert_string_equal(verdict_name(VERDICT_INCONCLUSIVE), "inconclusive");
}

static void one_worker_is_serial_by_construction(void **state)
{
	struct world *world = *state;

	world->input.overlap_possible = false;
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_true(findings->serial_by_construction);
}

static void without_overlap_nothing_is_shown(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read = 100, .read_at = 120, .write_at = 200, .commit_at = 210});
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_INCONCLUSIVE);
	assert_says(findings, "no two requests overlapped although the workers could have served 3 at once");
	assert_lost(findings, 0, 0); /* the events are not in doubt */
}

static void nothing_recorded_shows_nothing(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .fails = DB_DEADLOCK});
	deposit(world, 2, 1, (struct plan){.read_at = 11, .write_at = 100, .fails = DB_TIMEOUT});
	struct findings *findings = audit(world, 0);
	assert_verdict(findings, VERDICT_INCONCLUSIVE);
	assert_says(findings, "no deposit was recorded, so none could be lost");
}

static void deposits_of_nothing_show_nothing(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read_at = 11, .write_at = 200, .commit_at = 210});
	for (uint32_t i = 1; i <= 2; i++) {
		find_event(world, i, EVENT_REQUEST_BEGIN, NULL)->value = 0;
		find_event(world, i, EVENT_CALL_BEGIN, &RECORD)->value = 0;
		find_event(world, i, EVENT_CALL_BEGIN, &WRITE)->value = 0;
		world->rows[i - 1].amount = world->replies[i - 1].amount = 0;
	}
	struct findings *findings = audit(world, 0);
	assert_verdict(findings, VERDICT_INCONCLUSIVE);
	assert_says(findings, "all that was recorded are deposits of 0");
	assert_lost(findings, 0, 0);
}

/* ---- doubts -------------------------------------------------------------------------------------- */

static void a_state_that_is_not_final(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 400, .commit_at = 410});
	deposit(world, 2, 1, (struct plan){.read_at = 11, .write_at = 500, .commit_at = 510});
	world->input.not_quiet = "1 session was still open";
	struct findings *findings = audit(world, 100);
	assert_doubt(findings, "the balance may not be final: 1 session was still open");
	assert_int_equal(findings->n_reasons, 1);
}

static void events_that_are_not_whole(void **state)
{
	struct world *world = *state;

	put_two(world);
	world->input.events_missing = 3;
	struct findings *findings = audit(world, 200);
	assert_doubt(findings, "3 events were lost on their way");
	assert_int_equal(findings->n_reasons, 1); /* what is known in part is not held against anybody */
	world->input.events_missing = 0;
	find_event(world, 2, EVENT_CALL_BEGIN, &COMMIT)->request = 0;
	findings = audit(world, 200);
	assert_doubt(findings, "1 events fit no request");
	assert_int_equal(findings->n_reasons, 1);
}

static void a_row_from_elsewhere(void **state)
{
	struct world *world = *state;

	put_two(world);
	world->rows[world->input.n_rows++] = (struct audit_row){900, 100};
	world->rows[world->input.n_rows++] = (struct audit_row){901, 70};
	struct findings *findings = audit(world, 200);
	assert_doubt(findings, "2 of the rows on record were not put there by any request of this run");
	assert_int_equal(findings->n_reasons, 1); /* that the sums differ then is no news */
}

static void rows_that_are_not_there(void **state)
{
	struct world *world = *state;

	put_two(world);
	world->input.n_rows--;
	struct findings *findings = audit(world, 200);
	assert_doubt(findings, "request 2 committed a row that is not there");
	world->input.n_rows++;
	world->rows[1].amount = 99;
	assert_doubt(audit(world, 200), "request 2 committed a row that holds another amount");
	world->rows[1].amount = 100;
	find_event(world, 2, EVENT_CALL_END, &RECORD)->value = 101;
	assert_doubt(audit(world, 200), "request 2 committed a row that another request had committed");
}

static void many_are_told_in_one_sentence(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 1; i <= 10; i++)
		deposit(world, i, i % SLOTS, (struct plan){.read = (i - 1) * 100, .read_at = i * 100,
		                                           .write_at = i * 100 + 10,
		                                           .commit_at = i * 100 + 20, .no_row = true});
	struct findings *findings = audit(world, 1000);
	assert_doubt(findings,
	             "requests 1, 2, 3, 4, 5, 6, 7, 8, and 2 more committed rows that are not there");
}

static void answers_that_cannot_be(void **state)
{
	struct world *world = *state;

	put_two(world);
	world->replies[2].status = 200;
	assert_doubt(audit(world, 200), "request 3 got another answer than its worker gave");
	find_event(world, 3, EVENT_REQUEST_END, NULL)->value = 200;
	assert_doubt(audit(world, 200), "request 3 was answered 200 and is not on record");
	find_event(world, 3, EVENT_REQUEST_END,
	           NULL)->kind = EVENT_CALL_WAITING; /* as if it had not come to it */
	world->events.n--;
	world->replies[2].status = 503;
	find_event(world, 2, EVENT_REQUEST_END, NULL)->value = 503;
	world->replies[1].status = 503;
	assert_doubt(audit(world, 200), "request 2 was refused as a whole and is on record all the same");
	world->replies[1].atomic = false;
	world->replies[0].reached = false;
	assert_doubt(audit(world, 200), "request 1 was never sent, and a worker served it");
}

static void answered_without_an_end(void **state)
{
	struct world *world = *state;

	put_two(world);
	deposit(world, 4, 3, (struct plan){.read = 200, .read_at = 300, .write_at = 310, .commit_at = 320,
	                                   .cut = AFTER_COMMIT,
	                                   .status = 200});
	assert_doubt(audit(world, 300), "request 4 was answered 200, and no worker came to its end");
	world->input.n_replies = 5;
	world->replies[4] = (struct audit_reply){.status = 200, .reached = true, .amount = 100};
	assert_doubt(audit(world, 300),
	             "requests 4 and 5 were answered 200, and no worker came to their end");
	world->input.n_replies = 3;
	assert_doubt(audit(world, 300), "request 4 was never sent, and a worker served it");
}

static void more_than_was_recorded(void **state)
{
	struct world *world = *state;

	put_two(world);
	struct findings *findings = audit(world, 250);
	assert_doubt(findings, "the balance holds 50 more than was recorded");
	assert_says(findings, "the balance is 250, which no request of this run can have put there last");
}

static void a_balance_that_was_written_over(void **state)
{
	struct world *world = *state;

	put_two(world); /* 100 was there, and was surely followed */
	assert_doubt(audit(world, 100),
	             "the balance is 100, which no request of this run can have put there last");
}

static void a_read_of_what_nobody_wrote(void **state)
{
	struct world *world = *state;

	put_two(world);
	find_event(world, 3, EVENT_CALL_END, &READ)->value = 70; /* even by one that was refused */
	assert_doubt(audit(world, 200), "request 3 read a balance that no request of this run had put there");
	find_event(world, 3, EVENT_ATTEMPT_END,
	           NULL)->value = OP_DENIED; /* who found no row has read nothing */
	assert_verdict(audit(world, 200), VERDICT_NONE_SEEN);
}

static void two_at_the_row_at_once(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 200});
	deposit(world, 2, 1, (struct plan){.read_at = 11, .write_at = 150, .commit_at = 210});
	assert_doubt(audit(world, 100),
	             "requests 1 and 2 wrote balances that can have been there in neither order");
}

static void steps_of_something_else(void **state)
{
	struct world *world = *state;

	put_two(world);
	find_event(world, 2, EVENT_CALL_BEGIN, &WRITE)->key = 2; /* another account's row */
	assert_doubt(audit(world, 200), "request 2 took steps that are not those of a deposit");
	find_event(world, 2, EVENT_CALL_BEGIN, &WRITE)->key = 1;
	find_event(world, 2, EVENT_CALL_BEGIN, &READ)->key = 2;
	assert_doubt(audit(world, 200), "request 2 took steps that are not those of a deposit");
	find_event(world, 2, EVENT_CALL_BEGIN, &READ)->key = 1;
	event_text(find_event(world, 2, EVENT_CALL_BEGIN, &RECORD)->table,
	           "demo_account"); /* two writes of it */
	find_event(world, 2, EVENT_CALL_BEGIN, &RECORD)->key = 1;
	assert_doubt(audit(world, 200), "request 2 took steps that are not those of a deposit");
}

static void a_second_row_and_a_write_without_a_read(void **state)
{
	struct world *world = *state;

	put_two(world);
	struct scribe *worker = &world->worker[3];
	scribe_begin(worker, ms(300), 4, 100);
	call(worker, &WRITE, 301, 302, 300, 1, DB_TX_NONE);
	scribe_end(worker, ms(303), OP_FAILED, DB_CANCELED, 503);
	world->replies[3] = (struct audit_reply){.status = 503, .reached = true, .amount = 100};
	world->input.n_replies = 4;
	assert_doubt(audit(world, 200), "request 4 took steps that are not those of a deposit");

	world->events.n -= 4; /* two rows, and no write of the balance */
	worker->request = 4;
	worker->step = 0;
	call(worker, &RECORD, 301, 302, 100, 104, DB_TX_NONE);
	call(worker, &RECORD, 303, 304, 100, 105, DB_TX_NONE);
	scribe_end(worker, ms(305), OP_FAILED, DB_CANCELED, 503);
	world->rows[world->input.n_rows++] = (struct audit_row){104, 100};
	struct findings *findings = audit(world, 200);
	assert_doubt(findings, "request 4 took steps that are not those of a deposit");
	assert_int_equal(findings->n_reasons, 1);
}

static void a_commit_without_an_answer_and_a_strange_row(void **state)
{
	struct world *world = *state;

	put_two(world);
	deposit(world, 4, 3, (struct plan){.read = 200, .read_at = 300, .write_at = 310, .commit_at = 320,
	                                   .cut = IN_COMMIT, .keep_row = true});
	assert_verdict(audit(world, 300), VERDICT_NONE_SEEN);
	world->rows[2].amount = 70; /* its number, and not its amount */
	assert_doubt(audit(world, 300),
	             "1 of the rows on record were not put there by any request of this run");
	world->rows[2].amount = 100;
	world->rows[2].id = 999;
	assert_doubt(audit(world, 300),
	             "1 of the rows on record were not put there by any request of this run");
}

static void denied_after_it_wrote(void **state)
{
	struct world *world = *state;

	/* what it read counts all the same: its balance stems from it */
	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.lone = true, .read = 100, .read_at = 102, .write_at = 200});
	deposit(world, 3, 2, (struct plan){.read_at = 20, .write_at = 190, .fails = DB_DEADLOCK});
	find_event(world, 2, EVENT_ATTEMPT_END, NULL)->value = OP_DENIED;
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
}

static void a_balance_of_who_is_not_on_record(void **state)
{
	struct world *world = *state;

	put_two(world);
	/* its INSERT failed, and it wrote the balance all the same */
	struct event *end = find_event(world, 2, EVENT_CALL_END, &RECORD);
	end->detail = DB_CONSTRAINT;
	world->input.n_rows--;
	find_event(world, 2, EVENT_REQUEST_END, NULL)->value = world->replies[1].status = 503;
	assert_doubt(audit(world, 200), "request 2 may be in the balance without being on record");
}

static void events_and_sums_that_differ(void **state)
{
	struct world *world = *state;

	/* it read 100 and wrote 150: the events tell of nothing lost, the sums of 50 */
	deposit(world, 1, 0, (struct plan){.read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.read = 100, .puts = 150, .read_at = 111, .write_at = 200,
	                                   .commit_at = 210});
	assert_doubt(audit(world, 150), "the events tell of 0 missing, the sums of 50");
}

static void numbers_that_differ(void **state)
{
	struct world *world = *state;

	/* one of 200 is lost by the events, two of 100 by the rows: another amount was asked for than recorded */
	deposit(world, 1, 0, (struct plan){.amount = 200, .read_at = 10, .write_at = 100, .commit_at = 110});
	deposit(world, 2, 1, (struct plan){.amount = 100, .read_at = 11, .write_at = 200, .commit_at = 210});
	deposit(world, 3, 0, (struct plan){.amount = 50, .read = 100, .read_at = 211, .write_at = 300,
	                                   .commit_at = 310});
	deposit(world, 4, 0, (struct plan){.amount = 50, .read = 150, .read_at = 311, .write_at = 400,
	                                   .commit_at = 410});
	for (uint32_t i = 1; i <= 4; i++) {
		find_event(world, i, EVENT_CALL_BEGIN, &RECORD)->value = 100;
		world->rows[i - 1].amount = 100;
	}
	assert_doubt(audit(world, 200), "the events tell of 1 lost updates, the sums of 2");
}

static void amounts_that_leave_the_number_open(void **state)
{
	struct world *world = *state;

	/* 3 is 3's alone, or 1's and 2's: how many are lost cannot be told; that money is, can */
	deposit(world, 1, 0, (struct plan){.amount = 1, .lone = true, .read_at = 10, .write_at = 100});
	deposit(world, 2, 1, (struct plan){.amount = 2, .lone = true, .read = 1, .read_at = 110,
	                                   .write_at = 200, .write_to = 220});
	deposit(world, 3, 2, (struct plan){.amount = 3, .lone = true, .read_at = 20, .write_at = 210,
	                                   .write_to = 230});
	struct findings *findings = audit(world, 3);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->lost_updates, -1);
	assert_int_equal(findings->torn, 0);
	assert_int_equal(findings->lost_amount, 3);
	assert_int_equal(findings->n_lost, 0);
	assert_says(findings, "the final balance may be made of 1 to 2 deposits");
}

/* ---- replies ------------------------------------------------------------------------------------- */

static void replies_are_counted_by_reason(void **state)
{
	static const struct {
		int status;
		const char *reason;
	} told[] = {
		{200, ""}, {503, "deadlock"}, {503, "busy"}, {503, "deadlock"}, {404, ""}, {422, ""}, {503,
		                                                                                       ""},
		{503, "ok"}, {500, "deadlock"}, {400, ""}, {502, ""}, {504, ""}, {0, ""}, {503, "conflict"},
	};
	static const struct refusals expected[] = {
		{"deadlock", 2}, {"busy", 1}, {"not_found", 1}, {"too_large", 1}, {"other", 4}, {"conflict",
		                                                                                 1},
	};
	struct world *world = *state;

	world->input.history = NULL;
	for (size_t i = 0; i < COUNT_OF(told); i++) {
		world->replies[i] = (struct audit_reply){.status = told[i].status, .amount = 100,
		                                         .reached = true};
		(void)snprintf(world->replies[i].reason, sizeof world->replies[i].reason, "%s",
		               told[i].reason);
	}
	world->input.n_replies = COUNT_OF(told);
	world->input.n_rows = 1;
	world->rows[0] = (struct audit_row){1, 100};
	struct findings *findings = audit(world, 100);
	assert_int_equal(findings->answered, 1);
	assert_int_equal(findings->unanswered, 3);
	assert_int_equal(findings->n_refused, 10);
	assert_int_equal(findings->n_refused_kinds, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_string_equal(findings->refused[i].reason, expected[i].reason);
		assert_int_equal(findings->refused[i].n, expected[i].n);
	}
}

/* ---- without recording --------------------------------------------------------------------------- */

static void put_replies(struct world *world, size_t n, int status, size_t n_rows)
{
	world->input.history = NULL;
	for (size_t i = 0; i < n; i++)
		world->replies[i] = (struct audit_reply){.status = status, .amount = 100, .reached = true,
		                                         .atomic = true,
		                                         .sent_ns = ms(1), .ended_ns = ms(100)};
	for (size_t i = 0; i < n_rows; i++)
		world->rows[i] = (struct audit_row){(int64_t)i, 100};
	world->input.n_replies = n;
	world->input.n_rows = n_rows;
}

static void sums_alone(void **state)
{
	struct world *world = *state;

	put_replies(world, 3, 200, 3);
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->lost_updates, 2);
	assert_int_equal(findings->lost_amount, 200);
	assert_int_equal(findings->torn, -1);
	assert_true(findings->overlap_seen_by_client);
	assert_int_equal(findings->max_in_flight, 3);
	assert_int_equal(findings->pairs_overlapped, 3);
	findings = audit(world, 150); /* no number of deposits */
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->lost_updates, -1);
	findings = audit(world, 300);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->lost_updates, 0);
	world->replies[0].reached = false; /* was never in flight */
	world->replies[1].ended_ns = 0;    /* nor was this, for all that is known */
	world->replies[0].status = world->replies[1].status = 0;
	world->input.n_rows = 1;
	assert_int_equal(audit(world, 100)->max_in_flight, 1);
	put_replies(world, 3, 200, 3);
	for (size_t i = 0; i < 3; i++)
		world->replies[i].sent_ns = ms(100 * (int64_t)i);
	assert_verdict(audit(world, 300), VERDICT_INCONCLUSIVE);
}

static void sums_of_powers_of_two(void **state)
{
	struct world *world = *state;

	put_replies(world, 4, 200, 4);
	for (size_t i = 0; i < 4; i++)
		world->rows[i].amount = world->replies[i].amount = 1 << i;
	assert_int_equal(audit(world, 15 - 1 - 4 - 8)->lost_updates, 3);
	world->input.n_replies = world->input.n_rows = 1; /* 4 of 1 is missing: no number of deposits */
	world->rows[0].amount = world->replies[0].amount = 1;
	world->input.start_balance = 3;
	assert_int_equal(audit(world, 0)->lost_updates, -1);
	world->input.start_balance = 0;
	world->input.n_replies = world->input.n_rows = 4;
	world->rows[1].amount = world->replies[1].amount = 16; /* of 1, 16, 4 and 8, 2 is missing */
	assert_int_equal(audit(world, 27)->lost_updates, -1);
	world->rows[1].amount = world->replies[1].amount = 2;
	world->rows[3].amount = world->replies[3].amount = 9;
	assert_int_equal(audit(world, 16 - 4)->lost_updates, -1);
}

static void sums_cannot_tell_lost_from_torn(void **state)
{
	struct world *world = *state;

	put_replies(world, 3, 200, 3);
	world->replies[1].status = 503; /* not atomic, and on record: lost or torn */
	world->replies[1].atomic = false;
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->lost_updates, -1);
	assert_int_equal(findings->lost_amount, 0);
}

static void sums_and_answers_that_differ(void **state)
{
	struct world *world = *state;

	put_replies(world, 3, 200, 2);
	assert_doubt(audit(world, 200), "3 deposits of 100 were answered 200, and 2 are on record");
	put_replies(world, 3, 200, 3);
	world->replies[1].status = 503;
	assert_doubt(audit(world, 300), "3 deposits of 100 are on record, and at most 2 can have been made");
	(void)snprintf(world->replies[1].reason, 32, "lost");
	assert_verdict(audit(world, 300), VERDICT_NONE_SEEN);
	world->rows[0].amount = 40;
	assert_doubt(audit(world, 240), "1 deposits of 40 are on record, and at most 0 can have been made");
}

static void sums_and_no_answer(void **state)
{
	struct world *world = *state;

	put_replies(world, 3, 200, 3);
	world->replies[2].status = 0;
	struct findings *findings = audit(world, 300);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->unanswered_but_done, 1);
	world->replies[2].reached = false;
	assert_doubt(audit(world, 300), "3 deposits of 100 are on record, and at most 2 can have been made");
}

/* ---- many ---------------------------------------------------------------------------------------- */

static void a_thousand_requests(void **state)
{
	enum { MANY = 1000 };
	struct world *world = *state;
	struct audit_reply *replies = test_calloc(MANY, sizeof *replies);
	struct audit_row *rows = test_calloc(MANY, sizeof *rows);

	/* rounds of two that read the same: the second of each round erases the first */
	for (uint32_t i = 0; i < MANY; i++) {
		int64_t from = 1000 + i / 2 * 1000, late = i % 2;
		struct scribe *worker = &world->worker[i % 2];
		struct plan plan = {.read = i / 2 * 100, .read_at = from + late,
		                    .write_at = from + 100 + late * 50,
		                    .commit_at = from + 110 + late * 50};
		assert_true(put_steps(worker, i + 1, &plan, 100));
		scribe_end(worker, ms(plan.commit_at + 2), OP_DONE, DB_OK, 200);
		replies[i] = (struct audit_reply){.status = 200, .amount = 100, .reached = true};
		rows[i] = (struct audit_row){101 + i, 100};
	}
	world->input.replies = replies;
	world->input.rows = rows;
	world->input.n_replies = world->input.n_rows = MANY;
	struct findings *findings = audit(world, MANY / 2 * 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, MANY / 2, 0);
	assert_int_equal(findings->n_lost, MANY / 2);
	assert_int_equal(findings->n_overwrites, MANY / 2);
	assert_int_equal(findings->overwrites[MANY / 2 - 1].erased[0], MANY - 1);
	test_free(replies);
	test_free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_lost_is_none_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_worker_is_serial_by_construction, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_overlap_nothing_is_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_recorded_shows_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deposits_of_nothing_show_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_state_that_is_not_final, set_up, tear_down),
		cmocka_unit_test_setup_teardown(events_that_are_not_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_row_from_elsewhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_that_are_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_are_told_in_one_sentence, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_that_cannot_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answered_without_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_was_recorded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_balance_that_was_written_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_read_of_what_nobody_wrote, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_at_the_row_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(steps_of_something_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_second_row_and_a_write_without_a_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_commit_without_an_answer_and_a_strange_row, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(denied_after_it_wrote, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_balance_of_who_is_not_on_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(events_and_sums_that_differ, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers_that_differ, set_up, tear_down),
		cmocka_unit_test_setup_teardown(amounts_that_leave_the_number_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replies_are_counted_by_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sums_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sums_of_powers_of_two, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sums_cannot_tell_lost_from_torn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sums_and_answers_that_differ, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sums_and_no_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_thousand_requests, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("audit_doubts", tests, NULL, NULL);
}
