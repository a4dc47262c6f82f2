/* The audit of deposits on one account: who overwrote whom, what is missing, and whether the events
 * and the database tell the same story. Reads facts only; never a database (the final state is
 * handed in, taken when no session of the run was left on the server). */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "audit/history.h"
#include "base/attr.h"

enum verdict { VERDICT_NONE_SEEN, VERDICT_VIOLATED, VERDICT_INCONCLUSIVE };
const char *verdict_name(enum verdict verdict); /* "none_seen", ... */

/* What the client saw of request i. */
struct audit_reply {
	int status;      /* 0: no whole reply */
	char reason[32]; /* 503: why */
	int64_t amount;
	bool reached;    /* false: it was never sent, so cannot have been done */
	bool atomic;     /* its variant is all or nothing */
	int64_t sent_ns, ended_ns;
};

struct audit_row {
	int64_t id, amount;
};

struct audit_input {
	const struct history *history; /* NULL: nothing was recorded (--no-trace) */
	uint64_t events_missing;
	const struct audit_reply *replies; /* request i is replies[i - 1] */
	size_t n_replies;
	int lanes;                     /* requests that the workers can serve at a time */
	bool overlap_possible;         /* more than one of these and more than one request */
	bool dirty_reads;              /* the sessions ran at READ UNCOMMITTED */
	int max_tries;                 /* of one request, by the runner; 0 counts as 1 */
	const char *balance_table;     /* the steps that matter are those on this table's one row... */
	const char *record_table;      /* ...and on this one; all others are nobody's matter here */
	bool derived;                  /* the balance is not kept: it is what is recorded, summed up. Nothing can
	                                * be overwritten then, and the actual balance is that sum as the database
	                                * gave it. */
	int64_t start_balance, actual_balance;
	const struct audit_row *rows;  /* the recorded transactions of the account */
	size_t n_rows;
	const char *not_quiet;         /* why the final state may not be final (sessions still open); else NULL */
};

/* One write over a balance that its writer had not read. Times are absolute; the reporter subtracts the
 * run's start. What was in that balance and is not in the writer's own is erased by this write; a deposit
 * may come back when somebody writes who had read it before, and be erased again. */
struct overwrite {
	uint32_t writer;
	int64_t read_value, read_ns;   /* what the writer had read, and when (the read's end) */
	int64_t over_value, over_ns;   /* the balance that it wrote over, and when that was there for all to see
	                                * (the end of its commit or lone write); 0: the events do not tell */
	bool over_committed;           /* that balance came out of a transaction; else of a lone write */
	uint32_t *over_writers;        /* who had put it there; several: one of these */
	size_t n_over_writers;
	int64_t wrote_value, wrote_ns; /* what it wrote, and when (the write's end); 0: the call has no end */
	/* Whose deposits are gone by it: all of them where `n_gone` equals `n_erased`, else
	 * `n_gone` of these ("request 2 or 5"). By number. */
	uint32_t *erased; /* one that is on record twice may be among them twice; so too in `back`, and in
	                   * `lost` and `torn_requests` below */
	size_t n_erased, n_gone;
	uint32_t *back; /* of those erased for sure: who comes back with a later write, to stay or not */
	size_t n_back;
};

struct refusals {
	const char *reason; /* db_err_name, "conflict", "unavailable", "not_found", "too_large", "other" */
	size_t n;
};

/* Attempts beyond the first ones, where the runner tries again. All 0 where nothing was recorded. */
struct tries {
	size_t attempts;  /* of all requests that a worker began */
	size_t most;      /* of one request */
	size_t again;     /* requests with more than one */
	size_t given_up;  /* of those: the last attempt failed or met a conflict too */
	struct refusals failed[16]; /* attempts that did not end well, by reason: db_err_name, "conflict" */
	size_t n_failed_kinds;
	int64_t cost_ns;  /* from the beginning of first attempts to the beginning of last ones, summed: what the
	                   * requests that were tried again spent on attempts in vain and on waiting between */
};

/* What is lost, and what is torn. A deposit is on record when its row is there. Its write of the
 * balance is carried out when it ended well and, in a transaction, the commit did too; a commit
 * without an end is decided by the row. Each balance that was written stems from the one its writer
 * had read: this gives the chain from the final balance back to the start. On record and carried
 * out, but not in that chain: lost. On record and surely never carried out: torn. A lone write
 * whose outcome nobody can tell (its worker was killed in the middle, and no later read shows it)
 * counts as lost, with a remark. A deposit of 0 can be neither: nothing is missing without it.
 *
 * Whatever makes the events doubtful (see `reasons`) makes the run inconclusive; lost_updates and
 * torn are -1 then, and nobody is accused. */
struct findings {
	enum verdict verdict;
	char **reasons; /* why it is inconclusive, sentences; also remarks of a violated run */
	size_t n_reasons;
	bool serial_by_construction; /* none_seen, and no two requests could ever overlap */

	size_t answered;   /* 200 */
	struct refusals refused[16];
	size_t n_refused_kinds, n_refused;
	size_t unanswered; /* no whole reply, or a gateway's 502 or 504 */
	size_t unanswered_but_done; /* of those, on record; at least so many where rows do not tell whose */
	struct tries tries;
	/* Requests whose commit, or lone write, had no answer (DB_LOST) in some attempt; and what the final state
	 * says of them: on record all the same, or not. The rest cannot be told. */
	size_t outcome_unknown, unknown_done, unknown_not_done;
	size_t doubled;    /* requests that are on record more than once: the verdict is violated. -1 is never
	                    * needed: where rows do not tell whose, at least so many */
	uint32_t *doubled_requests; /* whose, by number; sure ones only */
	size_t n_doubled_requests;
	size_t transactions;
	int64_t start_balance, recorded_sum, expected_balance, actual_balance;
	int64_t missing;      /* expected - actual */
	int64_t lost_updates; /* -1: cannot be told: without recording (unless the sums do), or in doubt */
	int64_t torn;         /* -1: the same */
	int64_t lost_amount, torn_amount; /* together what is missing; both 0 where it cannot be told */
	uint32_t *lost, *torn_requests;   /* whose; sure ones only, by number */
	size_t n_lost, n_torn_requests;

	struct overwrite *overwrites; /* by time */
	size_t n_overwrites;
	bool overlap_seen_by_client; /* without recording, overlap is what the client saw */
	size_t max_in_flight, pairs_overlapped;
};

/* The findings are given back with findings_fini, whatever the verdict. */
void audit_deposits(const struct audit_input *input, struct findings *findings);
/* "request 7 read 300 at 0.412 s; request 5 committed 400; request 7 wrote 400: the deposit of request 5
 * is gone"; "the deposits of requests 2 and 5 are gone"; "the deposit of request 2 or 5 is gone";
 * "2 of the deposits of requests 2, 5 and 6 are gone". Heap text. */
char *overwrite_sentence(const struct overwrite *overwrite, int64_t run_start_ns) MUST_USE;
void findings_fini(struct findings *findings);

#endif
