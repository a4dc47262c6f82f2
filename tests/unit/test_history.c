/* audit: events folded into requests, and what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audit/history.h"
#include "audit/overlap.h"
#include "base/attr.h"
#include "deposit_events.h"

struct world {
	struct event_list events;
	struct scribe worker[3];
	struct history history;
};

static int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof *world);

	for (uint32_t slot = 0; slot < COUNT_OF(world->worker); slot++)
		world->worker[slot] = (struct scribe){.list = &world->events, .slot = slot, .generation = 1};
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	history_fini(&world->history);
	event_list_fini(&world->events);
	test_free(world);
	return 0;
}

static void put_deposit(struct scribe *worker, uint32_t request, int64_t from)
{
	worker->op = "atomic_long_delay";
	scribe_begin(worker, from, request, 100);
	scribe_call_begin(worker, &BEGIN, from + 10, 0);
	scribe_call_end(worker, &BEGIN, from + 11, 0, DB_OK, DB_TX_OPEN);
	scribe_call_begin(worker, &READ, from + 20, 0);
	scribe_call_end(worker, &READ, from + 21, 300, DB_OK, DB_TX_OPEN);
	scribe_pause(worker, from + 30, from + 40);
	scribe_call_begin(worker, &RECORD, from + 50, 100);
	scribe_call_end(worker, &RECORD, from + 51, 17, DB_OK, DB_TX_OPEN);
	scribe_call_begin(worker, &WRITE, from + 60, 400);
	scribe_call_end(worker, &WRITE, from + 61, 1, DB_OK, DB_TX_OPEN);
	scribe_call_begin(worker, &COMMIT, from + 70, 0);
	scribe_call_end(worker, &COMMIT, from + 71, 0, DB_OK, DB_TX_NONE);
	scribe_end(worker, from + 80, OP_DONE, DB_OK, 200);
}

static void a_deposit_is_read_step_by_step(void **state)
{
	struct world *world = *state;
	const struct history_request *request;

	put_deposit(&world->worker[2], 7, 1000);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 1);
	assert_int_equal(world->history.strays, 0);
	assert_null(history_find(&world->history, 6));
	assert_null(history_find(&world->history, 8));
	request = history_find(&world->history, 7);
	assert_non_null(request);
	assert_string_equal(request->op, "atomic_long_delay");
	assert_int_equal(request->slot, 2);
	assert_int_equal(request->amount, 100);
	assert_int_equal(request->begin_ns, 1000);
	assert_int_equal(request->end_ns, 1080);
	assert_int_equal(request->status, 200);
	assert_int_equal(request->end, OP_DONE);
	assert_int_equal(request->n_steps, 6);

	const struct history_step *read = &request->steps[1], *record = &request->steps[3];
	assert_int_equal(read->verb, DB_READ);
	assert_int_equal(read->value, 300);
	assert_int_equal(read->begin_ns, 1020);
	assert_int_equal(read->end_ns, 1021);
	assert_string_equal(read->table, "demo_account");
	assert_int_equal(read->key, 1);
	assert_true(request->steps[2].pause);
	assert_int_equal(request->steps[2].end_ns, 1040);
	assert_int_equal(record->value, 100);
	assert_int_equal(record->result, 17);
	assert_int_equal(request->steps[4].value, 400);
	assert_int_equal(request->steps[4].result, 1);
	assert_int_equal(request->steps[5].tx, DB_TX_NONE);
}

static void a_call_without_an_end_stays_open(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_begin(worker, 10, 1, 100);
	scribe_call_begin(worker, &READ, 20, 0);
	scribe_call_end(worker, &READ, 21, 0, DB_OK, DB_TX_NONE);
	scribe_call_begin(worker, &RECORD, 30, 100);
	scribe_boot(worker, 90, 12);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.strays, 0);
	const struct history_request *request = history_find(&world->history, 1);
	assert_int_equal(request->end_ns, 0);
	assert_int_equal(request->last_ns, 30);
	assert_int_equal(request->status, 0);
	assert_int_equal(request->n_steps, 2);
	assert_int_equal(request->steps[1].end_ns, 0);
	assert_int_equal(request->steps[1].value, 100);
}

static void a_failed_call_keeps_what_the_engine_said(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_begin(worker, 10, 1, 100);
	scribe_call_begin(worker, &WRITE, 20, 100);
	scribe_call_end(worker, &WRITE, 21, 0, DB_DEADLOCK, DB_TX_NONE);
	world->events.items[world->events.n - 1].native = 1213;
	scribe_end(worker, 30, OP_FAILED, DB_DEADLOCK, 503);
	history_build(&world->history, &world->events);
	const struct history_request *request = history_find(&world->history, 1);
	assert_int_equal(request->steps[0].err, DB_DEADLOCK);
	assert_int_equal(request->steps[0].native, 1213);
	assert_int_equal(request->steps[0].value, 100);
	assert_int_equal(request->end, OP_FAILED);
	assert_int_equal(request->err, DB_DEADLOCK);
	assert_int_equal(request->status, 503);
}

static void every_attempt_is_kept(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_begin(worker, 10, 1, 100);
	scribe_call_begin(worker, &LOCK, 20, 0);
	scribe_call_end(worker, &LOCK, 21, 0, DB_BUSY, DB_TX_NONE);
	scribe_try_again(worker, 30, OP_FAILED, DB_BUSY, 40);
	scribe_call_begin(worker, &READ, 50, 0);
	scribe_call_end(worker, &READ, 51, 700, DB_OK, DB_TX_NONE);
	scribe_call_begin(worker, &ADD, 55, 100);
	scribe_call_end(worker, &ADD, 56, 1, DB_OK, DB_TX_NONE);
	scribe_end(worker, 60, OP_DONE, DB_OK, 200);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.strays, 0);
	const struct history_request *request = history_find(&world->history, 1);
	assert_int_equal(request->n_attempts, 2);
	const struct history_attempt *first = &request->attempts[0], *last = &request->attempts[1];
	assert_int_equal(first->number, 1);
	assert_int_equal(first->begin_ns, 10);
	assert_int_equal(first->end_ns, 30);
	assert_int_equal(first->end, OP_FAILED);
	assert_int_equal(first->err, DB_BUSY);
	assert_int_equal(first->n_steps, 1);
	assert_int_equal(first->steps[0].err, DB_BUSY);
	assert_int_equal(first->steps[0].traits, DB_LOCKS);
	assert_int_equal(last->number, 2);
	assert_int_equal(last->begin_ns, 40);
	assert_int_equal(last->end_ns, 60);
	assert_int_equal(last->n_steps, 2);
	assert_int_equal(last->steps[0].traits, 0);
	assert_int_equal(last->steps[1].traits, DB_ADDS);
	assert_ptr_equal(request->steps, last->steps); /* who asks for no other */
	assert_int_equal(request->n_steps, 2);
	assert_int_equal(request->steps[0].value, 700);
	assert_int_equal(request->end, OP_DONE);
	assert_int_equal(request->err, DB_OK);
}

static void steps_and_attempts_that_do_not_fit(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_begin(worker, 10, 1, 100);
	scribe_put(worker, EVENT_ATTEMPT_BEGIN, 20, 0, 0); /* within another */
	scribe_put(worker, EVENT_ATTEMPT_END, 30, OP_FAILED, DB_BUSY);
	scribe_call_begin(worker, &READ, 40, 0); /* after its attempt */
	scribe_end(worker, 60, OP_FAILED, DB_BUSY, 503); /* an attempt's second end */
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.strays, 3);
	const struct history_request *request = history_find(&world->history, 1);
	assert_int_equal(request->n_attempts, 1);
	assert_int_equal(request->attempts[0].end_ns, 30);
	assert_int_equal(request->n_steps, 0);
}

static void a_killed_attempt_has_no_end(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_begin(worker, 10, 1, 100);
	scribe_try_again(worker, 30, OP_CONFLICT, DB_OK, 40);
	history_build(&world->history, &world->events);
	const struct history_request *request = history_find(&world->history, 1);
	assert_int_equal(request->n_attempts, 2);
	assert_int_equal(request->attempts[0].end, OP_CONFLICT);
	assert_int_equal(request->attempts[1].end_ns, 0);
	assert_int_equal(request->end_ns, 0);
}

static void the_order_of_slots_does_not_matter(void **state)
{
	struct world *world = *state;

	put_deposit(&world->worker[1], 3, 5000);
	put_deposit(&world->worker[0], 2, 1000);
	put_deposit(&world->worker[1], 1, 9000);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(world->history.requests[i].request, i + 1);
		assert_int_equal(world->history.requests[i].n_steps, 6);
	}
}

static void what_does_not_fit_is_counted(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	put_deposit(worker, 1, 1000); /* without its first event */
	size_t whole = world->events.n;
	world->events.items[0].request = 0;
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 0);
	assert_int_equal(world->history.strays, whole - 1);
	history_fini(&world->history);

	world->events.items[0].request = 1; /* without the begin of its commit */
	world->events.items[whole - 4].request = 0;
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 1);
	assert_int_equal(world->history.strays, 1);
	history_fini(&world->history);

	world->events.items[whole - 4].request = 1; /* without the end of its read and the begin of the pause */
	world->events.items[5].request = world->events.items[6].request = 0;
	history_build(&world->history, &world->events);
	assert_int_not_equal(world->history.strays, 0);
	history_fini(&world->history);

	world->events.items[5].request = world->events.items[6].request = 1;
	put_deposit(&world->worker[1], 1, 1000); /* twice, by two workers */
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 1);
	assert_int_equal(world->history.strays, whole);
	history_fini(&world->history);

	world->events.n = whole; /* something more after its end */
	worker->request = 1;
	scribe_call_begin(worker, &READ, 2000, 0);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.strays, 1);
}

/* Which event of a deposit, as put_deposit puts them. */
enum { END_OF_READ = 5, END_OF_RECORD = 9, BEGIN_OF_WRITE = 10 };

static void a_lost_end_or_begin_shows(void **state)
{
	struct world *world = *state;

	put_deposit(&world->worker[0], 1, 1000);
	world->events.items[END_OF_READ].request = 0; /* the pause begins while the read is open */
	history_build(&world->history, &world->events);
	assert_in_range(world->history.strays, 1, world->events.n);
	assert_int_equal(history_find(&world->history, 1)->steps[1].end_ns, 0);
	history_fini(&world->history);

	world->events.items[END_OF_READ].request = 1; /* the end of the write is not that of the recording */
	world->events.items[END_OF_RECORD].request = world->events.items[BEGIN_OF_WRITE].request = 0;
	history_build(&world->history, &world->events);
	assert_in_range(world->history.strays, 1, world->events.n);
	assert_int_equal(history_find(&world->history, 1)->steps[3].end_ns, 0);
}

static void a_request_that_is_begun_twice(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_begin(worker, 1000, 1,
	             100); /* killed, and begun again by its successor and by another worker */
	size_t first = world->events.n;
	worker->generation++;
	put_deposit(worker, 1, 2000);
	put_deposit(&world->worker[1], 1, 3000);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 1);
	assert_int_equal(world->history.strays, world->events.n - first);
	history_fini(&world->history);

	world->events.n = first; /* by itself */
	worker->generation--;
	put_deposit(worker, 1, 2000);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.strays, 2); /* its begin, and that of an attempt within another */
}

static void workers_and_strangers_are_no_requests(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_boot(worker, 1, 41);
	scribe_boot(&world->worker[1], 2, 42);
	scribe_boot(&world->worker[2], 3, 0);
	put_deposit(worker, 0, 500); /* no number */
	scribe_begin(worker, 1000, 1, 100);
	scribe_put(worker, EVENT_WORKER_BOOT, 1001, 9, 43); /* it connects anew while it serves */
	scribe_put(worker, EVENT_WORKER_BOOT, 1002, 9, 42);
	scribe_end(worker, 1003, OP_DONE, DB_OK, 200);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 1);
	assert_int_equal(world->history.strays, 0);
	assert_int_equal(world->history.n_connections, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world->history.connections[i], 41 + (int64_t)i);
}

static void nothing_at_all(void **state)
{
	struct world *world = *state;

	history_build(&world->history, &world->events);
	assert_int_equal(world->history.n, 0);
	assert_int_equal(world->history.max_in_flight, 0);
	assert_int_equal(world->history.pairs_overlapped, 0);
	assert_null(history_find(&world->history, 1));
}

static void overlap_is_counted(void **state)
{
	struct world *world = *state;

	put_deposit(&world->worker[0], 1, 1000); /* to 1080 */
	put_deposit(&world->worker[1], 2, 1040);
	put_deposit(&world->worker[2], 3, 1070);
	put_deposit(&world->worker[0], 4, 1080); /* begins when the first ends: no overlap */
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.max_in_flight, 3);
	assert_int_equal(world->history.pairs_overlapped, 5);
}

static void a_killed_request_overlaps_until_its_last_event(void **state)
{
	struct world *world = *state;
	struct scribe *worker = &world->worker[0];

	scribe_begin(worker, 1000, 1, 100);
	scribe_call_begin(worker, &READ, 1050, 0);
	put_deposit(&world->worker[1], 2, 1049);
	put_deposit(&world->worker[2], 3, 1050);
	history_build(&world->history, &world->events);
	assert_int_equal(world->history.pairs_overlapped, 2);
}

static void spans(void **state)
{
	static const struct span some[] = {{0, 10}, {5, 6}, {9, 20}, {10, 11}, {30, 40}};
	size_t most, pairs;

	(void)state;
	overlap_count(some, COUNT_OF(some), &most, &pairs);
	assert_int_equal(most, 2);
	assert_int_equal(pairs, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_deposit_is_read_step_by_step, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_call_without_an_end_stays_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failed_call_keeps_what_the_engine_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_attempt_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(steps_and_attempts_that_do_not_fit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_killed_attempt_has_no_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_order_of_slots_does_not_matter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lost_end_or_begin_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_request_that_is_begun_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(workers_and_strangers_are_no_requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(overlap_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_killed_request_overlaps_until_its_last_event, set_up,
		                                tear_down),
		cmocka_unit_test(spans),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
