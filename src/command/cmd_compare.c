/* racy compare: what a change does to all orders. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "command/commands.h"
#include "command/explore_job.h"
#include "report/compared.h"

static int run(int argc, char **argv);

const struct command command_compare = {
	.name = "compare",
	.operands = "A B [options]",
	.summary = "explore two variants, or two files, and say what the second one changes",
	.help = "Explores A, then B, as `racy explore` does, each on a database of its own, and tells side by side\n"
	        "how many orders are wrong, how many refuse somebody, and what is left to do. A and B are variants\n"
	        "(\"x + y\" in quotes mixes them) or files of SQL.\n"
	        "Exit code 0, but with --require proven that of B's verdict: 0 proven, 1 violated, 4 neither.\n",
	.run = run,
};

struct order {
	struct explore_order of;
	struct explore_limits limits;
	bool json, require;
};

static bool opt_require(const struct opt *opt, const char *text, struct err *err)
{
	*(bool *)opt->target = text_equal(text, "proven");
	return text_equal(text, "proven") ||
	       err_set(err, "'%s' is not proven, which is all that can be required", text);
}

struct side {
	char *name;
	struct explore_subject subject;
	struct explore_result result;
};

static int explore(struct order *order, struct side *side, struct err *err)
{
	int code = RACY_USAGE;

	if (explore_subject_take(1, &side->name, &order->of, &side->subject, err) &&
	    explore_check(&order->limits, &side->subject, err))
		code = explore_run(&order->of, &order->limits, &side->subject, &side->result, err);
	if (code != RACY_OK)
		err_prefix(err, "%s", side->name);
	return code;
}

static int tell(const struct order *order, const struct side *a, const struct side *b, struct err *err)
{
	const char *reason;

	if (order->json) {
		compared_json(stdout, &a->result.explored, &b->result.explored);
	} else {
		const struct report_style style = report_style_of(stdout);
		compared_text(stdout, &style, &a->result.explored, &b->result.explored);
	}
	if (!explore_flush(err))
		return RACY_ENVIRONMENT;
	return order->require ? explore_code_of(explored_verdict_of(&b->result.found, &reason)) : RACY_OK;
}

static int compare(struct order *order, char **names, struct err *err)
{
	struct side *sides = mem_new(2, sizeof *sides);
	int code = RACY_OK;

	for (size_t i = 0; i < 2 && code == RACY_OK; i++) {
		sides[i].name = names[i];
		code = explore(order, &sides[i], err);
	}
	if (code == RACY_OK)
		code = tell(order, &sides[0], &sides[1], err);
	for (size_t i = 0; i < 2; i++) {
		explore_result_fini(&sides[i].result);
		explore_subject_fini(&sides[i].subject);
	}
	free(sides);
	return code;
}

static int run(int argc, char **argv)
{
	struct order order = {.of.handling = handling_default(), .limits = explore_limits_default()};
	const struct opt options[] = {
		EXPLORE_OPTIONS(order.of),
		EXPLORE_LIMIT_OPTIONS(order.limits),
		{"require", 0, "VERDICT", "proven: anything less of B is an exit code", opt_require,
		 &order.require, 0, 0},
		{"json", 0, NULL, "one object on stdout instead of text", opt_flag, &order.json, 0, 0},
		{0},
	};
	struct err err = {0};
	int first, code;

	if (!command_options(&command_compare, argc, argv, options, &first, &code))
		return code;
	if (argc - first != 2)
		return command_usage(&command_compare,
		                     "two are needed, such as deposit/atomic_no_delay deposit/update_first");
	code = compare(&order, argv + first, &err);
	if (err.text != NULL)
		command_fail(&command_compare, code, &err);
	err_fini(&err);
	database_options_fini(&order.of.where);
	return code;
}
