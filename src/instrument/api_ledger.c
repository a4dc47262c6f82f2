/* Fields and answers of accounts and transactions. */
#include "instrument/api_ledger.h"

#include <stdlib.h>
#include <string.h>

#include "admin/ledger_time.h"
#include "admin/users.h"
#include "base/mem.h"
#include "base/str.h"
#include "instrument/api_lists.h"

struct ledger_who api_who(const struct api_call *call)
{
	return (struct ledger_who){call->session, call->user->username};
}

bool api_ledger_answered(struct api_call *call, enum ledger_end end, const char *what, int64_t id,
                         json_t *conflicts, struct err *err)
{
	switch (end) {
	case LEDGER_OK:
		return false;
	case LEDGER_MISSING:
		api_refuse(call, 404, "not_found", "There is no %s %lld.", what, (long long)id);
		break;
	case LEDGER_CHANGED:
		api_refuse_with(call, 409, "changed", "conflicts", conflicts,
		                "This was changed by somebody else since it was loaded; nothing was saved.");
		break;
	case LEDGER_NO_ACCOUNT:
		api_fault(call, "account", "There is no such account.");
		return !api_sound(call);
	case LEDGER_BAD_PLACE:
		api_refuse_query(call, "after", "the `next` of a page of this very list");
		break;
	case LEDGER_FAILED:
		api_fail(call, err);
		break;
	}
	return true;
}

/* ---- transactions as JSON -------------------------------------------------------------------- */

json_t *api_transaction_json(const struct ledger_transaction *transaction)
{
	return json_pack("{sI sI so ss}", "id", (json_int_t)transaction->id, "amount", (json_int_t)transaction->amount,
	                 "account", transaction->account != 0 ? json_integer(transaction->account) : json_null(),
	                 "timestamp", transaction->time);
}

static void answer_transactions(struct api_call *call, const struct ledger_transactions_ask *ask)
{
	struct ledger_transactions *list = mem_new(1, sizeof *list);
	struct err err = {0};
	enum ledger_end end = ledger_transactions(call->session, ask, list, &err);

	if (!api_ledger_answered(call, end, "page", 0, NULL, &err)) {
		json_t *items = json_array();
		for (size_t i = 0; i < list->page.n; i++)
			json_array_append_new(items, api_transaction_json(&list->items[i]));
		api_answer_page(call, items, list->page.next, list->page.count, list->page.count_exact);
	}
	ledger_transactions_fini(list);
	free(list);
}

void api_list_transactions(struct api_call *call, struct ledger_transactions_ask *ask)
{
	char *sort = api_query(call, "sort"), *after = api_query(call, "after");
	bool up = sort != NULL && text_equal(sort, "id"), down = sort != NULL && text_equal(sort, "-id");

	ask->after = after;
	if (up || down)
		ask->sort = up ? LEDGER_BY_ID : LEDGER_BY_ID_DOWN;
	if (sort != NULL && !up && !down)
		api_refuse_query(call, "sort", "`id` or `-id`");
	else if (api_query_limit(call, &ask->limit))
		answer_transactions(call, ask);
	free(sort);
	free(after);
}

/* ---- reading --------------------------------------------------------------------------------- */

bool api_take_balance(struct api_call *call, json_t *object, int64_t *balance)
{
	return api_take_integer(call, object, "balance", 0, ACCOUNT_MAX_BALANCE, balance);
}

bool api_take_amount(struct api_call *call, json_t *object, int64_t *amount)
{
	return api_take_integer(call, object, "amount", INT32_MIN, INT32_MAX, amount);
}

bool api_take_loaded(struct api_call *call, json_t *object, const char *name, int64_t *number)
{
	return api_take_integer(call, object, name, INT64_MIN, INT64_MAX, number);
}

bool api_take_account(struct api_call *call, json_t *object, int64_t *account)
{
	*account = 0;
	if (json_is_null(json_object_get(object, "account"))) {
		json_object_del(object, "account");
		return true;
	}
	return api_take_integer(call, object, "account", 1, INT64_MAX, account);
}

bool api_take_loaded_time(struct api_call *call, json_t *object, const char **time)
{
	return api_take_text(call, object, "timestamp", 0, SIZE_MAX, time);
}

bool api_take_time(struct api_call *call, json_t *object, const char *loaded, bool needed, struct arena *arena,
                   const char **time)
{
	char whole[LEDGER_TIME_SIZE];
	const char *text;

	*time = NULL;
	if (!needed && json_object_get(object, "timestamp") == NULL)
		return true;
	if (!api_take_text(call, object, "timestamp", 0, SIZE_MAX, &text))
		return false;
	if (ledger_time_parse(text, whole))
		*time = arena_text(arena, whole);
	else if (loaded != NULL && text_equal(text, loaded))
		*time = text;
	else
		api_fault(call, "timestamp", "Enter a time as 2026-11-24T09:30:00.000000Z.");
	return *time != NULL;
}

bool api_take_id(struct api_call *call, json_t *object, int64_t *id)
{
	return api_take_integer(call, object, "id", 1, INT64_MAX, id);
}

int64_t *api_take_ids(struct api_call *call, json_t *object, size_t *n)
{
	json_t *list = api_take_array(call, object, "ids", API_MOST_IDS, true), *item;
	size_t i;

	if (list == NULL)
		return NULL;
	*n = json_array_size(list);
	if (*n == 0)
		api_fault(call, "ids", "Name at least one.");
	int64_t *ids = mem_new(*n + 1, sizeof *ids);
	json_array_foreach(list, i, item) {
		ids[i] = json_integer_value(item);
		if (!json_is_integer(item) || ids[i] < 1)
			api_fault(call, "ids", "Ids are whole numbers from 1 on.");
	}
	return ids;
}
