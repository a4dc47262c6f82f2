/* Events of deposits, written down as a worker would, for the tests of the audit. */
#ifndef TESTS_DEPOSIT_EVENTS_H
#define TESTS_DEPOSIT_EVENTS_H

#include "db/db.h"
#include "lab/scenario.h"
#include "trace/event.h"

/* Who writes, and for which request: each event that is put takes the next number of its slot. */
struct scribe {
	struct event_list *list;
	uint64_t seq;
	uint32_t slot, generation;
	uint32_t request, attempt, step;
	const char *op;
};

static inline struct event *scribe_put(struct scribe *scribe, enum event_kind kind, int64_t t_ns,
                                       int64_t value,
                                       int64_t detail)
{
	struct event event = {
		.seq = ++scribe->seq, .slot = scribe->slot, .generation = scribe->generation, .t_ns = t_ns,
		.kind = kind, .request = scribe->request, .attempt = scribe->request != 0 ? scribe->attempt : 0,
		.value = value, .detail = detail,
	};

	if (scribe->op != NULL)
		event_text(event.op, scribe->op);
	event_list_add(scribe->list, &event);
	return &scribe->list->items[scribe->list->n - 1];
}

static inline void scribe_boot(struct scribe *scribe, int64_t t_ns, int64_t connection)
{
	scribe->generation++;
	scribe->request = 0;
	scribe_put(scribe, EVENT_WORKER_BOOT, t_ns, 1000 + scribe->generation, connection);
}

static inline void scribe_begin(struct scribe *scribe, int64_t t_ns, uint32_t request, int64_t amount)
{
	scribe->request = request;
	scribe->attempt = 0;
	scribe->step = 0;
	scribe_put(scribe, EVENT_REQUEST_BEGIN, t_ns, amount, 0);
	scribe->attempt = 1;
	scribe_put(scribe, EVENT_ATTEMPT_BEGIN, t_ns, 0, 0);
}

/* Its attempt ended at one time, and the next one began at another. */
static inline void scribe_try_again(struct scribe *scribe, int64_t end_ns, enum op_end end, enum db_err err,
                                    int64_t begin_ns)
{
	scribe_put(scribe, EVENT_ATTEMPT_END, end_ns, end, err);
	scribe->attempt++;
	scribe->step = 0;
	scribe_put(scribe, EVENT_ATTEMPT_BEGIN, begin_ns, 0, 0);
}

static inline void scribe_end(struct scribe *scribe, int64_t t_ns, enum op_end end, enum db_err err,
                              int status)
{
	scribe_put(scribe, EVENT_ATTEMPT_END, t_ns, end, err);
	scribe_put(scribe, EVENT_REQUEST_END, t_ns, status, err);
	scribe->request = 0;
}

/* What a step touches. */
struct touched {
	enum db_verb verb;
	const char *label, *table;
	int64_t key;
	unsigned traits;
};
static const struct touched BEGIN = {DB_BEGIN, "begin", "", 0, 0}, COMMIT = {DB_COMMIT, "commit", "", 0, 0};
static const struct touched ROLLBACK = {DB_ROLLBACK, "rollback", "", 0, 0};
static const struct touched READ = {DB_READ, "read balance", "demo_account", 1, 0};
static const struct touched LOCK = {DB_READ, "lock balance", "demo_account", 1, DB_LOCKS};
static const struct touched RECORD = {DB_WRITE, "record", "demo_transaction", 0, 0};
static const struct touched WRITE = {DB_WRITE, "write balance", "demo_account", 1, 0};
static const struct touched ADD = {DB_WRITE, "add to balance", "demo_account", 1, DB_ADDS};

static inline void scribe_call_begin(struct scribe *scribe, const struct touched *what, int64_t t_ns,
                                     int64_t puts)
{
	scribe->step++;
	struct event *event = scribe_put(scribe, EVENT_CALL_BEGIN, t_ns, puts, what->verb);
	event->step = scribe->step;
	event->key = what->key;
	event->traits = what->traits;
	event_text(event->label, what->label);
	event_text(event->table, what->table);
}

static inline void scribe_call_end(struct scribe *scribe, const struct touched *what, int64_t t_ns,
                                   int64_t result,
                                   enum db_err err, enum db_tx tx)
{
	struct event *event = scribe_put(scribe, EVENT_CALL_END, t_ns, result, err);

	event->step = scribe->step;
	event->tx = tx;
	event->key = what->key;
	event_text(event->label, what->label);
	event_text(event->table, what->table);
}

static inline void scribe_pause(struct scribe *scribe, int64_t from_ns, int64_t to_ns)
{
	scribe->step++;
	scribe_put(scribe, EVENT_PAUSE_BEGIN, from_ns, to_ns - from_ns, 0)->step = scribe->step;
	if (to_ns != 0)
		scribe_put(scribe, EVENT_PAUSE_END, to_ns, 0, 0)->step = scribe->step;
}

#endif
