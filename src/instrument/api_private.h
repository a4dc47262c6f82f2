/* Within the room: what the API's own files share beyond api.h. */
#ifndef INSTRUMENT_API_PRIVATE_H
#define INSTRUMENT_API_PRIVATE_H

#include "admin/secret.h"
#include "admin/sessions.h"
#include "admin/throttle.h"
#include "instrument/api.h"

struct api {
	struct secret secret;
	struct throttle *throttle;
};

/* What a call has beyond what a route's function sees: for log-in and log-out. */
struct api_inner {
	struct api_call call; /* first: the functions get a pointer to it */
	struct api *api;
	const struct api_origin *origin;
	struct admin_user user;
	char *token;     /* of the cookie racy_session; NULL: it was not sent */
	char *anonymous; /* of the cookie racy_anonymous; NULL */
	json_t *kept;    /* what was taken out of the body: texts live as long as it */
};
struct api_inner *api_inner(struct api_call *call);

#define COOKIE_SESSION "racy_session"
#define COOKIE_ANONYMOUS "racy_anonymous"

/* The token that unsafe requests with this cookie must show. */
void api_csrf(const struct api *api, const char *cookie, char mark[static SECRET_MARK_SIZE]);
/* For as many seconds; 0: it is taken away. */
void api_set_cookie(struct api_inner *inner, const char *name, const char *value, int64_t seconds);

#define API_ROUTE(method, path, right, name) api_fn api_##name;
#include "instrument/api_routes.def"
#undef API_ROUTE

#endif
