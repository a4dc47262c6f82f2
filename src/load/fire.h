/* Firing concurrent requests at a subject and noting when each went and came back. */
#ifndef LOAD_FIRE_H
#define LOAD_FIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum shot_end {
	SHOT_ANSWERED, /* a whole HTTP reply came */
	SHOT_FAILED,   /* no byte of it was sent: it never reached a server */
	SHOT_CUT,      /* sent, and the connection ended without a whole reply */
	SHOT_TIMEOUT,  /* sent, and no whole reply within the time limit */
};

struct shot {
	/* the plan */
	int64_t at_ns;    /* after the start of the volley */
	char *path;       /* heap; "/demo/atomic_no_delay/" */
	int64_t account, amount;
	/* what happened; times are CLOCK_MONOTONIC, 0: never */
	enum shot_end end;
	int status;        /* of the reply; 0: none */
	char reason[32];   /* 503: why, from X-Racy-Refused; "" if it did not say in one word */
	char error[128];   /* not answered: in words */
	int64_t connected_ns, sent_ns, ended_ns;
};

struct volley {
	const char *host;   /* a name or an address; IPv6 without brackets */
	int port;
	struct shot *shots; /* by at_ns */
	size_t n;
	const char *run;    /* X-Racy-Request: RUN/i with i from 1; NULL: no such header */
	int64_t timeout_ns; /* for each request, from its planned start; 0: none */
	/* Called for each shot once, in the order in which they ended; may be NULL. */
	void (*on_end)(void *context, size_t i, const struct shot *shot);
	/* Called at least every 20 ms, but not while a group's bytes leave; true ends the volley: what
	 * is under way ends as CUT, what was not sent as FAILED. May be NULL. */
	bool (*on_tick)(void *context);
	void *context;
	/* what happened: CLOCK_MONOTONIC; the names were resolved before */
	int64_t started_ns;
};

/* Fires. Shots that are due at the same time are all connected first and their bytes then leave
 * together; those that got a connection do not wait longer than half a second for those that did not.
 * Raises the soft limit of open files for as long as it runs. False only when nothing could be fired
 * at all (the host's name is not known, more sockets at once than the hard limit allows); a refused
 * connection is the shot's own end. */
bool volley_fire(struct volley *volley, struct err *err) MUST_USE;
void volley_fini(struct volley *volley); /* gives the shots back */

struct volley_summary {
	size_t answered_200, refused, other, unanswered; /* refused: 503; other: answered with anything else */
	int64_t min_ns, median_ns, p95_ns, max_ns; /* of those answered, from the planned start; nearest rank */
	size_t max_in_flight, pairs_overlapped;    /* as the client saw it: sent, and not yet ended */
};
struct volley_summary volley_summarise(const struct volley *volley);

#endif
