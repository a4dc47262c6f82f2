/* An HTTP server that serves one request at a time on a listening socket that it was given: a
 * synchronous worker. libmicrohttpd does the protocol; the loop is the caller's, so that a worker
 * keeps its own heartbeat and signals. No laboratory types here.
 *
 * Each connection is closed after its reply, unless keep_alive_ns is set. The handler blocks: while it runs,
 * nothing else of this server does. A server belongs to one thread; several may share a listening socket.
 * It is called once for each well-formed request, with the whole body. What is malformed, or over
 * Gunicorn's limits, gets a 4xx or is closed without a word, and never reaches the handler. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct http_request {
	const char *method;
	const char *path;  /* percent-decoded, without the query; contains no NUL that the client sent */
	const char *query; /* raw, "" if there was none */
	const char *content_type; /* NULL: none was sent */
	const char *body;
	size_t body_length;
	const struct sockaddr *peer; /* who is at the other end of the connection; NULL: not known */
	const void *headers; /* for http_header */
};
/* The header of this name in any letter case, the first if it was repeated; NULL if it was not sent. */
const char *http_header(const struct http_request *request, const char *name);

struct http_header_line {
	const char *name, *value;
};

enum { HTTP_MAX_REPLY_HEADERS = 8 };
struct http_reply {
	int status;               /* 200..599; anything else is answered as 500 */
	const char *content_type; /* NULL: none */
	char *body;               /* heap, given to the server; NULL: empty */
	size_t body_length;
	struct {
		const char *name; /* literals */
		char *value;      /* heap, given to the server */
	} headers[HTTP_MAX_REPLY_HEADERS];
	size_t n_headers;
};
/* One header more; a value with a line end or another control character makes the reply a 500. */
void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
/* Status and one line of text/plain, to which its newline is added; control characters become
 * spaces. Replaces the body that was there. */
void http_reply_text(struct http_reply *reply, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* A request that was answered, as an access log tells it. Texts are as the client sent them. */
struct http_record {
	const struct sockaddr *peer; /* NULL: not known */
	const char *method, *target, *version; /* the request's line; "HTTP/1.1" */
	const char *referer, *agent; /* NULL: not sent */
	int status;
	size_t body_length; /* of the reply */
};
/* Called once for each request that was answered or refused here, when its reply has left or its client
 * has gone. What the library refuses itself (a line that is none, a head beyond its memory) is not told. */
typedef void http_tell(void *context, const struct http_record *record);

/* `reply` comes as all zeros. */
typedef void http_handler(void *context, const struct http_request *request, struct http_reply *reply);

/* A body beyond max_body is read and dropped up to this many bytes, so that the client gets to read its
 * 413; a Content-Length beyond it is answered at once, and chunks beyond it are cut off. */
enum { HTTP_MAX_DROPPED = 64 * 1024 * 1024 };

struct http_settings {
	int listen_fd;           /* listening; becomes non-blocking; not closed by the server */
	size_t max_body;         /* bytes; a larger body is answered 413; at most HTTP_MAX_DROPPED */
	int64_t idle_timeout_ns; /* a connection on which nothing moves for so long is closed; rounded up to
	                          * whole seconds; 0: never. The handler may take longer. */
	int64_t keep_alive_ns;   /* how long a connection waits for another request after a reply; 0: it is closed,
	                          * as it soon is where others wait to be accepted and nobody does it */
	int64_t arrival_ns;      /* a request that has not arrived as a whole for so long, from the connection's
	                          * beginning or the request's line on, is cut off; 0: never */
	http_handler *handler;
	http_tell *tell; /* NULL: nobody wants to know */
	void *context, *tell_context;
};

struct http_server;
/* In the process that will serve, after the fork. */
struct http_server *http_server_open(const struct http_settings *settings, struct err *err) MUST_USE;
/* The loop: wait until http_server_fd is readable or http_server_wait_ns (-1: no limit) is over,
 * then http_server_run. The handler is called from within http_server_run. The descriptor is asked for anew
 * before each wait: it is another one while a connection is open. */
int http_server_fd(const struct http_server *server);
int64_t http_server_wait_ns(const struct http_server *server);
void http_server_run(struct http_server *server);
/* No new connections from now on; those that are there go on, but for one that waits between two requests:
 * what has arrived is served, and it is closed. May be called from inside the handler, whose request is
 * answered as ever, and again, which does nothing. */
void http_server_quiesce(struct http_server *server);
/* Connections that are open: 0 or 1. */
size_t http_server_connections(const struct http_server *server);
/* How many there have been, the open one included: tells a new one from the one before. */
uint64_t http_server_accepted(const struct http_server *server);
/* What is still open is closed without a reply. */
void http_server_close(struct http_server *server);

#endif
