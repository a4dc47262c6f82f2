/* racy run: one experiment, from a fresh account to a verdict. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "command/again.h"
#include "command/commands.h"
#include "command/database.h"
#include "command/handling.h"
#include "command/interrupt.h"
#include "command/race.h"
#include "command/several.h"
#include "command/worker_kind.h"
#include "report/report.h"
#include "scenarios/accounts.h"
#include "base/cpus.h"

static int run(int argc, char **argv);

const struct command command_run = {
	.name = "run",
	.operands = "SCENARIO/VARIANT [options]",
	.summary = "race a variant on private workers, audit it, say who overwrote whom",
	.help = "Starts workers of its own, makes a fresh account, fires the requests, waits until nothing of\n"
	        "them is left on the server, and compares what the workers did with what the database holds.\n"
	        "Afterwards the account and its transactions are removed (the tables stay).\n"
	        "With --db given several times the same takes place on each, and a table compares them.\n"
	        "\n"
	        "Exit codes: 0 no loss seen (which proves nothing), 1 deposits were lost or torn, 2 wrong usage,\n"
	        "3 no database and the like, 4 inconclusive: it says why. Of several databases the worst counts.",
	.run = run,
};

struct delay {
	int64_t min_ns, max_ns;
};

struct order {
	const char *mix, *trace;
	struct worker_kind kind;
	int64_t workers, cpus, requests, wait_ns, timeout_ns, amount, seed;
	struct delay delay;
	bool traced, untraced, json, keep;
	struct handling handling;
	struct database_options where;
	char **argv;         /* as it was given */
	const char *operand; /* of it */
};

static bool opt_delay(const struct opt *opt, const char *text, struct err *err)
{
	struct delay *delay = opt->target;

	return duration_range_parse(text, &delay->min_ns, &delay->max_ns, err);
}

enum { PORT_HOLDS = 2048 }; /* the subject's backlog: beyond it the kernel cuts clients off */

/* A level of its own wins over the session's: who asks for another one asks for what cannot be. */
static bool check_level(const struct order *order, const struct variant *variant, struct err *err)
{
	if (variant == NULL || variant->iso == DB_ISO_DEFAULT || order->where.iso == DB_ISO_DEFAULT ||
	    order->where.iso == variant->iso)
		return true;
	return err_set(err, "--isolation: %s has a level of its own, %s; leave the option out", variant->name,
	               db_iso_name(variant->iso));
}

/* A balance that is kept and one that is a sum cannot be those of one account. */
static bool check_mix(const struct experiment *experiment, struct err *err)
{
	const struct variant *one = experiment->entry.variant, *other = experiment->mix;

	if (other == NULL || one->derives == other->derives)
		return true;
	return err_set(err, "--mix: %s keeps no balance and %s does: no audit fits both on one account",
	               one->derives ? one->name : other->name, one->derives ? other->name : one->name);
}

/* What is wrong with the order although each of its values is right. */
static bool check_order(const struct order *order, struct err *err)
{
	if (order->where.n_urls > 1 && order->trace != NULL)
		return err_set(err, "--trace takes the events of one database: name one --db");
	if (order->untraced && (order->traced || order->trace != NULL))
		return err_set(err, "--no-trace records nothing, so --traced and --trace have nothing to work with");
	if (order->wait_ns == 0 && order->requests > PORT_HOLDS)
		return err_set(err, "-n %lld at once: the port holds %d waiting connections; space them with --wait",
		               (long long)order->requests, PORT_HOLDS);
	if (order->traced && (order->amount == 0 || (size_t)order->requests > experiment_max_traced(order->amount)))
		return err_set(err, "--traced doubles the amount with every request: with --amount %lld at most %zu "
		                    "requests fit the balance's column",
		               (long long)order->amount,
		               order->amount == 0 ? (size_t)0 : experiment_max_traced(order->amount));
	return true;
}

static bool check_cpus(const struct order *order, struct err *err)
{
	int there = order->cpus > 0 ? cpus_allowed(err) : 0;

	if (order->cpus == 0 || (there > 0 && order->cpus <= there))
		return true;
	return there > 0 && err_set(err, "--cpus %lld: the workers may use %d", (long long)order->cpus, there);
}

static bool plan(const struct order *order, const char *name, struct experiment *experiment, struct err *err)
{
	struct registry_entry mix = {0};

	if (!registry_find(name, &experiment->entry, err))
		return false;
	if (order->mix != NULL && !registry_find(order->mix, &mix, err)) {
		err_prefix(err, "--mix");
		return false;
	}
	if (order->mix != NULL && mix.operation != experiment->entry.operation)
		return err_set(err, "--mix: '%s' is not a way to write the same operation", order->mix);
	experiment->mix = mix.variant;
	experiment->workers = (int)order->workers;
	experiment->worker_class = worker_kind_class(&order->kind);
	experiment->threads = (int)order->kind.threads;
	experiment->cpus = (int)order->cpus;
	experiment->requests = (size_t)order->requests;
	experiment->wait_ns = order->wait_ns;
	experiment->delay_min_ns = order->delay.min_ns;
	experiment->delay_max_ns = order->delay.max_ns;
	experiment->timeout_ns = order->timeout_ns;
	experiment->amount = order->amount;
	experiment->traced = order->traced;
	experiment->recorded = !order->untraced;
	experiment->seed = (uint64_t)order->seed;
	experiment->keep = order->keep;
	experiment->tx_mode = handling_tx_mode(&order->handling);
	experiment->retry = handling_retry(&order->handling);
	experiment->fault = order->handling.fault;
	experiment->fault_text = order->handling.fault_text;
	return check_order(order, err) && check_cpus(order, err) && handling_check(&order->handling, err) &&
	       check_level(order, experiment->entry.variant, err) && check_level(order, experiment->mix, err) &&
	       check_mix(experiment, err);
}

/* ---- telling --------------------------------------------------------------------------------- */

struct telling {
	const struct report_format *format;
	struct report_style style;
	struct progress progress;
	const char *db_option;
};

static void tell_plan(void *context, const struct run_result *result)
{
	struct telling *telling = context;

	if (telling->format->plan != NULL)
		telling->format->plan(stdout, &telling->style, result);
	fflush(stdout);
	progress_start(&telling->progress, result->plan.variant);
}

static void tell_progress(void *context, size_t ended, size_t requests)
{
	struct telling *telling = context;

	progress_show(&telling->progress, ended, requests);
}

static int tell_result(struct telling *telling, const struct order *order, struct experiment_result *result)
{
	progress_clear(&telling->progress);
	if (interrupted != 0) {
		fprintf(stderr, "racy run: interrupted; %s\n",
		        order->keep ? "what was done stays, as --keep asks"
		                    : "what the run put into the database is removed");
		return RACY_INTERRUPTED + interrupted;
	}
	result->run.plan.db_option = telling->db_option;
	telling->format->run(stdout, &telling->style, &result->run);
	if (order->keep && !order->json)
		printf("Kept: account %lld.\n", (long long)result->account);
	return race_exit_code(result->run.findings.verdict);
}

/* ---- doing ----------------------------------------------------------------------------------- */

static bool close_trace(struct experiment *experiment, bool failed, const char *name, struct err *err)
{
	if (experiment->trace == NULL)
		return true;
	if (fclose(experiment->trace) != 0 || failed)
		return err_set(err, "%s: not all events could be written: %s", name, strerror(errno));
	return true;
}

static int race(struct experiment *experiment, const struct order *order, const char *db_option, struct err *err)
{
	struct telling telling = {
		.format = order->json ? &report_json : &report_text,
		.style = report_style_of(stdout),
		.db_option = db_option,
	};
	struct experiment_result result;
	int code = RACY_ENVIRONMENT;

	experiment->ready = tell_plan;
	experiment->progress = tell_progress;
	experiment->context = &telling;
	experiment->interrupted = &interrupted;
	if (experiment_run(experiment, &result, err)) {
		code = tell_result(&telling, order, &result);
		if (result.leftover != NULL)
			fprintf(stderr, "racy run: %s\n", result.leftover);
		if (!close_trace(experiment, result.trace_failed, order->trace, err))
			code = RACY_ENVIRONMENT;
		experiment_fini(&result);
	} else {
		progress_clear(&telling.progress);
		if (experiment->trace != NULL)
			fclose(experiment->trace);
	}
	return code;
}

static int race_on_one(struct experiment *experiment, const struct order *order, const struct database *database,
                       struct err *err)
{
	experiment->target = &database->target;
	experiment->db = database->settings;
	experiment->database = database_text(database);
	if (order->trace != NULL && (experiment->trace = fopen(order->trace, "we")) == NULL) {
		err_set(err, "--trace %s: %s", order->trace, strerror(errno));
		return RACY_ENVIRONMENT;
	}
	return race(experiment, order, database_option(database), err);
}

static int race_on_several(const struct experiment *experiment, const struct order *order,
                           const struct databases *databases, char **obstacles, struct err *err)
{
	char **again = mem_new(databases->n, sizeof *again);
	struct several several = {
		.command = &command_run,
		.experiment = experiment,
		.databases = databases,
		.obstacles = obstacles,
		.again = (const char *const *)again,
		.format = order->json ? &report_json : &report_text,
	};

	for (size_t i = 0; i < databases->n; i++)
		again[i] = again_on(order->argv, order->operand, database_option(&databases->items[i]),
		                    order->seed);
	int code = several_race(&several, err);
	for (size_t i = 0; i < databases->n; i++)
		free(again[i]);
	free(again);
	return code;
}

/* Why the experiment cannot take place on each of them; NULL: it can. Returns on how many it can. */
static size_t find_obstacles(const struct experiment *experiment, const struct databases *databases,
                             char **obstacles)
{
	const struct fault *fault = &experiment->fault;
	size_t possible = 0;

	for (size_t i = 0; i < databases->n; i++) {
		const struct db_target *target = &databases->items[i].target;
		const char *product = databases->items[i].identity.product;
		obstacles[i] = handling_obstacle(experiment->entry.variant, fault, target, product);
		if (obstacles[i] == NULL)
			obstacles[i] = handling_obstacle(experiment->mix, fault, target, product);
		possible += obstacles[i] == NULL ? 1 : 0;
	}
	return possible;
}

static int race_where_possible(struct experiment *experiment, const struct order *order,
                               const struct databases *databases, struct err *err)
{
	char **obstacles = mem_new(databases->n, sizeof *obstacles);
	int code = RACY_USAGE;

	if (find_obstacles(experiment, databases, obstacles) == 0)
		err_set(err, "not applicable: %s%s", obstacles[0],
		        databases->n > 1 ? ", and it is no better on the others" : "");
	else if (databases->n == 1)
		code = race_on_one(experiment, order, &databases->items[0], err);
	else
		code = race_on_several(experiment, order, databases, obstacles, err);
	for (size_t i = 0; i < databases->n; i++)
		free(obstacles[i]);
	free(obstacles);
	return code;
}

static int run_on_databases(struct experiment *experiment, const struct order *order, struct err *err)
{
	int64_t patience_ns = database_patience_ns(order->timeout_ns);
	struct databases databases;
	int code;

	if (!databases_open(&order->where, NULL, patience_ns, &databases, &code, err))
		return code;
	code = race_where_possible(experiment, order, &databases, err);
	databases_close(&databases);
	return code;
}

static int run(int argc, char **argv)
{
	struct order order = {
		.workers = 3,
		.kind = {WORKER_SYNC, 1},
		.requests = 10,
		.timeout_ns = 30 * NS_PER_S,
		.amount = 100,
		.delay = {300 * NS_PER_MS, NS_PER_S},
		.seed = (int64_t)rng_fresh_seed(),
		.handling = handling_default(),
		.where = {.several = true},
		.argv = mem_new((size_t)argc + 1, sizeof *order.argv),
	};
	const struct opt options[] = {
		DATABASE_OPTIONS(order.where),
		{"workers", 'w', "N", "processes (3)", opt_number, &order.workers, 1, SERVE_MOST_WORKERS},
		WORKER_KIND_OPTIONS(order.kind),
		{"cpus", 0, "N", "processors that all workers share (all there are)", opt_number, &order.cpus, 1,
		 INT32_MAX},
		{"requests", 'n', "N", "how many are fired (10); at most 2048 at once", opt_number,
		 &order.requests, 1, 10000},
		{"wait", 0, "SECONDS", "between the starts of two requests (0)", opt_duration, &order.wait_ns, 0, 0},
		{"delay", 0, "MIN..MAX", "the pause of variants that have one (0.3..1)", opt_delay, &order.delay, 0, 0},
		{"timeout", 't', "SECONDS", "killed if busy for longer, looked at each second;\n"
		 "0: never; does not bound gthread workers (30)",
		 opt_duration, &order.timeout_ns, 0, 0},
		{"amount", 0, "N", "of each deposit (100)", opt_number, &order.amount, 0, ACCOUNT_MAX_BALANCE},
		{"traced", 0, NULL, "double the amount with each request, so that every value\n"
		 "tells exactly which deposits are in it", opt_flag, &order.traced, 0, 0},
		{"mix", 0, "VARIANT", "every second request uses this one", opt_text, &order.mix, 0, 0},
		HANDLING_OPTIONS(order.handling),
		{"seed", 0, "N", "of the delays (drawn; every result tells it)", opt_number, &order.seed, 0, INT64_MAX},
		{"keep", 0, NULL, "leave the account and its transactions", opt_flag, &order.keep, 0, 0},
		{"trace", 0, "FILE", "write every event to it, one JSON object a line", opt_text, &order.trace, 0, 0},
		{"no-trace", 0, NULL, "record nothing: the sums alone are audited", opt_flag, &order.untraced, 0, 0},
		{"json", 0, NULL, "one object on stdout instead of text", opt_flag, &order.json, 0, 0},
		{0},
	};
	struct experiment experiment = {0};
	struct err err = {0};
	int first, code;

	memcpy(order.argv, argv, (size_t)argc * sizeof *argv); /* reading options changes their order */
	if (!command_options(&command_run, argc, argv, options, &first, &code))
		goto out;
	if (argc - first > 1)
		err_set(&err, "'%s' is too much: it takes one variant", argv[first + 1]);
	else if (argc == first)
		err_set(&err, "name one variant, such as deposit/atomic_long_delay; `racy list` shows them");
	code = RACY_USAGE;
	order.operand = argv[first];
	if (err.text == NULL && plan(&order, order.operand, &experiment, &err)) {
		interrupt_catch();
		code = run_on_databases(&experiment, &order, &err);
	}
	if (err.text != NULL)
		command_fail(&command_run, code, &err);
	err_fini(&err);
out:
	free(order.argv);
	database_options_fini(&order.where);
	return code;
}
