/* Deposits written down by hand, audited: for the tests that show the audit's rules one by one. */
#ifndef TESTS_DEPOSIT_CASES_H
#define TESTS_DEPOSIT_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "base/attr.h"
#include "base/clock.h"
#include "deposit_events.h"

enum { SLOTS = 4, MAX_REQUESTS = 16 };

/* Where a request's events stop: at the begin of that step, which has no end; KILLED_AFTER: that
 * step had its end, and nothing followed. */
enum cut { WHOLE, IN_READ, IN_RECORD, AFTER_RECORD, IN_WRITE, AFTER_WRITE, IN_COMMIT, AFTER_COMMIT };

/* A deposit; times in milliseconds, each call lasting one unless its `_to` says otherwise. */
struct plan {
	int64_t amount; /* 0: 100 */
	bool lone;      /* no transaction */
	int64_t read, read_at, write_at, write_to, commit_at, commit_to;
	int64_t puts;   /* 0: what was read and the amount */
	enum cut cut;
	enum db_err fails; /* the write of the balance, or the commit of one that is cut there: DB_LOST */
	int64_t row;       /* 0: 100 and the request's number */
	bool no_row, keep_row; /* against what its events say */
	int status;        /* 0: as its events say */
};

struct world {
	struct event_list events;
	struct scribe worker[SLOTS];
	struct audit_reply replies[MAX_REQUESTS];
	struct audit_row rows[MAX_REQUESTS];
	struct history history;
	struct audit_input input;
	struct findings findings;
	bool audited;
};

static inline int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof *world);

	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		world->worker[slot] = (struct scribe){.list = &world->events, .slot = slot};
		scribe_boot(&world->worker[slot], 0, 10 + slot);
	}
	world->input = (struct audit_input){
		.history = &world->history, .replies = world->replies, .rows = world->rows, .lanes = 3,
		.overlap_possible = true, .balance_table = "demo_account", .record_table = "demo_transaction",
	};
	*state = world;
	return 0;
}

static inline int tear_down(void **state)
{
	struct world *world = *state;

	history_fini(&world->history);
	findings_fini(&world->findings);
	event_list_fini(&world->events);
	test_free(world);
	return 0;
}

static inline int64_t ms(int64_t t)
{
	return t * NS_PER_MS;
}

static inline void call(struct scribe *worker, const struct touched *what, int64_t from, int64_t to,
                        int64_t puts, int64_t result, enum db_tx tx)
{
	scribe_call_begin(worker, what, ms(from), puts);
	scribe_call_end(worker, what, ms(to), result, DB_OK, tx);
}

/* Its events, until it is cut off; true if it came to its end. */
static inline bool put_steps(struct scribe *worker, uint32_t request, const struct plan *plan, int64_t amount)
{
	enum db_tx tx = plan->lone ? DB_TX_NONE : DB_TX_OPEN;
	int64_t write_to = plan->write_to != 0 ? plan->write_to : plan->write_at + 1;
	int64_t commit_to = plan->commit_to != 0 ? plan->commit_to : plan->commit_at + 1;
	int64_t puts = plan->puts != 0 ? plan->puts : plan->read + amount;
	int64_t row = plan->row != 0 ? plan->row : 100 + (int64_t)request;

	scribe_begin(worker, ms(plan->read_at) - 20, request, amount);
	if (!plan->lone)
		call(worker, &BEGIN, plan->read_at, plan->read_at, 0, 0, tx);
	scribe_call_begin(worker, &READ, ms(plan->read_at), 0);
	if (plan->cut == IN_READ)
		return false;
	scribe_call_end(worker, &READ, ms(plan->read_at + 1), plan->read, DB_OK, tx);
	scribe_pause(worker, ms(plan->read_at + 1), ms(plan->write_at) - 20);
	scribe_call_begin(worker, &RECORD, ms(plan->write_at) - 10, amount);
	if (plan->cut == IN_RECORD)
		return false;
	scribe_call_end(worker, &RECORD, ms(plan->write_at) - 5, row, DB_OK, tx);
	if (plan->cut == AFTER_RECORD)
		return false;
	scribe_call_begin(worker, &WRITE, ms(plan->write_at), puts);
	if (plan->cut == IN_WRITE && plan->fails == DB_OK)
		return false;
	bool write_fails = plan->fails != DB_OK && plan->cut != IN_COMMIT;
	enum db_tx left = plan->fails == DB_DEADLOCK ? DB_TX_NONE : tx;
	scribe_call_end(worker, &WRITE, ms(write_to), !write_fails, write_fails ? plan->fails : DB_OK,
	                write_fails ? left : tx);
	if (plan->cut == AFTER_WRITE)
		return false;
	if (write_fails) {
		if (left == DB_TX_OPEN)
			call(worker, &ROLLBACK, write_to, write_to + 1, 0, 0, DB_TX_NONE);
		return true;
	}
	if (plan->lone)
		return true;
	scribe_call_begin(worker, &COMMIT, ms(plan->commit_at), 0);
	if (plan->cut == IN_COMMIT && plan->fails == DB_OK)
		return false;
	scribe_call_end(worker, &COMMIT, ms(commit_to), 0, plan->fails,
	                plan->fails == DB_OK ? DB_TX_NONE : DB_TX_UNKNOWN);
	return plan->cut != AFTER_COMMIT;
}

static inline bool is_recorded(const struct plan *plan, bool ended)
{
	if (plan->keep_row || plan->no_row)
		return plan->keep_row;
	if (plan->lone)
		return plan->cut != IN_READ && plan->cut != IN_RECORD;
	return ended ? plan->fails == DB_OK : plan->cut == AFTER_COMMIT;
}

/* Request `request`, served by worker `slot`; the requests come in their order. */
static inline void deposit(struct world *world, uint32_t request, uint32_t slot, struct plan plan)
{
	struct scribe *worker = &world->worker[slot];
	int64_t amount = plan.amount != 0 ? plan.amount : 100;
	int64_t row = plan.row != 0 ? plan.row : 100 + (int64_t)request;
	bool ended = put_steps(worker, request, &plan, amount);
	int status = !ended ? 0 : plan.fails != DB_OK ? 503 : 200;

	if (ended)
		scribe_end(worker, worker->list->items[worker->list->n - 1].t_ns + 10,
		           status == 200 ? OP_DONE : OP_FAILED, plan.fails, status);
	else
		scribe_boot(worker, worker->list->items[worker->list->n - 1].t_ns + 10, 50 + request);
	if (is_recorded(&plan, ended))
		world->rows[world->input.n_rows++] = (struct audit_row){row, amount};
	world->input.n_replies = request;
	world->replies[request - 1] = (struct audit_reply){
		.status = plan.status != 0 ? plan.status : status, .amount = amount, .reached = true,
		.atomic = !plan.lone, .sent_ns = ms(plan.read_at), .ended_ns = ms(plan.write_at + 100),
	};
	if (status == 503)
		(void)snprintf(world->replies[request - 1].reason, 32, "%s", db_err_name(plan.fails));
}

static inline struct event *find_event(struct world *world, uint32_t request, enum event_kind kind,
                                const struct touched *what)
{
	for (size_t i = 0; i < world->events.n; i++) {
		struct event *event = &world->events.items[i];
		if (event->request == request && event->kind == kind &&
		    (what == NULL || strcmp(event->label, what->label) == 0))
			return event;
	}
	fail_msg("request %u has no such event", request);
	return NULL;
}

static inline struct findings *audit(struct world *world, int64_t balance)
{
	world->input.actual_balance = balance;
	if (world->audited) {
		history_fini(&world->history);
		findings_fini(&world->findings);
	}
	world->audited = true;
	history_build(&world->history, &world->events);
	audit_deposits(&world->input, &world->findings);
	return &world->findings;
}

static inline void assert_verdict(const struct findings *findings, enum verdict verdict)
{
	if (findings->verdict == verdict)
		return;
	for (size_t i = 0; i < findings->n_reasons; i++)
		print_message("  %s\n", findings->reasons[i]);
	fail_msg("the verdict is %s, not %s", verdict_name(findings->verdict), verdict_name(verdict));
}

static inline void assert_says(const struct findings *findings, const char *text)
{
	for (size_t i = 0; i < findings->n_reasons; i++) {
		if (strstr(findings->reasons[i], text) != NULL)
			return;
	}
	for (size_t i = 0; i < findings->n_reasons; i++)
		print_message("  %s\n", findings->reasons[i]);
	fail_msg("no reason says '%s'", text);
}

static inline void assert_doubt(const struct findings *findings, const char *text)
{
	assert_verdict(findings, VERDICT_INCONCLUSIVE);
	assert_says(findings, text);
	assert_int_equal(findings->lost_updates, -1);
	assert_int_equal(findings->torn, -1);
	assert_int_equal(findings->n_overwrites, 0);
	assert_int_equal(findings->n_lost, 0);
	assert_int_equal(findings->n_torn_requests, 0);
}

static inline void assert_lost(const struct findings *findings, int64_t lost, int64_t torn)
{
	assert_int_equal(findings->lost_updates, lost);
	assert_int_equal(findings->torn, torn);
	assert_int_equal(findings->lost_amount + findings->torn_amount, findings->missing);
}

#endif
