/* Accounts: lists, one, and what is done to them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "instrument/api_ledger.h"
#include "instrument/api_lists.h"
#include "instrument/api_private.h"

static json_t *account_json(const struct account *account)
{
	return json_pack("{sI sI sI sI sI}", "id", (json_int_t)account->id, "balance", (json_int_t)account->balance,
	                 "transactions", (json_int_t)account->transactions, "recorded_sum",
	                 (json_int_t)account->recorded_sum, "difference",
	                 (json_int_t)(account->recorded_sum - account->balance));
}

static bool answered(struct api_call *call, enum ledger_end end, json_t *conflicts, struct err *err)
{
	return api_ledger_answered(call, end, "account", call->id, conflicts, err);
}

static void answer_account(struct api_call *call, int status, int64_t id)
{
	struct account account;
	struct err err = {0};

	if (!answered(call, ledger_account(call->session, id, &account, &err), NULL, &err))
		api_answer(call, status, account_json(&account));
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* False: it was answered what is wrong with the query. */
static bool take_sort(struct api_call *call, enum ledger_sort *sort)
{
	static const struct {
		const char *name;
		enum ledger_sort sort;
	} sorts[] = {
		{"id", LEDGER_BY_ID},
		{"-id", LEDGER_BY_ID_DOWN},
		{"balance", LEDGER_BY_BALANCE},
		{"-balance", LEDGER_BY_BALANCE_DOWN},
	};
	char *text = api_query(call, "sort");
	bool found = text == NULL;

	*sort = LEDGER_BY_ID;
	for (size_t i = 0; i < COUNT_OF(sorts) && !found; i++)
		if (text_equal(text, sorts[i].name)) {
			*sort = sorts[i].sort;
			found = true;
		}
	free(text);
	if (!found)
		api_refuse_query(call, "sort", "`id`, `-id`, `balance` or `-balance`");
	return found;
}

/* An empty search is none. */
static bool take_search(struct api_call *call, int64_t *id, bool *has_id)
{
	char *text = api_query(call, "search");
	bool ok;

	*has_id = text != NULL && *text != '\0';
	ok = !*has_id || num_parse(text, INT64_MIN, INT64_MAX, id, NULL);
	free(text);
	if (!ok)
		api_refuse_query(call, "search", "the id of an account");
	return ok;
}

static void answer_accounts(struct api_call *call, const struct ledger_accounts_ask *ask)
{
	struct ledger_accounts *list = mem_new(1, sizeof *list);
	struct err err = {0};

	if (!answered(call, ledger_accounts(call->session, ask, list, &err), NULL, &err)) {
		json_t *items = json_array();
		for (size_t i = 0; i < list->page.n; i++)
			json_array_append_new(items, account_json(&list->items[i]));
		api_answer_page(call, items, list->page.next, list->page.count, list->page.count_exact);
	}
	ledger_accounts_fini(list);
	free(list);
}

void api_accounts_list(struct api_call *call)
{
	char *after = api_query(call, "after");
	struct ledger_accounts_ask ask = {.after = after};
	int64_t id;
	bool has_id;

	if (take_sort(call, &ask.sort) && take_search(call, &id, &has_id) && api_query_limit(call, &ask.limit)) {
		ask.id = has_id ? &id : NULL;
		answer_accounts(call, &ask);
	}
	free(after);
}

void api_account_show(struct api_call *call)
{
	answer_account(call, 200, call->id);
}

void api_account_transactions(struct api_call *call)
{
	struct ledger_transactions_ask ask = {
		.filter = LEDGER_OF_ACCOUNT, .account = call->id, .sort = LEDGER_BY_ID};
	struct err err = {0};
	bool there;

	if (!answered(call, ledger_account_exists(call->session, call->id, &there, &err), NULL, &err) &&
	    !answered(call, there ? LEDGER_OK : LEDGER_MISSING, NULL, &err))
		api_list_transactions(call, &ask);
}

/* ---- changes --------------------------------------------------------------------------------- */

void api_account_add(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	struct err err = {0};
	int64_t balance, id;

	(void)api_take_balance(call, call->body, &balance);
	api_nothing_else(call, call->body);
	if (api_sound(call) && !answered(call, ledger_account_add(&who, balance, &id, &err), NULL, &err))
		answer_account(call, 201, id);
}

/* A body's rows of one kind. */
struct rows {
	const char *list; /* "add", "change", "delete" */
	struct ledger_row_change *rows;
	size_t n;
};

static void take_loaded_row(struct api_call *call, json_t *item, struct ledger_row_change *row)
{
	json_t *loaded = api_take_object(call, item, "loaded", true);

	(void)api_take_id(call, item, &row->id);
	if (loaded == NULL)
		return;
	(void)api_take_loaded(call, loaded, "amount", &row->loaded.amount);
	(void)api_take_loaded_time(call, loaded, &row->loaded.time);
	api_nothing_else(call, loaded);
}

static void take_row(struct api_call *call, const char *list, json_t *item, struct arena *arena,
                     struct ledger_row_change *row)
{
	bool add = text_equal(list, "add");

	if (!add)
		take_loaded_row(call, item, row);
	if (!text_equal(list, "delete")) {
		(void)api_take_amount(call, item, &row->values.amount);
		(void)api_take_time(call, item, row->loaded.time, !add, arena, &row->values.time);
	}
	api_nothing_else(call, item);
}

/* A row's faults under their place: "transactions.change.3.amount". */
static void place_faults(struct api_call *call, json_t *before, const char *list, size_t i)
{
	json_t *own = call->faults, *sentence;
	const char *name;

	call->faults = before;
	json_object_foreach(own, name, sentence) {
		char *place = mem_printf("transactions.%s.%zu.%s", list, i, name);
		api_fault(call, place, "%s", json_string_value(sentence));
		free(place);
	}
	json_decref(own);
}

static void take_rows(struct api_call *call, json_t *object, struct rows *rows, struct arena *arena)
{
	json_t *list = api_take_array(call, object, rows->list, API_MOST_INLINE, false), *item;
	size_t i;

	rows->rows = arena_new(arena, json_array_size(list) + 1, sizeof *rows->rows);
	json_array_foreach(list, i, item) {
		json_t *before = call->faults;
		call->faults = NULL;
		if (json_is_object(item))
			take_row(call, rows->list, item, arena, &rows->rows[rows->n++]);
		else
			api_fault(call, "row", "This must be an object.");
		place_faults(call, before, rows->list, i);
	}
}

static int by_number(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return one < other ? -1 : one > other;
}

static void judge_ids(struct api_call *call, const struct rows *change, const struct rows *remove)
{
	int64_t *ids = mem_new(change->n + remove->n + 1, sizeof *ids);
	size_t n = 0;

	for (size_t i = 0; i < change->n; i++)
		ids[n++] = change->rows[i].id;
	for (size_t i = 0; i < remove->n; i++)
		ids[n++] = remove->rows[i].id;
	qsort(ids, n, sizeof *ids, by_number);
	for (size_t i = 1; i < n; i++)
		if (ids[i] == ids[i - 1])
			api_fault(call, "transactions", "Transaction %lld is named twice.", (long long)ids[i]);
	free(ids);
}

static void take_edit(struct api_call *call, struct arena *arena, struct ledger_account_edit *edit)
{
	struct rows add = {.list = "add"}, change = {.list = "change"}, remove = {.list = "delete"};
	json_t *loaded = api_take_object(call, call->body, "loaded", true);
	json_t *transactions = api_take_object(call, call->body, "transactions", false);

	if (loaded != NULL) {
		(void)api_take_loaded(call, loaded, "balance", &edit->loaded_balance);
		api_nothing_else(call, loaded);
	}
	(void)api_take_balance(call, call->body, &edit->balance);
	api_nothing_else(call, call->body);
	if (transactions == NULL)
		return;
	take_rows(call, transactions, &add, arena);
	take_rows(call, transactions, &change, arena);
	take_rows(call, transactions, &remove, arena);
	api_nothing_else(call, transactions);
	if (call->faults == NULL)
		judge_ids(call, &change, &remove);
	struct ledger_transaction *values = arena_new(arena, add.n + 1, sizeof *values);
	for (size_t i = 0; i < add.n; i++)
		values[i] = add.rows[i].values;
	edit->add = values;
	edit->n_add = add.n;
	edit->change = change.rows;
	edit->n_change = change.n;
	edit->remove = remove.rows;
	edit->n_remove = remove.n;
}

void api_account_change(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	struct ledger_account_edit edit = {.id = call->id};
	struct arena arena = {0};
	json_t *conflicts = NULL;
	struct err err = {0};

	take_edit(call, &arena, &edit);
	if (api_sound(call)) {
		enum ledger_end end = ledger_account_change(&who, &edit, &conflicts, &err);
		if (!answered(call, end, conflicts, &err))
			answer_account(call, 200, call->id);
	}
	arena_fini(&arena);
}

/* ---- away with them -------------------------------------------------------------------------- */

/* "keep" (as when it is missing) or "delete"; false for another word. */
static bool read_fate(const char *word, enum ledger_action *action)
{
	bool keep = word == NULL || text_equal(word, "keep");

	*action = keep ? LEDGER_DELETE_KEEP : LEDGER_DELETE;
	return keep || text_equal(word, "delete");
}

void api_account_delete(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	char *fate = api_query(call, "transactions");
	enum ledger_action action;
	struct ledger_done done;
	struct err err = {0};

	if (!read_fate(fate, &action))
		api_refuse_query(call, "transactions", "`keep` or `delete`");
	else if (!answered(call, ledger_accounts_act(&who, action, &call->id, 1, &done, &err), NULL, &err))
		api_answer(call, 204, NULL);
	free(fate);
}

static void take_action(struct api_call *call, enum ledger_action *action)
{
	bool has_fate = json_object_get(call->body, "transactions") != NULL;
	const char *name, *fate = NULL;

	if (has_fate && api_take_text(call, call->body, "transactions", 0, 16, &fate) && !read_fate(fate, action))
		api_fault(call, "transactions", "This is keep or delete.");
	else if (!has_fate)
		(void)read_fate(NULL, action);
	if (!api_take_text(call, call->body, "action", 0, 16, &name))
		return;
	if (text_equal(name, "reset")) {
		if (fate != NULL && text_equal(fate, "keep"))
			api_fault(call, "transactions", "A reset deletes the transactions.");
		*action = LEDGER_RESET;
	} else if (!text_equal(name, "delete")) {
		api_fault(call, "action", "This is delete or reset.");
	}
}

void api_accounts_act(struct api_call *call)
{
	const struct ledger_who who = api_who(call);
	enum ledger_action action = LEDGER_DELETE_KEEP;
	struct ledger_done done = {0};
	struct err err = {0};
	size_t n = 0;

	take_action(call, &action);
	int64_t *ids = api_take_ids(call, call->body, &n);
	api_nothing_else(call, call->body);
	if (api_sound(call)) {
		enum ledger_end end = ledger_accounts_act(&who, action, ids, n, &done, &err);
		/* That none of them is there any more is what was asked for, too. */
		if (end == LEDGER_MISSING || !answered(call, end, NULL, &err))
			api_answer(call, 200, json_pack("{sI sI}", "accounts", (json_int_t)done.accounts,
			                                "transactions", (json_int_t)done.transactions));
	}
	free(ids);
}
