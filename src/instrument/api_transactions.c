/* Transactions: lists, one, and what is done to them. */
#include <stdlib.h>
#include <string.h>

#include "admin/ledger_time.h"
#include "base/num.h"
#include "base/str.h"
#include "instrument/api_ledger.h"
#include "instrument/api_lists.h"
#include "instrument/api_private.h"

static bool answered(struct api_call *call, enum ledger_end end, json_t *conflicts, struct err *err)
{
	return api_ledger_answered(call, end, "transaction", call->id, conflicts, err);
}

static void answer_transaction(struct api_call *call, int status, int64_t id)
{
	struct ledger_transaction transaction;
	struct arena arena = {0};
	struct err err = {0};

	if (!answered(call, ledger_transaction(call->session, id, &transaction, &arena, &err), NULL, &err))
		api_answer(call, status, api_transaction_json(&transaction));
	arena_fini(&arena);
}

/* Empty values filter nothing: a form sends its empty fields too. */
static bool take_filter(struct api_call *call, const char *account, const char *day,
                        struct ledger_transactions_ask *ask)
{
	char day_after[LEDGER_DAY_SIZE];

	if (account != NULL && text_equal(account, "none")) {
		ask->filter = LEDGER_OF_NONE;
	} else if (account != NULL && *account != '\0') {
		ask->filter = LEDGER_OF_ACCOUNT;
		if (!num_parse(account, INT64_MIN, INT64_MAX, &ask->account, NULL)) {
			api_refuse_query(call, "account", "the id of an account, or `none`");
			return false;
		}
	}
	if (day != NULL && *day != '\0') {
		ask->day = day;
		if (!ledger_day_after(day, day_after)) {
			api_refuse_query(call, "day", "a day as 2026-11-24");
			return false;
		}
	}
	return true;
}

void api_transactions_list(struct api_call *call)
{
	char *account = api_query(call, "account"), *day = api_query(call, "day");
	struct ledger_transactions_ask ask = {.sort = LEDGER_BY_ID_DOWN};

	if (take_filter(call, account, day, &ask))
		api_list_transactions(call, &ask);
	free(account);
	free(day);
}

void api_transaction_show(struct api_call *call)
{
	answer_transaction(call, 200, call->id);
}

void api_transaction_add(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	struct ledger_transaction values = {0};
	struct arena arena = {0};
	struct err err = {0};
	int64_t id;

	(void)api_take_amount(call, call->body, &values.amount);
	(void)api_take_account(call, call->body, &values.account);
	(void)api_take_time(call, call->body, NULL, false, &arena, &values.time);
	api_nothing_else(call, call->body);
	if (api_sound(call) && !answered(call, ledger_transaction_add(&who, &values, &id, &err), NULL, &err))
		answer_transaction(call, 201, id);
	arena_fini(&arena);
}

static void take_change(struct api_call *call, struct arena *arena, struct ledger_row_change *change)
{
	json_t *loaded = api_take_object(call, call->body, "loaded", true);

	if (loaded != NULL) {
		(void)api_take_loaded(call, loaded, "amount", &change->loaded.amount);
		(void)api_take_account(call, loaded, &change->loaded.account);
		(void)api_take_loaded_time(call, loaded, &change->loaded.time);
		api_nothing_else(call, loaded);
	}
	(void)api_take_amount(call, call->body, &change->values.amount);
	(void)api_take_account(call, call->body, &change->values.account);
	(void)api_take_time(call, call->body, change->loaded.time, true, arena, &change->values.time);
	api_nothing_else(call, call->body);
}

void api_transaction_change(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	struct ledger_row_change change = {.id = call->id};
	struct arena arena = {0};
	json_t *conflicts = NULL;
	struct err err = {0};

	take_change(call, &arena, &change);
	if (api_sound(call)) {
		enum ledger_end end = ledger_transaction_change(&who, &change, &conflicts, &err);
		if (!answered(call, end, conflicts, &err))
			answer_transaction(call, 200, call->id);
	}
	arena_fini(&arena);
}

void api_transaction_delete(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	struct ledger_done done;
	struct err err = {0};

	if (!answered(call, ledger_transactions_delete(&who, &call->id, 1, &done, &err), NULL, &err))
		api_answer(call, 204, NULL);
}

void api_transactions_act(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	struct ledger_done done = {0};
	struct err err = {0};
	const char *action;
	size_t n = 0;

	if (api_take_text(call, call->body, "action", 0, 16, &action) && !text_equal(action, "delete"))
		api_fault(call, "action", "This is delete.");
	int64_t *ids = api_take_ids(call, call->body, &n);
	api_nothing_else(call, call->body);
	if (api_sound(call)) {
		enum ledger_end end = ledger_transactions_delete(&who, ids, n, &done, &err);
		/* That none of them is there any more is what was asked for, too. */
		if (end == LEDGER_MISSING || !answered(call, end, NULL, &err))
			api_answer(call, 200, json_pack("{sI}", "transactions", (json_int_t)done.transactions));
	}
	free(ids);
}
