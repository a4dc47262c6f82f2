/* racy fire: concurrent requests at one endpoint of a server that runs somewhere. */
#include "base/clock.h"
#include "command/commands.h"
#include "command/fire_order.h"

static int run(int argc, char **argv);

const struct command command_fire = {
	.name = "fire",
	.operands = "[options]",
	.summary = "fire concurrent requests at one endpoint",
	.help = "Request i starts WAIT after request i-1, whether or not that one has been answered; with a\n"
	        "wait of 0 all are connected first and their bytes leave together. Each answer is a line\n"
	        "`i: POST URL STATUS` on stdout as it comes, the summary goes to stderr.\n"
	        "\n"
	        "Exit codes: 0 every request was answered, whatever the answer; 4 some were not; 3 none could\n"
	        "be sent; 2 wrong usage; 130 Ctrl-C (the summary tells what happened until then).",
	.run = run,
};

static int run(int argc, char **argv)
{
	const char *target = "atomic_long_delay";
	struct fire_order order = {
		.command = &command_fire,
		.url = "http://localhost:8000",
		.n = 10,
		.wait_ns = NS_PER_S,
		.account = 1,
		.amount = 100,
		.when_nobody_listens = "start a server with `racy serve`, or name another with --url",
	};
	bool json = false;
	const struct opt options[] = {
		{"target", 0, "NAME", "the endpoint, as `racy list` has it (atomic_long_delay)", opt_text, &target,
		 0, 0},
		{"wait", 0, "SECONDS", "between the starts of two requests: 0.5, 20ms (1)", opt_duration,
	         &order.wait_ns, 0, 0},
		{"url", 0, "URL", "where the server is (http://localhost:8000)", opt_text, &order.url, 0, 0},
		{"requests", 'n', "N", "how many: 1 to 10000 (10)", opt_number, &order.n, 1, FIRE_MAX_REQUESTS},
		{"account", 0, "ID", "the account to deposit to (1)", opt_number, &order.account, INT64_MIN, INT64_MAX},
		{"amount", 0, "N", "of each deposit (100)", opt_number, &order.amount, INT64_MIN, INT64_MAX},
		{"timeout", 0, "SECONDS", "give a request up so long after its planned start;\n0: wait for ever (0)",
	         opt_duration, &order.timeout_ns, 0, 0},
		{"json", 0, NULL, "one object on stdout instead of lines and summary", opt_flag, &json, 0, 0},
		{0},
	};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_fire, argc, argv, options, &first, &code))
		return code;
	if (first < argc)
		return command_usage(&command_fire, "'%s' is no option; did you mean --target %s?", argv[first],
		                     argv[first]);
	order.output = json ? FIRE_JSON : FIRE_LINES;
	if (registry_find(target, &order.target, &err))
		return fire_and_tell(&order);
	err_prefix(&err, "--target");
	code = command_fail(&command_fire, RACY_USAGE, &err);
	err_fini(&err);
	return code;
}
