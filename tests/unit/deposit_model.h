/* A database and its clients at the level of single moments, driven by a seed: workers that take the steps
 * of deposits in any interleaving, row locks, refusals, kills, connections that break, statements that are
 * carried out after their client is gone. It knows the truth, and writes down only what workers would:
 * events with a begin and an end around each moment, rows, a balance. It shares no code with the audit. */
#ifndef TESTS_DEPOSIT_MODEL_H
#define TESTS_DEPOSIT_MODEL_H

#include <stdio.h>

#include "audit/audit.h"
#include "base/attr.h"
#include "base/rng.h"
#include "deposit_events.h"

enum { MAX_REQUESTS = 24, MAX_WORKERS = 5, MAX_SESSIONS = 400, MAX_VERSIONS = MAX_REQUESTS + 1 };

enum amounts { ALL_EQUAL, POWERS_OF_TWO, ANY_AMOUNT };

/* What may happen in a world; chances are in a thousand, for each opportunity. */
struct rules {
	size_t requests;
	uint32_t workers;
	enum amounts amounts;
	int transactions;  /* so many of a hundred requests use one */
	int locking;       /* so many of a hundred of those lock the row when they read it */
	bool first_wins;   /* a write to what has changed since the read is refused */
	bool balance_first;
	bool rows_again;   /* the numbers of rows that were rolled back come again */
	bool dirty_reads;
	int wait_ns;       /* at most, between the sending of two requests */
	int refusals, kills, breaks, impatience, unreached;
	int hurry;         /* how likely the same worker goes on, of a hundred: less overlap */
};

struct model_request {
	bool tx, locking, reached, impatient;
	int64_t amount;
	int64_t sent_ns, ended_ns;
	/* as it goes */
	bool taken;
	int status;
	enum db_err why;
	int64_t read_value;
	uint64_t read_content;
	size_t read_version;
	/* the truth */
	bool recorded, written, outcome_open; /* open: its lone write had no answer */
	bool insert_open; /* the same of its lone INSERT, or of a commit where its row's number may come again */
	size_t version;
};

struct model_version {
	int64_t value;
	uint64_t content; /* whose deposits are in it: bit i is request i + 1 */
	size_t request;   /* its index */
};

struct session {
	bool tx, pending_write, pending_row;
	int64_t value, row_id;
	uint64_t content;
};

enum step { STEP_BEGIN, STEP_READ, STEP_PAUSE, STEP_RECORD, STEP_WRITE, STEP_COMMIT, STEP_ROLLBACK,
           STEP_DONE };

struct answer {
	enum db_err err;
	enum db_tx tx;
	int64_t result;
};

struct model_worker {
	struct scribe scribe;
	size_t session, request; /* request: index; valid while busy */
	enum step steps[8];
	size_t pc;
	int phase; /* 0: between steps, 1: begun, 2: carried out, not answered */
	struct answer answer;
	bool busy, failed;
};

/* A session whose client is gone: it may finish its statement, then its transaction is rolled back. */
struct ghost {
	size_t session, request;
	enum step step; /* STEP_DONE: none was under way */
};

struct model {
	struct rules rules;
	struct rng rng;
	int64_t now;
	struct model_request requests[MAX_REQUESTS];
	struct model_version versions[MAX_VERSIONS];
	size_t n_versions;
	struct session sessions[MAX_SESSIONS];
	size_t n_sessions;
	struct session *lock; /* who holds the account's row */
	struct ghost ghosts[MAX_SESSIONS];
	size_t n_ghosts;
	struct model_worker workers[MAX_WORKERS];
	int64_t last_row;
	/* what is left behind */
	struct event_list events;
	struct audit_row rows[MAX_REQUESTS + 8];
	size_t n_rows;
	struct audit_reply replies[MAX_REQUESTS];
};

static bool chance(struct model *model, int of_thousand)
{
	return rng_between(&model->rng, 0, 999) < of_thousand;
}

static void model_tick(struct model *model)
{
	model->now += rng_between(&model->rng, 1, 20);
}

/* ---- the database -------------------------------------------------------------------------------- */

static void model_roll_back(struct model *model, struct session *session)
{
	*session = (struct session){0};
	if (model->lock == session)
		model->lock = NULL;
}

static void model_add_version(struct model *model, size_t request, int64_t value, uint64_t content)
{
	model->requests[request].written = true;
	model->requests[request].version = model->n_versions;
	model->versions[model->n_versions++] = (struct model_version){value, content, request};
}

static void model_add_row(struct model *model, size_t request, int64_t id)
{
	model->requests[request].recorded = true;
	model->rows[model->n_rows++] = (struct audit_row){id, model->requests[request].amount};
}

static int64_t model_next_row(struct model *model)
{
	int64_t most = 0;

	if (!model->rules.rows_again)
		return ++model->last_row;
	for (size_t i = 0; i < model->n_rows; i++)
		most = model->rows[i].id > most ? model->rows[i].id : most;
	for (size_t i = 0; i < model->n_sessions; i++) {
		if (model->sessions[i].pending_row && model->sessions[i].row_id > most)
			most = model->sessions[i].row_id;
	}
	return most + 1;
}

/* False: it waits for the row. */
static bool model_take_lock(struct model *model, struct session *session, struct answer *answer)
{
	if (model->lock == NULL || model->lock == session)
		return true;
	if (!chance(model, model->rules.refusals))
		return false;
	answer->err = rng_between(&model->rng, 0, 1) == 0 ? DB_DEADLOCK : DB_TIMEOUT;
	if (answer->err == DB_DEADLOCK)
		model_roll_back(model, session);
	return true;
}

static bool model_read(struct model *model, struct session *session, size_t r, struct answer *answer)
{
	struct model_request *request = &model->requests[r];
	const struct model_version *last = &model->versions[model->n_versions - 1];

	if (request->locking) {
		if (!model_take_lock(model, session, answer))
			return false;
		if (answer->err != DB_OK)
			return true;
		model->lock = session;
	}
	request->read_value = last->value;
	request->read_content = last->content;
	request->read_version = model->n_versions - 1;
	if (model->rules.dirty_reads && model->lock != NULL && model->lock->pending_write) {
		request->read_value = model->lock->value;
		request->read_content = model->lock->content;
	}
	answer->result = request->read_value;
	return true;
}

static void model_record(struct model *model, struct session *session, size_t r, struct answer *answer)
{
	if (chance(model, model->rules.refusals / 2)) {
		answer->err = DB_BUSY;
		return;
	}
	answer->result = model_next_row(model);
	if (!session->tx) {
		model_add_row(model, r, answer->result);
		return;
	}
	session->pending_row = true;
	session->row_id = answer->result;
}

static bool model_write(struct model *model, struct session *session, size_t r, struct answer *answer)
{
	struct model_request *request = &model->requests[r];
	uint64_t content = request->read_content | UINT64_C(1) << r;

	if (!model_take_lock(model, session, answer))
		return false;
	if (answer->err != DB_OK)
		return true;
	if (session->tx && model->rules.first_wins && request->read_version != model->n_versions - 1) {
		answer->err = DB_SERIALIZATION;
		model_roll_back(model, session);
		return true;
	}
	if (chance(model, model->rules.refusals / 20))
		return true; /* it matched no row */
	answer->result = 1;
	if (!session->tx) {
		model_add_version(model, r, request->read_value + request->amount, content);
		return true;
	}
	model->lock = session;
	session->pending_write = true;
	session->value = request->read_value + request->amount;
	session->content = content;
	return true;
}

static void model_commit(struct model *model, struct session *session, size_t r, struct answer *answer)
{
	if (chance(model, model->rules.refusals / 4)) {
		answer->err = DB_SERIALIZATION;
	} else {
		if (session->pending_write)
			model_add_version(model, r, session->value, session->content);
		if (session->pending_row)
			model_add_row(model, r, session->row_id);
	}
	model_roll_back(model, session);
}

/* One moment. False: it waits. */
static bool model_carry_out(struct model *model, size_t s, size_t r, enum step step, struct answer *answer)
{
	struct session *session = &model->sessions[s];
	bool done = true;

	*answer = (struct answer){0};
	switch (step) {
	case STEP_BEGIN: session->tx = true; break;
	case STEP_READ: done = model_read(model, session, r, answer); break;
	case STEP_RECORD: model_record(model, session, r, answer); break;
	case STEP_WRITE: done = model_write(model, session, r, answer); break;
	case STEP_COMMIT: model_commit(model, session, r, answer); break;
	case STEP_ROLLBACK: model_roll_back(model, session); break;
	case STEP_PAUSE:
	case STEP_DONE: break;
	}
	answer->tx = session->tx ? DB_TX_OPEN : DB_TX_NONE;
	return done;
}

/* ---- workers ------------------------------------------------------------------------------------- */

static const struct touched *touched_by(enum step step)
{
	switch (step) {
	case STEP_BEGIN: return &BEGIN;
	case STEP_READ: return &READ;
	case STEP_RECORD: return &RECORD;
	case STEP_WRITE: return &WRITE;
	case STEP_COMMIT: return &COMMIT;
	case STEP_ROLLBACK: return &ROLLBACK;
	case STEP_PAUSE:
	case STEP_DONE: break;
	}
	return NULL;
}

static size_t model_new_session(struct model *model)
{
	model->sessions[model->n_sessions] = (struct session){0};
	return model->n_sessions++;
}

static void model_boot(struct model *model, struct model_worker *worker)
{
	worker->session = model_new_session(model);
	scribe_boot(&worker->scribe, model->now, 100 + (int64_t)worker->session);
}

static void model_plan(struct model *model, struct model_worker *worker, const struct model_request *request)
{
	size_t n = 0;

	if (request->tx)
		worker->steps[n++] = STEP_BEGIN;
	worker->steps[n++] = STEP_READ;
	if (chance(model, 700))
		worker->steps[n++] = STEP_PAUSE;
	worker->steps[n++] = model->rules.balance_first ? STEP_WRITE : STEP_RECORD;
	worker->steps[n++] = model->rules.balance_first ? STEP_RECORD : STEP_WRITE;
	if (request->tx)
		worker->steps[n++] = STEP_COMMIT;
	worker->steps[n] = STEP_DONE;
	worker->pc = 0;
	worker->phase = 0;
	worker->failed = false;
}

static void model_take_request(struct model *model, struct model_worker *worker)
{
	for (size_t r = 0; r < model->rules.requests; r++) {
		struct model_request *request = &model->requests[r];
		if (request->taken || !request->reached || request->sent_ns > model->now)
			continue;
		request->taken = true;
		worker->request = r;
		worker->busy = true;
		model_plan(model, worker, request);
		worker->scribe.op = request->tx ? "atomic" : "non_atomic";
		scribe_begin(&worker->scribe, model->now, (uint32_t)r + 1, request->amount);
		return;
	}
}

static void model_answer(struct model *model, struct model_worker *worker)
{
	struct model_request *request = &model->requests[worker->request];

	request->status = worker->failed ? 503 : 200;
	request->ended_ns = model->now + 5;
	scribe_end(&worker->scribe, model->now, worker->failed ? OP_FAILED : OP_DONE, request->why,
	           request->status);
	worker->busy = false;
}

/* Whoever watches only the events cannot tell what became of this step. */
static void model_leave_open(struct model *model, const struct model_worker *worker)
{
	struct model_request *request = &model->requests[worker->request];
	enum step step = worker->steps[worker->pc];

	if (worker->phase == 0)
		return;
	request->outcome_open |= step == STEP_WRITE && !request->tx;
	if (request->tx)
		request->insert_open |= step == STEP_COMMIT && model->rules.rows_again;
	else
		request->insert_open |= step == STEP_RECORD;
}

static void model_make_ghost(struct model *model, const struct model_worker *worker)
{
	bool goes_on = worker->phase == 1 && chance(model, 600);

	model_leave_open(model, worker);
	model->ghosts[model->n_ghosts++] = (struct ghost){
		worker->session, worker->request, goes_on ? worker->steps[worker->pc] : STEP_DONE};
}

static void model_kill(struct model *model, struct model_worker *worker)
{
	model_make_ghost(model, worker);
	worker->busy = false;
	model_tick(model);
	model_boot(model, worker);
}

static void model_break(struct model *model, struct model_worker *worker)
{
	model_make_ghost(model, worker);
	scribe_call_end(&worker->scribe, touched_by(worker->steps[worker->pc]), model->now, 0, DB_LOST,
	                DB_TX_UNKNOWN);
	model->requests[worker->request].why = DB_LOST;
	worker->failed = true;
	worker->steps[worker->pc + 1] = STEP_DONE;
	worker->pc++;
	worker->phase = 0;
	worker->session = model_new_session(model);
}

static void model_begin_step(struct model *model, struct model_worker *worker, enum step step)
{
	const struct model_request *request = &model->requests[worker->request];
	int64_t puts = step == STEP_RECORD ? request->amount
	               : step == STEP_WRITE ? request->read_value + request->amount : 0;

	if (step == STEP_PAUSE) {
		worker->scribe.step++;
		scribe_put(&worker->scribe, EVENT_PAUSE_BEGIN, model->now, 30, 0)->step = worker->scribe.step;
	} else {
		scribe_call_begin(&worker->scribe, touched_by(step), model->now, puts);
	}
	worker->phase = 1;
}

static void model_end_step(struct model *model, struct model_worker *worker, enum step step)
{
	const struct answer *answer = &worker->answer;

	worker->phase = 0;
	worker->pc++;
	if (step == STEP_PAUSE) {
		scribe_put(&worker->scribe, EVENT_PAUSE_END, model->now, 0, 0)->step = worker->scribe.step;
		return;
	}
	scribe_call_end(&worker->scribe, touched_by(step), model->now, answer->result, answer->err,
	                answer->tx);
	bool unmatched = step == STEP_WRITE && answer->err == DB_OK && answer->result == 0;
	if (answer->err == DB_OK && !unmatched)
		return;
	if (!worker->failed)
		model->requests[worker->request].why = answer->err;
	worker->failed = true;
	worker->steps[worker->pc] = answer->tx == DB_TX_OPEN ? STEP_ROLLBACK : STEP_DONE;
	worker->steps[worker->pc + 1] = STEP_DONE;
}

static void model_act(struct model *model, struct model_worker *worker)
{
	enum step step = worker->steps[worker->pc];

	if (!worker->busy)
		model_take_request(model, worker);
	else if (chance(model, model->rules.kills))
		model_kill(model, worker);
	else if (worker->phase == 0 && step == STEP_DONE)
		model_answer(model, worker);
	else if (worker->phase == 0)
		model_begin_step(model, worker, step);
	else if (step != STEP_PAUSE && step != STEP_ROLLBACK && chance(model, model->rules.breaks))
		model_break(model, worker);
	else if (worker->phase == 1)
		worker->phase = model_carry_out(model, worker->session, worker->request, step,
		                                &worker->answer) ? 2 : 1;
	else
		model_end_step(model, worker, step);
}

static void model_haunt(struct model *model)
{
	size_t g = (size_t)rng_between(&model->rng, 0, (int64_t)model->n_ghosts - 1);
	struct ghost *ghost = &model->ghosts[g];
	struct answer answer;

	if (ghost->step != STEP_DONE && !model_carry_out(model, ghost->session, ghost->request, ghost->step,
	                                                 &answer))
		return;
	if (ghost->step == STEP_DONE) {
		model_roll_back(model, &model->sessions[ghost->session]);
		*ghost = model->ghosts[--model->n_ghosts];
	} else {
		ghost->step = STEP_DONE;
	}
}

/* ---- a run --------------------------------------------------------------------------------------- */

static bool model_is_over(const struct model *model)
{
	if (model->n_ghosts > 0)
		return false;
	for (size_t w = 0; w < model->rules.workers; w++) {
		if (model->workers[w].busy)
			return false;
	}
	for (size_t r = 0; r < model->rules.requests; r++) {
		if (model->requests[r].reached && !model->requests[r].taken)
			return false;
	}
	return true;
}

static int64_t model_amount(struct model *model, size_t r)
{
	switch (model->rules.amounts) {
	case ALL_EQUAL: return 100;
	case POWERS_OF_TWO: return INT64_C(1) << r;
	case ANY_AMOUNT: break;
	}
	return rng_between(&model->rng, 0, 4);
}

static void model_prepare(struct model *model)
{
	int64_t sent = 1000;

	model->versions[model->n_versions++] = (struct model_version){.value = rng_between(&model->rng, 0,
	                                                                                   2) * 50};
	for (size_t r = 0; r < model->rules.requests; r++) {
		sent += rng_between(&model->rng, 0, model->rules.wait_ns);
		bool tx = chance(model, model->rules.transactions * 10);
		model->requests[r] = (struct model_request){
			.tx = tx, .locking = tx && chance(model, model->rules.locking * 10),
			.reached = !chance(model, model->rules.unreached),
			.impatient = chance(model, model->rules.impatience),
			.amount = model_amount(model, r), .sent_ns = sent,
		};
	}
	model->now = 1000;
	for (uint32_t w = 0; w < model->rules.workers; w++) {
		model->workers[w].scribe = (struct scribe){.list = &model->events, .slot = w};
		model_boot(model, &model->workers[w]);
	}
}

static void model_reply(struct model *model)
{
	static const int gateways[] = {0, 502, 504};

	for (size_t r = 0; r < model->rules.requests; r++) {
		const struct model_request *request = &model->requests[r];
		struct audit_reply *reply = &model->replies[r];
		*reply = (struct audit_reply){
			.status = request->status, .amount = request->amount, .reached = request->reached,
			.atomic = request->tx, .sent_ns = request->sent_ns,
			.ended_ns = request->ended_ns != 0 ? request->ended_ns : model->now,
		};
		if (request->impatient || request->status == 0)
			reply->status = gateways[rng_between(&model->rng, 0, 2)];
		else if (request->status == 503)
			(void)snprintf(reply->reason, sizeof reply->reason, "%s", db_err_name(request->why));
	}
}

static void model_run(struct model *model, const struct rules *rules, uint64_t seed)
{
	size_t w = 0;

	*model = (struct model){.rules = *rules};
	rng_init(&model->rng, seed);
	model_prepare(model);
	while (!model_is_over(model)) {
		model_tick(model);
		if (model->n_ghosts > 0 && chance(model, 200)) {
			model_haunt(model);
			continue;
		}
		if (!chance(model, rules->hurry * 10) || !model->workers[w].busy)
			w = (size_t)rng_between(&model->rng, 0, (int64_t)rules->workers - 1);
		model_act(model, &model->workers[w]);
	}
	model_reply(model);
}

#endif
