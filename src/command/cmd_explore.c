/* racy explore: every order of the statements, on the real database. */
#include <stdio.h>

#include "base/str.h"
#include "command/commands.h"
#include "command/explore_job.h"

static int run(int argc, char **argv);

const struct command command_explore = {
	.name = "explore",
	.operands = "SCENARIO/VARIANT [+ SCENARIO/VARIANT] | FILE.sql [options]",
	.summary = "walk every order of the statements of 2 or 3 requests, on the real database",
	.help = "Runs the operation as the workers run it, in so many sessions at a time, and stops each\n"
	        "before every statement: all orders that the engine's locks allow, each from the same state.\n"
	        "It tells how many break an invariant or come to what no serial order comes to, and shows the\n"
	        "one with the fewest preemptions. FILE.sql has transactions of your own: docs/explore.md.\n"
	        "A database that you name is left alone: a schema of its own is made beside it (SQLite: a\n"
	        "file), and removed. Ctrl-C tells what was found until then.\n"
	        "Exit codes: 0 proven, 1 violated, 4 neither: not found in what was run, or not to be told.\n",
	.run = run,
};

struct order {
	struct explore_order of;
	struct explore_limits limits;
	bool json;
};

static int tell(const struct order *order, const struct explore_result *result, struct err *err)
{
	const char *reason;

	if (order->json) {
		explored_json(stdout, &result->explored);
	} else {
		const struct report_style style = report_style_of(stdout);
		explored_text(stdout, &style, &result->explored);
	}
	if (!explore_flush(err))
		return RACY_ENVIRONMENT;
	return explore_code_of(explored_verdict_of(&result->found, &reason));
}

/* ---- the order ----------------------------------------------------------------------------------------------- */

static bool opt_orders(const struct opt *opt, const char *text, struct err *err)
{
	static const char *const names[] = {"allowed", "literal", "written"};
	struct explore_limits *limits = opt->target;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_equal(text, names[i])) {
			limits->orders = (enum orders)i;
			return true;
		}
	return err_set(err, "'%s' is none of allowed, literal and written", text);
}

static bool opt_order(const struct opt *opt, const char *text, struct err *err)
{
	struct explore_limits *limits = opt->target;

	(void)err;
	limits->orders = ORDERS_WRITTEN;
	limits->order = text;
	return true;
}

static int run(int argc, char **argv)
{
	struct order order = {.of.handling = handling_default(), .limits = explore_limits_default()};
	const struct opt options[] = {
		EXPLORE_OPTIONS(order.of),
		EXPLORE_LIMIT_OPTIONS(order.limits),
		{"orders", 0, "KIND", "allowed: all that locks allow, each once (the default);\n"
		 "literal (files): each word of the steps, whatever locks\n"
		 "make of it, for counts that compare between engines;\n"
		 "written (files): those of its lines 'order A.read ...'",
		 opt_orders, &order.limits, 0, 0},
		{"order", 0, "ORDER", "only this one, such as \"A.read B.read A.write B.write\";\n"
		 "a step that waits is taken when it can go on",
		 opt_order, &order.limits, 0, 0},
		{"json", 0, NULL, "one object on stdout instead of text", opt_flag, &order.json, 0, 0},
		{0},
	};
	struct explore_subject subject = {0};
	struct explore_result result = {0};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_explore, argc, argv, options, &first, &code))
		return code;
	code = RACY_USAGE;
	if (explore_subject_take(argc - first, argv + first, &order.of, &subject, &err) &&
	    explore_check(&order.limits, &subject, &err)) {
		code = explore_run(&order.of, &order.limits, &subject, &result, &err);
		if (code == RACY_OK)
			code = tell(&order, &result, &err);
	}
	if (err.text != NULL)
		command_fail(&command_explore, code, &err);
	err_fini(&err);
	explore_result_fini(&result);
	explore_subject_fini(&subject);
	database_options_fini(&order.of.where);
	return code;
}
