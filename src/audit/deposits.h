/* What one attempt of a request meant to do and what of it became true: is it on record, did it write
 * the balance. Out of its own events and the rows that are there. An attempt that failed may have left
 * its row all the same, and the next one then leaves another: each is a deposit of its own. */
#ifndef AUDIT_DEPOSITS_H
#define AUDIT_DEPOSITS_H

#include "audit/audit.h"

/* What became of a call or of a whole transaction. */
enum fate { FATE_NO, FATE_MAYBE, FATE_YES };

struct deposit {
	const struct history_request *seen;
	const struct history_attempt *attempt;
	uint32_t request;
	int64_t amount;
	/* The steps that matter, NULL where it never came to them. */
	const struct history_step *read, *record, *write;
	const struct history_step *commit; /* of the transaction; NULL: not begun, or there was none */
	bool write_in_tx, record_in_tx;
	bool adds;             /* its write adds to what is there, and that is not what it had read */
	bool locked;           /* what it read could not be written by others until its own write was seen */
	int64_t puts;          /* a write: the balance that it puts there; adds: how much is added */
	bool whole;            /* both, in one transaction: it took place as a whole or not at all */
	int64_t read_from_ns;  /* what was read is what held at some moment from here to the read's end */
	enum fate transaction; /* committed? */
	enum fate recorded;    /* its row is there? */
	enum fate written;     /* the balance was written? */
};

/* `n` rows of this amount belong to some of the deposits whose `recorded` is MAYBE; to which of
 * them nobody can tell. */
struct shared_rows {
	int64_t amount;
	size_t n;
};

struct deposits {
	struct deposit *list; /* by number and attempt, as in the history */
	size_t n;
	struct shared_rows *shared; /* each amount once */
	size_t n_shared;
};

/* Doubts: rows and events that do not fit each other, requests that the audit does not understand. */
void deposits_build(struct deposits *deposits, const struct audit_input *input, struct findings *findings);
/* After `written` was changed where later reads have told it: whose the shared rows are then. */
void deposits_settle(struct deposits *deposits);
/* One of some, of which nobody can tell who owns the rows of this amount. */
bool deposit_may_own(const struct deposit *deposit, int64_t amount);
void deposits_fini(struct deposits *deposits);

#endif
