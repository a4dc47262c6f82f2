/* audit: ways of depositing that are not read, insert, write: those that add to what is there, that lock what
 * they read, that keep no balance, that try again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deposit_cases.h"

/* ---- pieces -------------------------------------------------------------------------------------- */

static void begin(struct world *world, uint32_t slot, uint32_t request, int64_t at, int64_t amount)
{
	scribe_begin(&world->worker[slot], ms(at), request, amount);
}

static void step(struct world *world, uint32_t slot, const struct touched *what, int64_t from, int64_t to,
                 int64_t puts, int64_t result)
{
	call(&world->worker[slot], what, from, to, puts, result, DB_TX_NONE);
}

/* A call that ends in this way. */
static void failing(struct world *world, uint32_t slot, const struct touched *what, int64_t at, int64_t puts,
                    enum db_err err)
{
	scribe_call_begin(&world->worker[slot], what, ms(at), puts);
	scribe_call_end(&world->worker[slot], what, ms(at + 1), 0, err,
	                err == DB_LOST ? DB_TX_UNKNOWN : DB_TX_NONE);
}

static void reply(struct world *world, uint32_t request, int status, int64_t amount, bool atomic)
{
	world->replies[request - 1] = (struct audit_reply){
		.status = status, .amount = amount, .reached = true, .atomic = atomic};
	if (world->input.n_replies < request)
		world->input.n_replies = request;
}

static void end(struct world *world, uint32_t slot, uint32_t request, int64_t at, enum db_err err, int64_t amount,
                bool atomic)
{
	int status = err == DB_OK ? 200 : 503;

	scribe_end(&world->worker[slot], ms(at), err == DB_OK ? OP_DONE : OP_FAILED, err, status);
	reply(world, request, status, amount, atomic);
}

static void row(struct world *world, int64_t id, int64_t amount)
{
	world->rows[world->input.n_rows++] = (struct audit_row){id, amount};
}

/* A lone insert and a lone write that adds. */
static void add(struct world *world, uint32_t request, uint32_t slot, int64_t from, int64_t to, int64_t amount)
{
	begin(world, slot, request, from - 20, amount);
	step(world, slot, &RECORD, from - 10, from - 9, amount, 100 + (int64_t)request);
	step(world, slot, &ADD, from, to, amount, 1);
	end(world, slot, request, to + 1, DB_OK, amount, false);
	row(world, 100 + (int64_t)request, amount);
}

/* ---- adding -------------------------------------------------------------------------------------- */

static void who_adds_loses_nothing(void **state)
{
	struct world *world = *state;

	add(world, 1, 0, 100, 200, 100); /* in whatever order */
	add(world, 2, 1, 110, 190, 100);
	add(world, 3, 2, 120, 210, 100);
	struct findings *findings = audit(world, 300);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->n_reasons, 0);
	assert_doubt(audit(world, 200), "the balance is 200, which no request of this run can have put there last");
}

static void who_writes_what_it_read_erases_what_was_added(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 50, .write_at = 300});
	add(world, 2, 1, 100, 110, 1);
	add(world, 3, 2, 120, 130, 2);
	add(world, 4, 3, 400, 410, 4);
	struct findings *findings = audit(world, 104);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 2, 0);
	assert_int_equal(findings->n_lost, 2);
	assert_int_equal(findings->lost[0], 2);
	assert_int_equal(findings->lost[1], 3);
	assert_int_equal(findings->n_overwrites, 1);
	const struct overwrite *overwrite = &findings->overwrites[0];
	assert_int_equal(overwrite->writer, 1);
	assert_int_equal(overwrite->over_value, 3); /* the balance that the two had made of 0 */
	assert_int_equal(overwrite->n_over_writers, 1);
	assert_int_equal(overwrite->over_writers[0], 3);
	assert_int_equal(overwrite->n_gone, 2);
	assert_int_equal(overwrite->n_erased, 2);
}

static void a_sum_that_was_read_tells_what_was_added(void **state)
{
	struct world *world = *state;

	/* 1 and 2 overlap the read of 3, which came to 2: 2's was in there, and 1's not */
	add(world, 1, 1, 100, 200, 1);
	add(world, 2, 2, 101, 201, 2);
	deposit(world, 3, 3, (struct plan){.lone = true, .amount = 4, .read = 2, .read_at = 150, .write_at = 300});
	struct findings *findings = audit(world, 6);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 1);
	assert_int_equal(findings->lost[0], 1);
	assert_int_equal(findings->n_overwrites, 1);
	assert_int_equal(findings->overwrites[0].over_value, 3);
	assert_int_equal(findings->overwrites[0].n_erased, 1);
	assert_int_equal(findings->overwrites[0].erased[0], 1);
}

static void equal_sums_tell_how_many(void **state)
{
	struct world *world = *state;

	/* 1 or 2 was read by 3, which writes 200: one of them is lost, nobody can tell which */
	add(world, 1, 0, 100, 200, 100);
	add(world, 2, 1, 101, 201, 100);
	deposit(world, 3, 2, (struct plan){.lone = true, .read = 100, .read_at = 150, .write_at = 300});
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_lost, 0);
}

static void the_end_tells_who_was_first(void **state)
{
	struct world *world = *state;

	/* whether 1 is before 2's write or after is told by the end alone */
	add(world, 1, 0, 310, 390, 1);
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 50, .write_at = 300, .write_to = 400});
	struct findings *findings = audit(world, 101);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->n_overwrites, 0);
	findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->n_overwrites, 1);
	assert_int_equal(findings->lost[0], 1);
}

static void the_end_tells_of_an_addition_without_an_answer(void **state)
{
	struct world *world = *state;

	add(world, 1, 0, 100, 200, 100);
	begin(world, 1, 2, 90, 7);
	step(world, 1, &RECORD, 101, 102, 7, 102);
	failing(world, 1, &ADD, 110, 7, DB_LOST);
	end(world, 1, 2, 120, DB_LOST, 7, false);
	row(world, 102, 7);
	struct findings *findings = audit(world, 107);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->outcome_unknown, 1);
	assert_int_equal(findings->unknown_done, 1);
	assert_int_equal(findings->unknown_not_done, 0);
	findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->unknown_done, 0);
	assert_int_equal(findings->unknown_not_done, 1);
}

static void who_adds_may_look_before_and_after(void **state)
{
	struct world *world = *state;

	add(world, 1, 0, 100, 200, 100);
	begin(world, 1, 2, 90, 100);
	step(world, 1, &READ, 91, 92, 0, 0);
	step(world, 1, &RECORD, 93, 94, 100, 102);
	step(world, 1, &ADD, 210, 211, 100, 1);
	step(world, 1, &READ, 212, 213, 0, 200);
	end(world, 1, 2, 214, DB_OK, 100, false);
	row(world, 102, 100);
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
}

/* ---- locking ------------------------------------------------------------------------------------- */

/* A deposit in a transaction that locks the row when it reads it. */
static void locking(struct world *world, uint32_t request, uint32_t slot, const struct touched *read,
                    int64_t balance, int64_t at, int64_t until)
{
	struct scribe *worker = &world->worker[slot];

	scribe_begin(worker, ms(at) - 10, request, 100);
	call(worker, &BEGIN, at, at, 0, 0, DB_TX_OPEN);
	call(worker, read, at, at + 1, 0, balance, DB_TX_OPEN);
	call(worker, &RECORD, at + 2, at + 3, 100, 100 + (int64_t)request, DB_TX_OPEN);
	call(worker, &WRITE, until - 2, until - 1, balance + 100, 1, DB_TX_OPEN);
	call(worker, &COMMIT, until, until + 1, 0, 0, DB_TX_NONE);
	end(world, slot, request, until + 2, DB_OK, 100, true);
	row(world, 100 + (int64_t)request, 100);
}

static void who_locks_what_it_reads_is_not_overtaken(void **state)
{
	struct world *world = *state;

	/* 2's lone write begins while 1 holds the lock, and ends after 1's commit: it came after, and erased 1 */
	locking(world, 1, 0, &LOCK, 0, 100, 300);
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 50, .write_at = 290, .write_to = 310});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->n_overwrites, 1);
	assert_int_equal(findings->overwrites[0].writer, 2);
	assert_int_equal(findings->overwrites[0].erased[0], 1);
	assert_int_equal(findings->lost[0], 1);
}

static void without_a_lock_it_may_be_either(void **state)
{
	struct world *world = *state;

	/* the same, and 1's read locks nothing: who was first cannot be told */
	locking(world, 1, 0, &READ, 0, 100, 300);
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 50, .write_at = 290, .write_to = 310});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 1, 0);
	assert_int_equal(findings->n_overwrites, 0);
	assert_int_equal(findings->n_lost, 0);
	assert_says(findings, "could not be told");
}

static void a_lock_outside_of_a_transaction_is_none(void **state)
{
	struct world *world = *state;

	/* 1 read 0 "with a lock", 2 read 0 too and wrote, then 1 wrote over it: each for itself */
	begin(world, 0, 1, 90, 100);
	step(world, 0, &LOCK, 100, 101, 0, 0);
	step(world, 0, &RECORD, 102, 103, 100, 101);
	step(world, 0, &WRITE, 300, 301, 100, 1);
	end(world, 0, 1, 310, DB_OK, 100, true);
	row(world, 101, 100);
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 110, .write_at = 200});
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->n_overwrites, 1);
	assert_int_equal(findings->overwrites[0].writer, 1);
	assert_int_equal(findings->overwrites[0].erased[0], 2);
}

static void a_lock_that_did_not_hold_is_a_doubt(void **state)
{
	struct world *world = *state;

	locking(world, 1, 0, &LOCK, 0, 100, 300);
	deposit(world, 2, 1, (struct plan){.lone = true, .read_at = 50, .write_at = 200});
	assert_doubt(audit(world, 100), "can have been there in neither order");
}

/* ---- other tables, no match, no balance ------------------------------------------------------------ */

static const struct touched NAMED = {DB_READ, "take lock", "", 7, 0};
static const struct touched VERSION = {DB_READ, "read version", "racy_version", 1, 0};
static const struct touched TAKE = {DB_WRITE, "take version", "racy_version", 1, 0};

static void steps_on_other_tables_are_nobodys_matter(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 50, .write_at = 200});
	begin(world, 1, 2, 90, 100);
	step(world, 1, &NAMED, 91, 92, 0, 1);
	step(world, 1, &VERSION, 93, 94, 0, 0);
	step(world, 1, &READ, 210, 211, 0, 100);
	step(world, 1, &TAKE, 212, 213, 1, 1);
	step(world, 1, &TAKE, 214, 215, 2, 1);
	step(world, 1, &WRITE, 216, 217, 200, 1);
	step(world, 1, &RECORD, 218, 219, 100, 102);
	end(world, 1, 2, 220, DB_OK, 100, false);
	row(world, 102, 100);
	assert_verdict(audit(world, 200), VERDICT_NONE_SEEN);
}

static void a_condition_that_did_not_match_put_nothing_there(void **state)
{
	struct world *world = *state;

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 50, .write_at = 200});
	begin(world, 1, 2, 90, 100);
	step(world, 1, &READ, 91, 92, 0, 0);
	step(world, 1, &WRITE, 210, 211, 100, 0);
	scribe_end(&world->worker[1], ms(212), OP_CONFLICT, DB_OK, 503);
	reply(world, 2, 503, 100, true);
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->n_overwrites, 0);
	assert_int_equal(findings->tries.n_failed_kinds, 1);
	assert_string_equal(findings->tries.failed[0].reason, "conflict");
}

static void where_no_balance_is_kept(void **state)
{
	struct world *world = *state;

	world->input.derived = true;
	for (uint32_t request = 1; request <= 2; request++) {
		begin(world, request, request, 90, 100);
		step(world, request, &READ, 91, 92, 0, 0); /* both see the same sum, and nothing comes of it */
		step(world, request, &RECORD, 100, 101, 100, 100 + request);
		end(world, request, request, 110, DB_OK, 100, true);
		row(world, 100 + request, 100);
	}
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_lost(findings, 0, 0);
	assert_doubt(audit(world, 100), "the database's own sum is 100, and the rows on record come to 200");
	world->input.n_rows = 1;
	assert_doubt(audit(world, 100), "request 2 committed a row that is not there");
	world->input.n_rows = 2;
	struct event *record = find_event(world, 2, EVENT_CALL_BEGIN, &RECORD);
	event_text(record->table, "demo_account"); /* who keeps none does not write it */
	record->key = READ.key;
	assert_doubt(audit(world, 200), "request 2 took steps that are not those of a deposit");
}

/* ---- trying again --------------------------------------------------------------------------------- */

static void what_trying_again_cost(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[1];

	deposit(world, 1, 0, (struct plan){.lone = true, .read_at = 50, .write_at = 200});
	begin(world, 1, 2, 90, 100);
	failing(world, 1, &READ, 91, 0, DB_DEADLOCK);
	scribe_try_again(worker, ms(95), OP_FAILED, DB_DEADLOCK, ms(120));
	step(world, 1, &READ, 121, 122, 0, 0);
	scribe_try_again(worker, ms(125), OP_CONFLICT, DB_OK, ms(300));
	step(world, 1, &READ, 301, 302, 0, 100);
	step(world, 1, &RECORD, 303, 304, 100, 102);
	step(world, 1, &WRITE, 305, 306, 200, 1);
	end(world, 1, 2, 310, DB_OK, 100, true);
	row(world, 102, 100);
	begin(world, 2, 3, 90, 100);
	scribe_try_again(&world->worker[2], ms(91), OP_FAILED, DB_DEADLOCK, ms(101));
	end(world, 2, 3, 110, DB_TIMEOUT, 100, true);
	const struct tries *tries = &audit(world, 200)->tries;
	assert_verdict(&world->findings, VERDICT_NONE_SEEN);
	assert_int_equal(tries->attempts, 6);
	assert_int_equal(tries->most, 3);
	assert_int_equal(tries->again, 2);
	assert_int_equal(tries->given_up, 1);
	assert_int_equal(tries->n_failed_kinds, 3);
	assert_string_equal(tries->failed[0].reason, "deadlock");
	assert_int_equal(tries->failed[0].n, 2);
	assert_string_equal(tries->failed[1].reason, "conflict");
	assert_string_equal(tries->failed[2].reason, "lock_timeout");
	assert_int_equal(tries->cost_ns, ms(300 - 90 + 101 - 90));
}

static void an_attempt_before_the_last_may_have_left_its_row(void **state)
{
	struct world *world = *state;

	begin(world, 0, 1, 10, 100);
	step(world, 0, &READ, 11, 12, 0, 0);
	step(world, 0, &RECORD, 13, 14, 100, 101);
	failing(world, 0, &WRITE, 15, 100, DB_TIMEOUT);
	scribe_try_again(&world->worker[0], ms(20), OP_FAILED, DB_TIMEOUT, ms(30));
	step(world, 0, &READ, 31, 32, 0, 0);
	step(world, 0, &RECORD, 33, 34, 100, 102);
	step(world, 0, &WRITE, 35, 36, 100, 1);
	end(world, 0, 1, 40, DB_OK, 100, false);
	row(world, 101, 100);
	row(world, 102, 100);
	struct findings *findings = audit(world, 100);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_lost(findings, 0, 1);
	assert_int_equal(findings->n_torn_requests, 1);
	assert_int_equal(findings->torn_requests[0], 1);
	assert_int_equal(findings->doubled, 1);
	assert_int_equal(findings->n_doubled_requests, 1);
	assert_int_equal(findings->doubled_requests[0], 1);
	world->input.n_rows = 1; /* the one that was answered 200 is what is not there */
	assert_doubt(audit(world, 100), "request 1 committed a row that is not there");
}

/* One that lost its commit's answer and did it all again. */
static void put_blind(struct world *world)
{
	struct scribe *worker = &world->worker[0];

	begin(world, 0, 1, 10, 100);
	for (int64_t at = 20; at <= 40; at += 20) {
		call(worker, &BEGIN, at, at, 0, 0, DB_TX_OPEN);
		call(worker, &ADD, at + 1, at + 2, 100, 1, DB_TX_OPEN);
		call(worker, &RECORD, at + 3, at + 4, 100, at == 20 ? 101 : 111, DB_TX_OPEN);
		if (at == 20) {
			failing(world, 0, &COMMIT, at + 5, 0, DB_LOST);
			scribe_try_again(worker, ms(at + 7), OP_FAILED, DB_LOST, ms(at + 10));
		}
	}
	call(worker, &COMMIT, 45, 46, 0, 0, DB_TX_NONE);
	end(world, 0, 1, 50, DB_OK, 100, true);
	add(world, 2, 1, 30, 100, 100);
	row(world, 111, 100);
}

static void who_tries_again_blindly_does_it_twice(void **state)
{
	struct world *world = *state;

	put_blind(world);
	struct findings *findings = audit(world, 200); /* the first one was not carried out */
	assert_verdict(findings, VERDICT_NONE_SEEN);
	assert_int_equal(findings->outcome_unknown, 1);
	assert_int_equal(findings->unknown_not_done, 1);
	assert_int_equal(findings->doubled, 0);
	row(world, 101, 100);
	findings = audit(world, 300); /* it was: nothing is missing, and yet it is wrong */
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->missing, 0);
	assert_lost(findings, 0, 0);
	assert_int_equal(findings->unknown_done, 1);
	assert_int_equal(findings->unknown_not_done, 0);
	assert_int_equal(findings->doubled, 1);
	assert_int_equal(findings->doubled_requests[0], 1);
	world->input.not_quiet = "a session was still open"; /* in doubt nobody is accused */
	findings = audit(world, 300);
	assert_doubt(findings, "still open");
	assert_int_equal(findings->doubled, 0);
	assert_int_equal(findings->n_doubled_requests, 0);
}

/* Lone INSERTs whose answers were lost: their rows have no known owner. */
static void put_lost_insert(struct world *world, uint32_t request, int64_t at)
{
	uint32_t slot = request;

	begin(world, slot, request, at, 100);
	failing(world, slot, &RECORD, at + 1, 100, DB_LOST);
	scribe_try_again(&world->worker[slot], ms(at + 3), OP_FAILED, DB_LOST, ms(at + 4));
	failing(world, slot, &RECORD, at + 5, 100, DB_LOST);
	end(world, slot, request, at + 10, DB_LOST, 100, false);
}

static void rows_of_nobody_known_double_some(void **state)
{
	struct world *world = *state;

	world->input.derived = true;
	put_lost_insert(world, 1, 10);
	put_lost_insert(world, 2, 11);
	row(world, 101, 100);
	row(world, 102, 100);
	struct findings *findings = audit(world, 200);
	assert_verdict(findings, VERDICT_NONE_SEEN); /* one each, perhaps */
	assert_int_equal(findings->outcome_unknown, 2);
	assert_int_equal(findings->unknown_done + findings->unknown_not_done, 0);
	row(world, 103, 100);
	findings = audit(world, 300);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->doubled, 1);
	assert_int_equal(findings->n_doubled_requests, 0);
	row(world, 104, 100);
	for (uint32_t request = 1; request <= 2; request++)
		world->replies[request - 1].status = 0;
	assert_int_equal(audit(world, 400)->unanswered_but_done, 2);
	world->input.n_rows = 3; /* two of them may be of one request */
	assert_int_equal(audit(world, 300)->unanswered_but_done, 2);
	world->input.n_rows = 2;
	assert_int_equal(audit(world, 200)->unanswered_but_done, 1);
	world->input.n_rows = 4;
	findings = audit(world, 400);
	assert_int_equal(findings->doubled, 2);
	assert_int_equal(findings->n_doubled_requests, 2);
	assert_int_equal(findings->unknown_done, 2);
}

/* 1 committed, and two of its INSERTs and one of 2's had no answer: nobody of them was answered in the end. */
static void who_is_on_record_anyway_tells_nothing_new(void **state)
{
	struct world *world = *state;

	world->input.derived = true;
	begin(world, 1, 1, 10, 100);
	step(world, 1, &RECORD, 11, 12, 100, 101);
	scribe_try_again(&world->worker[1], ms(13), OP_FAILED, DB_CANCELED, ms(14));
	failing(world, 1, &RECORD, 15, 100, DB_LOST);
	end(world, 1, 1, 20, DB_LOST, 100, false);
	begin(world, 2, 2, 10, 100);
	failing(world, 2, &RECORD, 15, 100, DB_LOST);
	end(world, 2, 2, 20, DB_LOST, 100, false);
	world->replies[0].status = world->replies[1].status = 0;
	row(world, 101, 100);
	row(world, 102, 100);
	assert_int_equal(audit(world, 200)->unanswered_but_done, 1);
	assert_int_equal(world->findings.doubled, 0);
	row(world, 103, 100);
	assert_int_equal(audit(world, 300)->unanswered_but_done, 2);
	assert_int_equal(world->findings.doubled, 1);
}

static void sums_alone_tell_of_doubled_ones(void **state)
{
	struct world *world = *state;

	world->input.history = NULL;
	for (uint32_t request = 1; request <= 2; request++)
		reply(world, request, 200, 100, true);
	for (int64_t id = 1; id <= 3; id++)
		row(world, id, 100);
	assert_doubt(audit(world, 300), "3 deposits of 100 are on record, and at most 2 can have been made");
	world->input.max_tries = 3;
	struct findings *findings = audit(world, 300);
	assert_verdict(findings, VERDICT_VIOLATED);
	assert_int_equal(findings->doubled, 1);
	row(world, 4, 100);
	row(world, 5, 100);
	assert_int_equal(audit(world, 500)->doubled, 2); /* of two that were tried three times */
	assert_int_equal(world->findings.lost_updates, -1);
	row(world, 6, 100);
	row(world, 7, 100);
	assert_doubt(audit(world, 700), "7 deposits of 100 are on record, and at most 6 can have been made");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_adds_loses_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_writes_what_it_read_erases_what_was_added, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sum_that_was_read_tells_what_was_added, set_up, tear_down),
		cmocka_unit_test_setup_teardown(equal_sums_tell_how_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_end_tells_who_was_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_end_tells_of_an_addition_without_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_adds_may_look_before_and_after, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_locks_what_it_reads_is_not_overtaken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_lock_it_may_be_either, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lock_outside_of_a_transaction_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lock_that_did_not_hold_is_a_doubt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(steps_on_other_tables_are_nobodys_matter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_condition_that_did_not_match_put_nothing_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(where_no_balance_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_trying_again_cost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_attempt_before_the_last_may_have_left_its_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_tries_again_blindly_does_it_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_of_nobody_known_double_some, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_on_record_anyway_tells_nothing_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sums_alone_tell_of_doubled_ones, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("audit_ways", tests, NULL, NULL);
}
