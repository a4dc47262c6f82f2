/* The JSON API under /api/: one table of routes (api_routes.def), the guards in front of them, and what a route's
 * function needs to read a request and to answer it. docs/api.md is the contract for those who call it.
 *
 * How to add a route: a line in api_routes.def, its function `api_NAME` in the file of its object, its part of
 * docs/api.md and of openapi.json (a test holds the three against one another). */
#ifndef INSTRUMENT_API_H
#define INSTRUMENT_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "db/db.h"
#include "http/server.h"

struct admin_user;

/* Who may call a route. */
enum api_right {
	API_OPEN,      /* everybody */
	API_USER,      /* who is logged in */
	API_SUPERUSER,
};

/* One request, past all guards: the right, the CSRF token, the method, and that a body is JSON. */
struct api_call {
	struct db_session *session;     /* this thread's; in no transaction, before and after */
	const struct admin_user *user;  /* NULL on open routes where nobody is logged in */
	int64_t id;                     /* the {id} of the path; 0 where it has none */
	json_t *body;                   /* an object; NULL for GET and DELETE */
	const struct http_request *request;
	struct http_reply *reply;
	/* What was found wrong so far; the api_take_* functions fill it. */
	json_t *faults;
};

typedef void api_fn(struct api_call *call);

/* ---- reading. Each takes a field out of an object and notes a fault where it is missing or of no use; look at
 * api_sound once all were taken: false means that 422 was answered, with all faults at once. ------------------ */

bool api_take_integer(struct api_call *call, json_t *object, const char *name, int64_t min, int64_t max,
                      int64_t *value);
bool api_take_boolean(struct api_call *call, json_t *object, const char *name, bool *value);
/* Valid UTF-8 without control characters; of min to max code points. Lives as long as the body. */
bool api_take_text(struct api_call *call, json_t *object, const char *name, size_t min, size_t max,
                   const char **value);
/* NULL (and no fault) where the field is missing and `needed` is false. */
json_t *api_take_object(struct api_call *call, json_t *object, const char *name, bool needed);
json_t *api_take_array(struct api_call *call, json_t *object, const char *name, size_t max, bool needed);
void api_fault(struct api_call *call, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);
/* Faults of fields of `object` that nobody took. Call it once for each object, after its fields were taken. */
void api_nothing_else(struct api_call *call, json_t *object);
bool api_sound(struct api_call *call) MUST_USE;

/* A value of the query, decoded, heap; NULL where there is none. A query that cannot be decoded was refused by
 * the guards. */
char *api_query(const struct api_call *call, const char *name) MUST_USE;

/* ---- answering: once a call ----------------------------------------------------------------------------------- */

void api_answer(struct api_call *call, int status, json_t *take); /* the reference is given away; NULL: no body */
void api_refuse(struct api_call *call, int status, const char *code, const char *format, ...) PRINTF_LIKE(4, 5);
/* The same with one member more beside error and message; the reference is given away. */
void api_refuse_with(struct api_call *call, int status, const char *code, const char *member, json_t *take,
                     const char *format, ...) PRINTF_LIKE(6, 7);
/* The database failed: 503, with a log line that tells why. */
void api_fail(struct api_call *call, struct err *err);

/* ---- the way in ------------------------------------------------------------------------------------------------- */

struct api; /* what all threads share: the secret, the throttle */

struct api_settings {
	const struct db_target *target;
	const struct db_settings *db;
	const char *state_folder; /* where the secret lives */
};
struct api *api_open(const struct api_settings *settings, struct err *err) MUST_USE;
void api_close(struct api *api);

/* Where the request came from, as the one in front of us tells it if it may be believed. */
struct api_origin {
	char address[64];
	bool secure; /* the client speaks TLS with whoever is in front of us: its cookies are Secure */
};
/* Answers a request under /api/. `session` is the thread's own. */
void api_handle(struct api *api, struct db_session *session, const struct api_origin *origin,
                const struct http_request *request, struct http_reply *reply);

#endif
