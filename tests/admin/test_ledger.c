/* Changes of accounts and transactions: what is written, what is asked, what the history says of it. test_ledger
 * ENGINE[/django]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"

#include "base/mem.h"

static const char morning[] = "2026-11-24T09:30:00.000000Z", noon[] = "2026-11-24T12:00:00.250000Z";

static struct ledger_who ann(struct db_session *session)
{
	return (struct ledger_who){session, "ann"};
}

static void assert_transaction(struct db_session *session, int64_t id, int64_t account, int64_t amount,
                               const char *time)
{
	struct arena arena = {0};
	struct ledger_transaction now = transaction_of(session, id, &arena);

	assert_int_equal(now.account, account);
	assert_int_equal(now.amount, amount);
	assert_string_equal(now.time, time);
	arena_fini(&arena);
}

static bool transaction_is_there(struct db_session *session, int64_t id)
{
	return ask(session, "SELECT COUNT(*) FROM demo_transaction WHERE id = ?", ARGS(db_int(id))) == 1;
}

static int64_t all_notes(struct db_session *session)
{
	return ask(session, "SELECT COUNT(*) FROM racy_history", NULL);
}

/* ---- additions ----------------------------------------------------------------------------- */

static void what_is_added_is_there_and_noted(void **state)
{
	struct db_session *session = books_open(*state);
	const struct ledger_who who = ann(session);
	struct ledger_transaction values = {.amount = -5, .time = noon};
	int64_t account, one, other;

	assert_int_equal(ledger_account_add(&who, 300, &account, NULL), LEDGER_OK);
	assert_int_equal(account_of(session, account).balance, 300);
	assert_int_equal(notes(session, "add", "account", account, "{\"balance\":[null,300]}"), 1);
	assert_int_equal(ledger_transaction_add(&who, &values, &one, NULL), LEDGER_OK);
	assert_transaction(session, one, 0, -5, noon);
	values.account = account;
	values.time = NULL;
	assert_int_equal(ledger_transaction_add(&who, &values, &other, NULL), LEDGER_OK);
	struct account now = account_of(session, account);
	assert_int_equal(now.balance, 300);
	assert_int_equal(now.transactions, 1);
	assert_int_equal(now.recorded_sum, -5);
	assert_int_equal(notes(session, "add", "transaction", other, NULL), 1);
	values.account = account + 1000;
	assert_int_equal(ledger_transaction_add(&who, &values, &other, NULL), LEDGER_NO_ACCOUNT);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM demo_transaction", NULL), 2);
	assert_int_equal(all_notes(session), 3);
	db_close(session);
}

/* ---- an account with its transactions ------------------------------------------------------ */

/* An account of 100 with three transactions. */
struct form {
	struct db_session *session;
	int64_t account, rows[3];
};

static struct form fill(void **state)
{
	struct form form = {.session = books_open(*state)};

	form.account = add_account(form.session, 100);
	for (int i = 0; i < 3; i++)
		form.rows[i] = add_transaction(form.session, form.account, 10 * (i + 1), "2026-11-24 09:30:00");
	return form;
}

static struct ledger_row_change row_of(const struct form *form, int i, int64_t amount, const char *time)
{
	return (struct ledger_row_change){
		.id = form->rows[i],
		.loaded = {.amount = 10 * (i + 1), .time = morning},
		.values = {.amount = amount, .time = time},
	};
}

static void one_save_adds_changes_and_deletes(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	const struct ledger_transaction add[] = {{.amount = 7, .time = noon}, {.amount = 8}};
	const struct ledger_row_change change[] = {row_of(&form, 2, 31, morning), row_of(&form, 0, 10, noon)};
	const struct ledger_row_change remove[] = {row_of(&form, 1, 0, NULL)};
	const struct ledger_account_edit edit = {
		.id = form.account, .loaded_balance = 100, .balance = 150, .add = add, .n_add = 2,
		.change = change, .n_change = 2, .remove = remove, .n_remove = 1,
	};
	json_t *conflicts = json_null();

	assert_int_equal(ledger_account_change(&who, &edit, &conflicts, NULL), LEDGER_OK);
	assert_null(conflicts);
	struct account now = account_of(form.session, form.account);
	assert_int_equal(now.balance, 150);
	assert_int_equal(now.transactions, 4);
	assert_int_equal(now.recorded_sum, 10 + 31 + 7 + 8);
	assert_transaction(form.session, form.rows[0], form.account, 10, noon);
	assert_transaction(form.session, form.rows[2], form.account, 31, morning);
	assert_false(transaction_is_there(form.session, form.rows[1]));
	assert_int_equal(notes(form.session, "change", "account", form.account, "{\"balance\":[100,150]}"), 1);
	assert_int_equal(notes(form.session, "change", "transaction", form.rows[2], "{\"amount\":[30,31]}"), 1);
	assert_int_equal(notes(form.session, "delete", "transaction", form.rows[1], NULL), 1);
	assert_int_equal(all_notes(form.session), 6);
	db_close(form.session);
}

static void a_save_that_changes_nothing_writes_nothing(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	const struct ledger_row_change change[] = {row_of(&form, 0, 10, morning)};
	const struct ledger_account_edit edit = {.id = form.account, .loaded_balance = 100, .balance = 100,
	                                         .change = change, .n_change = 1};

	assert_int_equal(ledger_account_change(&who, &edit, NULL, NULL), LEDGER_OK);
	assert_int_equal(all_notes(form.session), 0);
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM racy_version", NULL), 0);
	db_close(form.session);
}

static void nothing_is_written_over_what_has_changed(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	const struct ledger_transaction add[] = {{.amount = 7}};
	const struct ledger_row_change change[] = {row_of(&form, 2, 31, noon), row_of(&form, 0, 11, morning)};
	const struct ledger_row_change remove[] = {row_of(&form, 1, 0, NULL)};
	const struct ledger_account_edit edit = {
		.id = form.account, .loaded_balance = 100, .balance = 50, .add = add, .n_add = 1,
		.change = change, .n_change = 2, .remove = remove, .n_remove = 1,
	};
	json_t *conflicts;

	must(form.session, DB_WRITE, "UPDATE demo_account SET balance = 300 WHERE id = ?", ARGS(db_int(form.account)));
	must(form.session, DB_WRITE, "DELETE FROM demo_transaction WHERE id = ?", ARGS(db_int(form.rows[0])));
	must(form.session, DB_WRITE, "UPDATE demo_transaction SET amount = 21 WHERE id = ?",
	     ARGS(db_int(form.rows[1])));
	must(form.session, DB_WRITE, "UPDATE demo_transaction SET timestamp = '2026-11-25 00:00:00' WHERE id = ?",
	     ARGS(db_int(form.rows[2])));
	assert_int_equal(ledger_account_change(&who, &edit, &conflicts, NULL), LEDGER_CHANGED);
	assert_conflicts(conflicts,
	                 "[{\"object\":\"account\",\"id\":1,\"field\":\"balance\","
	                 "\"loaded\":100,\"now\":300,\"yours\":50},"
	                 "{\"object\":\"transaction\",\"id\":1,\"deleted\":true},"
	                 "{\"object\":\"transaction\",\"id\":2,\"field\":\"amount\","
	                 "\"loaded\":20,\"now\":21,\"yours\":null},"
	                 "{\"object\":\"transaction\",\"id\":3,\"field\":\"timestamp\","
	                 "\"loaded\":\"2026-11-24T09:30:00.000000Z\",\"now\":\"2026-11-25T00:00:00.000000Z\","
	                 "\"yours\":\"2026-11-24T12:00:00.250000Z\"}]");
	assert_int_equal(account_of(form.session, form.account).balance, 300);
	assert_int_equal(ask(form.session, "SELECT SUM(amount) FROM demo_transaction", NULL), 21 + 30);
	assert_int_equal(all_notes(form.session), 0);
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM racy_version", NULL), 0);
	assert_false(has_tx(*state, form.session));
	db_close(form.session);
}

static void a_row_that_left_the_account_is_gone_from_its_form(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	const struct ledger_row_change rows[] = {row_of(&form, 0, 11, morning)};
	struct ledger_account_edit edit = {.id = form.account, .loaded_balance = 100, .balance = 100, .change = rows,
	                                   .n_change = 1};
	json_t *conflicts;

	must(form.session, DB_WRITE, "UPDATE demo_transaction SET account_id = NULL WHERE id = ?",
	     ARGS(db_int(form.rows[0])));
	assert_int_equal(ledger_account_change(&who, &edit, &conflicts, NULL), LEDGER_CHANGED);
	assert_conflicts(conflicts, "[{\"object\":\"transaction\",\"id\":1,\"deleted\":true}]");
	/* To be deleted: it is not there any more, and where it is now nobody meant it. */
	edit = (struct ledger_account_edit){.id = form.account, .loaded_balance = 100, .balance = 101, .remove = rows,
	                                    .n_remove = 1};
	assert_int_equal(ledger_account_change(&who, &edit, NULL, NULL), LEDGER_OK);
	assert_transaction(form.session, form.rows[0], 0, 10, morning);
	assert_int_equal(all_notes(form.session), 1);
	db_close(form.session);
}

static void an_account_that_is_gone_is_missing(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	const struct ledger_account_edit edit = {.id = 77, .loaded_balance = 0, .balance = 5};

	assert_int_equal(ledger_account_change(&who, &edit, NULL, NULL), LEDGER_MISSING);
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM racy_version", NULL), 0);
	db_close(form.session);
}

static void a_versioned_deposit_sees_that_the_balance_was_edited(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	struct ledger_account_edit edit = {.id = form.account, .loaded_balance = 100, .balance = 5};

	assert_int_equal(ledger_account_change(&who, &edit, NULL, NULL), LEDGER_OK);
	assert_int_equal(ask(form.session, "SELECT version FROM racy_version", NULL), 1);
	edit = (struct ledger_account_edit){.id = form.account, .loaded_balance = 5, .balance = 6};
	assert_int_equal(ledger_account_change(&who, &edit, NULL, NULL), LEDGER_OK);
	assert_int_equal(ask(form.session, "SELECT version FROM racy_version", NULL), 2);
	db_close(form.session);
}

/* ---- a transaction ------------------------------------------------------------------------- */

static void a_transaction_moves_to_another_account(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	int64_t other = add_account(form.session, 0);
	struct ledger_row_change change = row_of(&form, 0, -2147483647 - 1, noon);

	change.loaded.account = form.account;
	change.values.account = other;
	assert_int_equal(ledger_transaction_change(&who, &change, NULL, NULL), LEDGER_OK);
	assert_transaction(form.session, form.rows[0], other, -2147483647 - 1, noon);
	assert_int_equal(notes(form.session, "change", "transaction", form.rows[0],
	                       "{\"amount\":[10,-2147483648],\"account\":[1,2],\"timestamp\":["
	                       "\"2026-11-24T09:30:00.000000Z\",\"2026-11-24T12:00:00.250000Z\"]}"), 1);
	change.loaded = change.values;
	change.values.account = 0;
	assert_int_equal(ledger_transaction_change(&who, &change, NULL, NULL), LEDGER_OK);
	assert_transaction(form.session, form.rows[0], 0, -2147483647 - 1, noon);
	change.loaded = change.values;
	change.values.account = 99;
	assert_int_equal(ledger_transaction_change(&who, &change, NULL, NULL), LEDGER_NO_ACCOUNT);
	change.values.account = 0;
	change.id = 99;
	assert_int_equal(ledger_transaction_change(&who, &change, NULL, NULL), LEDGER_MISSING);
	db_close(form.session);
}

static void a_transaction_that_has_changed_is_asked_for(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	struct ledger_row_change change = row_of(&form, 0, 11, morning);
	json_t *conflicts;

	must(form.session, DB_WRITE, "UPDATE demo_transaction SET account_id = NULL, amount = 12 WHERE id = 1", NULL);
	change.loaded.account = change.values.account = form.account;
	assert_int_equal(ledger_transaction_change(&who, &change, &conflicts, NULL), LEDGER_CHANGED);
	assert_conflicts(conflicts,
	                 "[{\"object\":\"transaction\",\"id\":1,\"field\":\"amount\","
	                 "\"loaded\":10,\"now\":12,\"yours\":11},"
	                 "{\"object\":\"transaction\",\"id\":1,\"field\":\"account\","
	                 "\"loaded\":1,\"now\":null,\"yours\":1}]");
	assert_transaction(form.session, 1, 0, 12, morning);
	assert_int_equal(all_notes(form.session), 0);
	db_close(form.session);
}

static void transactions_are_deleted_together(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	const int64_t ids[] = {form.rows[2], 99, form.rows[0], form.rows[2]};
	struct ledger_done done;

	assert_int_equal(ledger_transactions_delete(&who, ids, 4, &done, NULL), LEDGER_OK);
	assert_int_equal(done.transactions, 2);
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM demo_transaction", NULL), 1);
	assert_int_equal(all_notes(form.session), 2);
	assert_int_equal(ledger_transactions_delete(&who, ids, 4, &done, NULL), LEDGER_MISSING);
	assert_int_equal(done.transactions, 0);
	db_close(form.session);
}

/* ---- away with them ------------------------------------------------------------------------ */

static void deleting_keeps_the_transactions_or_does_not(void **state)
{
	struct form form = fill(state);
	const struct ledger_who who = ann(form.session);
	const int64_t other = add_account(form.session, 7), ids[] = {form.account, 99}, others[] = {other};
	struct ledger_done done;

	add_transaction(form.session, other, 70, "2026-11-24 09:30:00");
	must(form.session, DB_WRITE, "INSERT INTO racy_version (account_id, version) VALUES (?, 5)",
	     ARGS(db_int(form.account)));
	assert_int_equal(ledger_accounts_act(&who, LEDGER_DELETE_KEEP, ids, 2, &done, NULL), LEDGER_OK);
	assert_int_equal(done.accounts, 1);
	assert_int_equal(done.transactions, 0);
	assert_false(account_is_there(form.session, form.account));
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM demo_transaction WHERE account_id IS NULL", NULL), 3);
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM racy_version", NULL), 0);
	assert_int_equal(notes(form.session, "delete", "account", form.account,
	                       "{\"balance\":[100,null],\"transactions\":[3,\"kept\"]}"), 1);
	assert_int_equal(ledger_accounts_act(&who, LEDGER_DELETE, others, 1, &done, NULL), LEDGER_OK);
	assert_int_equal(done.transactions, 1);
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM demo_transaction", NULL), 3);
	assert_int_equal(ledger_accounts_act(&who, LEDGER_DELETE, others, 1, &done, NULL), LEDGER_MISSING);
	db_close(form.session);
}

static void a_hundred_thousand_are_reset_as_ten_are(void **state)
{
	struct db_session *session = books_open(*state);
	const struct ledger_who who = ann(session);
	const int64_t many = add_account(session, 5), few = add_account(session, 6), ids[] = {few, many, 99};
	struct ledger_done done;

	add_many(session, many, 100000);
	add_many(session, few, 10);
	assert_int_equal(account_of(session, many).transactions, 100000);
	assert_int_equal(ledger_accounts_act(&who, LEDGER_RESET, ids, 3, &done, NULL), LEDGER_OK);
	assert_int_equal(done.accounts, 2);
	assert_int_equal(done.transactions, 100010);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM demo_transaction", NULL), 0);
	assert_int_equal(ask(session, "SELECT SUM(balance) FROM demo_account", NULL), 0);
	assert_int_equal(notes(session, "reset", "account", many,
	                       "{\"balance\":[5,0],\"transactions\":[100000,0]}"), 1);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM racy_version WHERE account_id = 99", NULL), 0);
	db_close(session);
}

/* ---- what is text stays text --------------------------------------------------------------- */

static void names_and_times_are_no_sql(void **state)
{
	static const char *const texts[] = {
		"'; DROP TABLE demo_account; --", "\" OR 1=1", "<script>alert(1)</script>",
		"\\'; DELETE FROM demo_account",
		"{id}", "?", "%s%n", "\r\nSet-Cookie: a=b", "\xF0\x9F\x92\xA5 \xE2\x80\xAE",
	};
	struct form form = fill(state);

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct ledger_who who = {form.session, texts[i]};
		struct ledger_row_change change = row_of(&form, 0, 10, morning);
		json_t *conflicts;
		int64_t id;
		assert_int_equal(ledger_account_add(&who, (int64_t)i, &id, NULL), LEDGER_OK);
		assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM racy_history WHERE username = ?"
		                                   " AND object_id = ?",
		                     ARGS(db_text(texts[i]), db_int(id))), 1);
		/* What a client claims to have loaded is compared, and told as it is. */
		change.loaded.account = change.values.account = form.account;
		change.loaded.time = texts[i];
		assert_int_equal(ledger_transaction_change(&who, &change, &conflicts, NULL), LEDGER_CHANGED);
		const json_t *loaded = json_object_get(json_array_get(conflicts, 0), "loaded");
		assert_string_equal(json_string_value(loaded), texts[i]);
		json_decref(conflicts);
	}
	assert_int_equal(ask(form.session, "SELECT COUNT(*) FROM demo_account", NULL), 1 + (int64_t)COUNT_OF(texts));
	db_close(form.session);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(what_is_added_is_there_and_noted),
		CASE(one_save_adds_changes_and_deletes),
		CASE(a_save_that_changes_nothing_writes_nothing),
		CASE(nothing_is_written_over_what_has_changed),
		CASE(a_row_that_left_the_account_is_gone_from_its_form),
		CASE(an_account_that_is_gone_is_missing),
		CASE(a_versioned_deposit_sees_that_the_balance_was_edited),
		CASE(a_transaction_moves_to_another_account),
		CASE(a_transaction_that_has_changed_is_asked_for),
		CASE(transactions_are_deleted_together),
		CASE(deleting_keeps_the_transactions_or_does_not),
		CASE(a_hundred_thousand_are_reset_as_ten_are),
		CASE(names_and_times_are_no_sql),
	};

	return books_main(argc, argv, tests, COUNT_OF(tests));
}
