/* A worker: a process that serves one request at a time until it is told to leave. */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include "base/attr.h"
#include "serve/scoreboard.h"
#include "serve/serve.h"

enum worker_exit {
	WORKER_LEFT = 0,
	WORKER_BOOT_FAILED = 3, /* it has logged why */
};

struct worker_post {
	const struct serve_settings *settings;
	size_t slot;
	uint32_t generation; /* how many processes the slot has had, from 1 */
	struct seat *seat;
	int arbiter_fd; /* a pidfd of the arbiter: a worker does not outlive it */
	int boot_fd;    /* an eventfd: tells the arbiter that the worker is at its post */
	/* A worker that cannot reach the database does not start. Only while the server itself starts:
	 * later, a replacement waits for the database as all the others do. */
	bool database_needed;
};

/* How many requests such a worker serves at a time. */
size_t worker_lanes(const struct serve_settings *settings);

/* For the child of a fork. INT, QUIT and ABRT end it at once, in the middle of whatever it does; TERM
 * and the arbiter's end let it finish the request under way. */
NO_RETURN void worker_run(const struct worker_post *post);

#endif
