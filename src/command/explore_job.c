/* The place, the world, the serial orders, the search. */
#include "command/explore_job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/mem.h"
#include "base/rng.h"
#include "command/command.h"
#include "command/explore_place.h"
#include "command/interrupt.h"
#include "explore/order.h"
#include "explore/stress.h"

/* ---- options --------------------------------------------------------------------------------------------------- */

struct explore_limits explore_limits_default(void)
{
	return (struct explore_limits){.preemptions = -1, .stress = 1000};
}

bool explore_opt_reduction(const struct opt *opt, const char *text, struct err *err)
{
	static const char *const names[] = {"auto", "on", "off"};
	enum reduction *reduction = opt->target;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_equal(text, names[i])) {
			*reduction = (enum reduction)i;
			return true;
		}
	return err_set(err, "'%s' is none of auto, on and off", text);
}

static bool has_step(const struct script_session *session, const char *name)
{
	for (size_t i = 0; i < session->n_steps; i++)
		if (text_equal(session->steps[i].name, name))
			return true;
	return text_equal(name, "rollback"); /* what ends a session that was refused */
}

/* The names in an order are for people, who mistype them; an operation's are not known beforehand. */
static bool check_written(const char *text, const struct explore_subject *subject, struct err *err)
{
	struct step_order order;
	bool ok = order_parse(text, subject->play->sessions, &order, err);

	for (size_t i = 0; ok && subject->is_file && i < order.n; i++)
		if (!has_step(&subject->script.sessions[order.who[i]], order.steps[i]))
			ok = err_set(err, "the order '%s': the session %s has no step '%s'", text,
			             subject->script.sessions[order.who[i]].name, order.steps[i]);
	order_fini(&order);
	return ok;
}

static bool check_orders(const struct explore_limits *limits, const struct explore_subject *subject, struct err *err)
{
	const struct script_list *written = &subject->script.orders;
	bool ok = true;

	if (limits->orders == ORDERS_LITERAL && !subject->is_file)
		return err_set(err, "--orders literal needs to know the steps beforehand: it is for files");
	if (limits->orders != ORDERS_WRITTEN)
		return true;
	if (limits->order != NULL)
		return check_written(limits->order, subject, err);
	if (written->n == 0)
		return err_set(err, "--orders written: there is no line such as 'order A.read B.read' in %s",
		               subject->what);
	for (size_t i = 0; ok && i < written->n; i++)
		ok = check_written(written->items[i].sql, subject, err);
	return ok;
}

bool explore_check(const struct explore_limits *limits, const struct explore_subject *subject, struct err *err)
{
	const bool bounded = limits->preemptions >= 0, random = limits->random > 0;
	const bool reduced = limits->reduction == REDUCTION_ON, others = limits->orders != ORDERS_ALLOWED;

	if (bounded + random + reduced + others > 1)
		return err_set(err, "only one of --preemptions, --random, --reduction on, --orders and --order at a "
		                    "time");
	if (reduced && !subject->play->reducible)
		return err_set(err, "--reduction on: %s has statements of which it is not known what they touch; leave "
		                    "the option out", subject->what);
	if (limits->jobs > 1 && (reduced || limits->orders == ORDERS_WRITTEN))
		return err_set(err, "--jobs is not for --reduction on, --orders written or --order, which go one "
		                    "by one");
	if (limits->seed > 0 && !random)
		return err_set(err, "--seed belongs to --random");
	return check_orders(limits, subject, err);
}

/* ---- the search ------------------------------------------------------------------------------------------------ */

struct progress {
	int64_t since_ns, shown_ns;
	bool wanted, visible; /* stderr is a terminal; something is on it */
};

static void show(void *context, const struct found *found)
{
	struct progress *progress = context;
	int64_t now = clock_now_ns();
	char of[32] = "";

	if (!progress->wanted || now - progress->since_ns < NS_PER_S || now - progress->shown_ns < 200 * NS_PER_MS)
		return;
	if (found->estimate > 0)
		(void)snprintf(of, sizeof of, " of about %.0f", found->estimate);
	fprintf(stderr, "\r%llu orders%s, %llu violating, %lld s \033[K", (unsigned long long)found->schedules, of,
	        (unsigned long long)found->violating, (long long)((now - progress->since_ns) / NS_PER_S));
	fflush(stderr);
	progress->shown_ns = now;
	progress->visible = true;
}

/* What the steps of a search share. */
struct job {
	const struct explore_order *order;
	const struct explore_limits *limits;
	const struct explore_subject *subject;
	const struct explore_place *place;
	struct world *world;
	struct explore_result *result;
};

/* 0: all there are. */
static uint64_t most_schedules(const struct explore_limits *limits)
{
	const bool fewer = limits->max_schedules > 0 && limits->max_schedules < limits->random;

	return (uint64_t)(limits->random > 0 && !fewer ? limits->random : limits->max_schedules);
}

static size_t count_worlds(const struct job *job)
{
	struct err err = {0};
	int cpus;

	if (job->limits->jobs > 0)
		return (size_t)job->limits->jobs;
	const uint64_t most = most_schedules(job->limits);
	double orders = job->limits->random > 0 ? (double)most : search_words(&job->result->serial);
	if (most > 0 && (double)most < orders)
		orders = (double)most;
	if (!explore_worlds_can_be(job->place) || orders < (double)explore_worlds_from(job->place))
		return 1;
	cpus = cpus_allowed(&err);
	err_fini(&err);
	return cpus < 1 ? 1 : cpus > EXPLORE_MOST_WORLDS ? EXPLORE_MOST_WORLDS : (size_t)cpus;
}

/* Those that do not depend on one another, too. */
static bool search_in_worlds(const struct job *job, struct world *const *worlds, size_t n,
                             const struct search_limits *to, struct err *err)
{
	const struct explore_limits *limits = job->limits;
	const struct script *script = &job->subject->script;
	struct found *found = &job->result->found;
	size_t n_steps[PLAY_MOST_SESSIONS];

	if (limits->random > 0)
		return search_random(worlds, n, limits->seed > 0 ? (uint64_t)limits->seed : rng_fresh_seed(), to, found,
		                     err);
	if (limits->orders != ORDERS_LITERAL)
		return search_all(worlds, n, to, found, err);
	for (size_t i = 0; i < script->n_sessions; i++)
		n_steps[i] = script->sessions[i].n_steps;
	return search_literal(worlds, n, n_steps, to, found, err);
}

static bool search_side_by_side(const struct job *job, const struct search_limits *to, struct err *err)
{
	struct explore_worlds worlds;
	size_t n = count_worlds(job);

	if (!explore_worlds_open(job->world, n, job->limits->jobs > 0, job->order, job->subject, job->place, &worlds,
	                         err))
		return false;
	bool ok = search_in_worlds(job, worlds.worlds, n, to, err);
	return explore_worlds_close(&worlds, err) && ok;
}

/* The one of the option, or those of the file. */
static bool search_as_given(const struct job *job, const struct search_limits *to, struct err *err)
{
	const struct script_list *written = &job->subject->script.orders;
	size_t n = job->limits->order != NULL ? 1 : written->n, parsed = 0;
	struct step_order *orders = mem_new(n, sizeof *orders);
	bool ok = true;

	for (; ok && parsed < n; parsed += ok)
		ok = order_parse(job->limits->order != NULL ? job->limits->order : written->items[parsed].sql,
		                 job->subject->play->sessions, &orders[parsed], err);
	ok = ok && search_orders(job->world, orders, n, to, &job->result->found, err);
	while (parsed > 0)
		order_fini(&orders[--parsed]);
	free(orders);
	return ok;
}

static bool search(const struct job *job, const struct search_limits *to, struct err *err)
{
	const struct explore_limits *limits = job->limits;
	const bool independent = limits->orders == ORDERS_LITERAL || limits->random > 0;
	const enum reduction reduction = limits->preemptions >= 0 ? REDUCTION_OFF : limits->reduction;
	bool reduce = false;

	if (limits->orders == ORDERS_WRITTEN)
		return search_as_given(job, to, err);
	if (!independent && !search_reduces(job->world, reduction, to, &reduce, err))
		return false;
	return reduce ? search_reduced_and_checked(job->world, to, &job->result->found, err)
	              : search_side_by_side(job, to, err);
}

/* No order of statements says anything of what is one alone. */
static bool put_to_the_test(const struct job *job, const struct search_limits *to, struct err *err)
{
	struct found *found = &job->result->found;
	const struct database *database = &job->place->database;

	if (!found->complete || !found->lone || found->violating > 0 || found->orders != ORDERS_ALLOWED)
		return true;
	return stress_run(job->subject->play, &database->target, &database->settings, (uint64_t)job->limits->stress, to,
	                  found, err);
}

static bool search_in(const struct job *job, struct err *err)
{
	const struct explore_limits *limits = job->limits;
	struct progress progress = {.since_ns = clock_now_ns(), .wanted = isatty(STDERR_FILENO) == 1};
	const struct search_limits to = {
		.max_schedules = most_schedules(limits),
		.time_ns = limits->time_ns, .interrupted = &interrupted, .serial = &job->result->serial,
		.max_preemptions = limits->preemptions >= 0 ? (unsigned)limits->preemptions : UINT_MAX,
		.progress = show, .context = &progress,
	};
	bool ok = serial_run(job->world, job->subject->play, &job->result->serial, err) &&
	          search(job, &to, err) && put_to_the_test(job, &to, err);

	if (progress.visible)
		fputs("\r\033[K", stderr);
	return ok;
}

/* ---- the job --------------------------------------------------------------------------------------------------- */

struct explored explore_head(const struct explore_order *order, const struct explore_subject *subject,
                             const struct explore_place *place, struct db_identity *identity)
{
	*identity = explore_subject_identity(subject, &place->database);
	return (struct explored){
		.what = subject->what, .state = explore_subject_state(subject), .play = subject->play,
		.sessions = subject->play->sessions,
		.parts = subject->parts, .own_levels = subject->own_levels, .identity = identity,
		.database = explore_place_text(place), .sets = order->where.sets, .n_sets = order->where.n_sets,
		.n_asked = explore_place_asked(place),
		.server_setting = explore_place_server_setting(place), .max_tries = (int)order->handling.max_tries,
		.no_transaction = order->handling.no_transaction,
	};
}

/* What outlives the place. */
static void fill(const struct explore_order *order, const struct explore_subject *subject,
                 const struct explore_place *place, struct explore_result *result)
{
	result->explored = explore_head(order, subject, place, &result->identity);
	result->database = mem_text(result->explored.database);
	result->explored.database = result->database;
	result->explored.found = &result->found;
	result->explored.serial = &result->serial;
}

/* What the database decides. */
static bool check_place(const struct explore_limits *limits, const struct explore_place *place, struct err *err)
{
	if (limits->jobs > 1 && !explore_worlds_can_be(place))
		return err_set(err, "--jobs: a MariaDB that you name tells who waits for the whole server only: one at "
		                    "a time; --db mariadb takes throw-away servers");
	if (limits->reduction == REDUCTION_ON && !db_limits_lock_waits(&place->database.target))
		return err_set(err, "--reduction on: sessions that wait in their own client, as SQLite's do, are not "
		                    "reduced; leave the option out");
	return true;
}

static int run_at(const struct explore_order *order, const struct explore_limits *limits,
                  const struct explore_subject *subject, const struct explore_place *place,
                  struct explore_result *result, struct err *err)
{
	int code = RACY_ENVIRONMENT;

	if (!check_place(limits, place, err) || !explore_subject_create(subject, &place->database, err))
		return RACY_USAGE;
	struct world *world = world_open(subject->play, &place->database.target, &place->database.settings, 0, err);
	const struct job job = {order, limits, subject, place, world, result};
	if (world != NULL)
		world_interrupted_by(world, &interrupted);
	if (world != NULL && search_in(&job, err)) {
		fill(order, subject, place, result);
		code = RACY_OK;
	}
	if (result->serial.senseless)
		code = RACY_USAGE;
	world_close(world);
	return code;
}

int explore_run(struct explore_order *order, const struct explore_limits *limits,
                const struct explore_subject *subject, struct explore_result *result, struct err *err)
{
	struct explore_place place;
	struct err left = {0};
	int code;

	*result = (struct explore_result){0};
	interrupt_catch();
	if (!explore_place_open(&order->where, 0, &place, &code, err))
		return code;
	code = run_at(order, limits, subject, &place, result, err);
	if (!explore_place_close(&place, &left)) {
		err_set(err, "%s", err_text(&left));
		code = RACY_ENVIRONMENT;
	}
	err_fini(&left);
	if (code != RACY_OK)
		explore_result_fini(result);
	return code;
}

void explore_result_fini(struct explore_result *result)
{
	found_fini(&result->found);
	serial_fini(&result->serial);
	free(result->database);
	*result = (struct explore_result){0};
}

int explore_code_of(enum explored_verdict verdict)
{
	return verdict == EXPLORED_PROVEN ? RACY_OK : verdict == EXPLORED_VIOLATED ? RACY_VIOLATED : RACY_INCONCLUSIVE;
}

bool explore_flush(struct err *err)
{
	return (fflush(stdout) == 0 && !ferror(stdout)) ||
	       err_set(err, "the result cannot be written: %s", strerror(errno));
}
