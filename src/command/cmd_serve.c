/* racy serve: the subject by itself, pre-forked workers on a port. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/serve_order.h"
#include "scenarios/accounts.h"
#include "serve/serve.h"
#include "version.h"

static int run(int argc, char **argv);

const struct command command_serve = {
	.name = "serve",
	.operands = "[options]",
	.summary = "serve the endpoints with pre-forked workers, synchronous or threaded",
	.help = "POST /demo/VARIANT/ with the form fields account and amount. `racy list` names the variants.\n"
	        "\n"
	        "Signals to the arbiter: TERM finishes the requests under way and stops, INT (Ctrl-C) and QUIT\n"
	        "stop at once, HUP reads the settings file again and replaces the workers, TTIN and TTOU add\n"
	        "and take one, USR1 opens the log files anew.\n"
	        "Every option but the first three may also come by the environment (RACY_WORKERS=5; also\n"
	        "GUNICORN_WORKERS, WEB_CONCURRENCY) or by the settings file; flags are the strongest, then the\n"
	        "environment, then the file.",
	.run = run,
};

/* ---- what it says at its start -------------------------------------------------------------- */

static void tell_database(const struct database *database)
{
	const struct db_identity *identity = &database->identity;

	log_info("%s %s, sessions at %s%s: %s", identity->product, identity->version, identity->isolation,
	         identity->snapshot_isolation == 1 ? " with innodb_snapshot_isolation" : "",
	         database_text(database));
}

static void tell_how_to_make_an_account(const struct database *database)
{
	const char *url = database->sandbox != NULL ? sandbox_url(database->sandbox) : database_text(database);

	if (database->by_default)
		log_info("this database has no account yet: racy account create");
	else
		log_info("this database has no account yet: racy account create --db '%s'", url);
}

/* In a session that is closed again: none may be open when the workers are forked. */
static bool look_for_accounts(const struct database *database, struct err *err)
{
	struct db_session *session = db_open(&database->target, &database->settings, err);
	int64_t n = 0;
	bool ok = session != NULL && accounts_count(session, &n, err);

	db_close(session);
	if (ok && n == 0)
		tell_how_to_make_an_account(database);
	return ok;
}

static void tell_workers(const struct serve_order *order, const char *bind, int port)
{
	const char *colon = strrchr(bind, ':');
	char *timeout = duration_text(order->timeout_ns);
	char *min = duration_text(order->delay_min_ns), *max = duration_text(order->delay_max_ns);
	char *workers = worker_kind_text(&order->kind, order->workers);
	bool varies = !text_equal(min, max);

	if (colon == NULL)
		log_info("listening at http://127.0.0.1:%d", port);
	else if (colon == bind)
		log_info("listening at http://0.0.0.0:%d", port);
	else
		log_info("listening at http://%.*s:%d", (int)(colon - bind), bind, port);
	if (order->kind.class == WORKER_SYNC && order->kind.threads > 1)
		log_info("%lld threads are not for sync workers: gthread workers are started instead",
		         (long long)order->kind.threads);
	log_info("%s, time-out %s, delay %s%s%s, seed %lld", workers, order->timeout_ns > 0 ? timeout : "none", min,
	         varies ? " to " : "", varies ? max : "", (long long)order->seed);
	free(workers);
	free(timeout);
	free(min);
	free(max);
}

/* ---- the command ---------------------------------------------------------------------------- */

static void tell_handling(const struct handling *handling)
{
	if (handling->no_transaction)
		log_info("BEGIN and COMMIT are left out (--no-transaction)");
	if (handling->max_tries > 1)
		log_info("a request that the database refuses is tried up to %lld times",
		         (long long)handling->max_tries);
	if (handling->fault_text != NULL)
		log_info("fault: %s", handling->fault_text);
}

/* An engine whose calls cannot fail in the manner that was asked for. */
static bool check_fault(const struct serve_order *order, const struct database *database, struct err *err)
{
	char *obstacle = handling_obstacle(NULL, &order->handling.fault, &database->target, database->identity.product);

	if (obstacle != NULL)
		err_set(err, "--fault %s: %s", order->handling.fault_text, obstacle);
	bool possible = obstacle == NULL;
	free(obstacle);
	return possible;
}

/* What HUP may change; on top of what the rest was at the start. */
static void take_order(const struct serve_order *order, const struct database *database,
                       struct serve_settings *settings)
{
	settings->workers = (int)order->workers;
	settings->worker_class = worker_kind_class(&order->kind);
	settings->threads = (int)order->kind.threads;
	settings->keep_alive_ns = order->keep_alive_ns;
	settings->timeout_ns = order->timeout_ns;
	settings->graceful_ns = order->graceful_ns;
	settings->max_requests = order->max_requests;
	settings->max_requests_jitter = order->max_requests_jitter;
	settings->delay_min_ns = order->delay_min_ns;
	settings->delay_max_ns = order->delay_max_ns;
	settings->tx_mode = handling_tx_mode(&order->handling);
	settings->retry = handling_retry(&order->handling);
	settings->fault = order->handling.fault;
	if (!db_limits_lock_waits(&database->target))
		settings->db.lock_wait_ns = database_patience_ns(order->timeout_ns);
}

/* Where it listens. */
struct place {
	int fd, port;
	char *bind;
	bool inherited;
};

struct serving {
	int argc;
	char **argv;
	const struct serve_order *started_with;
	const struct database *database;
	struct logs *logs;
	struct place place;
	struct lab_process lab;
};

/* Nothing of the fresh order is used once it was taken: what it says in texts takes a new start, and the logs
 * have their own copies. */
static bool reload(void *context, struct serve_settings *settings, struct err *err)
{
	const struct serving *serving = context;
	struct serve_order order;
	int code;

	if (!serve_order_read(&command_serve, serving->argc, serving->argv, &order, &code, err))
		return false;
	bool ok = check_fault(&order, serving->database, err) &&
	          logs_change(serving->logs, order.access_log, order.error_log, err);
	if (ok) {
		serve_order_tell_late(serving->started_with, &order);
		take_order(&order, serving->database, settings);
		if (settings_strongest(&order.said, "seed") != SETTING_DEFAULT)
			settings->seed = (uint64_t)order.seed;
	}
	serve_order_fini(&order);
	return ok;
}

static int serve(struct serving *serving)
{
	const struct serve_order *order = serving->started_with;
	struct serve_settings settings = {
		.listen_fd = serving->place.fd,
		.listen_inherited = serving->place.inherited,
		.companion = serving->lab.companion.run != NULL ? &serving->lab.companion : NULL,
		.seed = (uint64_t)order->seed,
		.target = &serving->database->target,
		.db = serving->database->settings,
		.ready_fd = -1,
		.logs = serving->logs,
		.pid_file = order->pid_file,
		.reload = reload,
		.reload_context = serving,
	};

	take_order(order, serving->database, &settings);
	if (serve_run(&settings) != SERVE_ENDED)
		return RACY_ENVIRONMENT;
	log_info("stopped");
	return RACY_OK;
}

static int serve_on(struct serving *serving, struct err *err)
{
	const struct serve_order *order = serving->started_with;

	tell_database(serving->database);
	if (!check_fault(order, serving->database, err))
		return RACY_USAGE;
	if (!look_for_accounts(serving->database, err))
		return RACY_ENVIRONMENT;
	tell_handling(&order->handling);
	tell_workers(order, serving->place.bind, serving->place.port);
	if (!lab_process_open(&order->lab, serving->database, serving->logs, &serving->lab, err)) {
		lab_process_close(&serving->lab);
		return RACY_USAGE;
	}
	int code = serve(serving);
	lab_process_close(&serving->lab);
	return code;
}

static bool take_place(const struct serve_order *order, struct place *place, int *code, struct err *err)
{
	bool malformed = false;

	place->fd = serve_inherit(&place->inherited, &place->bind, &place->port, err);
	if (!place->inherited) {
		place->fd = serve_listen_patiently(order->bind, (int)order->backlog, &place->port, &malformed, err);
		place->bind = mem_text(order->bind);
	} else if (place->fd >= 0) {
		log_info("the socket was passed to us (LISTEN_FDS): --bind and --backlog are not asked");
	}
	*code = malformed ? RACY_USAGE : RACY_ENVIRONMENT;
	if (place->fd < 0) {
		free(place->bind);
		place->bind = NULL;
	}
	return place->fd >= 0;
}

static int open_and_serve(struct serving *serving, struct err *err)
{
	const struct serve_order *order = serving->started_with;
	int64_t patience_ns = database_patience_ns(order->timeout_ns);
	struct database database = {0};
	int code;

	if (!take_place(order, &serving->place, &code, err))
		return code;
	log_info("racy " RACY_VERSION);
	if (database_open(&order->where, NULL, patience_ns, &database, &code, err)) {
		serving->database = &database;
		code = serve_on(serving, err);
		database_close(&database);
	}
	close(serving->place.fd);
	free(serving->place.bind);
	return code;
}

static int log_and_serve(int argc, char **argv, const struct serve_order *order, struct err *err)
{
	struct logs logs;
	struct serving serving = {.argc = argc, .argv = argv, .started_with = order, .logs = &logs};

	if (!logs_open(&logs, order->access_log, order->error_log, err))
		return RACY_ENVIRONMENT;
	int code = open_and_serve(&serving, err);
	/* To the log too: whoever looks there must not find a start without an end. */
	if (err->text != NULL && order->error_log != NULL && !text_equal(order->error_log, "-"))
		log_error("%s", err_text(err));
	logs_close(&logs);
	return code;
}

static int run(int argc, char **argv)
{
	struct serve_order order;
	struct err err = {0};
	int code;

	if (serve_order_read(&command_serve, argc, argv, &order, &code, &err)) {
		code = RACY_OK;
		if (order.print)
			serve_order_print(&order);
		else
			code = log_and_serve(argc, argv, &order, &err);
		serve_order_fini(&order);
	}
	if (err.text != NULL)
		command_fail(&command_serve, code, &err);
	err_fini(&err);
	return code;
}
