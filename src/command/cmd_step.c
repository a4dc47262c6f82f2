/* racy step: one order, chosen by whoever sits before it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "command/again.h"
#include "command/commands.h"
#include "command/explore_job.h"
#include "command/explore_place.h"
#include "command/interrupt.h"
#include "command/step_game.h"

static int run(int argc, char **argv);

const struct command command_step = {
	.name = "step",
	.operands = "SCENARIO/VARIANT [+ SCENARIO/VARIANT] | FILE.sql [options]",
	.summary = "choose yourself whose statement is next, on the real database",
	.help = "The sessions of `racy explore`, stopped before each statement; you say which one goes on.\n"
	        "It shows what each read, who waits for whose lock, what is committed, and in the end whether\n"
	        "an invariant is broken or no serial order comes to the same. You type, line by line: a\n"
	        "session's letter, several (AABB), steps by name (A.read B.read), back, restart, rows, order,\n"
	        "finish, quit, help. A script may type it as well.\n"
	        "A database that you name is left alone: a schema of its own is made beside it (SQLite: a\n"
	        "file), and removed. See docs/explore.md.\n"
	        "Exit codes: 0 the order that was finished last breaks nothing, 1 it does, 4 it was quit\n"
	        "before its end, or it could not be told.\n",
	.run = run,
};

/* ---- what to type to have an order again --------------------------------------------------------------- */

static void add_level(struct str *line, enum db_iso iso)
{
	if (iso == DB_ISO_DEFAULT)
		return;
	char *name = mem_text(db_iso_name(iso));
	for (char *c = name; *c != '\0'; c++)
		*c = *c == ' ' ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	str_add(line, " --isolation");
	again_word(line, name);
	free(name);
}

/* Without its password. */
static bool add_database(struct str *line, const struct database_options *options, struct err *err)
{
	struct db_target target;

	if (options->n_urls == 0)
		return true;
	str_add(line, " --db");
	if (database_is_throw_away(options->urls[0])) {
		again_word(line, options->urls[0]);
		return true;
	}
	if (!db_target_parse(options->urls[0], &target, err))
		return false;
	again_word(line, db_target_text(&target));
	db_target_fini(&target);
	return true;
}

/* Up to the steps. Before the place adds its own options. */
static bool add_again(struct str *line, const struct explore_order *order,
                      const struct explore_subject *subject, struct err *err)
{
	str_printf(line, "%s explore", again_program());
	again_word(line, subject->what);
	if (!add_database(line, &order->where, err))
		return false;
	add_level(line, order->where.iso);
	for (size_t i = 0; i < order->where.n_sets; i++) {
		char *set = mem_printf("%s=%s", order->where.sets[i].name, order->where.sets[i].value);
		str_add(line, " --set");
		again_word(line, set);
		free(set);
	}
	if (order->sessions != 0)
		str_printf(line, " --sessions %lld", (long long)order->sessions);
	if (order->handling.no_transaction)
		str_add(line, " --no-transaction");
	if (order->handling.max_tries != 1)
		str_printf(line, " --max-tries %lld", (long long)order->handling.max_tries);
	str_add(line, " --order");
	return true;
}

/* ---- the game ------------------------------------------------------------------------------------------ */

struct step {
	struct explore_order order;
	struct explore_subject subject;
	struct str again;
	bool json;
};

static bool play_in(const struct step *step, const struct explore_place *place, struct world *world, int *code,
                    struct err *err)
{
	struct db_identity identity;
	struct serial serial = {0};
	struct explored head = explore_head(&step->order, &step->subject, place, &identity);
	head.serial = &serial;
	struct step_game game = {
		.subject = &head, .again = str_text(&step->again), .json = step->json,
		.style = report_style_of(stdout),
		.echoes = !step->json && isatty(STDIN_FILENO) != 1, .input = {.fd = STDIN_FILENO},
	};
	bool ok = serial_run(world, step->subject.play, &serial, err) &&
	          step_game_play(&game, world, &serial, err);

	*code = game.code;
	serial_fini(&serial);
	return ok;
}

static int play_at(const struct step *step, const struct explore_place *place, struct err *err)
{
	struct db_settings settings = place->database.settings;
	int code = RACY_ENVIRONMENT;

	if (!explore_subject_create(&step->subject, &place->database, err))
		return RACY_USAGE;
	settings.lock_wait_ns = STEPPING_PATIENCE_S * NS_PER_S;
	step_signals_hold();
	struct world *world = world_open(step->subject.play, &place->database.target, &settings, 0, err);
	step_signals_let_go();
	if (world != NULL && world_open_viewer(world, &place->database.target, &settings, err) &&
	    !play_in(step, place, world, &code, err))
		code = RACY_ENVIRONMENT;
	world_close(world);
	return code;
}

static int play(struct step *step, struct err *err)
{
	struct explore_place place;
	struct err left = {0};
	int code;

	explore_subject_keep_sql(&step->subject);
	interrupt_catch();
	if (!explore_place_open(&step->order.where, 0, &place, &code, err))
		return code;
	code = play_at(step, &place, err);
	if (!explore_place_close(&place, &left)) {
		err_set(err, "%s", err_text(&left));
		code = RACY_ENVIRONMENT;
	}
	err_fini(&left);
	return code;
}

static int run(int argc, char **argv)
{
	struct step step = {.order.handling = handling_default()};
	const struct opt options[] = {
		EXPLORE_OPTIONS(step.order),
		{"json", 0, NULL, "an object on a line after each line that is read", opt_flag, &step.json, 0, 0},
		{0},
	};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_step, argc, argv, options, &first, &code))
		return code;
	code = RACY_ENVIRONMENT;
	if (step_input_is_open(&err)) {
		code = RACY_USAGE;
		if (explore_subject_take(argc - first, argv + first, &step.order, &step.subject, &err) &&
		    add_again(&step.again, &step.order, &step.subject, &err))
			code = play(&step, &err);
	}
	if (err.text != NULL)
		command_fail(&command_step, code, &err);
	err_fini(&err);
	str_fini(&step.again);
	explore_subject_fini(&step.subject);
	database_options_fini(&step.order.where);
	return code;
}
