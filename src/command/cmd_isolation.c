/* racy isolation: which anomalies an engine's levels let happen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/explore_job.h"
#include "command/explore_place.h"
#include "command/interrupt.h"
#include "explore/anomalies.h"
#include "explore/order.h"
#include "report/isolation.h"

static int run(int argc, char **argv);

const struct command command_isolation = {
	.name = "isolation",
	.operands = "[options]",
	.summary = "which anomalies each engine lets happen at each level, tried out",
	.help = "Runs 16 small histories (Adya's and Hermitage's anomalies, and two of Jepsen's) in every order on\n"
	        "each engine and level. possible: some order shows it. prevented: all were run, and none does. The\n"
	        "histories are the files of docs/isolation, for `racy explore` too. Three throw-away databases by\n"
	        "default; takes a few minutes.\n"
	        "Exit codes: 0 every cell was told, 4 some could not be.\n",
	.run = run,
};

struct order {
	struct database_options where; /* its iso: only that level */
	const char *anomaly;
	enum reduction reduction;
	bool reduction_said, json;
};

/* A column of the table. */
struct isolation_level {
	const char *name;
	enum db_iso iso;
	const struct db_setting *set; /* NULL: none */
	bool only_mariadb, only_servers;
};
static const struct db_setting snapshot_isolation = {"innodb_snapshot_isolation", "on"};
static const struct isolation_level isolation_levels[] = {
	{"READ UNCOMMITTED", DB_READ_UNCOMMITTED, NULL, false, true},
	{"READ COMMITTED", DB_READ_COMMITTED, NULL, false, true},
	{"REPEATABLE READ", DB_REPEATABLE_READ, NULL, false, true},
	{"REPEATABLE READ, innodb_snapshot_isolation=ON", DB_REPEATABLE_READ, &snapshot_isolation, true, true},
	{"SERIALIZABLE", DB_SERIALIZABLE, NULL, false, false},
};
enum { N_LEVELS = sizeof isolation_levels / sizeof *isolation_levels };

/* ---- a cell -------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct order *order, const struct database *database, const struct isolation_level *level)
{
	const char *engine = database->identity.engine;

	if (level->only_servers && text_equal(engine, "sqlite"))
		return false;
	if (level->only_mariadb && database->identity.snapshot_isolation < 0)
		return false;
	return order->where.iso == DB_ISO_DEFAULT || order->where.iso == level->iso;
}

static enum isolation_cell cell_of(const struct found *found)
{
	const char *reason;

	if (found->breaking > 0)
		return CELL_POSSIBLE;
	return found->complete && explored_verdict_of(found, &reason) != EXPLORED_INCONCLUSIVE ? CELL_PREVENTED
	                                                                                        : CELL_UNKNOWN;
}

/* Two sessions: all orders. Three are too many for a table that people wait for: reduced, where sessions do not wait in
 * their client. */
static enum reduction reduction_for(const struct order *order, const struct script *script, const struct world *world)
{
	if (world_waits_in_client(world))
		return REDUCTION_OFF;
	if (order->reduction_said)
		return order->reduction;
	return script->n_sessions > 2 ? REDUCTION_ON : REDUCTION_OFF;
}

static bool fill_cell(const struct order *order, const struct script *script, struct world *world,
                      struct isolation_result *result, struct err *err)
{
	struct serial serial = {0};
	struct found found = {0};
	struct search_limits to = {
		.interrupted = &interrupted, .serial = &serial, .max_preemptions = UINT32_MAX, .first = true,
	};
	bool ok = serial_run(world, world_play(world), &serial, err) &&
	          search_auto(world, reduction_for(order, script, world), &to, &found, err);

	if (ok) {
		struct str text = {0};
		result->cell = cell_of(&found);
		result->orders = found.schedules;
		result->reduced = found.reduced;
		if (result->cell == CELL_POSSIBLE)
			order_text(&text, &found.witness);
		result->witness = text.length > 0 ? str_take(&text) : NULL;
	}
	found_fini(&found);
	serial_fini(&serial);
	return ok;
}

static bool explore_cell(const struct order *order, const struct database *database,
                         const struct isolation_level *level,
                         const struct script *script, struct isolation_result *result, struct err *err)
{
	struct db_settings settings = database->settings;
	struct db_setting sets[DATABASE_MAX_SETS + 1];
	struct script_play *play = mem_new(1, sizeof *play);

	if (settings.n_sets > 0)
		memcpy(sets, settings.sets, settings.n_sets * sizeof *sets);
	if (level->set != NULL)
		sets[settings.n_sets++] = *level->set;
	settings.sets = sets;
	settings.iso = text_equal(database->identity.engine, "sqlite") ? DB_ISO_DEFAULT : level->iso;
	script_play_init(play, script);
	struct world *world = world_open(&play->play, &database->target, &settings, 0, err);
	bool ok = world != NULL && fill_cell(order, script, world, result, err);
	world_close(world);
	free(play);
	return ok;
}

/* ---- an engine ------------------------------------------------------------------------------------------------- */

static void show_progress(const struct isolation_column *column, const char *anomaly)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s %s: %s \033[K", column->product, column->level, anomaly);
}

static bool fill_column(const struct order *order, const struct database *database, const struct isolation_level *level,
                        struct script *scripts, struct isolation_column *column, struct err *err)
{
	bool ok = true;

	(void)snprintf(column->engine, sizeof column->engine, "%s", database->identity.engine);
	(void)snprintf(column->product, sizeof column->product, "%s %s", database->identity.product,
	               database->identity.version);
	column->level = level->name;
	for (size_t i = 0; ok && i < ANOMALIES && !interrupted; i++) {
		if (order->anomaly != NULL && !text_equal(order->anomaly, anomalies[i].name))
			continue;
		show_progress(column, anomalies[i].name);
		ok = explore_cell(order, database, level, &scripts[i], &column->results[i], err);
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return ok;
}

static bool create(const struct database *database, const struct script *script, struct err *err)
{
	struct db_session *session = db_open(&database->target, &database->settings, err);
	bool ok = session != NULL && script_create(script, session, err); /* all have the same table */

	db_close(session);
	return ok;
}

static int fill_engine(struct order *order, const char *url, struct script *scripts, struct isolation *isolation,
                       struct err *err)
{
	struct database_options where = order->where;
	struct explore_place place;
	struct err left = {0};
	int code;

	where.urls[0] = url;
	where.n_urls = 1;
	where.iso = DB_ISO_DEFAULT;
	if (!explore_place_open(&where, 0, &place, &code, err))
		return code;
	bool ok = create(&place.database, &scripts[0], err);
	for (size_t i = 0; ok && i < N_LEVELS && !interrupted; i++)
		if (is_wanted(order, &place.database, &isolation_levels[i]))
			ok = fill_column(order, &place.database, &isolation_levels[i], scripts,
			                 &isolation->columns[isolation->n++], err);
	code = ok ? RACY_OK : RACY_ENVIRONMENT;
	if (!explore_place_close(&place, &left)) {
		err_set(err, "%s", err_text(&left));
		code = RACY_ENVIRONMENT;
	}
	err_fini(&left);
	return code;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

static int tell(const struct order *order, const struct isolation *isolation, struct err *err)
{
	if (order->json) {
		isolation_json(stdout, isolation, order->anomaly);
	} else {
		const struct report_style style = report_style_of(stdout);
		isolation_text(stdout, &style, isolation, order->anomaly);
	}
	if (!explore_flush(err))
		return RACY_ENVIRONMENT;
	for (size_t i = 0; i < isolation->n; i++)
		for (size_t k = 0; k < ANOMALIES; k++)
			if (isolation->columns[i].results[k].cell == CELL_UNKNOWN &&
			    (order->anomaly == NULL || text_equal(order->anomaly, anomalies[k].name)))
				return RACY_INCONCLUSIVE;
	return interrupted ? RACY_INCONCLUSIVE : RACY_OK;
}

static int fill(struct order *order, struct script *scripts, struct err *err)
{
	static const char *const everywhere[] = {"sqlite:", "mariadb", "postgres"};
	const char *const *urls = order->where.n_urls > 0 ? order->where.urls : everywhere;
	size_t n = order->where.n_urls > 0 ? order->where.n_urls : sizeof everywhere / sizeof *everywhere;
	struct isolation *isolation = mem_new(1, sizeof *isolation);
	int code = RACY_OK;

	isolation->columns = mem_new(n * N_LEVELS, sizeof *isolation->columns);
	for (size_t i = 0; i < n && code == RACY_OK && !interrupted; i++)
		code = fill_engine(order, urls[i], scripts, isolation, err);
	if (code == RACY_OK)
		code = tell(order, isolation, err);
	isolation_fini(isolation);
	free(isolation);
	return code;
}

static bool check_anomaly(const char *name, struct err *err)
{
	struct str names = {0};

	for (size_t i = 0; i < ANOMALIES; i++) {
		if (name == NULL || text_equal(name, anomalies[i].name)) {
			str_fini(&names);
			return true;
		}
		str_printf(&names, "%s%s", i > 0 ? ", " : "", anomalies[i].name);
	}
	err_set(err, "--anomaly: there is no '%s'; there are: %s", name, str_text(&names));
	str_fini(&names);
	return false;
}

static int isolate(struct order *order, struct err *err)
{
	struct script *scripts = mem_new(ANOMALIES, sizeof *scripts);
	int code = RACY_USAGE;
	size_t n = 0;
	bool ok = check_anomaly(order->anomaly, err);

	interrupt_catch();
	for (; ok && n < ANOMALIES; n += ok)
		ok = script_parse(anomalies[n].name, anomalies[n].sql, strlen(anomalies[n].sql), &scripts[n], err);
	if (ok)
		code = fill(order, scripts, err);
	while (n > 0)
		script_fini(&scripts[--n]);
	free(scripts);
	return code;
}

static bool opt_reduction(const struct opt *opt, const char *text, struct err *err)
{
	struct order *order = opt->target;
	const struct opt inner = {.target = &order->reduction};

	order->reduction_said = true;
	return explore_opt_reduction(&inner, text, err);
}

static int run(int argc, char **argv)
{
	struct order order = {.where.several = true};
	const struct opt options[] = {
		DATABASE_OPTIONS(order.where),
		{"anomaly", 0, "NAME", "only this one, such as P4 or G2-item", opt_text, &order.anomaly, 0, 0},
		{"reduction", 0, "WHEN",
		 "off: every order of three sessions too, which takes long;\n"
		 "on, auto. Default: off for two sessions, on for three",
		 opt_reduction, &order, 0, 0},
		{"json", 0, NULL, "one object on stdout: engine, level, anomaly", opt_flag, &order.json, 0, 0},
		{0},
	};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_isolation, argc, argv, options, &first, &code))
		return code;
	if (argc != first)
		return command_usage(&command_isolation, "'%s' is too much: it takes options only", argv[first]);
	code = isolate(&order, &err);
	if (err.text != NULL)
		command_fail(&command_isolation, code, &err);
	err_fini(&err);
	database_options_fini(&order.where);
	return code;
}
