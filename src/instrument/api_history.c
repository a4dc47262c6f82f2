/* GET /api/history. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/history.h"
#include "admin/users.h"
#include "base/num.h"
#include "instrument/api_lists.h"
#include "instrument/api_private.h"

static bool take_number(struct api_call *call, const char *name, int64_t *number)
{
	char *text = api_query(call, name);
	bool ok = text == NULL || num_parse(text, 1, INT64_MAX, number, NULL);

	free(text);
	if (!ok)
		api_refuse_query(call, name, "a number from 1 on");
	return ok;
}

/* *object is left alone where the query names none. */
static bool take_object(struct api_call *call, struct history_ask *ask, enum history_object *object)
{
	char *text = api_query(call, "object");
	bool ok = text == NULL || history_object_of_name(text, object);

	if (text != NULL)
		ask->object = object;
	free(text);
	if (!ok) {
		api_refuse_query(call, "object", "account, transaction or user");
	} else if (ask->object != NULL && *object == HISTORY_USER && !ask->users) {
		api_refuse(call, 403, "forbidden", "The history of users is for superusers.");
		ok = false;
	}
	return ok;
}

void api_history_list(struct api_call *call)
{
	struct history_ask ask = {.users = call->user->superuser};
	enum history_object object = HISTORY_ACCOUNT;
	struct err err = {0};
	char place[24] = "";
	int64_t next;

	if (!take_object(call, &ask, &object) || !take_number(call, "id", &ask.id) ||
	    !take_number(call, "after", &ask.before) || !api_query_limit(call, &ask.limit))
		return;
	json_t *items = history_list(call->session, &ask, &next, &err);
	if (items == NULL) {
		api_fail(call, &err);
		return;
	}
	(void)snprintf(place, sizeof place, "%" PRId64, next);
	api_answer_page(call, items, next != 0 ? place : NULL, (int64_t)json_array_size(items), next == 0);
}
