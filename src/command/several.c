/* The same experiment on each database; what differs is told at the end, in one table. */
#include "command/several.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "command/interrupt.h"

struct racing {
	const struct several *several;
	struct report_style style;
	struct progress progress;
	struct experiment_result *results; /* of those that were raced; zeroed where not applicable */
	struct run_result *runs;           /* what is told of each */
	bool headed;
	size_t done;
};

static void tell_place(void *context, const struct run_result *result)
{
	struct racing *racing = context;
	const struct report_format *format = racing->several->format;

	if (!racing->headed && format->volley != NULL)
		format->volley(stdout, &racing->style, result);
	racing->headed = true;
	if (format->place != NULL)
		format->place(stdout, &racing->style, result);
	fflush(stdout);
	progress_start(&racing->progress, result->identity.product);
}

static void tell_progress(void *context, size_t ended, size_t requests)
{
	progress_show(&((struct racing *)context)->progress, ended, requests);
}

static bool race_on(struct racing *racing, size_t i, struct err *err)
{
	const struct database *database = &racing->several->databases->items[i];
	struct experiment experiment = *racing->several->experiment;

	experiment.target = &database->target;
	experiment.db = database->settings;
	experiment.database = database_text(database);
	experiment.interrupted = &interrupted;
	experiment.ready = tell_place;
	experiment.progress = tell_progress;
	experiment.context = racing;
	bool ok = experiment_run(&experiment, &racing->results[i], err);
	progress_clear(&racing->progress);
	if (!ok) {
		databases_blame(racing->several->databases, i, err);
		return false;
	}
	if (racing->results[i].leftover != NULL)
		fprintf(stderr, "racy %s: %s\n", racing->several->command->name, racing->results[i].leftover);
	racing->runs[i] = racing->results[i].run;
	return true;
}

static bool race_on_all(struct racing *racing, struct err *err)
{
	for (; racing->done < racing->several->databases->n && interrupted == 0; racing->done++)
		if (racing->several->obstacles[racing->done] == NULL && !race_on(racing, racing->done, err))
			return false;
	return true;
}

/* What all of them have in common is known from one that was raced. */
static void describe(const struct racing *racing)
{
	const struct databases *databases = racing->several->databases;
	struct run_plan plan = {0};

	for (size_t i = 0; i < databases->n && plan.variant == NULL; i++)
		plan = racing->runs[i].plan;
	for (size_t i = 0; i < databases->n; i++) {
		if (racing->several->obstacles[i] != NULL)
			racing->runs[i] = (struct run_result){
				.plan = plan,
				.identity = databases->items[i].identity,
				.not_applicable = racing->several->obstacles[i],
			};
		racing->runs[i].plan.database = database_text(&databases->items[i]);
		racing->runs[i].plan.db_option = database_option(&databases->items[i]);
	}
}

/* A loss anywhere counts; else a run that allowed no verdict. */
static int code_of(const struct racing *racing)
{
	int code = RACY_OK;

	for (size_t i = 0; i < racing->done; i++) {
		if (racing->several->obstacles[i] != NULL)
			continue;
		int one = race_exit_code(racing->runs[i].findings.verdict);
		if (one == RACY_VIOLATED || code == RACY_OK)
			code = one;
	}
	return code;
}

static int tell(const struct racing *racing)
{
	const struct several *several = racing->several;

	if (interrupted != 0) {
		fprintf(stderr, "racy %s: interrupted; what the runs put into the databases is removed\n",
		        several->command->name);
		return RACY_INTERRUPTED + interrupted;
	}
	describe(racing);
	several->format->databases(stdout, &racing->style, racing->runs, several->databases->n, several->again);
	return code_of(racing);
}

int several_race(const struct several *several, struct err *err)
{
	size_t n = several->databases->n;
	struct racing racing = {
		.several = several,
		.style = report_style_of(stdout),
		.results = mem_new(n, sizeof *racing.results),
		.runs = mem_new(n, sizeof *racing.runs),
	};
	int code = race_on_all(&racing, err) ? tell(&racing) : RACY_ENVIRONMENT;

	for (size_t i = 0; i < racing.done; i++)
		if (several->obstacles[i] == NULL)
			experiment_fini(&racing.results[i]);
	free(racing.results);
	free(racing.runs);
	return code;
}
