/* What `racy fire` and `make_requests` share: one endpoint's volley, told while it flies. */
#ifndef COMMAND_FIRE_ORDER_H
#define COMMAND_FIRE_ORDER_H

#include "command/command.h"
#include "lab/registry.h"

enum fire_output {
	FIRE_LINES, /* a line on stdout as each request ends, a summary on stderr */
	FIRE_JSON,  /* one object on stdout at the end */
};

struct fire_order {
	const struct command *command; /* who speaks in errors */
	const char *url;               /* where the server is: "http://localhost:8000" */
	struct registry_entry target;
	int64_t n, wait_ns, account, amount;
	int64_t timeout_ns; /* 0: none */
	enum fire_output output;
	const char *when_nobody_listens; /* what to try then */
};

enum { FIRE_MAX_REQUESTS = 10000 };

/* Fires and tells. RACY_OK: every request was answered, whatever the answer; RACY_INCONCLUSIVE: some
 * were not; RACY_ENVIRONMENT: none was sent; RACY_USAGE: the URL is none; RACY_INTERRUPTED and the signal. */
int fire_and_tell(const struct fire_order *order);

#endif
