/* A database and its clients at the level of single moments, driven by a seed: workers that take the steps
 * of deposits in any interleaving, row locks, refusals, attempts, kills, connections that break, statements
 * that are carried out after their client is gone. It knows the truth, and writes down only what workers
 * would: events with a begin and an end around each moment, rows, a balance. It shares no code with the
 * audit. */
#ifndef TESTS_DEPOSIT_MODEL_H
#define TESTS_DEPOSIT_MODEL_H

#include "deposit_database.h"

/* ---- workers ------------------------------------------------------------------------------------- */

static const struct touched *touched_by(const struct model_request *request, enum step step)
{
	switch (step) {
	case STEP_BEGIN: return &BEGIN;
	case STEP_READ: return request->locking ? &LOCK : &READ;
	case STEP_RECORD: return &RECORD;
	case STEP_WRITE: return request->adds ? &ADD : &WRITE;
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
	if (!request->adds || request->locking || chance(model, 300))
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

static void model_attempt(struct model *model, struct model_worker *worker, size_t e)
{
	const struct model_request *request = &model->requests[worker->request];

	worker->entry = e;
	model->entries[e] = (struct entry){.request = worker->request, .amount = request->amount,
	                                   .tx = request->tx, .read_version = SIZE_MAX};
	model_plan(model, worker, request);
}

static void model_take_request(struct model *model, struct model_worker *worker)
{
	for (size_t r = 0; r < model->rules.requests; r++) {
		struct model_request *request = &model->requests[r];
		if (request->taken || !request->reached || request->sent_ns > model->now)
			continue;
		request->taken = true;
		request->tries = 1;
		worker->request = r;
		worker->busy = true;
		model_attempt(model, worker, r);
		worker->scribe.op = request->tx ? "atomic" : "non_atomic";
		scribe_begin(&worker->scribe, model->now, (uint32_t)r + 1, request->amount);
		return;
	}
}

static bool model_tries_again(struct model *model, const struct model_worker *worker)
{
	const struct model_request *request = &model->requests[worker->request];

	return worker->failed && request->tries < model->rules.tries && model->n_entries < MAX_ENTRIES &&
	       (request->why != DB_LOST || model->rules.blind) && chance(model, 800);
}

static void model_answer(struct model *model, struct model_worker *worker)
{
	struct model_request *request = &model->requests[worker->request];
	enum op_end end = !worker->failed ? OP_DONE : request->why == DB_OK ? OP_CONFLICT : OP_FAILED;

	if (model_tries_again(model, worker)) {
		scribe_try_again(&worker->scribe, model->now, end, request->why, model->now + 1);
		model_tick(model);
		request->tries++;
		request->why = DB_OK;
		model_attempt(model, worker, model->n_entries++);
		return;
	}
	request->status = worker->failed ? 503 : 200;
	request->ended_ns = model->now + 5;
	scribe_end(&worker->scribe, model->now, end, request->why, request->status);
	worker->busy = false;
}

/* Whoever watches only the events cannot tell what became of this step. */
static void model_leave_open(struct model *model, const struct model_worker *worker)
{
	struct entry *entry = &model->entries[worker->entry];
	enum step step = worker->steps[worker->pc];

	if (worker->phase == 0)
		return;
	entry->outcome_open |= step == STEP_WRITE && !entry->tx;
	if (entry->tx)
		entry->insert_open |= step == STEP_COMMIT && model->rules.rows_again;
	else
		entry->insert_open |= step == STEP_RECORD;
}

static void model_make_ghost(struct model *model, const struct model_worker *worker)
{
	bool goes_on = worker->phase == 1 && chance(model, 600);

	model_leave_open(model, worker);
	model->ghosts[model->n_ghosts++] = (struct ghost){
		worker->session, worker->entry, goes_on ? worker->steps[worker->pc] : STEP_DONE};
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
	struct model_request *request = &model->requests[worker->request];
	struct entry *entry = &model->entries[worker->entry];
	enum step step = worker->steps[worker->pc];

	model_make_ghost(model, worker);
	scribe_call_end(&worker->scribe, touched_by(request, step), model->now, 0, DB_LOST, DB_TX_UNKNOWN);
	request->why = DB_LOST;
	entry->lost = entry->tx ? step == STEP_COMMIT : step == STEP_RECORD || step == STEP_WRITE;
	entry->lost_in = step;
	worker->failed = true;
	worker->steps[worker->pc + 1] = STEP_DONE;
	worker->pc++;
	worker->phase = 0;
	worker->session = model_new_session(model);
}

static void model_begin_step(struct model *model, struct model_worker *worker, enum step step)
{
	const struct model_request *request = &model->requests[worker->request];
	int64_t read = request->adds ? 0 : model->entries[worker->entry].read_value;
	int64_t puts = step == STEP_RECORD ? request->amount : step == STEP_WRITE ? read + request->amount : 0;

	if (step == STEP_PAUSE) {
		worker->scribe.step++;
		scribe_put(&worker->scribe, EVENT_PAUSE_BEGIN, model->now, 30, 0)->step = worker->scribe.step;
	} else {
		scribe_call_begin(&worker->scribe, touched_by(request, step), model->now, puts);
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
	scribe_call_end(&worker->scribe, touched_by(&model->requests[worker->request], step), model->now,
	                answer->result, answer->err, answer->tx);
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
		worker->phase = model_carry_out(model, worker->session, worker->entry, step,
		                                &worker->answer) ? 2 : 1;
	else
		model_end_step(model, worker, step);
}

static void model_haunt(struct model *model)
{
	size_t g = (size_t)rng_between(&model->rng, 0, (int64_t)model->n_ghosts - 1);
	struct ghost *ghost = &model->ghosts[g];
	struct answer answer;

	if (ghost->step != STEP_DONE && !model_carry_out(model, ghost->session, ghost->entry, ghost->step,
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
		model->entries[r].request = r;
		model->requests[r] = (struct model_request){
			.tx = tx, .locking = tx && chance(model, model->rules.locking * 10),
			.adds = chance(model, model->rules.adding * 10),
			.reached = !chance(model, model->rules.unreached),
			.impatient = chance(model, model->rules.impatience),
			.amount = model_amount(model, r), .sent_ns = sent,
		};
	}
	model->n_entries = model->rules.requests;
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
