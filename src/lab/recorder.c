/* Events out of database calls: a hook before and after each call, plus what the runner tells. */
#include "lab/recorder.h"

#include <string.h>

#include "base/clock.h"

static void put(struct recorder *recorder, enum event_kind kind, int64_t t_ns, int64_t value, int64_t detail)
{
	struct event event = recorder->now;

	if (recorder->boots_only && kind != EVENT_WORKER_BOOT)
		return;
	event.kind = kind;
	event.t_ns = t_ns != 0 ? t_ns : clock_now_ns();
	event.value = value;
	event.detail = detail;
	recorder->sink.put(recorder->sink.context, &event);
}

static void next_step(struct recorder *recorder, const char *label, const char *table, int64_t key)
{
	recorder->now.step++;
	event_text(recorder->now.label, label);
	event_text(recorder->now.table, table != NULL ? table : "");
	recorder->now.key = key;
}

static void end_step(struct recorder *recorder)
{
	recorder->now.label[0] = recorder->now.table[0] = '\0';
	recorder->now.key = 0;
	recorder->now.tx = 0;
	recorder->now.native = 0;
	recorder->now.traits = 0;
}

static bool before_call(void *context, const struct db_call *call)
{
	struct recorder *recorder = context;

	if (call->label == NULL)
		return true;
	next_step(recorder, call->label, call->table, call->key);
	recorder->waits = 0;
	recorder->now.traits = call->traits;
	put(recorder, EVENT_CALL_BEGIN, 0, call->value, call->verb);
	return true;
}

/* It watches; the client waits by itself. */
static bool during_call(void *context, const struct db_call *call, int tries)
{
	struct recorder *recorder = context;

	/* The first wait is the news; the hundreds that follow while it polls would flood the ring. */
	if (call->label != NULL && recorder->waits++ == 0)
		put(recorder, EVENT_CALL_WAITING, 0, tries, call->verb);
	return false;
}

static int64_t result_of(const struct db_call *call, const struct db_rows *rows,
                         const struct db_outcome *outcome)
{
	if (call->verb == DB_READ)
		return rows != NULL && rows->n_rows > 0 && rows->n_cols > 0 ? rows->cells[0].integer : 0;
	return outcome->inserted_id != 0 ? outcome->inserted_id : outcome->affected;
}

static void after_call(void *context, const struct db_call *call, const struct db_rows *rows,
                       const struct db_outcome *outcome)
{
	struct recorder *recorder = context;

	if (call->label == NULL)
		return;
	recorder->now.tx = outcome->tx;
	recorder->now.native = outcome->native;
	put(recorder, EVENT_CALL_END, outcome->ended_ns, result_of(call, rows, outcome), outcome->err);
	end_step(recorder);
}

void recorder_init(struct recorder *recorder, struct event_sink sink)
{
	*recorder = (struct recorder){.sink = sink};
	recorder->hook = (struct db_hook){recorder, before_call, during_call, after_call};
}

void recorder_watch(struct recorder *recorder, struct db_session *session)
{
	if (recorder != NULL && !recorder->boots_only)
		db_add_hook(session, &recorder->hook);
}

void recorder_boot(struct recorder *recorder, int64_t pid, int64_t connection)
{
	if (recorder != NULL)
		put(recorder, EVENT_WORKER_BOOT, 0, pid, connection);
}

void recorder_request_begin(struct recorder *recorder, uint32_t request, const char *op, int64_t amount)
{
	if (recorder == NULL)
		return;
	recorder->now = (struct event){.request = request};
	event_text(recorder->now.op, op);
	put(recorder, EVENT_REQUEST_BEGIN, 0, amount, 0);
}

void recorder_request_end(struct recorder *recorder, int status, enum db_err err)
{
	if (recorder == NULL)
		return;
	put(recorder, EVENT_REQUEST_END, 0, status, err);
	recorder->now = (struct event){0};
}

void recorder_attempt_begin(struct recorder *recorder, uint32_t request, const char *op, uint32_t attempt)
{
	if (recorder == NULL)
		return;
	recorder->now.request = request;
	recorder->now.attempt = attempt;
	recorder->now.step = 0;
	event_text(recorder->now.op, op);
	put(recorder, EVENT_ATTEMPT_BEGIN, 0, 0, 0);
}

void recorder_attempt_end(struct recorder *recorder, enum op_end end, enum db_err err)
{
	if (recorder == NULL)
		return;
	put(recorder, EVENT_ATTEMPT_END, 0, end, err);
	recorder->now.attempt = 0;
	recorder->now.step = 0;
}

void recorder_pause_begin(struct recorder *recorder, const char *label, int64_t ns)
{
	if (recorder == NULL)
		return;
	next_step(recorder, label, NULL, 0);
	put(recorder, EVENT_PAUSE_BEGIN, 0, ns, 0);
}

void recorder_pause_end(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	put(recorder, EVENT_PAUSE_END, 0, 0, 0);
	end_step(recorder);
}
