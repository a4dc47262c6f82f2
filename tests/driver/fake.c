#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct dialect dialect = {
	.for_update = "FOR CHANGE", .returning_id = "", .new_id = "serial", .id = "big", .stamp = "time",
	.table_end = "",
};

/* The one that is about to be opened. */
static struct fake *opened;

static const struct fake_step *next(struct fake *fake, enum fake_slot slot, const char *what)
{
	if (fake->at == fake->n_steps)
		fail_msg("the engine was not to be called any more: %s", what);
	const struct fake_step *step = &fake->steps[fake->at++];
	if (step->slot != slot)
		fail_msg("call %zu was to be another than: %s", fake->at, what);
	return step;
}

static void *open_fake(const struct db_target *target, const struct db_settings *settings,
                       struct db_identity *identity, struct err *err)
{
	(void)target;
	(void)settings;
	(void)err;
	*identity = (struct db_identity){.engine = "fake", .product = "Fake", .version = "1",
	                                 .isolation = "READ COMMITTED", .snapshot_isolation = -1};
	return opened;
}

static void expect_values(const struct fake_step *step, const struct db_call *call)
{
	assert_int_equal(db_count_args(call->args), db_count_args(step->args));
	for (size_t i = 0; i < db_count_args(step->args); i++) {
		assert_int_equal(call->args[i].type, step->args[i].type);
		assert_true(call->args[i].integer == step->args[i].integer);
		assert_int_equal(call->args[i].length, step->args[i].length);
		if (step->args[i].type == DB_TEXT)
			assert_memory_equal(call->args[i].text, step->args[i].text, step->args[i].length);
	}
}

static void perform(void *connection, const struct db_call *call, const char *sql, struct db_rows *rows,
                    struct db_outcome *outcome)
{
	struct fake *fake = connection;
	const struct fake_step *step = next(fake, FAKE_PERFORM, sql != NULL ? sql : db_verb_name(call->verb));

	assert_int_equal(call->verb, step->verb);
	assert_true((sql == NULL) == (step->sql == NULL));
	if (sql != NULL)
		assert_string_equal(sql, step->sql);
	assert_true(rows == NULL || (call->verb == DB_READ && rows->n_rows == 0));
	assert_int_equal(outcome->err, DB_OK);
	assert_int_equal(outcome->tx, step->tx_before);
	assert_true(db_turns(fake->session) % 2 == 1);
	expect_values(step, call);
	if (fake->notes != NULL)
		str_add(fake->notes, "perform ");
	for (size_t i = 0; i < step->n_rows && rows != NULL; i++)
		*db_rows_add(rows, 1) = db_int((int64_t)i + 1);
	outcome->tx = step->tx;
	outcome->affected = step->affected;
	outcome->inserted_id = step->inserted_id;
	if (step->err != DB_OK)
		db_outcome_fail(outcome, step->err, "as the script has it");
}

static bool set_level(void *connection, enum db_iso iso, struct db_identity *identity, bool *lost, struct err *err)
{
	const struct fake_step *step = next(connection, FAKE_SET_LEVEL, db_iso_name(iso));

	assert_int_equal(iso, step->iso);
	assert_false(*lost);
	*lost = step->lost;
	if (step->level == NULL)
		return err_set(err, "as the script has it");
	snprintf(identity->isolation, sizeof identity->isolation, "%s", step->level);
	return true;
}

static void cut(void *connection, enum db_cut how)
{
	assert_int_equal(how, next(connection, FAKE_CUT, "cut")->cut);
}

static bool cancel(void *connection, struct err *err)
{
	return next(connection, FAKE_CANCEL, "cancel")->err == DB_OK || err_set(err, "as the script has it");
}

static void close_fake(void *connection)
{
	((struct fake *)connection)->closed++;
}

struct fake *fake_open(void)
{
	static const char *const schemes[] = {"fake", NULL};
	struct fake *fake = mem_new(1, sizeof *fake);
	struct err err = {0};

	fake->driver = (struct db_driver){.schemes = schemes, .usage = "fake:", .dialect = &dialect,
	                                  .open = open_fake, .perform = perform, .set_level = set_level,
	                                  .cut = cut, .cancel = cancel, .close = close_fake};
	fake->target = (struct db_target){.driver = &fake->driver, .text = "fake:"};
	opened = fake;
	fake->session = db_open(&fake->target, &(struct db_settings){.iso = DB_ISO_DEFAULT}, &err);
	assert_non_null(fake->session);
	return fake;
}

void fake_expect(struct fake *fake, const struct fake_step *steps, size_t n_steps)
{
	fake_assert_done(fake);
	fake->steps = steps;
	fake->n_steps = n_steps;
	fake->at = 0;
}

void fake_assert_done(const struct fake *fake)
{
	if (fake->at != fake->n_steps)
		fail_msg("of %zu calls of the engine %zu were made", fake->n_steps, fake->at);
}

void fake_close(struct fake *fake)
{
	fake_assert_done(fake);
	db_close(fake->session);
	assert_int_equal(fake->closed, 1);
	free(fake);
}
