/* An HTTP server with threads of its own for many connections: the instrument's. The handler is called by several
 * threads at once and may block its own; the connections of the other threads go on meanwhile. Heads, bodies and
 * replies are judged as a worker's are (server.h). */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "http/server.h"

struct http_pool_settings {
	int listen_fd;           /* listening; becomes non-blocking; not closed by the pool */
	unsigned threads;
	unsigned max_connections; /* of all threads; one more waits to be accepted */
	size_t max_body;         /* bytes; a larger one is answered 413 */
	int64_t idle_timeout_ns; /* as in struct http_settings; a kept connection too */
	/* Of every reply, of a refused request's too; a NULL name ends them. */
	const struct http_header_line *headers;
	http_handler *handler;
	void *context;
};

struct http_pool;
/* In the process that will serve, after the fork. */
struct http_pool *http_pool_open(const struct http_pool_settings *settings, struct err *err) MUST_USE;
/* Requests under way are finished. NULL is fine. */
void http_pool_close(struct http_pool *pool);

#endif
