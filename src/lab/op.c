/* struct op: the one interface through which an operation takes its steps. */
#include "lab/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

struct op {
	const struct op_host *host;
	const struct op_request *request;
	struct op_result *result;
	struct db_rows rows;
	char stamp[CLOCK_STAMP_SIZE];
	bool holds_lock; /* a named one, which has an end of its own */
	int64_t lock;
};

const char *op_end_name(enum op_end end)
{
	switch (end) {
	case OP_DONE: return "done";
	case OP_DENIED: return "denied";
	case OP_CONFLICT: return "conflict";
	case OP_FAILED: return "failed";
	}
	return "?";
}

int64_t op_param(const struct op *op, const char *name)
{
	const struct operation *operation = op->request->operation;

	for (size_t i = 0; i < operation->n_params; i++)
		if (text_equal(operation->params[i].name, name))
			return op->request->params[i];
	fprintf(stderr, "racy: the operation '%s' has no parameter '%s'\n", operation->name, name);
	abort();
}

const char *op_stamp(const struct op *op)
{
	return op->stamp;
}

static void keep_failure(struct op *op, const struct db_call *call, const struct db_outcome *outcome,
                         enum db_tx before)
{
	struct op_result *result = op->result;
	bool lone_write = call->verb == DB_WRITE && before == DB_TX_NONE;

	result->end = OP_FAILED;
	result->err = outcome->err;
	result->outcome_unknown = outcome->err == DB_LOST && (call->verb == DB_COMMIT || lone_write);
	memcpy(result->text, outcome->message, sizeof result->text);
	result->text[sizeof result->text - 1] = '\0';
}

static bool take_step(struct op *op, const struct db_call *call, struct db_outcome *outcome)
{
	enum db_tx before = op->result->tx;
	bool ok = db_exec(op->host->session, call, &op->rows, outcome) == DB_OK;

	op->result->tx = outcome->tx;
	if (!ok)
		keep_failure(op, call, outcome, before);
	else if (call->verb == DB_WRITE && outcome->tx == DB_TX_NONE && outcome->affected > 0)
		op->result->wrote_alone = true;
	return ok;
}

bool op_begin(struct op *op, enum op_intent intent)
{
	struct db_outcome outcome;

	if (op->host->tx_mode == TX_NONE)
		return true;
	return take_step(op, &(struct db_call){.verb = DB_BEGIN, .for_write = intent == OP_WRITES, .label = "begin"},
	                 &outcome);
}

bool op_commit(struct op *op)
{
	struct db_outcome outcome;

	if (op->host->tx_mode == TX_NONE)
		return true;
	return take_step(op, &(struct db_call){.verb = DB_COMMIT, .label = "commit"}, &outcome);
}

static struct db_call call_of(enum db_verb verb, const struct op_step *step)
{
	struct db_call call = {
		.verb = verb,
		.label = step->label,
		.sql = step->sql,
		.table = step->table,
		.key = step->key,
		.value = step->writes,
		.traits = step->traits,
	};

	memcpy(call.args, step->args, sizeof call.args);
	return call;
}

bool op_read(struct op *op, const struct op_step *step, int64_t *value)
{
	struct db_call call = call_of(DB_READ, step);
	struct db_outcome outcome;

	if (!take_step(op, &call, &outcome))
		return false;
	if (op->rows.n_rows == 0)
		return op_deny(op, OP_NO_SUCH_ROW, "there is no such row");
	const struct db_value *cell = db_cell(&op->rows, 0, 0);
	if (cell->type != DB_INT) {
		op->result->end = OP_FAILED;
		op->result->err = DB_BROKEN;
		(void)snprintf(op->result->text, sizeof op->result->text, "'%s' did not answer a whole number",
		               step->label);
		return false;
	}
	*value = cell->integer;
	return true;
}

bool op_write(struct op *op, const struct op_step *step, int64_t *matched)
{
	struct db_call call = call_of(DB_WRITE, step);
	struct db_outcome outcome;

	if (!take_step(op, &call, &outcome))
		return false;
	if (matched != NULL) {
		*matched = outcome.affected;
	} else if (outcome.affected == 0) {
		op->result->end = OP_CONFLICT;
		(void)snprintf(op->result->text, sizeof op->result->text, "'%s' matched no row", step->label);
		return false;
	}
	return true;
}

bool op_broke_rule(const struct op *op)
{
	return op->result->end == OP_FAILED && op->result->err == DB_CONSTRAINT;
}

bool op_claim(struct op *op, const struct op_step *step)
{
	if (op_write(op, step, NULL))
		return true;
	if (op_broke_rule(op))
		op->result->end = OP_CONFLICT;
	return false;
}

/* 1 or 0; MariaDB answers NULL where the statement was cancelled. */
static bool take_lock_step(struct op *op, const char *label, const char *sql, int64_t number, int64_t *answer)
{
	if (op_read(op, &(struct op_step){.label = label, .sql = sql, .args = {db_int(number)}}, answer))
		return true;
	if (op->rows.n_rows == 1 && db_cell(&op->rows, 0, 0)->type == DB_NULL) {
		op->result->err = DB_CANCELED;
		(void)snprintf(op->result->text, sizeof op->result->text, "'%s' was cancelled", label);
	}
	return false;
}

bool op_lock(struct op *op, const char *label, int64_t number)
{
	unsigned abilities = db_session_abilities(op->host->session);
	int64_t taken;

	if (!take_lock_step(op, label, "SELECT {named_lock}", number, &taken))
		return false;
	if (taken != 1) {
		op->result->end = OP_FAILED;
		op->result->err = DB_TIMEOUT;
		(void)snprintf(op->result->text, sizeof op->result->text, "'%s': the lock was not to be had in time",
		               label);
		return false;
	}
	op->holds_lock = (abilities & DB_NAMED_LOCKS_END) == 0;
	op->lock = number;
	return true;
}

/* After the transaction's end, however that was; its own failure changes nothing about how the operation
 * ended. A session that may still hold the lock must not serve another request: it counts as broken. */
static void release_lock(struct op *op)
{
	struct op_result ended = *op->result;
	int64_t released = 0;

	if (!take_lock_step(op, "release lock", "SELECT {named_unlock}", op->lock, &released) || released != 1)
		ended.tx = DB_TX_UNKNOWN;
	*op->result = ended;
	op->holds_lock = false;
}

bool op_pause(struct op *op, const char *label)
{
	const struct op_host *host = op->host;

	if (host->pause == NULL)
		return true;
	int64_t ns = host->pause_ns(host->context);
	recorder_pause_begin(host->recorder, label, ns);
	host->pause(host->context, ns);
	recorder_pause_end(host->recorder);
	return true;
}

bool op_deny(struct op *op, enum op_denial denial, const char *text)
{
	op->result->end = OP_DENIED;
	op->result->denial = denial;
	(void)snprintf(op->result->text, sizeof op->result->text, "%s", text);
	return false;
}

/* As leaving a framework's transaction block by an exception does. Its own failure changes nothing
 * about why the operation failed; where the transaction is then, the driver knows. */
static void roll_back(struct op *op)
{
	struct db_outcome outcome;
	struct db_call call = {.verb = DB_ROLLBACK, .label = "rollback"};

	(void)!db_exec(op->host->session, &call, NULL, &outcome);
	op->result->tx = outcome.tx;
}

enum op_end op_end(struct op *op, bool done)
{
	bool open = op->result->tx == DB_TX_OPEN || op->result->tx == DB_TX_ABORTED;

	if (open)
		roll_back(op);
	if (op->holds_lock && op->result->tx != DB_TX_UNKNOWN)
		release_lock(op);
	if (done && open) {
		op->result->end = OP_FAILED;
		op->result->err = DB_BROKEN;
		(void)snprintf(op->result->text, sizeof op->result->text,
		               "'%s' ended without committing its transaction", op->request->variant->name);
	} else if (done) {
		op->result->end = OP_DONE;
	}
	return op->result->end;
}

/* A session that could not be brought to the variant's level has done nothing for it. */
static bool set_level(struct op *op)
{
	struct err err = {0};
	bool lost = false;
	bool ok = db_set_level(op->host->session, op->request->variant->iso, &lost, &err);

	if (!ok) {
		op->result->err = lost ? DB_LOST : DB_BROKEN;
		(void)snprintf(op->result->text, sizeof op->result->text, "%s", err_text(&err));
	}
	err_fini(&err);
	return ok;
}

void op_run(const struct op_host *host, const struct op_request *request, struct op_result *result)
{
	struct op op = {.host = host, .request = request, .result = result};

	/* Failed until op_end says otherwise: an operation cannot succeed by forgetting to say how it ended. */
	*result = (struct op_result){.end = OP_FAILED, .err = DB_BROKEN, .attempts = 1};
	clock_stamp(request->wall_us, op.stamp);
	if (host->fault != NULL)
		fault_arm(host->fault, request->request, request->attempt);
	recorder_attempt_begin(host->recorder, request->request, request->variant->name, request->attempt);
	result->end = set_level(&op) ? request->variant->run(&op) : OP_FAILED;
	if (result->end != OP_FAILED)
		result->err = DB_OK;
	recorder_attempt_end(host->recorder, result->end, result->err);
	db_rows_fini(&op.rows);
}
