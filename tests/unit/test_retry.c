/* lab: trying again, faults and left-out transactions, on a real SQLite file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "lab/registry.h"
#include "lab/retry.h"
#include "scenarios/accounts.h"
#include "scenarios/scenarios.h"

enum { WAITS = 16 };

struct world {
	char folder[32];
	struct db_target target;
	struct db_session *session;
	struct op_host host;
	struct fault_watch fault;
	struct db_hook counter;
	int64_t account;
	int64_t waits[WAITS];
	int n_waits, reopened;
	int calls[DB_ROLLBACK + 1];
};

static bool count(void *context, const struct db_call *call)
{
	struct world *world = context;

	if (call->label != NULL)
		world->calls[call->verb]++;
	return true;
}

static void note_wait(void *context, int64_t ns)
{
	struct world *world = context;

	assert_true(world->n_waits < WAITS);
	world->waits[world->n_waits++] = ns;
}

static void open_session(struct world *world)
{
	world->session = db_open(&world->target, &(struct db_settings){0}, NULL);
	assert_non_null(world->session);
	db_add_hook(world->session, &world->counter);
	fault_watch(&world->fault, world->session);
}

static struct db_session *reopen(void *context)
{
	struct world *world = context;

	db_close(world->session);
	open_session(world);
	world->reopened++;
	return world->session;
}

static int open_world(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	char url[64];

	strcpy(world->folder, "/tmp/racy-test-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(url, sizeof url, "sqlite:%s/lab.db", world->folder);
	assert_true(db_target_parse(url, &world->target, NULL));
	world->counter = (struct db_hook){world, count, NULL, NULL};
	open_session(world);
	assert_true(db_migrate(world->session, "deposit", scenario_deposit.migrations,
	                       scenario_deposit.n_migrations, NULL, NULL));
	assert_true(account_create(world->session, 0, &world->account, NULL));
	world->host = (struct op_host){
		.session = world->session, .rest = note_wait, .reopen = reopen, .context = world,
	};
	world->host.fault = &world->fault;
	*state = world;
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;
	char command[64];

	db_close(world->session);
	db_target_fini(&world->target);
	snprintf(command, sizeof command, "rm -r %s", world->folder);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

static struct op_result deposit(struct world *world, const char *name, int max_tries, uint32_t request)
{
	struct registry_entry entry;
	int64_t params[] = {world->account, 7};
	struct retry_policy policy = {max_tries, 10, 60};
	struct op_result result;
	struct rng waits;

	rng_init(&waits, 5);
	assert_true(registry_find(name, &entry, NULL));
	retry_run(&world->host, &(struct op_request){entry.operation, entry.variant, params, request, 1, 1000000},
	          &policy, &waits, &result);
	return result;
}

static struct account look(struct world *world)
{
	struct account account;

	assert_int_equal(account_show(world->session, world->account, &account, NULL), ACCOUNT_OK);
	return account;
}

/* Another session that holds SQLite's one lock for writing: who begins to write is refused as busy. */
static struct db_session *hold_the_lock(struct world *world)
{
	struct db_session *other = db_open(&world->target, &(struct db_settings){0}, NULL);

	assert_non_null(other);
	assert_true(db_run(other, DB_BEGIN, NULL, NULL, NULL, NULL, NULL));
	return other;
}

static void a_refusal_is_tried_again_up_to_the_limit(void **state)
{
	struct world *world = *state;
	struct db_session *other = hold_the_lock(world);
	struct op_result result = deposit(world, "row_locking_atomic_long_delay", 6, 1);

	assert_int_equal(result.end, OP_FAILED);
	assert_int_equal(result.err, DB_BUSY);
	assert_int_equal(result.attempts, 6);
	assert_int_equal(world->calls[DB_BEGIN], 6);
	assert_int_equal(world->n_waits, 5);
	static const int64_t longest[] = {10, 20, 40, 60, 60};
	for (int i = 0; i < world->n_waits; i++)
		assert_in_range(world->waits[i], 0, longest[i]);
	db_close(other);
	result = deposit(world, "row_locking_atomic_long_delay", 6, 1);
	assert_int_equal(result.end, OP_DONE);
	assert_int_equal(result.attempts, 1);
	assert_int_equal(look(world).balance, 7);
}

static void the_waits_are_drawn_from_the_seed(void **state)
{
	struct world *world = *state;
	struct db_session *other = hold_the_lock(world);
	int64_t first[WAITS];

	deposit(world, "row_locking_atomic_long_delay", 6, 1);
	memcpy(first, world->waits, sizeof first);
	world->n_waits = 0;
	deposit(world, "row_locking_atomic_long_delay", 6, 1);
	assert_memory_equal(first, world->waits, 5 * sizeof *first);
	assert_true(first[0] != first[1] || first[1] != first[2]);
	db_close(other);
}

static void one_try_is_one_try(void **state)
{
	struct world *world = *state;
	struct db_session *other = hold_the_lock(world);
	struct op_result result = deposit(world, "row_locking_atomic_long_delay", 1, 1);

	assert_int_equal(result.attempts, 1);
	assert_int_equal(world->n_waits, 0);
	db_close(other);
}

static void what_the_business_denies_is_not_tried_again(void **state)
{
	struct world *world = *state;
	int64_t account = world->account;

	world->account = 4711;
	struct op_result result = deposit(world, "atomic_no_delay", 6, 1);
	world->account = account;
	assert_int_equal(result.end, OP_DENIED);
	assert_int_equal(result.attempts, 1);
}

static void what_may_be_tried_again(void **state)
{
	static const struct {
		struct op_result result;
		bool plain, blind;
	} cases[] = {
		{{.end = OP_DONE}, false, false},
		{{.end = OP_DENIED}, false, false},
		{{.end = OP_CONFLICT}, true, true},
		{{.end = OP_FAILED, .err = DB_DEADLOCK}, true, true},
		{{.end = OP_FAILED, .err = DB_SERIALIZATION}, true, true},
		{{.end = OP_FAILED, .err = DB_TIMEOUT}, true, true},
		{{.end = OP_FAILED, .err = DB_BUSY}, true, true},
		{{.end = OP_FAILED, .err = DB_CONSTRAINT}, false, false},
		{{.end = OP_FAILED, .err = DB_BROKEN}, false, false},
		{{.end = OP_FAILED, .err = DB_REFUSED}, false, false},
		{{.end = OP_FAILED, .err = DB_LOST}, false, true},
		{{.end = OP_FAILED, .err = DB_LOST, .outcome_unknown = true}, false, true},
	};
	const struct variant plain = {.name = "plain"}, blind = {.name = "blind", .blind = true};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(retry_is_worthwhile(&plain, &cases[i].result), cases[i].plain);
		assert_int_equal(retry_is_worthwhile(&blind, &cases[i].result), cases[i].blind);
	}
}

/* Meets a conflict each time, the first time after it has written something. */
static enum op_end writes_once(struct op *op)
{
	int64_t account = op_param(op, "account"), matched;
	bool first;

	bool done = op_read(op, &(struct op_step){.label = "look", .args = {db_int(account)},
	                                          .sql = "SELECT COUNT(*) FROM demo_transaction WHERE account_id = ?"},
	                    &matched);
	first = matched == 0;
	done = done && (!first || op_write(op, &(struct op_step){
		.label = "record", .args = {db_int(account)},
		.sql = "INSERT INTO demo_transaction (account_id, amount, timestamp) "
		       "VALUES (?, 1, '2026-11-23')"}, NULL));
	done = done && op_write(op, &(struct op_step){
		.label = "miss", .sql = "UPDATE demo_account SET balance = 1 WHERE id = -1"}, NULL);
	return op_end(op, done);
}

static void what_an_earlier_try_wrote_is_not_forgotten(void **state)
{
	struct world *world = *state;
	const struct variant variant = {.name = "writes once", .run = writes_once};
	const int64_t params[] = {world->account, 7};
	const struct retry_policy policy = {2, 10, 60};
	struct op_result result;
	struct rng waits;

	rng_init(&waits, 5);
	retry_run(&world->host, &(struct op_request){&scenario_deposit.operations[0], &variant, params, 1, 1, 1000000},
	          &policy, &waits, &result);
	assert_int_equal(result.end, OP_CONFLICT);
	assert_int_equal(result.attempts, 2);
	assert_int_equal(look(world).transactions, 1);
	assert_true(result.wrote_alone);
}

static void without_a_transaction_no_begin_and_no_commit_is_made(void **state)
{
	struct world *world = *state;

	world->host.tx_mode = TX_NONE;
	assert_int_equal(deposit(world, "atomic_no_delay", 1, 1).end, OP_DONE);
	assert_int_equal(deposit(world, "optimistic_version", 1, 1).end, OP_DONE);
	assert_int_equal(deposit(world, "optimistic_version", 1, 1).end, OP_DONE);
	assert_int_equal(world->calls[DB_BEGIN] + world->calls[DB_COMMIT], 0);
	assert_int_equal(look(world).balance, 21);
}

static void without_a_transaction_half_a_deposit_stays(void **state)
{
	struct world *world = *state;
	struct fault fault;

	assert_true(fault_parse("3:refuse", &fault, NULL)); /* read, record, write */
	fault_init(&world->fault, &fault);
	world->host.session = reopen(world);
	world->host.tx_mode = TX_NONE;
	assert_int_equal(deposit(world, "atomic_no_delay", 1, 1).end, OP_FAILED);
	assert_int_equal(look(world).transactions, 1);
	assert_int_equal(look(world).balance, 0);
}

static void a_fault_strikes_where_it_was_told(void **state)
{
	struct world *world = *state;
	struct fault fault;

	for (uint32_t call = 1; call <= 5; call++) {
		char text[16];
		snprintf(text, sizeof text, "%u:refuse", call);
		assert_true(fault_parse(text, &fault, NULL));
		fault_init(&world->fault, &fault);
		world->host.session = reopen(world);
		struct op_result result = deposit(world, "atomic_no_delay", 3, 1);
		assert_int_equal(result.end, OP_FAILED);
		assert_int_equal(result.err, DB_REFUSED);
		assert_int_equal(result.attempts, 1);
		assert_int_equal(look(world).transactions, 0);
		assert_int_equal(look(world).balance, 0);
	}
	assert_true(fault_parse("6:refuse", &fault, NULL));
	fault_init(&world->fault, &fault);
	world->host.session = reopen(world);
	assert_int_equal(deposit(world, "atomic_no_delay", 3, 1).end, OP_DONE);
}

static void a_fault_strikes_every_nth_request_and_only_its_commit(void **state)
{
	struct world *world = *state;
	struct fault fault;

	assert_true(fault_parse("commit:refuse/3", &fault, NULL));
	fault_init(&world->fault, &fault);
	world->host.session = reopen(world);
	for (uint32_t request = 1; request <= 6; request++) {
		enum op_end end = deposit(world, "update_first", 1, request).end;
		assert_int_equal(end, request % 3 == 0 ? OP_FAILED : OP_DONE);
	}
	for (int unnumbered = 1; unnumbered <= 6; unnumbered++) {
		enum op_end end = deposit(world, "update_first", 1, 0).end;
		assert_int_equal(end, unnumbered % 3 == 0 ? OP_FAILED : OP_DONE);
	}
	assert_int_equal(deposit(world, "non_atomic_no_delay", 1, 3).end, OP_DONE);
	assert_int_equal(look(world).transactions, 9);
}

static void a_fault_strikes_the_first_attempt_alone(void **state)
{
	struct fault_watch watch;

	(void)state;
	fault_init(&watch, &(struct fault){FAULT_LOSE, 0, 2});
	fault_arm(&watch, 4, 1);
	assert_true(watch.armed);
	fault_arm(&watch, 4, 2);
	assert_false(watch.armed);
	fault_arm(&watch, 5, 1);
	assert_false(watch.armed);
}

static void faults_are_told_as_they_were_asked_for(void **state)
{
	static const char *const good[] = {"1:refuse", "commit:lose", "12:cut/7", "commit:refuse/2"};
	static const char *const bad[] = {"", ":", "1", "1:", "0:cut", "commit", "commit:explode", "x:cut", "1:cut/0",
	                                  "1:cut/", "1:cut/x", "-1:cut", "1:none", "4294967296:cut", "1:CUT"};
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(fault_parse(good[i], &fault, NULL));
		char *text = fault_text(&fault);
		assert_string_equal(text, good[i]);
		free(text);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct err err = {0};
		assert_false(fault_parse(bad[i], &fault, &err));
		assert_non_null(strstr(err_text(&err), "such as commit:lose/3"));
		err_fini(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_refusal_is_tried_again_up_to_the_limit, open_world, close_world),
		cmocka_unit_test_setup_teardown(the_waits_are_drawn_from_the_seed, open_world, close_world),
		cmocka_unit_test_setup_teardown(one_try_is_one_try, open_world, close_world),
		cmocka_unit_test_setup_teardown(what_the_business_denies_is_not_tried_again, open_world, close_world),
		cmocka_unit_test(what_may_be_tried_again),
		cmocka_unit_test_setup_teardown(what_an_earlier_try_wrote_is_not_forgotten, open_world, close_world),
		cmocka_unit_test_setup_teardown(without_a_transaction_no_begin_and_no_commit_is_made, open_world,
		                                close_world),
		cmocka_unit_test_setup_teardown(without_a_transaction_half_a_deposit_stays, open_world, close_world),
		cmocka_unit_test_setup_teardown(a_fault_strikes_where_it_was_told, open_world, close_world),
		cmocka_unit_test_setup_teardown(a_fault_strikes_every_nth_request_and_only_its_commit, open_world,
		                                close_world),
		cmocka_unit_test(a_fault_strikes_the_first_attempt_alone),
		cmocka_unit_test(faults_are_told_as_they_were_asked_for),
	};
	registry_set(scenarios, scenarios_count);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
