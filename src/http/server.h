/* An HTTP server that serves one request at a time on a listening socket that it was given: a
 * synchronous worker. libmicrohttpd does the protocol; the loop is the caller's, so that a worker
 * keeps its own heartbeat and signals. No laboratory types here.
 *
 * Each connection is closed after its reply. The handler blocks: while it runs, nothing else does. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct http_request {
	const char *method;
	const char *path; /* percent-decoded, without the query; contains no NUL that the client sent */
	const char *query; /* raw, "" if there was none */
	const char *content_type; /* NULL: none was sent */
	const char *body;
	size_t body_length;
	const void *headers; /* for http_header */
};
/* The header of this name in any letter case; NULL if it was not sent. */
const char *http_header(const struct http_request *request, const char *name);

enum { HTTP_MAX_REPLY_HEADERS = 8 };
struct http_reply {
	int status;
	const char *content_type; /* NULL: none */
	char *body;               /* heap, given to the server; NULL: empty */
	size_t body_length;
	struct {
		const char *name; /* literals */
		char value[128];
	} headers[HTTP_MAX_REPLY_HEADERS];
	size_t n_headers;
};
void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
/* Status and one line of text/plain. */
void http_reply_text(struct http_reply *reply, int status, const char *format, ...) PRINTF_LIKE(3, 4);

typedef void http_handler(void *context, const struct http_request *request, struct http_reply *reply);

struct http_settings {
	int listen_fd;           /* listening, non-blocking; not closed by the server */
	size_t max_body;         /* bytes; a larger body is read and dropped, then answered 413 */
	int64_t idle_timeout_ns; /* a connection on which nothing moves for so long is closed */
	http_handler *handler;
	void *context;
};

struct http_server;
struct http_server *http_server_open(const struct http_settings *settings, struct err *err) MUST_USE;
/* The loop: wait until http_server_fd is readable or http_server_wait_ns (-1: no limit) is over,
 * then http_server_run. */
int http_server_fd(const struct http_server *server);
int64_t http_server_wait_ns(const struct http_server *server);
void http_server_run(struct http_server *server);
/* No new connections from now on; those that are there go on. */
void http_server_quiesce(struct http_server *server);
/* Connections that are open: 0 or 1. */
size_t http_server_connections(const struct http_server *server);
void http_server_close(struct http_server *server);

#endif
