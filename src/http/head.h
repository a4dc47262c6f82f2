/* The judgement on a request's head before anything in it is believed. libmicrohttpd reads heads
 * generously: it takes the first of two lengths, joins or cuts what it does not expect, and ends a
 * path at %00. What a front server and a worker could understand differently is refused here. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/attr.h"

/* For MHD_OPTION_STRICT_FOR_CLIENT. Old releases refuse two faults more when they are strict, a missing
 * Host by a reply whose head is sent twice, a space in the path without a reply: judged here instead. */
enum { HEAD_STRICTNESS = MHD_VERSION < 0x00097701 ? 0 : 1 };

/* Gunicorn's limits: bytes of the request line without its end, of a field with it, and fields. */
enum { HEAD_MAX_LINE = 4094, HEAD_MAX_FIELD = 8190, HEAD_MAX_FIELDS = 100 };

struct head {
	struct MHD_Connection *connection; /* its headers are there */
	const char *method, *version;
	const char *target; /* as it was on the wire */
};

struct head_judgement {
	int status;      /* 0: good; else what to answer */
	const char *why; /* literal: one line for the client */
	bool unframed;   /* where the body ends cannot be known: nothing more may be read */
};
struct head_judgement head_judge(const struct head *head) MUST_USE;

/* The path of a target, percent-decoded, heap text; `query` points into the target, at its end if
 * there is none. NULL: no path, a bad escape, or a byte that no target may contain. */
char *head_path(const char *target, const char **query) MUST_USE;

#endif
