/* lab: an operation's steps on a real SQLite file, what is recorded of them, names and expectations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/expect.h"
#include "lab/op.h"
#include "lab/registry.h"
#include "scenarios/accounts.h"
#include "scenarios/scenarios.h"

struct world {
	char folder[32];
	struct db_target target;
	struct db_settings settings;
	struct db_session *session;
	struct event_list events;
	struct recorder recorder;
	int64_t account;
	int64_t paused_ns;
	bool pause_deletes_account;
};

static void keep(void *context, const struct event *event)
{
	event_list_add(context, event);
}

static int open_world(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	char url[64];

	strcpy(world->folder, "/tmp/racy-test-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(url, sizeof url, "sqlite:%s/lab.db", world->folder);
	assert_true(db_target_parse(url, &world->target, NULL));
	world->session = db_open(&world->target, &world->settings, NULL);
	assert_non_null(world->session);
	assert_true(db_migrate(world->session, "deposit", scenario_deposit.migrations,
	                       scenario_deposit.n_migrations, NULL, NULL));
	assert_true(account_create(world->session, 50, &world->account, NULL));
	recorder_init(&world->recorder, (struct event_sink){&world->events, keep});
	recorder_watch(&world->recorder, world->session);
	*state = world;
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;
	char command[64];

	db_close(world->session);
	db_target_fini(&world->target);
	event_list_fini(&world->events);
	snprintf(command, sizeof command, "rm -r %s", world->folder);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

static int64_t pause_ns(void *context)
{
	(void)context;
	return 70;
}

static void pause_now(void *context, int64_t ns)
{
	struct world *world = context;

	world->paused_ns += ns;
	if (world->pause_deletes_account) {
		struct db_session *other = db_open(&world->target, &world->settings, NULL);
		assert_int_equal(account_delete(other, world->account, true, NULL), ACCOUNT_OK);
		db_close(other);
	}
}

static struct op_result deposit(struct world *world, const char *name, int64_t account, int64_t amount)
{
	struct registry_entry entry;
	int64_t params[] = {account, amount};
	struct op_host host = {
		.session = world->session, .recorder = &world->recorder,
		.pause_ns = pause_ns, .pause = pause_now, .context = world,
	};
	struct op_result result;

	assert_true(registry_find(name, &entry, NULL));
	op_run(&host, &(struct op_request){entry.operation, entry.variant, params, 4, 1, 1000000}, &result);
	return result;
}

static struct account look(struct world *world)
{
	struct account account;

	assert_int_equal(account_show(world->session, world->account, &account, NULL), ACCOUNT_OK);
	return account;
}

/* The ways that SQLite has. */
static const struct variant *way(size_t i)
{
	const struct operation *operation = &scenario_deposit.operations[0];

	for (size_t v = 0; v < operation->n_variants; v++)
		if (operation->variants[v].needs == 0 && i-- == 0)
			return &operation->variants[v];
	return NULL;
}

static void every_way_deposits_when_alone(void **state)
{
	struct world *world = *state;
	int64_t balance = 50, pauses = 0;

	for (size_t i = 0; way(i) != NULL; i++) {
		struct op_result result = deposit(world, way(i)->name, world->account, 7);
		assert_int_equal(result.end, OP_DONE);
		assert_int_equal(result.tx, DB_TX_NONE);
		assert_string_equal(result.text, "");
		assert_int_equal(result.attempts, 1);
		struct account account = look(world);
		balance += way(i)->derives ? 0 : 7;
		pauses += way(i)->pauses;
		assert_int_equal(account.balance, balance);
		assert_int_equal(account.transactions, i + 1);
		assert_int_equal(account.recorded_sum, 7 * (int64_t)(i + 1));
	}
	assert_int_equal(pauses, 7);
	assert_int_equal(world->paused_ns, pauses * 70);
}

/* "kind:label" of each event, so that a sequence reads as one text. */
static void told(const struct event_list *events, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < events->n; i++) {
		size_t used = strlen(text);
		snprintf(text + used, size - used, "%s%s:%s", i > 0 ? " " : "", event_kind_name(events->items[i].kind),
		         events->items[i].label);
	}
}

static void each_step_is_an_event_with_its_values(void **state)
{
	struct world *world = *state;
	char text[1024];

	world->events.n = 0;
	deposit(world, "atomic_long_delay", world->account, 7);
	told(&world->events, text, sizeof text);
	assert_string_equal(text, "attempt_begin: call_begin:begin call_end:begin call_begin:read balance "
	                          "call_end:read balance pause_begin:think pause_end:think call_begin:record "
	                          "call_end:record call_begin:write balance call_end:write balance "
	                          "call_begin:commit call_end:commit attempt_end:");
	const struct event *events = world->events.items;
	assert_int_equal(events[4].value, 50);
	assert_int_equal(events[4].key, world->account);
	assert_string_equal(events[4].table, "demo_account");
	assert_int_equal(events[5].value, 70);
	assert_int_equal(events[7].value, 7);
	assert_int_equal(events[8].value, 1); /* the new row's id */
	assert_int_equal(events[9].value, 57);
	assert_int_equal(events[10].tx, DB_TX_OPEN);
	assert_int_equal(events[12].tx, DB_TX_NONE);
	assert_int_equal(events[12].detail, DB_OK);
	for (size_t i = 0; i < world->events.n; i++) {
		assert_int_equal(events[i].request, 4);
		assert_string_equal(events[i].op, "atomic_long_delay");
		assert_true(i == 0 || events[i].t_ns >= events[i - 1].t_ns);
	}
	assert_int_equal(events[9].step, events[10].step);
	assert_int_equal(events[10].step + 1, events[11].step);
}

static void boots_only_records_nothing_else(void **state)
{
	struct world *world = *state;

	world->events.n = 0;
	world->recorder.boots_only = true;
	recorder_boot(&world->recorder, 7, 8);
	deposit(world, "atomic_no_delay", world->account, 7);
	assert_int_equal(world->events.n, 1);
	assert_int_equal(world->events.items[0].detail, 8);
}

static void no_such_account_is_denied_and_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct db_rows rows = {0};

	for (size_t i = 0; way(i) != NULL; i++) {
		struct op_result result = deposit(world, way(i)->name, INT64_MAX, 7);
		assert_int_equal(result.end, OP_DENIED);
		assert_int_equal(result.denial, OP_NO_SUCH_ROW);
		assert_int_equal(result.tx, DB_TX_NONE);
	}
	assert_true(db_run(world->session, DB_READ, "SELECT COUNT(*) FROM demo_transaction", NULL, &rows, NULL, NULL));
	assert_int_equal(db_cell(&rows, 0, 0)->integer, 0);
	db_rows_fini(&rows);
}

static void a_balance_beyond_its_column_is_denied_before_anything_is_written(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; way(i) != NULL; i++) {
		if (way(i)->derives) /* it knows nothing of the balance that the account began with */
			continue;
		struct op_result result = deposit(world, way(i)->name, world->account, 2147483598);
		assert_int_equal(result.end, OP_DENIED);
		assert_int_equal(result.denial, OP_TOO_LARGE);
		assert_int_equal(look(world).transactions, 0);
		assert_int_equal(look(world).balance, 50);
	}
	assert_int_equal(deposit(world, "atomic_no_delay", world->account, 2147483597).end, OP_DONE);
	assert_int_equal(look(world).balance, 2147483647);
}

static void an_account_that_vanishes_meanwhile(void **state)
{
	struct world *world = *state;

	world->pause_deletes_account = true;
	struct op_result result = deposit(world, "non_atomic_long_delay", world->account, 7);
	assert_int_equal(result.end, OP_DENIED); /* by the record's foreign key */
	assert_int_equal(result.denial, OP_NO_SUCH_ROW);
	assert_false(result.outcome_unknown);
}

static bool refuse_commit(void *context, const struct db_call *call)
{
	(void)context;
	return call->verb != DB_COMMIT;
}

static void a_failed_transaction_is_rolled_back(void **state)
{
	struct world *world = *state;
	const struct db_hook hook = {.before = refuse_commit};

	db_add_hook(world->session, &hook);
	struct op_result result = deposit(world, "atomic_no_delay", world->account, 7);
	assert_int_equal(result.end, OP_FAILED);
	assert_int_equal(result.err, DB_REFUSED);
	assert_int_equal(result.tx, DB_TX_NONE);
	assert_string_equal(world->events.items[world->events.n - 2].label, "rollback");
	assert_int_equal(look(world).transactions, 0);
	assert_int_equal(look(world).balance, 50);
}

static enum op_end forgets_to_commit(struct op *op)
{
	return op_end(op, op_begin(op, OP_READS));
}

static void an_operation_that_forgets_to_commit_is_a_bug(void **state)
{
	struct world *world = *state;
	const struct variant variant = {.name = "forgets", .run = forgets_to_commit};
	const struct operation operation = {.name = "bug"};
	struct op_host host = {.session = world->session};
	struct op_result result;

	op_run(&host, &(struct op_request){.operation = &operation, .variant = &variant, .attempt = 1}, &result);
	assert_int_equal(result.end, OP_FAILED);
	assert_int_equal(result.err, DB_BROKEN);
	assert_int_equal(result.tx, DB_TX_NONE);
}

static void reset_and_delete(void **state)
{
	struct world *world = *state;
	struct account *list = NULL;
	struct account_row *rows = NULL;
	size_t n = 0;

	deposit(world, "atomic_no_delay", world->account, 7);
	deposit(world, "atomic_no_delay", world->account, 8);
	assert_true(account_rows(world->session, world->account, &rows, &n, NULL));
	assert_int_equal(n, 2);
	assert_int_equal(rows[1].amount, 8);
	free(rows);
	assert_int_equal(account_reset(world->session, world->account, NULL), ACCOUNT_OK);
	assert_int_equal(look(world).balance, 0);
	assert_int_equal(look(world).transactions, 0);
	deposit(world, "atomic_no_delay", world->account, 9);
	assert_int_equal(account_delete(world->session, world->account, false, NULL), ACCOUNT_OK);
	assert_int_equal(account_delete(world->session, world->account, false, NULL), ACCOUNT_MISSING);
	assert_int_equal(account_reset(world->session, world->account, NULL), ACCOUNT_MISSING);
	assert_true(accounts_list(world->session, &list, &n, NULL));
	assert_int_equal(n, 0);
	free(list);
	struct db_rows left = {0};
	assert_true(db_run(world->session, DB_READ,
	                   "SELECT amount FROM demo_transaction WHERE account_id IS NULL", NULL, &left, NULL, NULL));
	assert_int_equal(left.n_rows, 1);
	assert_int_equal(db_cell(&left, 0, 0)->integer, 9);
	db_rows_fini(&left);
}

static void names_and_paths_find_variants(void **state)
{
	struct registry_entry entry;
	struct err err = {0};

	(void)state;
	assert_true(registry_find("deposit/atomic_no_delay", &entry, NULL));
	assert_string_equal(entry.variant->name, "atomic_no_delay");
	assert_true(registry_find("row_locking_atomic_long_delay", &entry, NULL));
	assert_true(registry_route("/demo/non_atomic_no_delay/", &entry));
	assert_string_equal(entry.variant->name, "non_atomic_no_delay");
	assert_false(registry_route("/demo/non_atomic_no_delay", &entry));
	assert_false(registry_route("/demo/non_atomic_no_delay//", &entry));
	assert_false(registry_route("/demo/non_atomic_no_delay/x/", &entry));
	assert_false(registry_route("/demo//", &entry));
	assert_false(registry_route("/", &entry));
	assert_false(registry_find("deposit/atomic_no_dealy", &entry, &err));
	assert_non_null(strstr(err_text(&err), "there are: deposit/atomic_no_delay,"));
	err_fini(&err);
}

static void every_explanation_has_its_code_and_fits_its_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < registry_count(); i++)
		for (size_t o = 0; o < registry_at(i)->n_operations; o++)
			for (size_t v = 0; v < registry_at(i)->operations[o].n_variants; v++) {
				const struct variant *variant = &registry_at(i)->operations[o].variants[v];
				char head[128];
				snprintf(head, sizeof head, "\nstatic enum op_end %s(struct op *op)\n{\n",
				         variant->function);
				assert_non_null(strstr(registry_at(i)->source, head));
				assert_true(strlen(variant->name) < EVENT_TEXT);
				assert_true(strlen(variant->why) > 200);
			}
}

static void expectations_follow_what_was_read_back(void **state)
{
	struct registry_entry entry;
	struct db_identity identity = {.engine = "mariadb", .isolation = "REPEATABLE READ"};

	(void)state;
	assert_true(registry_find("atomic_no_delay", &entry, NULL));
	assert_int_equal(expect_of(entry.variant, &identity, TX_AS_WRITTEN), LOSES);
	identity.snapshot_isolation = 1;
	assert_int_equal(expect_of(entry.variant, &identity, TX_AS_WRITTEN), REFUSES);
	strcpy(identity.isolation, "READ COMMITTED");
	assert_int_equal(expect_of(entry.variant, &identity, TX_AS_WRITTEN), LOSES);
	strcpy(identity.engine, "sqlite");
	assert_int_equal(expect_of(entry.variant, &identity, TX_AS_WRITTEN), NOT_STATED);
	strcpy(identity.engine, "postgres");
	assert_int_equal(expect_of(entry.variant, &identity, TX_AS_WRITTEN), LOSES);
	strcpy(identity.isolation, "SERIALIZABLE");
	assert_int_equal(expect_of(entry.variant, &identity, TX_AS_WRITTEN), REFUSES);
	strcpy(identity.engine, "oracle");
	assert_int_equal(expect_of(entry.variant, &identity, TX_AS_WRITTEN), NOT_STATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_way_deposits_when_alone, open_world, close_world),
		cmocka_unit_test_setup_teardown(each_step_is_an_event_with_its_values, open_world, close_world),
		cmocka_unit_test_setup_teardown(boots_only_records_nothing_else, open_world, close_world),
		cmocka_unit_test_setup_teardown(no_such_account_is_denied_and_leaves_nothing, open_world, close_world),
		cmocka_unit_test_setup_teardown(a_balance_beyond_its_column_is_denied_before_anything_is_written,
		                                open_world, close_world),
		cmocka_unit_test_setup_teardown(an_account_that_vanishes_meanwhile, open_world, close_world),
		cmocka_unit_test_setup_teardown(a_failed_transaction_is_rolled_back, open_world, close_world),
		cmocka_unit_test_setup_teardown(an_operation_that_forgets_to_commit_is_a_bug, open_world, close_world),
		cmocka_unit_test_setup_teardown(reset_and_delete, open_world, close_world),
		cmocka_unit_test(names_and_paths_find_variants),
		cmocka_unit_test(every_explanation_has_its_code_and_fits_its_events),
		cmocka_unit_test(expectations_follow_what_was_read_back),
	};
	registry_set(scenarios, scenarios_count);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
