/* What the funnel itself promises, whatever the engine: an engine that plays a script sees each call that
 * reaches it, and notices each one that must not. */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define SCRIPT(fake, ...) do { \
		static const struct fake_step steps[] = {__VA_ARGS__}; \
		fake_expect((fake), steps, COUNT_OF(steps)); \
	} while (0)
#define ARGS(...) ((const struct db_value[]){__VA_ARGS__, {.type = DB_END}})
#define BEGINS {.verb = DB_BEGIN, .tx = DB_TX_OPEN}

static struct db_outcome run(struct fake *fake, enum db_verb verb, const char *sql, const struct db_value *args)
{
	struct db_call call = {.verb = verb, .sql = sql};
	struct db_outcome outcome;

	for (size_t i = 0; args != NULL && i < DB_MAX_ARGS && args[i].type != DB_END; i++)
		call.args[i] = args[i];
	enum db_err err = db_exec(fake->session, &call, NULL, &outcome);
	assert_int_equal(err, outcome.err);
	assert_true(outcome.began_ns > 0 && outcome.ended_ns >= outcome.began_ns);
	return outcome;
}

static void expect(const struct db_outcome outcome, enum db_err err, enum db_tx tx)
{
	if (outcome.err != err || outcome.tx != tx)
		fail_msg("%s/%s instead of %s/%s: %s", db_err_name(outcome.err), db_tx_name(outcome.tx),
		         db_err_name(err), db_tx_name(tx), outcome.message);
}

/* ---- what reaches the engine ------------------------------------------------------------------- */

static void a_call_arrives_as_it_was_made(void **state)
{
	struct fake *fake = fake_open();

	(void)state;
	SCRIPT(fake, BEGINS,
	       {.verb = DB_READ, .sql = "SELECT n FROM big WHERE id = ? FOR CHANGE", .tx_before = DB_TX_OPEN,
	        .args = {{.type = DB_INT, .integer = INT64_MIN}}, .tx = DB_TX_OPEN},
	       {.verb = DB_READ, .sql = "SELECT n FROM big WHERE id = ? FOR CHANGE", .tx_before = DB_TX_OPEN,
	        .args = {{.type = DB_INT, .integer = 2}}, .tx = DB_TX_OPEN},
	       {.verb = DB_WRITE, .sql = "INSERT INTO v VALUES (?, ?, ?)", .tx_before = DB_TX_OPEN,
	        .args = {{.type = DB_NULL}, {.type = DB_TEXT, .text = "'\"?{", .length = 4}, {.type = DB_INT}},
	        .tx = DB_TX_OPEN, .affected = 3},
	       {.verb = DB_COMMIT, .tx_before = DB_TX_OPEN, .tx = DB_TX_NONE},
	       {.verb = DB_ROLLBACK});
	expect(run(fake, DB_BEGIN, NULL, NULL), DB_OK, DB_TX_OPEN);
	static const char read[] = "SELECT n FROM {id} WHERE id = ? {for_update}";
	expect(run(fake, DB_READ, read, ARGS(db_int(INT64_MIN))), DB_OK, DB_TX_OPEN);
	expect(run(fake, DB_READ, read, ARGS(db_int(2))), DB_OK, DB_TX_OPEN);
	struct db_outcome outcome = run(fake, DB_WRITE, "INSERT INTO v VALUES (?, ?, ?)",
	                                ARGS(db_null(), db_text("'\"?{"), db_int(0)));
	expect(outcome, DB_OK, DB_TX_OPEN);
	assert_int_equal(outcome.affected, 3);
	expect(run(fake, DB_COMMIT, NULL, NULL), DB_OK, DB_TX_NONE);
	expect(run(fake, DB_ROLLBACK, NULL, NULL), DB_OK, DB_TX_NONE);
	fake_close(fake);
}

static bool refuse(void *context, const struct db_call *call)
{
	(void)context;
	return call->label == NULL;
}

/* Each of them leaves the transaction where it was, and the engine hears nothing. */
static void what_the_funnel_refuses_never_reaches_the_engine(void **state)
{
	struct fake *fake = fake_open();
	const struct db_hook hook = {.before = refuse};
	const struct db_value nul = {.type = DB_TEXT, .text = "a\0b", .length = 3};
	const struct db_call labelled[] = {{.verb = DB_BEGIN, .label = "x"}, {.verb = DB_COMMIT, .label = "x"},
	                                   {.verb = DB_WRITE, .label = "x", .sql = "DELETE FROM v"}};

	(void)state;
	db_add_hook(fake->session, &hook);
	for (int round = 0; round < 2; round++) {
		const enum db_tx tx = round == 0 ? DB_TX_NONE : DB_TX_OPEN;
		const uint64_t turns = db_turns(fake->session);
		expect(run(fake, DB_READ, "SELECT {nonsense}", NULL), DB_BROKEN, tx);
		expect(run(fake, DB_READ, "SELECT {for_share}", NULL), DB_BROKEN, tx);
		expect(run(fake, DB_READ, "SELECT {named_lock}", ARGS(db_int(1))), DB_BROKEN, tx);
		expect(run(fake, DB_WRITE, "INSERT INTO v VALUES (?, ?)", ARGS(db_int(1), nul)), DB_BROKEN, tx);
		for (size_t i = 0; i < COUNT_OF(labelled); i++) {
			struct db_outcome outcome;
			assert_int_equal(db_exec(fake->session, &labelled[i], NULL, &outcome), DB_REFUSED);
			expect(outcome, DB_REFUSED, tx);
			assert_false(db_err_is_refusal(outcome.err));
		}
		assert_true(db_turns(fake->session) == turns);
		if (round == 0) {
			SCRIPT(fake, BEGINS);
			expect(run(fake, DB_BEGIN, NULL, NULL), DB_OK, DB_TX_OPEN);
		}
	}
	fake_close(fake);
}

/* However a call fails, it was made once, and nothing is made of the funnel's own: no rollback, no BEGIN. */
static void a_failure_is_told_and_nothing_is_done_about_it(void **state)
{
	static const enum db_tx txs[] = {DB_TX_NONE, DB_TX_OPEN, DB_TX_ABORTED, DB_TX_UNKNOWN};
	struct fake *fake = fake_open();
	enum db_tx before = DB_TX_NONE;

	(void)state;
	for (int err = DB_OK; err <= DB_BROKEN; err++)
		for (size_t i = 0; i < COUNT_OF(txs); i++)
			for (int verb = DB_BEGIN; verb <= DB_ROLLBACK; verb++) {
				const char *sql = verb == DB_READ || verb == DB_WRITE ? "SELECT 1" : NULL;
				const struct fake_step step = {
					.verb = (enum db_verb)verb, .sql = sql, .tx_before = before,
					.err = (enum db_err)err, .tx = txs[i],
				};
				fake_expect(fake, &step, 1);
				expect(run(fake, (enum db_verb)verb, sql, NULL), (enum db_err)err, txs[i]);
				fake_assert_done(fake);
				before = txs[i];
			}
	fake_close(fake);
}

/* ---- what comes back --------------------------------------------------------------------------- */

static void half_a_result_is_none(void **state)
{
	struct fake *fake = fake_open();
	struct db_rows rows = {0};
	struct db_outcome outcome;
	static const struct db_call read = {.verb = DB_READ, .sql = "r"}, write = {.verb = DB_WRITE, .sql = "w"};

	(void)state;
	SCRIPT(fake, {.verb = DB_READ, .sql = "r", .n_rows = 3},
	       {.verb = DB_READ, .sql = "r", .n_rows = 2, .err = DB_DEADLOCK},
	       {.verb = DB_READ, .sql = "r", .n_rows = 1}, {.verb = DB_WRITE, .sql = "w"});
	assert_int_equal(db_exec(fake->session, &read, &rows, &outcome), DB_OK);
	assert_int_equal(rows.n_rows, 3);
	assert_int_equal(db_exec(fake->session, &read, &rows, &outcome), DB_DEADLOCK);
	assert_int_equal(rows.n_rows, 0);
	assert_int_equal(db_exec(fake->session, &read, &rows, &outcome), DB_OK);
	assert_int_equal(rows.n_rows, 1);
	assert_int_equal(db_exec(fake->session, &write, &rows, &outcome), DB_OK);
	assert_int_equal(rows.n_rows, 0); /* not the last one's */
	db_rows_fini(&rows);
	fake_close(fake);
}

static void an_id_that_nobody_asked_for_is_not_told(void **state)
{
	struct fake *fake = fake_open();

	(void)state;
	SCRIPT(fake, {.verb = DB_WRITE, .sql = "i", .inserted_id = 5},
	       {.verb = DB_WRITE, .sql = "i ", .inserted_id = 6});
	assert_int_equal(run(fake, DB_WRITE, "i", NULL).inserted_id, 0);
	assert_int_equal(run(fake, DB_WRITE, "i {returning_id}", NULL).inserted_id, 6);
	fake_close(fake);
}

/* ---- hooks ------------------------------------------------------------------------------------- */

struct watcher {
	struct str *notes;
	char name;
	bool refuses;
};

static bool note_before(void *context, const struct db_call *call)
{
	const struct watcher *watcher = context;

	(void)call;
	str_printf(watcher->notes, "+%c ", watcher->name);
	return !watcher->refuses;
}

static void note_after(void *context, const struct db_call *call, const struct db_rows *rows,
                       const struct db_outcome *outcome)
{
	const struct watcher *watcher = context;

	(void)call;
	(void)rows;
	str_printf(watcher->notes, "-%c:%s ", watcher->name, db_err_name(outcome->err));
}

static void hooks_stand_around_the_call_like_brackets(void **state)
{
	struct fake *fake = fake_open();
	struct str notes = {0};
	struct watcher watchers[] = {{&notes, 'a', false}, {&notes, 'b', false}, {&notes, 'c', false}};
	struct db_hook hooks[3];

	(void)state;
	fake->notes = &notes;
	for (size_t i = 0; i < 3; i++) {
		hooks[i] = (struct db_hook){.context = &watchers[i], .before = note_before, .after = note_after};
		db_add_hook(fake->session, &hooks[i]);
	}
	SCRIPT(fake, {.verb = DB_READ, .sql = "r", .err = DB_TIMEOUT});
	expect(run(fake, DB_READ, "r", NULL), DB_TIMEOUT, DB_TX_NONE);
	assert_string_equal(str_text(&notes), "+a +b +c perform -c:lock_timeout -b:lock_timeout -a:lock_timeout ");
	str_clear(&notes);
	watchers[1].refuses = true;
	expect(run(fake, DB_READ, "r", NULL), DB_REFUSED, DB_TX_NONE);
	assert_string_equal(str_text(&notes), "+a +b -b:refused -a:refused ");
	str_clear(&notes);
	watchers[1].refuses = false; /* they see what the funnel itself refuses, too */
	expect(run(fake, DB_READ, "{x}", NULL), DB_BROKEN, DB_TX_NONE);
	assert_string_equal(str_text(&notes), "+a +b +c -c:broken -b:broken -a:broken ");
	fake_close(fake);
	str_fini(&notes);
}

/* ---- levels, cuts, cancelling ------------------------------------------------------------------ */

static void set(struct fake *fake, enum db_iso iso, bool ok, bool is_lost)
{
	bool lost = !is_lost;

	assert_int_equal(db_set_level(fake->session, iso, &lost, NULL), ok);
	assert_int_equal(lost, is_lost);
}

static void a_level_is_set_when_it_is_another(void **state)
{
	struct fake *fake = fake_open();

	(void)state;
	set(fake, DB_ISO_DEFAULT, true, false); /* nothing is in the script */
	set(fake, DB_READ_COMMITTED, true, false);
	set(fake, DB_ISO_SERVER, false, false);
	SCRIPT(fake, {.slot = FAKE_SET_LEVEL, .iso = DB_SERIALIZABLE, .level = "SERIALIZABLE"},
	       {.slot = FAKE_SET_LEVEL, .iso = DB_REPEATABLE_READ},
	       {.slot = FAKE_SET_LEVEL, .iso = DB_READ_COMMITTED, .level = "READ COMMITTED"}, BEGINS);
	set(fake, DB_SERIALIZABLE, true, false);
	assert_string_equal(db_identity(fake->session)->isolation, "SERIALIZABLE");
	set(fake, DB_SERIALIZABLE, true, false);
	set(fake, DB_REPEATABLE_READ, false, false); /* refused: it stays */
	set(fake, DB_SERIALIZABLE, true, false);
	set(fake, DB_ISO_DEFAULT, true, false);
	set(fake, DB_ISO_DEFAULT, true, false);
	expect(run(fake, DB_BEGIN, NULL, NULL), DB_OK, DB_TX_OPEN);
	set(fake, DB_SERIALIZABLE, false, false);
	set(fake, DB_ISO_DEFAULT, false, false);
	SCRIPT(fake, {.verb = DB_READ, .sql = "r", .tx_before = DB_TX_OPEN, .err = DB_BROKEN, .tx = DB_TX_ABORTED},
	       {.verb = DB_COMMIT, .tx_before = DB_TX_ABORTED, .err = DB_LOST, .tx = DB_TX_UNKNOWN});
	expect(run(fake, DB_READ, "r", NULL), DB_BROKEN, DB_TX_ABORTED);
	set(fake, DB_SERIALIZABLE, false, false);
	expect(run(fake, DB_COMMIT, NULL, NULL), DB_LOST, DB_TX_UNKNOWN);
	set(fake, DB_READ_COMMITTED, false, true); /* although it is at that level */
	fake_close(fake);
}

static void a_connection_that_breaks_at_its_level_is_remembered(void **state)
{
	struct fake *fake = fake_open();

	(void)state;
	SCRIPT(fake, {.slot = FAKE_SET_LEVEL, .iso = DB_SERIALIZABLE, .lost = true},
	       {.verb = DB_READ, .sql = "r", .tx_before = DB_TX_UNKNOWN, .err = DB_LOST, .tx = DB_TX_UNKNOWN});
	set(fake, DB_SERIALIZABLE, false, true);
	set(fake, DB_SERIALIZABLE, false, true);
	set(fake, DB_ISO_DEFAULT, false, true);
	expect(run(fake, DB_READ, "r", NULL), DB_LOST, DB_TX_UNKNOWN); /* the engine is still the judge */
	fake_close(fake);
}

static void cuts_and_cancels_go_to_the_engine(void **state)
{
	struct fake *fake = fake_open();

	(void)state;
	SCRIPT(fake, {.slot = FAKE_CUT, .cut = DB_CUT_ANSWERS}, {.slot = FAKE_CUT, .cut = DB_CUT_ALL},
	       {.slot = FAKE_CANCEL}, {.slot = FAKE_CANCEL, .err = DB_LOST});
	assert_true(db_cut(fake->session, DB_CUT_ANSWERS));
	assert_true(db_cut(fake->session, DB_CUT_ALL));
	assert_true(db_cancel(fake->session, NULL));
	assert_false(db_cancel(fake->session, NULL));
	fake_assert_done(fake);
	fake->driver.cut = NULL;
	assert_false(db_cut(fake->session, DB_CUT_ALL));
	fake_close(fake);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_call_arrives_as_it_was_made),
		cmocka_unit_test(what_the_funnel_refuses_never_reaches_the_engine),
		cmocka_unit_test(a_failure_is_told_and_nothing_is_done_about_it),
		cmocka_unit_test(half_a_result_is_none),
		cmocka_unit_test(an_id_that_nobody_asked_for_is_not_told),
		cmocka_unit_test(hooks_stand_around_the_call_like_brackets),
		cmocka_unit_test(a_level_is_set_when_it_is_another),
		cmocka_unit_test(a_connection_that_breaks_at_its_level_is_remembered),
		cmocka_unit_test(cuts_and_cancels_go_to_the_engine),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
