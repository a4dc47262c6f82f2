/* racy serve: the subject by itself, pre-forked workers on a port. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/database.h"
#include "command/handling.h"
#include "scenarios/accounts.h"
#include "serve/serve.h"
#include "version.h"

static int run(int argc, char **argv);

const struct command command_serve = {
	.name = "serve",
	.operands = "[options]",
	.summary = "serve the endpoints with pre-forked workers, one request at a time each",
	.help = "POST /demo/VARIANT/ with the form fields account and amount. `racy list` names the variants.\n"
	        "TERM finishes the requests under way and stops, INT (Ctrl-C) stops at once.",
	.run = run,
};

struct delay {
	int64_t min_ns, max_ns;
};

struct order {
	const char *bind;
	int64_t workers, timeout_ns, graceful_ns, seed;
	struct delay delay;
	struct handling handling;
	struct database_options where;
};

static bool opt_delay(const struct opt *opt, const char *text, struct err *err)
{
	struct delay *delay = opt->target;

	return duration_range_parse(text, &delay->min_ns, &delay->max_ns, err);
}

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

static void tell_workers(const struct order *order, const char *bind, int port)
{
	const char *colon = strrchr(bind, ':');
	char *timeout = duration_text(order->timeout_ns);
	char *min = duration_text(order->delay.min_ns), *max = duration_text(order->delay.max_ns);
	bool varies = !text_equal(min, max);

	if (colon == NULL)
		log_info("listening at http://127.0.0.1:%d", port);
	else if (colon == bind)
		log_info("listening at http://0.0.0.0:%d", port);
	else
		log_info("listening at http://%.*s:%d", (int)(colon - bind), bind, port);
	log_info("%lld synchronous worker%s, time-out %s, delay %s%s%s, seed %lld", (long long)order->workers,
	         order->workers > 1 ? "s" : "", order->timeout_ns > 0 ? timeout : "none", min,
	         varies ? " to " : "", varies ? max : "", (long long)order->seed);
	free(timeout);
	free(min);
	free(max);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int serve(const struct order *order, const struct database *database, int listen_fd)
{
	const struct serve_settings settings = {
		.listen_fd = listen_fd,
		.workers = (int)order->workers,
		.timeout_ns = order->timeout_ns,
		.graceful_ns = order->graceful_ns,
		.delay_min_ns = order->delay.min_ns,
		.delay_max_ns = order->delay.max_ns,
		.seed = (uint64_t)order->seed,
		.target = &database->target,
		.db = database->settings,
		.tx_mode = handling_tx_mode(&order->handling),
		.retry = handling_retry(&order->handling),
		.fault = order->handling.fault,
		.ready_fd = -1,
	};

	if (serve_run(&settings) != SERVE_ENDED)
		return RACY_ENVIRONMENT;
	log_info("stopped");
	return RACY_OK;
}

static void tell_handling(const struct handling *handling)
{
	if (handling->no_transaction)
		log_info("BEGIN and COMMIT are left out (--no-transaction)");
	if (handling->max_tries > 1)
		log_info("a request that the database refuses is tried up to %lld times", (long long)handling->max_tries);
	if (handling->fault_text != NULL)
		log_info("fault: %s", handling->fault_text);
}

/* An engine whose calls cannot fail in the manner that was asked for. */
static bool check_fault(const struct order *order, const struct database *database, struct err *err)
{
	char *obstacle = handling_obstacle(NULL, &order->handling.fault, &database->target, database->identity.product);

	if (obstacle != NULL)
		err_set(err, "--fault %s: %s", order->handling.fault_text, obstacle);
	bool possible = obstacle == NULL;
	free(obstacle);
	return possible;
}

static int serve_on(const struct order *order, const struct database *database, int listen_fd, int port,
                    struct err *err)
{
	tell_database(database);
	if (!check_fault(order, database, err))
		return RACY_USAGE;
	if (!look_for_accounts(database, err))
		return RACY_ENVIRONMENT;
	tell_handling(&order->handling);
	tell_workers(order, order->bind, port);
	return serve(order, database, listen_fd);
}

static int open_and_serve(const struct order *order, struct err *err)
{
	int64_t patience_ns = database_patience_ns(order->timeout_ns);
	struct database database = {0};
	bool malformed;
	int port, code;
	int fd = serve_listen(order->bind, &port, &malformed, err);

	if (fd < 0)
		return malformed ? RACY_USAGE : RACY_ENVIRONMENT;
	log_info("racy " RACY_VERSION);
	if (database_open(&order->where, NULL, patience_ns, &database, &code, err)) {
		code = serve_on(order, &database, fd, port, err);
		database_close(&database);
	}
	close(fd);
	return code;
}

static int run(int argc, char **argv)
{
	struct order order = {
		.bind = "127.0.0.1:8000",
		.workers = 3,
		.timeout_ns = 30 * NS_PER_S,
		.graceful_ns = 30 * NS_PER_S,
		.delay = {3 * NS_PER_S, 10 * NS_PER_S},
		.seed = (int64_t)rng_fresh_seed(),
		.handling = handling_default(),
	};
	const struct opt options[] = {
		{"bind", 'b', "ADDRESS",
		 "HOST:PORT, [::1]:PORT, :PORT (every interface) or PORT\n(this machine only); port 0 takes a free\n"
		 "one. Default: 127.0.0.1:8000", opt_text, &order.bind, 0, 0},
		{"workers", 'w', "N", "processes, 1 to 1000 (3)", opt_number, &order.workers, 1, 1000},
		{"timeout", 't', "TIME",
		 "a worker busy for longer is ended and replaced; 0: never\n(30s)", opt_duration,
		 &order.timeout_ns, 0, 0},
		{"graceful-timeout", 0, "TIME", "how long TERM waits for requests under way (30s)", opt_duration,
		 &order.graceful_ns, 0, 0},
		{"delay", 0, "MIN..MAX", "how long a pause takes, drawn for each request (3s..10s)", opt_delay,
		 &order.delay, 0, 0},
		{"seed", 0, "N", "of the delays; the same seed draws them again", opt_number, &order.seed, 0,
		 INT64_MAX},
		HANDLING_OPTIONS(order.handling),
		DATABASE_OPTIONS(order.where),
		{0},
	};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_serve, argc, argv, options, &first, &code))
		return code;
	if (first < argc)
		return command_usage(&command_serve, "'%s' is too much: it takes no operand", argv[first]);
	code = handling_check(&order.handling, &err) ? open_and_serve(&order, &err) : RACY_USAGE;
	if (err.text != NULL)
		command_fail(&command_serve, code, &err);
	err_fini(&err);
	database_options_fini(&order.where);
	return code;
}
