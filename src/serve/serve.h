/* The subject: pre-forked synchronous workers under an arbiter, as Gunicorn's users know them. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "db/db.h"
#include "lab/fault.h"
#include "lab/retry.h"
#include "trace/ring.h"

struct serve_settings {
	int listen_fd;            /* from serve_listen; of no more use once serving ended */
	int workers;              /* processes */
	int64_t timeout_ns;       /* a worker busy or silent for longer is killed and replaced; 0: never */
	int64_t graceful_ns;      /* how long TERM waits for requests under way */
	int64_t delay_min_ns, delay_max_ns; /* what a pause lasts, drawn anew for each request */
	uint64_t seed;            /* with the request's number it gives the delay, whichever worker serves */
	const struct db_target *target;
	struct db_settings db;
	enum tx_mode tx_mode;
	struct retry_policy retry; /* max_tries 0 counts as 1 */
	struct fault fault;       /* on numbered and unnumbered requests alike; see endpoint.c */
	struct ring_set *rings;   /* a slot for each worker; NULL: nothing is recorded */
	bool boots_only;          /* the rings get the workers' boots and nothing of their requests */
	const char *run;          /* the RUN in X-Racy-Request: RUN/i; NULL: such headers are ignored */
	int ready_fd;             /* one byte is written here when every worker is at its post; -1: none */
	bool quiet;               /* warnings and errors only */
};

/* "HOST:PORT", "[::1]:PORT", ":PORT" (every IPv4 interface), "PORT" (127.0.0.1 only); port 0 takes a free
 * one. Returns a listening socket or -1 and an error; `port` gets the port that it became. `malformed`
 * tells a text that is no address from an address that cannot be had (taken, say); may be NULL. */
int serve_listen(const char *bind, int *port, bool *malformed, struct err *err) MUST_USE;

enum serve_end {
	SERVE_ENDED,       /* by TERM, INT or QUIT */
	SERVE_BOOT_FAILED, /* the workers could not start: no database, say; they have logged why */
};
/* The arbiter: runs in the calling process until a signal ends it. The process must have no threads.
 * TERM finishes the requests under way, INT and QUIT stop at once. They stay blocked after it: the process
 * is to clean up and end. */
enum serve_end serve_run(const struct serve_settings *settings) MUST_USE;

/* The subject of an experiment, in a process of its own and out of reach of the terminal's Ctrl-C. It
 * ends when the process that started it ends, in whatever way. */
struct subject {
	pid_t arbiter; /* 0: none */
	int64_t graceful_ns;
};
/* Forks the arbiter and waits until every worker is at its post. The listening socket stays the
 * caller's: to be closed after this, or clients of a subject that died would wait for ever. */
bool subject_start(const struct serve_settings *settings, struct subject *subject, struct err *err) MUST_USE;
/* TERM: requests under way are finished; returns when the arbiter and so every worker is gone. */
void subject_stop(struct subject *subject);

#endif
