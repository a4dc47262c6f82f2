/* The client's half of HTTP/1.1, as far as firing requests needs it: URLs, and a parser that is fed
 * with whatever bytes arrive. Own code since the firing decides itself which byte leaves when. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct http_url {
	char *host; /* without brackets */
	int port;   /* 80 if none was given */
	char *path; /* begins with '/'; no fragment */
};
/* http://host[:port][/path]; https and anything else is an error that says so. */
bool http_url_parse(const char *text, struct http_url *url, struct err *err) MUST_USE;
/* "host:port", in brackets where IPv6 needs them. Heap text. */
char *http_url_authority(const struct http_url *url) MUST_USE;
void http_url_fini(struct http_url *url);

enum http_parse { HTTP_PARSE_MORE, HTTP_PARSE_DONE, HTTP_PARSE_BAD };

enum { HTTP_MAX_RESPONSE_HEAD = 64 * 1024, HTTP_MAX_RESPONSE_BODY = 1024 * 1024 };

struct http_response {
	int status;        /* 100..599; the final one (1xx are passed over) */
	struct str head;   /* raw header lines */
	struct str body;   /* at most HTTP_MAX_RESPONSE_BODY; what comes beyond is counted, not kept */
	/* the parser's own */
	int state;
	size_t remaining;
	struct str line;
};
/* Feeds bytes; `end`: the peer closed after them. MORE after `end` means that it was cut off. Understands
 * Content-Length, chunked, and until-close bodies. */
enum http_parse http_response_feed(struct http_response *response, const char *bytes, size_t n, bool end) MUST_USE;
/* A header's value, copied into `value` (heap); NULL if there is none. */
char *http_response_header(const struct http_response *response, const char *name) MUST_USE;
void http_response_fini(struct http_response *response);

#endif
