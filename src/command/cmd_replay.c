/* racy replay: a witness once more, exactly. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/explore_job.h"
#include "command/explore_place.h"
#include "command/interrupt.h"
#include "explore/order.h"
#include "report/exported.h"
#include "report/json_text.h"

static int run(int argc, char **argv);

const struct command command_replay = {
	.name = "replay",
	.operands = "FILE [options]",
	.summary = "run the order of a witness again: does it still break?",
	.help = "FILE is what `racy explore ... --json` printed, with a witness in it. Its sessions, level,\n"
	        "settings and order are taken from it, the code from this racy (or the file of SQL that it\n"
	        "names). A step that cannot be taken because its session waits is taken when it can.\n"
	        "Exit codes: 1 it still breaks, 0 it does not (this order: nothing is said of others), 4 it did\n"
	        "not go the same way each time.\n",
	.run = run,
};

struct replay {
	struct database_options where;
	int64_t times;
	bool json;
	const char *export; /* "client", "isolationtester"; NULL: nothing is written */
	/* of the file */
	json_t *file;
	struct explore_order order;
	struct explore_subject subject;
	struct step_order steps;
	char *word; /* the subject, then the engine's throw-away server */
};

/* ---- the file ------------------------------------------------------------------------------------------------ */

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* What racy set by itself it sets again where that may be, whatever the server. */
static bool is_ours(const json_t *scope, const char *name)
{
	const json_t *own = json_object_get(scope, "settings_by_racy");
	bool found = false;

	for (size_t i = 0; i < json_array_size(own) && !found; i++) {
		const char *word = json_string_value(json_array_get(own, i));
		found = word != NULL && text_equal(word, name);
	}
	return found;
}

static bool take_settings(struct replay *replay, json_t *scope, struct err *err)
{
	struct explore_order *order = &replay->order;
	const char *name;
	json_t *value;

	order->handling = handling_default();
	order->handling.no_transaction = json_is_false(json_object_get(scope, "transaction"));
	order->handling.max_tries = json_integer_value(json_object_get(scope, "max_tries"));
	json_object_foreach(json_object_get(scope, "settings"), name, value) {
		if (is_ours(scope, name))
			continue;
		if (!json_is_string(value) || replay->where.n_sets == DATABASE_MAX_SETS)
			return err_set(err, "scope.settings: %s is no text, or one too many", name);
		replay->where.sets[replay->where.n_sets++] = (struct db_setting){name, json_string_value(value)};
	}
	if (order->handling.max_tries < 1 || order->handling.max_tries > 100)
		return err_set(err, "scope.max_tries is not 1 to 100");
	return true;
}

/* The level is the file's unless a variant has its own. */
static bool take_level(struct replay *replay, const json_t *scope, struct err *err)
{
	if (replay->subject.iso != DB_ISO_DEFAULT || text_equal(text_at(scope, "engine"), "sqlite"))
		return true;
	return db_iso_parse(text_at(scope, "level"), &replay->where.iso, err);
}

static bool take_place(struct replay *replay, const json_t *scope, struct err *err)
{
	const char *engine = text_at(scope, "engine");

	if (replay->where.n_urls > 0)
		return true;
	replay->where.n_urls = 1;
	if (text_equal(engine, "sqlite"))
		replay->where.urls[0] = "sqlite:";
	else if (database_is_throw_away(engine))
		replay->where.urls[0] = engine;
	else
		return err_set(err, "scope.engine is none of sqlite, mariadb and postgres");
	return true;
}

static bool take_file(struct replay *replay, struct err *err)
{
	json_t *scope = json_object_get(replay->file, "scope"), *witness = json_object_get(replay->file, "witness");
	size_t sessions = json_array_size(json_object_get(scope, "sessions"));

	if (!json_is_object(scope) || !json_is_object(witness))
		return err_set(err, "there is no witness in it; it should be what `racy explore --json` printed of a "
		                    "violation");
	replay->word = mem_text(text_at(replay->file, "subject"));
	if (!take_settings(replay, scope, err))
		return false;
	size_t length = strlen(replay->word);
	bool is_file = length > 4 && text_equal(replay->word + length - 4, ".sql");
	replay->order.sessions = is_file ? 0 : (int64_t)sessions;
	if (!explore_subject_take(1, &replay->word, &replay->order, &replay->subject, err))
		return false;
	if (replay->subject.play->sessions != sessions)
		return err_set(err, "%s has %zu sessions now, not %zu", replay->word, replay->subject.play->sessions,
		               sessions);
	return take_level(replay, scope, err) && take_place(replay, scope, err) &&
	       order_parse(text_at(witness, "order"), sessions, &replay->steps, err);
}

/* ---- the runs ------------------------------------------------------------------------------------------------- */

struct outcome {
	int64_t ran, broke, same; /* the steps and the outcome of the file */
	char *unlike;             /* the first behaviour that was another one than the first run's */
	char *behaviour;
};

/* What a step of the file yielded, and whether it waited. */
static bool is_step(const json_t *told, const struct schedule_step *step)
{
	const char *result = step->what.verb == DB_READ && step->what.err == DB_OK ? step->what.result : "";
	const char *error = step->what.err != DB_OK ? db_err_name(step->what.err) : "";

	return json_text_is(json_object_get(told, "result"), result) && text_equal(text_at(told, "error"), error) &&
	       json_is_true(json_object_get(told, "waited")) == step->waited;
}

static bool is_witness(const struct replay *replay, const struct schedule *schedule)
{
	const json_t *witness = json_object_get(replay->file, "witness"), *ends = json_object_get(witness, "ends");
	const json_t *steps = json_object_get(witness, "steps");
	bool same = json_text_is(json_object_get(witness, "state"), str_text(&schedule->state)) &&
	            json_array_size(steps) == schedule->n;

	for (size_t i = 0; i < schedule->n && same; i++)
		same = is_step(json_array_get(steps, i), &schedule->steps[i]);

	for (size_t i = 0; i < replay->subject.play->sessions && same; i++)
		same = json_text_is(json_array_get(ends, i), schedule->ends[i].text);
	return same;
}

static void note(const struct replay *replay, const struct serial *serial, const struct schedule *schedule, bool same,
                 struct outcome *outcome)
{
	char *behaviour = behaviour_text(replay->subject.play, schedule);

	outcome->ran++;
	outcome->broke += schedule->broken || !serial_has(serial, replay->subject.play, schedule);
	outcome->same += same && is_witness(replay, schedule);
	if (outcome->behaviour == NULL)
		outcome->behaviour = behaviour;
	else if (outcome->unlike == NULL && !text_equal(behaviour, outcome->behaviour))
		outcome->unlike = behaviour;
	else
		free(behaviour);
}

static bool export(const struct replay *replay, const struct explore_place *place, const struct schedule *schedule,
                   struct err *err)
{
	struct db_identity identity = explore_subject_identity(&replay->subject, &place->database);
	struct script world = {0};
	struct exported exported = {
		.what = replay->word, .world = &replay->subject.script, .sessions = replay->subject.play->sessions,
		.own_levels = replay->subject.own_levels, .target = &place->database.target, .identity = &identity,
		.sets = replay->where.sets, .n_sets = explore_place_asked(place), .schedule = schedule,
	};
	bool ok = true;

	if (!replay->subject.is_file) {
		operation_play_world(&replay->subject.operation, &world);
		exported.world = &world;
	}
	if (text_equal(replay->export, "isolationtester"))
		ok = exported_spec(stdout, &exported, err);
	else
		exported_client(stdout, &exported);
	script_fini(&world);
	return ok;
}

static bool run_times(struct replay *replay, const struct explore_place *place, struct world *world,
                      struct outcome *outcome, struct err *err)
{
	struct schedule schedule = {0};
	struct serial serial = {0};
	bool ok = serial_run(world, replay->subject.play, &serial, err), same;

	while (ok && outcome->ran < replay->times && !interrupted) {
		order_run(world, &replay->steps, &schedule, &same, err);
		ok = schedule.result != SCHEDULE_FAILED;
		if (ok && schedule.result != SCHEDULE_WHOLE)
			ok = err_set(err, "%s", schedule.why[0] != '\0' ? schedule.why : "the order cannot be run");
		if (ok)
			note(replay, &serial, &schedule, same, outcome);
		if (ok && replay->export != NULL && outcome->ran == 1)
			ok = export(replay, place, &schedule, err);
	}
	schedule_fini(&schedule);
	serial_fini(&serial);
	return ok;
}

static int replay_at(struct replay *replay, struct outcome *outcome, struct err *err)
{
	struct explore_place place;
	struct err left = {0};
	int code;

	if (replay->export != NULL)
		explore_subject_keep_sql(&replay->subject);
	interrupt_catch();
	if (!explore_place_open(&replay->where, 0, &place, &code, err))
		return code;
	code = RACY_USAGE;
	if (explore_subject_create(&replay->subject, &place.database, err)) {
		struct world *world = world_open(replay->subject.play, &place.database.target,
		                                 &place.database.settings, 0, err);
		code = world != NULL && run_times(replay, &place, world, outcome, err) ?
			RACY_OK : RACY_ENVIRONMENT;
		world_close(world);
	}
	if (!explore_place_close(&place, &left)) {
		err_set(err, "%s", err_text(&left));
		code = RACY_ENVIRONMENT;
	}
	err_fini(&left);
	return code;
}

/* ---- what came of it ------------------------------------------------------------------------------------------ */

static int code_of(const struct outcome *outcome)
{
	if (outcome->ran == 0 || outcome->unlike != NULL)
		return RACY_INCONCLUSIVE;
	return outcome->broke > 0 ? RACY_VIOLATED : RACY_OK;
}

static void tell_text(const struct outcome *outcome)
{
	printf("%lld of %lld runs break, %lld of them exactly as the file says.\n", (long long)outcome->broke,
	       (long long)outcome->ran, (long long)outcome->same);
	if (outcome->unlike != NULL)
		printf("They did not all go the same way: first\n%sthen\n%s", outcome->behaviour, outcome->unlike);
	else if (outcome->broke == 0 && outcome->ran > 0)
		printf("This order does not break; nothing is said of others. It came to:\n%s", outcome->behaviour);
}

static int tell(const struct replay *replay, const struct outcome *outcome, struct err *err)
{
	if (replay->export != NULL)
		fflush(stdout);
	else if (replay->json)
		printf("{\"runs\":%lld,\"breaking\":%lld,\"exact\":%lld,\"alike\":%s}\n", (long long)outcome->ran,
		       (long long)outcome->broke, (long long)outcome->same, outcome->unlike == NULL ? "true" : "false");
	else
		tell_text(outcome);
	return explore_flush(err) ? code_of(outcome) : RACY_ENVIRONMENT;
}

static int replay_file(struct replay *replay, const char *path, struct err *err)
{
	struct outcome outcome = {0};
	json_error_t fault;
	int code = RACY_USAGE;

	replay->file = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
	if (replay->file == NULL)
		err_set(err, "%s: %s", path, fault.line > 0 ? fault.text : strerror(errno != 0 ? errno : ENOENT));
	else if (!take_file(replay, err))
		err_prefix(err, "%s", path);
	else
		code = replay_at(replay, &outcome, err);
	if (code == RACY_OK)
		code = tell(replay, &outcome, err);
	free(outcome.behaviour);
	free(outcome.unlike);
	order_fini(&replay->steps);
	explore_subject_fini(&replay->subject);
	free(replay->word);
	return code;
}

static bool opt_export(const struct opt *opt, const char *text, struct err *err)
{
	*(const char **)opt->target = text;
	return text_equal(text, "client") || text_equal(text, "isolationtester") ||
	       err_set(err, "'%s' is neither client nor isolationtester", text);
}

static int run(int argc, char **argv)
{
	struct replay replay = {.times = 1};
	const struct opt options[] = {
		DATABASE_OPTION_DB(replay.where),
		{"times", 0, "N", "run it so often", opt_number, &replay.times, 1, 1000000},
		{"export", 0, "FOR", "client: what to type into the engine's own client, in which\n"
		 "session; isolationtester: a specification (PostgreSQL)", opt_export, &replay.export, 0, 0},
		{"json", 0, NULL, "one object on stdout instead of text", opt_flag, &replay.json, 0, 0},
		{0},
	};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_replay, argc, argv, options, &first, &code))
		return code;
	if (argc - first != 1)
		return command_usage(&command_replay, "name one file");
	code = replay_file(&replay, argv[first], &err);
	if (err.text != NULL)
		command_fail(&command_replay, code, &err);
	err_fini(&err);
	database_options_fini(&replay.where); /* its settings are texts of the file */
	json_decref(replay.file);
	return code;
}
