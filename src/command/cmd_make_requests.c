/* make_requests: the concurrent request tool under its first name, with the flags, the defaults, the
 * lines and the two error texts that its users know. Where it used to end in a panic it goes on. */
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/fire_order.h"

static int run(int argc, char **argv);

const struct command command_make_requests = {
	.name = "make_requests",
	.operands = "[-target NAME] [-wait SECONDS]",
	.summary = "Sends 10 deposits of 100 to account 1 at http://localhost/demo/NAME/",
	.help = "As `racy fire`, which has more options, under the name and with the flags that it had first:\n"
	        "one dash or two, `-wait=0` or `-wait 0`.\n"
	        "\n"
	        "Exit codes: 1 for the two errors about target and wait, else those of `racy fire`.",
	.run = run,
};

enum { WRONG_VALUE = 1 }; /* the exit code of the tool's own two errors */

struct wait {
	int64_t ns;
	bool negative;
};

/* A negative number is well-formed here: it has an error text of its own. */
static bool parse_wait(const struct opt *opt, const char *text, struct err *err)
{
	struct wait *wait = opt->target;
	bool minus = text[0] == '-';

	if (!duration_parse(minus ? text + 1 : text, &wait->ns, NULL))
		return duration_parse(text, &wait->ns, err);
	wait->negative = minus && wait->ns > 0;
	return true;
}

static void print_help(const struct opt *options)
{
	printf("Usage: make_requests %s\n\n%s\n\n%s\n\nOptions:\n", command_make_requests.operands,
	       command_make_requests.summary, command_make_requests.help);
	opt_print(stdout, options);
}

static int fail(int code, const char *text)
{
	puts(text);
	return code;
}

static int run(int argc, char **argv)
{
	const char *target = "atomic_long_delay";
	struct wait wait = {.ns = NS_PER_S};
	struct fire_order order = {
		.command = &command_make_requests,
		.url = "http://localhost",
		.n = 10,
		.account = 1,
		.amount = 100,
		.when_nobody_listens = "`racy serve` listens on http://localhost:8000; to send there: racy fire",
	};
	const struct opt options[] = {
		{"target", 0, "NAME", "the endpoint (atomic_long_delay)", opt_text, &target, 0, 0},
		{"wait", 0, "SECONDS", "between the starts of two requests (1)", parse_wait, &wait, 0, 0},
		{0},
	};
	struct err err = {0};
	int first, code;

	switch (opt_read(argc, argv, options, true, &first, &err)) {
	case OPT_HELP:
		print_help(options);
		return RACY_OK;
	case OPT_ERROR:
		code = command_fail(&command_make_requests, RACY_USAGE, &err);
		err_fini(&err);
		return code;
	case OPT_OK:
		break;
	}
	if (first < argc)
		return command_usage(&command_make_requests, "'%s' is no option; did you mean -target %s?",
		                     argv[first], argv[first]);
	if (!registry_find(target, &order.target, NULL) || !text_equal(target, order.target.variant->name))
		return fail(WRONG_VALUE, "Invalid target endpoint.");
	if (wait.negative)
		return fail(WRONG_VALUE, "The delay (wait value) must be positive.");
	order.wait_ns = wait.ns;
	return fire_and_tell(&order);
}
