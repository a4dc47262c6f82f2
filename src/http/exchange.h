/* One request and its reply on libmicrohttpd, whichever server they pass through (server.c, pool.c): the head is
 * judged, the body is collected up to a limit, the reply is made.
 *
 * A request passes four of the library's callbacks: its line was read (exchange_new), its head is there, a piece of
 * the body, all of it (exchange_step), and its end (exchange_free). A refused request takes the same way, so that
 * its body is out of the way before the answer leaves: a client that is still sending would otherwise lose the
 * answer to the reset of its connection. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <microhttpd.h>

#include "base/str.h"
#include "http/head.h"
#include "http/server.h"

/* For a connection: a head that is just within Gunicorn's limits, and the library's records of up to 4,094
 * arguments and 4,095 cookies, while the read buffer takes half of what is free. */
enum { EXCHANGE_MEMORY = 2 * 1024 * 1024 };

/* What holds for all requests of a server. */
struct exchange_rules {
	size_t max_body;
	bool refuse_chunks; /* a body without a Content-Length is answered 411 */
	bool remember;      /* what a record tells is kept until the end */
	const struct http_header_line *headers; /* of every reply; a NULL name ends them; NULL: none */
};

struct exchange {
	const struct exchange_rules *rules;
	char *target; /* as it was on the wire */
	/* once the head is there */
	bool judged;
	struct head_judgement refusal; /* a status: the handler will not see this request */
	char *path;
	const char *query;
	/* while the body comes */
	uint64_t received;
	struct str body;
	/* once it is answered */
	int status; /* 0: not answered */
	size_t reply_length;
	/* only with `remember`: the head is gone when the reply has left */
	char *method, *version, *referer, *agent;
};

struct exchange *exchange_new(const struct exchange_rules *rules, const char *target) MUST_USE;
void exchange_free(struct exchange *exchange);

enum exchange_turn {
	EXCHANGE_GOES_ON,
	EXCHANGE_REFUSED, /* exchange_refuse is to be called */
	EXCHANGE_ARRIVED, /* the handler is to be asked */
	EXCHANGE_CUT,     /* so much that the connection is to be closed */
};
/* A turn of the library's access callback; `n` bytes are taken. */
enum exchange_turn exchange_step(struct exchange *exchange, struct MHD_Connection *connection, const char *method,
                                 const char *version, const char *bytes, size_t *n) MUST_USE;

/* What a handler gets. */
struct http_request exchange_request(const struct exchange *exchange, struct MHD_Connection *connection,
                                     const char *method);
/* Sends the reply, or a 500 for one that cannot be sent, and gives it back. `last`: the connection is closed. */
enum MHD_Result exchange_reply(struct exchange *exchange, struct MHD_Connection *connection,
                               struct http_reply *reply, bool last);
/* With the refusal; the connection is closed, since nobody can be sure where the next request begins. */
enum MHD_Result exchange_refuse(struct exchange *exchange, struct MHD_Connection *connection);

/* For an access log. */
struct http_record exchange_record(const struct exchange *exchange, struct MHD_Connection *connection);

#endif
