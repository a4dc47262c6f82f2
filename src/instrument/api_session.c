/* Logging in and out, one's own password, and what stands beside the routes of objects: health, the document. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "instrument/api_private.h"
#include "instrument/api_users.h"

extern const char openapi_json[]; /* openapi.json, embedded by the build */

void api_health(struct api_call *call)
{
	struct db_rows rows = {0};
	struct err err = {0};

	if (db_run(call->session, DB_READ, "SELECT 1", NULL, &rows, NULL, &err))
		api_answer(call, 200, json_pack("{ss}", "status", "ok"));
	else
		api_fail(call, &err);
	db_rows_fini(&rows);
}

void api_openapi(struct api_call *call)
{
	call->reply->status = 200;
	call->reply->content_type = "application/json";
	call->reply->body = strdup(openapi_json);
	call->reply->body_length = strlen(openapi_json);
}

/* `cookie` is the one that the answer leaves the browser with. */
static void tell_session(struct api_call *call, const struct admin_user *user, const char *cookie)
{
	char csrf[SECRET_MARK_SIZE];

	api_csrf(api_inner(call)->api, cookie, csrf);
	api_answer(call, 200, json_pack("{so ss}", "user", user != NULL ? api_user_json(user) : json_null(),
	                                "csrf", csrf));
}

void api_session_show(struct api_call *call)
{
	struct api_inner *inner = api_inner(call);
	char token[TOKEN_SIZE];

	if (call->user != NULL) {
		tell_session(call, call->user, inner->token);
	} else if (inner->anonymous != NULL && strlen(inner->anonymous) == TOKEN_SIZE - 1) {
		tell_session(call, NULL, inner->anonymous);
	} else {
		token_draw(token);
		api_set_cookie(inner, COOKIE_ANONYMOUS, token, SESSION_DAYS * 86400);
		tell_session(call, NULL, token);
	}
}

/* ---- log-in --------------------------------------------------------------------------------------------------- */

/* The same answer whatever was wrong: nobody learns by it which names there are. */
static void refuse_login(struct api_call *call)
{
	api_refuse(call, 401, "login_failed",
	           "Please enter the correct user name and password. Both may be case-sensitive.");
}

static bool may_try(struct api_call *call, const char *name)
{
	struct api_inner *inner = api_inner(call);
	int64_t wait_s = throttle_ask(inner->api->throttle, name, inner->origin->address, clock_now_ns());

	if (wait_s == 0)
		return true;
	http_reply_header(call->reply, "Retry-After", "%lld", (long long)wait_s);
	api_refuse(call, 429, "too_many", "Too many log-ins failed. Try again in %lld s.", (long long)wait_s);
	return false;
}

/* True: *user is who he says. */
static bool check(struct api_call *call, const char *name, const char *password, struct admin_user *user)
{
	struct err err = {0};
	enum user_end end = user_by_name(call->session, name, user, &err);

	if (end == USER_FAILED) {
		api_fail(call, &err);
		return false;
	}
	if (password_fits(password, end == USER_OK ? user->password : NULL) && user->active)
		return true;
	refuse_login(call);
	return false;
}

/* A new token always: one that somebody else has put into the browser is of no use. */
static void open_session(struct api_call *call, struct admin_user *user)
{
	struct api_inner *inner = api_inner(call);
	const struct ledger_who who = {call->session, user->username};
	char token[TOKEN_SIZE];
	struct err err = {0};

	if ((inner->token != NULL && !session_end(call->session, &inner->api->secret, inner->token, &err)) ||
	    !session_open(call->session, &inner->api->secret, user->id, token, &err) ||
	    !user_note_login(&who, user->id, &err) || user_by_id(call->session, user->id, user, &err) != USER_OK) {
		api_fail(call, &err);
		return;
	}
	api_set_cookie(inner, COOKIE_SESSION, token, SESSION_DAYS * 86400);
	tell_session(call, user, token);
}

void api_session_login(struct api_call *call)
{
	struct api_inner *inner = api_inner(call);
	const char *name, *password;
	struct admin_user user;

	(void)api_take_text(call, call->body, "username", 1, USER_NAME_MOST, &name);
	(void)api_take_text(call, call->body, "password", 1, PASSWORD_MOST, &password);
	api_nothing_else(call, call->body);
	if (!api_sound(call) || !may_try(call, name) || !check(call, name, password, &user))
		return;
	throttle_forget(inner->api->throttle, name, inner->origin->address);
	open_session(call, &user);
}

void api_session_logout(struct api_call *call)
{
	struct api_inner *inner = api_inner(call);
	struct err err = {0};

	if (!session_end(call->session, &inner->api->secret, inner->token, &err)) {
		api_fail(call, &err);
		return;
	}
	api_set_cookie(inner, COOKIE_SESSION, "", 0);
	api_answer(call, 204, NULL);
}

/* Who changes his password tries the old one first, as often as one may try to log in. */
static bool knows_password(struct api_call *call, const char *old)
{
	struct api_inner *inner = api_inner(call);

	if (!may_try(call, call->user->username))
		return false;
	if (password_fits(old, call->user->password)) {
		throttle_forget(inner->api->throttle, call->user->username, inner->origin->address);
		return true;
	}
	api_fault(call, "old_password", "Your old password was entered incorrectly. Please enter it again.");
	return api_sound(call);
}

void api_session_password(struct api_call *call)
{
	const char *old, *fresh;
	struct admin_user user = *call->user;

	(void)api_take_text(call, call->body, "old_password", 1, PASSWORD_MOST, &old);
	if (api_take_text(call, call->body, "new_password", 1, PASSWORD_MOST, &fresh))
		api_judge_password(call, "new_password", fresh, user.username, user.email);
	api_nothing_else(call, call->body);
	if (api_sound(call) && knows_password(call, old) && api_store_password(call, user.id, fresh))
		open_session(call, &user);
}
