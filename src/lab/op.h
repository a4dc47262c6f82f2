/* Running an operation: one function, whoever drives it (a worker, a benchmark, a scheduler). */
#ifndef LAB_OP_H
#define LAB_OP_H

#include "lab/fault.h"
#include "lab/recorder.h"
#include "lab/scenario.h"

/* What the driver of an operation lends it. */
struct op_host {
	struct db_session *session;
	struct recorder *recorder; /* watches the session; NULL: nothing is recorded */
	/* Spends the time of a pause, as long as `pause_ns` answered; both NULL: pauses take none. */
	int64_t (*pause_ns)(void *context);
	void (*pause)(void *context, int64_t ns);
	enum tx_mode tx_mode;
	struct fault_watch *fault; /* watches the session; NULL: none */
	/* Between attempts (see retry.h): spends the time, and closes a broken session to open a new one in
	 * its place, NULL if that fails. Both may be NULL where nobody tries again. */
	void (*rest)(void *context, int64_t ns);
	struct db_session *(*reopen)(void *context);
	void *context;
};

struct op_request {
	const struct operation *operation;
	const struct variant *variant;
	const int64_t *params; /* one for each of operation->params */
	uint32_t request;      /* 0: it has no number */
	uint32_t attempt;      /* from 1 */
	int64_t wall_us;       /* the request's time, for its timestamp; see clock.h */
};

struct op_result {
	enum op_end end;
	enum op_denial denial;
	enum db_err err; /* FAILED: what the database said */
	enum db_tx tx;   /* where the transaction was left on the server */
	/* The connection broke while a commit, or a write outside of a transaction, was under
	 * way: it may have been carried out all the same. */
	bool outcome_unknown;
	bool wrote_alone; /* a write outside of a transaction was carried out: not done is not "nothing was done" */
	uint32_t attempts; /* how many there were, this one included */
	char text[256]; /* one line for a person; "" when done */
};

void op_run(const struct op_host *host, const struct op_request *request, struct op_result *result);

#endif
