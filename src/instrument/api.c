/* From a request to the function of its route, past the guards. Their order is part of the contract: who is not
 * logged in learns nothing but that. */
#include "instrument/api_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "http/hex.h"

enum { MOST_DEPTH = 16 };

struct route {
	const char *method, *path;
	enum api_right right;
	api_fn *run;
};

static const struct route routes[] = {
#define API_ROUTE(method, path, right, name) {method, path, right, api_##name},
#include "instrument/api_routes.def"
#undef API_ROUTE
};
enum { N_ROUTES = sizeof routes / sizeof *routes };

struct api *api_open(const struct api_settings *settings, struct err *err)
{
	struct api *api = mem_new(1, sizeof *api);

	if (!secret_load(settings->state_folder, &api->secret, err)) {
		free(api);
		return NULL;
	}
	api->throttle = throttle_new();
	return api;
}

void api_close(struct api *api)
{
	if (api == NULL)
		return;
	throttle_free(api->throttle);
	memset(&api->secret, 0, sizeof api->secret);
	free(api);
}

struct api_inner *api_inner(struct api_call *call)
{
	return (struct api_inner *)call;
}

/* ---- answering ------------------------------------------------------------------------------------------------ */

void api_answer(struct api_call *call, int status, json_t *take)
{
	struct http_reply *reply = call->reply;

	reply->status = status;
	if (take == NULL)
		return;
	reply->content_type = "application/json";
	reply->body = json_dumps(take, JSON_COMPACT);
	reply->body_length = reply->body != NULL ? strlen(reply->body) : 0;
	json_decref(take);
}

static void refuse(struct api_call *call, int status, const char *code, char *message, const char *member,
                   json_t *take)
{
	json_t *body = json_pack("{ss ss}", "error", code, "message", message);

	free(message);
	if (take != NULL)
		json_object_set_new(body, member, take);
	api_answer(call, status, body);
}

void api_refuse(struct api_call *call, int status, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse(call, status, code, mem_vprintf(format, args), NULL, NULL);
	va_end(args);
}

void api_refuse_with(struct api_call *call, int status, const char *code, const char *member, json_t *take,
                     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse(call, status, code, mem_vprintf(format, args), member, take);
	va_end(args);
}

void api_fail(struct api_call *call, struct err *err)
{
	log_error("%s %s: %s", call->request->method, call->request->path, err_text(err));
	api_refuse(call, 503, "database", "The database did not do it: %s", err_text(err));
	err_fini(err);
}

/* ---- cookies and tokens ----------------------------------------------------------------------------------------- */

/* The first of that name; heap. */
static char *cookie_of(const struct http_request *request, const char *name)
{
	const char *at = http_header(request, "Cookie");
	size_t length = strlen(name);

	while (at != NULL && *at != '\0') {
		at += strspn(at, " ;");
		size_t end = strcspn(at, ";");
		if (end > length && strncmp(at, name, length) == 0 && at[length] == '=')
			return mem_text_n(at + length + 1, end - length - 1);
		at += end;
	}
	return NULL;
}

void api_csrf(const struct api *api, const char *cookie, char mark[static SECRET_MARK_SIZE])
{
	secret_mark(&api->secret, "csrf", cookie, mark);
}

void api_set_cookie(struct api_inner *inner, const char *name, const char *value, int64_t seconds)
{
	http_reply_header(inner->call.reply, "Set-Cookie",
	                  "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s", name,
	                  value, (long long)seconds, inner->origin->secure ? "; Secure" : "");
}

/* ---- guards ------------------------------------------------------------------------------------------ */

/* Who the cookie says it is. False: the database cannot tell. */
static bool know_user(struct api_inner *inner)
{
	struct err err = {0};
	enum user_end end = USER_MISSING;

	if (inner->token != NULL)
		end = session_find(inner->call.session, &inner->api->secret, inner->token, &inner->user, &err);
	if (end == USER_OK)
		inner->call.user = &inner->user;
	if (end != USER_FAILED)
		return true;
	api_fail(&inner->call, &err);
	return false;
}

/* Of the path; *id is what stands for {id}. */
static bool path_fits(const char *pattern, const char *path, int64_t *id)
{
	const char *brace = strchr(pattern, '{');
	size_t before = brace != NULL ? (size_t)(brace - pattern) : strlen(pattern);
	char *number;

	*id = 0;
	if (brace == NULL || strncmp(pattern, path, before) != 0)
		return text_equal(pattern, path);
	size_t digits = strspn(path + before, "0123456789");
	if (digits == 0 || path[before] == '0' || !text_equal(path + before + digits, brace + strlen("{id}")))
		return false;
	number = mem_text_n(path + before, digits);
	bool ok = num_parse(number, 1, INT64_MAX, id, NULL);
	free(number);
	return ok;
}

/* NULL: no route has the method there; `allowed` lists those that the path has. */
static const struct route *find_route(struct api_call *call, struct str *allowed)
{
	const struct route *found = NULL;

	for (size_t i = 0; i < N_ROUTES; i++) {
		int64_t id;
		if (!path_fits(routes[i].path, call->request->path, &id))
			continue;
		str_printf(allowed, "%s%s", allowed->length > 0 ? ", " : "", routes[i].method);
		if (text_equal(routes[i].method, call->request->method)) {
			found = &routes[i];
			call->id = id;
		}
	}
	return found;
}

static bool may_call(struct api_call *call, const struct route *route)
{
	if ((route == NULL || route->right != API_OPEN) && call->user == NULL) {
		api_refuse(call, 401, "login_required", "Log in first: POST /api/session.");
		return false;
	}
	if (route != NULL && route->right == API_SUPERUSER && !call->user->superuser) {
		api_refuse(call, 403, "forbidden", "This is for superusers.");
		return false;
	}
	return true;
}

static bool is_safe(const char *method)
{
	return text_equal(method, "GET") || text_equal(method, "HEAD");
}

/* A browser tells where a page came from that sends for it; what comes from elsewhere is not meant by its user. */
static bool is_own_origin(const struct http_request *request)
{
	const char *origin = http_header(request, "Origin"), *host = http_header(request, "Host");
	const char *after = origin != NULL ? strstr(origin, "://") : NULL;

	return origin == NULL || (after != NULL && host != NULL && strcasecmp(after + 3, host) == 0);
}

static bool has_csrf_token(struct api_inner *inner)
{
	const char *shown = http_header(inner->call.request, "X-CSRF-Token");
	const char *cookie = inner->call.user != NULL ? inner->token : inner->anonymous;
	char mark[SECRET_MARK_SIZE];

	if (shown == NULL || cookie == NULL || !is_own_origin(inner->call.request))
		return false;
	api_csrf(inner->api, cookie, mark);
	return secret_same(mark, shown);
}

/* Each '%' is followed by two digits that are no NUL, and the whole is UTF-8. */
static bool query_is_sound(const char *query)
{
	struct str plain = {0};
	bool ok = true;

	for (const char *at = query; ok && *at != '\0'; at++) {
		int byte = *at == '%' ? hex_byte(at + 1, strlen(at + 1)) : (unsigned char)*at;
		ok = byte > 0;
		if (ok)
			str_add_char(&plain, (char)byte);
		at += ok && *at == '%' ? 2 : 0;
	}
	json_t *text = ok ? json_string(str_text(&plain)) : NULL;
	ok = text != NULL;
	json_decref(text);
	str_fini(&plain);
	return ok;
}

char *api_query(const struct api_call *call, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = call->request->query; *at != '\0'; at += *at == '&') {
		size_t end = strcspn(at, "&");
		if (end > length && strncmp(at, name, length) == 0 && at[length] == '=') {
			struct str value = {0};
			for (const char *c = at + length + 1; c < at + end; c++) {
				bool escaped = *c == '%';
				str_add_char(&value, escaped ? (char)hex_byte(c + 1, 2) : *c == '+' ? ' ' : *c);
				c += escaped ? 2 : 0;
			}
			str_add(&value, "");
			return str_take(&value);
		}
		at += end;
	}
	return NULL;
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";

	return content_type != NULL && strncasecmp(content_type, json, sizeof json - 1) == 0 &&
	       strchr(" ;", content_type[sizeof json - 1]) != NULL;
}

/* Deeper than any request here needs, and shallower than a stack. */
static bool is_shallow(const json_t *value, int depth)
{
	const char *name;
	json_t *item;
	size_t i;

	if (depth > MOST_DEPTH)
		return false;
	json_object_foreach((json_t *)value, name, item)
		if (!is_shallow(item, depth + 1))
			return false;
	json_array_foreach(value, i, item)
		if (!is_shallow(item, depth + 1))
			return false;
	return true;
}

static bool take_body(struct api_call *call)
{
	const struct http_request *request = call->request;
	json_error_t error;

	if (!is_json(request->content_type)) {
		api_refuse(call, 415, "not_json", "Send Content-Type: application/json.");
		return false;
	}
	call->body = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, &error);
	if (call->body == NULL)
		api_refuse(call, 400, "malformed", "The body is no JSON: %s (line %d).", error.text, error.line);
	else if (!json_is_object(call->body))
		api_refuse(call, 400, "malformed", "The body must be a JSON object.");
	else if (!is_shallow(call->body, 0))
		api_refuse(call, 400, "malformed", "The body is nested too deeply.");
	else
		return true;
	return false;
}

/* A route that exists for who asks; the request is not looked at any further before. */
static const struct route *admit(struct api_inner *inner)
{
	struct api_call *call = &inner->call;
	struct str allowed = {0};
	const struct route *route = find_route(call, &allowed);

	if (!may_call(call, route)) {
		route = NULL;
	} else if (allowed.length == 0) {
		api_refuse(call, 404, "not_found", "There is nothing at this address.");
	} else if (route == NULL) {
		api_refuse(call, 405, "method", "This address takes %s.", str_text(&allowed));
		http_reply_header(call->reply, "Allow", "%s", str_text(&allowed));
	} else if (!is_safe(route->method) && !has_csrf_token(inner)) {
		api_refuse(call, 403, "csrf", "The X-CSRF-Token is missing or is not the one of GET /api/session.");
		route = NULL;
	}
	str_fini(&allowed);
	return route;
}

void api_handle(struct api *api, struct db_session *session, const struct api_origin *origin,
                const struct http_request *request, struct http_reply *reply)
{
	struct api_inner inner = {
		.call = {.session = session, .request = request, .reply = reply},
		.api = api,
		.origin = origin,
		.token = cookie_of(request, COOKIE_SESSION),
		.anonymous = cookie_of(request, COOKIE_ANONYMOUS),
		.kept = json_array(),
	};
	const struct route *route = know_user(&inner) ? admit(&inner) : NULL;
	bool wants_body = route != NULL && (route->method[1] == 'O' || route->method[1] == 'U'); /* POST, PUT */

	if (route != NULL && !query_is_sound(request->query))
		api_refuse(&inner.call, 400, "malformed", "The query cannot be decoded.");
	else if (route != NULL && (!wants_body || take_body(&inner.call)))
		route->run(&inner.call);
	json_decref(inner.call.body);
	json_decref(inner.call.faults);
	json_decref(inner.kept);
	free(inner.token);
	free(inner.anonymous);
}
