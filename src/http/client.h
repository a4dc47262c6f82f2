/* The client's half of HTTP/1.1, as far as firing requests needs it: URLs, and a parser that is fed
 * with whatever bytes arrive. Own code since the firing decides itself which byte leaves when. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct http_url {
	char *host; /* without brackets */
	int port;   /* 80 if none was given */
	char *path; /* begins with '/'; with the query, without the fragment */
};
/* http://host[:port][/path]; https and anything else is an error that says so. On false there is
 * nothing to give back. */
bool http_url_parse(const char *text, struct http_url *url, struct err *err) MUST_USE;
/* "host:port", in brackets where IPv6 needs them. Heap text. */
char *http_url_authority(const struct http_url *url) MUST_USE;
void http_url_fini(struct http_url *url);

enum http_parse { HTTP_PARSE_MORE, HTTP_PARSE_DONE, HTTP_PARSE_BAD };

enum { HTTP_MAX_RESPONSE_HEAD = 64 * 1024, HTTP_MAX_RESPONSE_BODY = 1024 * 1024 };

/* `struct http_response response = {0};` is ready to be fed. */
struct http_response {
	int status;           /* 200..599; the final one (1xx are passed over); 0: not yet known */
	struct str head;      /* header lines as they came, each ended by a single '\n'; no status line */
	struct str body;      /* at most HTTP_MAX_RESPONSE_BODY; what comes beyond is counted, not kept */
	uint64_t body_length; /* all of it */
	/* the parser's own */
	int state;
	bool chunked, until_close;
	uint64_t remaining; /* of the body or of the chunk */
	size_t head_length; /* bytes of lines so far: all heads, chunk sizes and trailers */
	struct str line;
};
/* Feeds bytes; `end`: the peer closed after them. MORE after `end` means that it was cut off. Understands
 * Content-Length, chunked, and until-close bodies; the reply to a HEAD is not understood. Bytes beyond
 * the reply are ignored; after DONE or BAD every further call gives the same. */
enum http_parse http_response_feed(struct http_response *response, const char *bytes, size_t n,
                                   bool end) MUST_USE;
/* A header's value, copied into heap text; the first of this name in any letter case, NULL if there
 * is none. */
char *http_response_header(const struct http_response *response, const char *name) MUST_USE;
void http_response_fini(struct http_response *response);

#endif
