/* Users, for superusers. */
#include "instrument/api_users.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "instrument/api_lists.h"
#include "instrument/api_private.h"

json_t *api_user_json(const struct admin_user *user)
{
	return json_pack("{sI ss ss sb sb ss ss?}", "id", (json_int_t)user->id, "username", user->username, "email",
	                 user->email, "superuser", user->superuser, "active", user->active, "joined", user->joined,
	                 "last_login", user->last_login[0] != '\0' ? user->last_login : NULL);
}

/* Answers for all ends but OK. */
static bool answered(struct api_call *call, enum user_end end, json_t *conflicts, struct err *err)
{
	switch (end) {
	case USER_OK:
		return false;
	case USER_MISSING:
		api_refuse(call, 404, "not_found", "There is no user %lld.", (long long)call->id);
		break;
	case USER_TAKEN:
		api_refuse_with(call, 409, "taken", "fields",
		                json_pack("{ss}", "username", "A user with that name already exists."),
		                "A user with that name already exists.");
		break;
	case USER_LAST:
		api_refuse(call, 409, "last_superuser",
		           "This is the last active superuser; nobody would be left who can change users.");
		break;
	case USER_CHANGED:
		api_refuse_with(call, 409, "changed", "conflicts", conflicts,
		                "Somebody has changed the user since this was loaded.");
		break;
	case USER_FAILED:
		api_fail(call, err);
		break;
	}
	return true;
}

static void answer_user(struct api_call *call, int status, int64_t id)
{
	struct admin_user user;
	struct err err = {0};
	enum user_end end = user_by_id(call->session, id, &user, &err);

	if (!answered(call, end, NULL, &err))
		api_answer(call, status, api_user_json(&user));
}

void api_users_list(struct api_call *call)
{
	char *search = api_query(call, "search"), *after = api_query(call, "after");
	struct users_ask ask = {.search = search, .after = after};
	struct admin_user *users = NULL;
	struct err err = {0};
	size_t n = 0;
	int64_t count = 0;
	bool more = false;

	if (!api_query_limit(call, &ask.limit)) {
		/* answered */
	} else if (!users_list(call->session, &ask, &users, &n, &more, &err) ||
	           !users_count(call->session, search, &count, &err)) {
		api_fail(call, &err);
	} else {
		json_t *items = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(items, api_user_json(&users[i]));
		api_answer_page(call, items, more ? users[n - 1].username : NULL, count, true);
	}
	free(users);
	free(search);
	free(after);
}

void api_user_show(struct api_call *call)
{
	answer_user(call, 200, call->id);
}

/* ---- changes ---------------------------------------------------------------------------------------------------- */

static void judge_name(struct api_call *call, const char *name)
{
	const char *fault = user_name_fault(name);

	if (fault != NULL)
		api_fault(call, "username", "%s", fault);
}

static void judge_email(struct api_call *call, const char *email)
{
	const char *fault = user_email_fault(email);

	if (fault != NULL)
		api_fault(call, "email", "%s", fault);
}

void api_judge_password(struct api_call *call, const char *field, const char *password, const char *username,
                        const char *email)
{
	struct str reasons = {0};

	if (!password_is_strong(password, username, email, &reasons)) {
		for (char *c = reasons.text; *c != '\0'; c++)
			if (*c == '\n')
				*c = c[1] != '\0' ? ' ' : '\0';
		api_fault(call, field, "%s", str_text(&reasons));
	}
	str_fini(&reasons);
}

bool api_store_password(struct api_call *call, int64_t user, const char *password)
{
	const struct ledger_who who = {call->session, call->user->username};
	char hash[PASSWORD_HASH_SIZE];
	struct err err = {0};

	if (!password_hash(password, hash, &err)) {
		api_fail(call, &err);
		return false;
	}
	return !answered(call, user_set_password(&who, user, hash, &err), NULL, &err);
}

/* What names and flags a body has; a copy, and judged where they are to be written. */
static bool take_values(struct api_call *call, json_t *object, bool to_write, struct admin_user *values)
{
	const char *name, *email;
	bool ok = true;

	*values = (struct admin_user){0};
	if (api_take_text(call, object, "username", 0, USER_NAME_MOST, &name)) {
		memcpy(values->username, name, strlen(name) + 1);
		if (to_write)
			judge_name(call, name);
	} else {
		ok = false;
	}
	if (api_take_text(call, object, "email", 0, USER_EMAIL_MOST, &email)) {
		memcpy(values->email, email, strlen(email) + 1);
		if (to_write)
			judge_email(call, email);
	} else {
		ok = false;
	}
	if (!api_take_boolean(call, object, "superuser", &values->superuser))
		ok = false;
	return api_take_boolean(call, object, "active", &values->active) && ok;
}

void api_user_add(struct api_call *call)
{
	const struct ledger_who who = {call->session, call->user->username};
	struct admin_user values;
	const char *password;
	struct err err = {0};
	int64_t id;

	bool named = take_values(call, call->body, true, &values);
	if (api_take_text(call, call->body, "password", 1, PASSWORD_MOST, &password) && named)
		api_judge_password(call, "password", password, values.username, values.email);
	api_nothing_else(call, call->body);
	if (!api_sound(call))
		return;
	if (!password_hash(password, values.password, &err))
		api_fail(call, &err);
	else if (!answered(call, user_add(&who, &values, &id, &err), NULL, &err))
		answer_user(call, 201, id);
}

void api_user_change(struct api_call *call)
{
	const struct ledger_who who = {call->session, call->user->username};
	struct admin_user loaded = {0}, values;
	json_t *before = api_take_object(call, call->body, "loaded", true), *conflicts = NULL;
	struct err err = {0};

	if (before != NULL) {
		(void)take_values(call, before, false, &loaded);
		api_nothing_else(call, before);
	}
	(void)take_values(call, call->body, true, &values);
	api_nothing_else(call, call->body);
	if (!api_sound(call))
		return;
	enum user_end end = user_change(&who, call->id, &loaded, &values, &conflicts, &err);
	if (!answered(call, end, conflicts, &err))
		answer_user(call, 200, call->id);
}

void api_user_delete(struct api_call *call)
{
	const struct ledger_who who = {call->session, call->user->username};
	struct err err = {0};

	if (!answered(call, user_delete(&who, call->id, &err), NULL, &err))
		api_answer(call, 204, NULL);
}

void api_user_password(struct api_call *call)
{
	struct admin_user user;
	const char *password;
	struct err err = {0};

	if (answered(call, user_by_id(call->session, call->id, &user, &err), NULL, &err))
		return;
	if (api_take_text(call, call->body, "password", 1, PASSWORD_MOST, &password))
		api_judge_password(call, "password", password, user.username, user.email);
	api_nothing_else(call, call->body);
	if (api_sound(call) && api_store_password(call, user.id, password))
		api_answer(call, 204, NULL);
}
