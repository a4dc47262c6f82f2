/* What each request did, out of the events: its steps in order, each with its interval. */
#ifndef AUDIT_HISTORY_H
#define AUDIT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"
#include "lab/scenario.h"
#include "trace/event.h"

struct history_step {
	uint32_t number;   /* n-th step of its attempt, from 1 */
	bool pause;        /* else a call */
	enum db_verb verb; /* calls */
	char label[EVENT_TEXT], table[EVENT_TEXT];
	int64_t key;
	int64_t begin_ns;
	int64_t end_ns; /* 0: it has no end: the outcome of a call is unknown */
	int64_t value;  /* a read that ended: what it read; a write: what it puts there */
	int64_t result; /* writes that ended: the new row's id of an insert, else rows affected */
	unsigned traits; /* calls: of enum db_trait */
	enum db_err err; /* this, tx and native: calls that ended */
	enum db_tx tx;
	int native;
};

/* One go at the operation, from its start. */
struct history_attempt {
	uint32_t number;          /* from 1 */
	int64_t begin_ns, end_ns; /* end 0: the worker never came to its end */
	enum op_end end;          /* this and err: meaningful where end_ns is not 0 */
	enum db_err err;
	struct history_step *steps;
	size_t n_steps, capacity;
};

struct history_request {
	uint32_t request; /* its number, from 1 */
	char op[EVENT_TEXT];
	uint32_t slot, generation; /* who served it */
	int64_t amount;
	int64_t begin_ns, end_ns; /* at the worker; end 0: the worker never came to its end */
	int64_t last_ns;          /* its last event: it was there at least until then */
	int status;               /* what the worker answered; 0: nothing */
	struct history_attempt *attempts; /* in their order; none: the operation was not begun */
	size_t n_attempts, capacity;
	/* The last attempt's, seen from here for who asks for no other: */
	enum op_end end; /* meaningful where end_ns is not 0 */
	enum db_err err;
	struct history_step *steps;
	size_t n_steps;
};

struct history {
	struct history_request *requests; /* by number; those that no worker began are missing */
	size_t n;
	size_t strays; /* events that fit no request: an end without its begin, a request begun twice */
	/* Requests at the workers at the same time. One without an end counts until its last event. */
	size_t max_in_flight, pairs_overlapped;
	int64_t *connections; /* the database's numbers of the workers' connections, each once */
	size_t n_connections;
};

/* Events in any order of slots; a slot's own in order. Requests without a number are left out. */
void history_build(struct history *history, const struct event_list *events);
/* NULL: no worker began it. */
const struct history_request *history_find(const struct history *history, uint32_t request);
void history_fini(struct history *history);

#endif
