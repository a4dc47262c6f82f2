/* From an HTTP request to an operation and back to a reply: POST /demo/VARIANT/ with form fields.
 *
 * The endpoint keeps the worker's one database session: opened in the worker's own process, given up
 * when it broke, opened again for the next request. */
#ifndef SERVE_ENDPOINT_H
#define SERVE_ENDPOINT_H

#include "base/rng.h"
#include "http/server.h"
#include "lab/fault.h"
#include "lab/recorder.h"
#include "serve/serve.h"

struct endpoint {
	const struct serve_settings *settings;
	struct recorder *recorder; /* NULL: nothing is recorded */
	uint64_t unnumbered; /* what requests without a number draw their delays by; counted up */
	/* the endpoint's own */
	struct db_session *session; /* NULL: none, the next request opens one */
	struct rng pauses, waits;   /* of the request under way */
	struct fault_watch fault;   /* set by fault_init where there is one */
};

/* Opens the session; false and an error when there is no database. */
bool endpoint_open(struct endpoint *endpoint, struct err *err) MUST_USE;
/* Blocks for as long as the operation takes. The reply is set whatever comes. */
void endpoint_handle(struct endpoint *endpoint, const struct http_request *request,
                     struct http_reply *reply);
void endpoint_close(struct endpoint *endpoint);

/* The i of "RUN/i", 1 to 2^31, where RUN is `run`; else 0. Both may be NULL. */
uint32_t endpoint_request_number(const char *header, const char *run);

#endif
