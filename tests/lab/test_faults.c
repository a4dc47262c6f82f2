/* A call of a deposit fails: every call of every way, in every manner that the engine has. No half of an atomic
 * deposit stays, no transaction and no lock by name is left on the server, and who broke serves again.
 * test_faults ENGINE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#include "base/clock.h"
#include "base/mem.h"
#include "lab/op.h"
#include "lab/registry.h"
#include "scenarios/accounts.h"
#include "scenarios/scenarios.h"

enum { AMOUNT = 7, MOST_CALLS = 20 };

struct bench {
	const struct world *world;
	const struct variant *variant;
	enum tx_mode tx_mode;
	struct db_session *observer; /* makes accounts and looks at them */
	struct db_session *session;  /* the worker's */
	struct fault_watch watch;
	int64_t account;
	int cases;
};

static const struct db_settings impatient = {.iso = DB_ISO_DEFAULT, .lock_wait_ns = 2 * NS_PER_S};

static struct op_result deposit(struct bench *bench, struct db_session *session, struct fault_watch *watch)
{
	const struct op_host host = {.session = session, .fault = watch, .tx_mode = bench->tx_mode};
	const int64_t params[] = {bench->account, AMOUNT};
	struct op_result result;

	op_run(&host, &(struct op_request){.operation = &scenario_deposit.operations[0], .variant = bench->variant,
	                                   .params = params, .request = 1, .attempt = 1, .wall_us = 1000000}, &result);
	return result;
}

static struct account look(struct bench *bench)
{
	struct account account;

	if (account_show(bench->observer, bench->account, &account, NULL) != ACCOUNT_OK)
		fail_msg("the account is gone");
	return account;
}

/* A statement that was sent may still be at work when its sender is gone. */
static void await_its_end(struct bench *bench, int64_t connection)
{
	size_t alive = 1;

	while (alive > 0) {
		assert_true(db_count_alive(bench->observer, &connection, 1, &alive, NULL));
		clock_pause_ns(alive > 0 ? NS_PER_MS : 0);
	}
}

/* As a worker does it: a session whose transaction is not surely over is given up. */
static void give_up_or_keep(struct bench *bench, const struct op_result *result)
{
	int64_t connection = db_identity(bench->session)->connection;

	if (result->err != DB_LOST && result->tx == DB_TX_NONE) {
		assert_false(has_tx(bench->world, bench->session));
		return;
	}
	db_close(bench->session);
	if (connection != 0)
		await_its_end(bench, connection);
	bench->session = world_open_with(bench->world, &impatient);
	fault_watch(&bench->watch, bench->session);
}

static bool is_whole(const struct bench *bench, const struct account *account)
{
	int64_t balance = bench->variant->derives ? account->recorded_sum : account->balance;

	return balance == account->recorded_sum && account->recorded_sum == AMOUNT * account->transactions;
}

static bool stays_whole(const struct bench *bench)
{
	return bench->variant->atomic && (bench->tx_mode == TX_AS_WRITTEN || bench->variant->derives);
}

static void check(struct bench *bench, const struct fault *fault, const struct op_result *result)
{
	struct account account = look(bench);

	if (stays_whole(bench) && !is_whole(bench, &account))
		fail_msg("half a deposit: %d recorded, balance %d", (int)account.transactions, (int)account.balance);
	if (stays_whole(bench) && result->end == OP_FAILED && !result->outcome_unknown)
		assert_int_equal(account.transactions, 0);
	if (result->end == OP_DONE)
		assert_true(account.transactions == 1 && is_whole(bench, &account));
	assert_int_equal(result->end == OP_FAILED, result->err != DB_OK);
	if (fault->how != FAULT_REFUSE && result->end == OP_FAILED)
		assert_int_equal(result->err, DB_LOST);
	if (fault->call == 0 && bench->variant->atomic && bench->tx_mode == TX_AS_WRITTEN && !bench->variant->derives) {
		/* The COMMIT: told as unknown, and the server knows. */
		assert_int_equal(result->outcome_unknown, fault->how != FAULT_REFUSE);
		assert_int_equal(account.transactions, fault->how == FAULT_LOSE);
	}
}

/* Another session, as another worker: nothing that was left may be in its way. */
static void check_that_others_go_on(struct bench *bench)
{
	struct account before = look(bench);
	struct db_session *other = world_open_with(bench->world, &impatient);
	struct op_result theirs = deposit(bench, other, NULL);
	struct op_result own = deposit(bench, bench->session, NULL);
	struct account after = look(bench);

	db_close(other);
	if (theirs.end != OP_DONE || own.end != OP_DONE)
		fail_msg("others do not go on: %s; %s", theirs.text, own.text);
	assert_int_equal(after.transactions, before.transactions + 2);
}

/* False when the deposit makes fewer calls. */
static bool strike(struct bench *bench, const struct fault *fault)
{
	assert_true(account_create(bench->observer, 0, &bench->account, NULL));
	bench->watch.fault = *fault;
	struct op_result result = deposit(bench, bench->session, &bench->watch);
	bool struck = !bench->watch.armed;

	bench->watch.armed = false;
	give_up_or_keep(bench, &result);
	check(bench, fault, &result);
	check_that_others_go_on(bench);
	assert_int_equal(account_delete(bench->observer, bench->account, true, NULL), ACCOUNT_OK);
	bench->cases++;
	return struck;
}

static void strike_every_call(struct bench *bench, enum fault_how how)
{
	bool struck = true;

	for (uint32_t call = 1; struck; call++) {
		assert_true(call < MOST_CALLS);
		struck = strike(bench, &(struct fault){how, call, 1});
	}
	strike(bench, &(struct fault){how, 0, 1});
}

static void every_call_of_every_way(const struct world *world, enum tx_mode tx_mode)
{
	unsigned abilities = db_abilities(&world->target);
	struct bench bench = {.world = world, .tx_mode = tx_mode, .observer = world_open(world)};

	assert_true(db_migrate(bench.observer, "deposit", scenario_deposit.migrations, scenario_deposit.n_migrations,
	                       NULL, NULL));
	bench.session = world_open_with(world, &impatient);
	fault_init(&bench.watch, &(struct fault){FAULT_REFUSE, 0, 1});
	fault_watch(&bench.watch, bench.session);
	for (size_t v = 0; v < scenario_deposit.operations[0].n_variants; v++) {
		bench.variant = &scenario_deposit.operations[0].variants[v];
		if ((bench.variant->needs & ~abilities) != 0)
			continue;
		strike_every_call(&bench, FAULT_REFUSE);
		if ((abilities & DB_HAS_CONNECTIONS) != 0) {
			strike_every_call(&bench, FAULT_CUT);
			strike_every_call(&bench, FAULT_LOSE);
		}
	}
	assert_true(bench.cases > 50);
	db_close(bench.session);
	db_close(bench.observer);
}

static void as_written(void **state)
{
	every_call_of_every_way(*state, TX_AS_WRITTEN);
}

static void without_a_transaction(void **state)
{
	every_call_of_every_way(*state, TX_NONE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {CASE(as_written), CASE(without_a_transaction)};

	if (argc > 1)
		world_engine = argv[1];
	registry_set(scenarios, scenarios_count);
	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
