/* The order of an experiment, and why it is that one:
 *
 * 1. a session of our own makes the account and is closed again, since nothing of a database may be
 *    open across the fork of the workers;
 * 2. the subject is started and waited for, then the volley is fired while its events are drained;
 * 3. the subject is stopped, which finishes the requests under way;
 * 4. only when none of its connections is left on the server is the final state read: a connection
 *    that was cut off while it waited for a lock may still write;
 * 5. the audit compares events and rows; then the rows are removed. */
#include "instrument/experiment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/findings.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "lab/expect.h"
#include "load/fire.h"
#include "scenarios/accounts.h"
#include "serve/serve.h"
#include "trace/ndjson.h"

enum {
	RING_EVENTS = 8192,  /* a worker's ring is drained every 20 ms: never full in practice */
	GRACEFUL_S = 30,     /* without a time-out: how long the end waits for requests under way */
	QUIET_LIMIT_S = 10,  /* how long the server may take to notice that connections are gone */
};

/* What an experiment holds while it runs. */
struct lab {
	const struct experiment *plan;
	struct experiment_result *result;
	struct ring_set *rings;
	struct event_list events;
	struct volley volley;
	size_t ended;
	size_t written; /* events that are in the trace file */
};

size_t experiment_max_traced(int64_t amount)
{
	int64_t sum = 0;
	size_t n = 0;

	for (int64_t next = amount; next <= ACCOUNT_MAX_BALANCE - sum; next *= 2) {
		sum += next;
		n++;
	}
	return n;
}

static int threads_of(const struct experiment *plan)
{
	return plan->worker_class == WORKER_GTHREAD && plan->threads > 1 ? plan->threads : 1;
}

/* Requests that can be served at a time. */
static int lanes_of(const struct experiment *plan)
{
	return plan->workers * threads_of(plan);
}

static struct run_plan plan_of(const struct experiment *plan)
{
	return (struct run_plan){
		.scenario = plan->entry.scenario->name,
		.variant = plan->entry.variant->name,
		.mix = plan->mix != NULL ? plan->mix->name : NULL,
		.workers = plan->workers,
		.worker_class = worker_class_name(plan->worker_class),
		.threads = threads_of(plan),
		.cpus = plan->cpus,
		.requests = plan->requests,
		.wait_ns = plan->wait_ns,
		.delay_min_ns = plan->delay_min_ns,
		.delay_max_ns = plan->delay_max_ns,
		.pauses = plan->entry.variant->pauses || (plan->mix != NULL && plan->mix->pauses),
		.amount = plan->amount,
		.traced = plan->traced,
		.recorded = plan->recorded,
		.seed = plan->seed,
		.no_transaction = plan->tx_mode == TX_NONE,
		.max_tries = plan->retry.max_tries > 1 ? plan->retry.max_tries : 1,
		.fault = plan->fault_text,
		.own_level = plan->entry.variant->iso != DB_ISO_DEFAULT,
		.sets = plan->db.sets,
		.n_sets = plan->db.n_sets,
		.database = plan->database,
	};
}

static const struct variant *variant_of(const struct experiment *plan, size_t i)
{
	return plan->mix != NULL && i % 2 == 1 ? plan->mix : plan->entry.variant;
}

static int64_t amount_of(const struct experiment *plan, size_t i)
{
	return plan->traced ? plan->amount << i : plan->amount;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void drain(struct lab *lab)
{
	ring_drain(lab->rings, &lab->events);
	for (; lab->plan->trace != NULL && lab->written < lab->events.n; lab->written++)
		if (!ndjson_write(lab->plan->trace, &lab->events.items[lab->written]))
			lab->result->trace_failed = true;
}

static bool on_tick(void *context)
{
	struct lab *lab = context;

	drain(lab);
	if (lab->plan->progress != NULL)
		lab->plan->progress(lab->plan->context, lab->ended, lab->plan->requests);
	lab->result->run.interrupted = lab->plan->interrupted != NULL && *lab->plan->interrupted != 0;
	return lab->result->run.interrupted;
}

static void on_end(void *context, size_t i, const struct shot *shot)
{
	struct lab *lab = context;

	(void)i;
	(void)shot;
	lab->ended++;
}

/* ---- before ---------------------------------------------------------------------------------- */

static bool make_account(struct lab *lab, struct err *err)
{
	struct db_session *session = db_open(lab->plan->target, &lab->plan->db, err);

	if (session == NULL)
		return false;
	/* The level of the variant's own is told as it is read back, like any other. */
	bool ok = db_set_level(session, lab->plan->entry.variant->iso, NULL, err);
	lab->result->run.identity = *db_identity(session);
	if (lab->plan->mix == NULL)
		lab->result->run.expected = expect_of(lab->plan->entry.variant, db_identity(session),
		                                      lab->plan->tx_mode);
	ok = ok && account_create(session, 0, &lab->result->account, err);
	db_close(session);
	return ok;
}

static void plan_volley(struct lab *lab, int port, const char *run)
{
	const struct experiment *plan = lab->plan;

	lab->volley = (struct volley){
		.host = "127.0.0.1",
		.port = port,
		.shots = mem_new(plan->requests, sizeof *lab->volley.shots),
		.n = plan->requests,
		.run = run,
		.on_end = on_end,
		.on_tick = on_tick,
		.context = lab,
	};
	for (size_t i = 0; i < plan->requests; i++) {
		struct shot *shot = &lab->volley.shots[i];
		shot->at_ns = (int64_t)i * plan->wait_ns;
		shot->path = mem_printf("%s%s/", plan->entry.operation->route, variant_of(plan, i)->name);
		shot->account = lab->result->account;
		shot->amount = amount_of(plan, i);
	}
}

/* ---- the volley ------------------------------------------------------------------------------ */

static bool race(struct lab *lab, struct err *err)
{
	const struct experiment *plan = lab->plan;
	char *run = mem_printf("%08llx", (unsigned long long)rng_fresh_seed());
	int port, listen_fd = serve_listen("127.0.0.1:0", &port, NULL, err);
	struct subject subject;
	struct serve_settings settings = {
		.listen_fd = listen_fd,
		.workers = plan->workers,
		.worker_class = plan->worker_class,
		.threads = plan->threads,
		.cpus = plan->cpus,
		.timeout_ns = plan->timeout_ns,
		.graceful_ns = plan->timeout_ns > 0 ? plan->timeout_ns : GRACEFUL_S * NS_PER_S,
		.delay_min_ns = plan->delay_min_ns,
		.delay_max_ns = plan->delay_max_ns,
		.seed = plan->seed,
		.target = plan->target,
		.db = plan->db,
		.tx_mode = plan->tx_mode,
		.retry = plan->retry,
		.fault = plan->fault,
		.rings = lab->rings,
		.boots_only = !plan->recorded,
		.run = run,
		.ready_fd = -1,
		.quiet = true,
	};
	bool ok = listen_fd >= 0 && subject_start(&settings, &subject, err);

	/* Ours is not needed any more, and would keep clients of a dead subject waiting. */
	if (listen_fd >= 0)
		close(listen_fd);
	if (ok) {
		if (plan->ready != NULL)
			plan->ready(plan->context, &lab->result->run);
		plan_volley(lab, port, run);
		lab->result->run.start_ns = clock_now_ns();
		ok = volley_fire(&lab->volley, err);
		if (ok)
			lab->result->run.start_ns = lab->volley.started_ns;
		subject_stop(&subject);
		drain(lab);
	}
	free(run);
	return ok;
}

/* A single statement is whole without a transaction too. */
static bool stays_whole(const struct experiment *plan, const struct variant *variant)
{
	return variant->atomic && (plan->tx_mode == TX_AS_WRITTEN || variant->derives);
}

static void take_replies(struct lab *lab)
{
	struct audit_reply *replies = mem_new(lab->plan->requests, sizeof *replies);

	for (size_t i = 0; i < lab->plan->requests; i++) {
		const struct shot *shot = &lab->volley.shots[i];
		replies[i] = (struct audit_reply){
			.status = shot->end == SHOT_ANSWERED ? shot->status : 0,
			.amount = shot->amount,
			.reached = shot->end != SHOT_FAILED,
			.atomic = stays_whole(lab->plan, variant_of(lab->plan, i)),
			.sent_ns = shot->sent_ns,
			.ended_ns = shot->ended_ns,
		};
		memcpy(replies[i].reason, shot->reason, sizeof replies[i].reason);
	}
	lab->result->replies = replies;
	lab->result->run.replies = replies;
}

/* ---- after ----------------------------------------------------------------------------------- */

/* Waits until none of the run's connections exists on the server. NULL when it is so, else why not. */
static char *wait_for_quiet(struct db_session *session, const struct history *history)
{
	int64_t until = clock_now_ns() + QUIET_LIMIT_S * NS_PER_S;
	struct err err = {0};
	size_t alive = 0;
	char *why = NULL;

	do {
		if (!db_count_alive(session, history->connections, history->n_connections, &alive, &err)) {
			why = mem_printf("the server could not be asked whether sessions were still open: %s",
			                 err_text(&err));
			break;
		}
		if (alive > 0)
			clock_pause_ns(2 * NS_PER_MS);
	} while (alive > 0 && clock_now_ns() < until);
	if (why == NULL && alive > 0)
		why = mem_printf("%zu of the run's sessions were still open on the server after %d s", alive,
		                 QUIET_LIMIT_S);
	err_fini(&err);
	return why;
}

static bool was_struck(const struct history_attempt *attempt)
{
	for (size_t s = 0; s < attempt->n_steps; s++) {
		const struct history_step *step = &attempt->steps[s];
		if (!step->pause && (step->err == DB_REFUSED || step->err == DB_LOST))
			return true;
	}
	return false;
}

/* A fault that met no call has tried nothing, and must not look as if it had. */
static void doubt_idle_fault(const struct experiment *plan, struct run_result *run)
{
	bool struck = plan->fault.how == FAULT_NONE || !plan->recorded;

	for (size_t i = 0; i < run->history.n && !struck; i++)
		for (size_t a = 0; a < run->history.requests[i].n_attempts && !struck; a++)
			struck = was_struck(&run->history.requests[i].attempts[a]);
	if (!struck && run->findings.verdict == VERDICT_NONE_SEEN)
		findings_doubt(&run->findings,
		               "the fault met no call: no request that it was meant for makes that one");
	else if (!struck)
		findings_remark(&run->findings, "the fault met no call");
}

static bool is_level(const struct db_identity *identity, enum db_iso iso)
{
	return strcmp(identity->isolation, db_iso_name(iso)) == 0;
}

static bool judge(struct lab *lab, struct db_session *session, struct err *err)
{
	struct run_result *run = &lab->result->run;
	struct account account;
	struct account_row *rows = NULL;
	size_t n_rows = 0;

	char *not_quiet = wait_for_quiet(session, &run->history);
	enum account_result there = account_show(session, lab->result->account, &account, err);
	if (there == ACCOUNT_MISSING)
		err_set(err, "somebody else deleted the run's account %lld while it ran",
		        (long long)lab->result->account);
	bool ok = there == ACCOUNT_OK && account_rows(session, lab->result->account, &rows, &n_rows, err);
	if (ok && !run->interrupted) { /* nobody will read what half a run amounts to */
		struct audit_row *audit_rows = mem_new(n_rows, sizeof *audit_rows);
		for (size_t i = 0; i < n_rows; i++)
			audit_rows[i] = (struct audit_row){rows[i].id, rows[i].amount};
		audit_deposits(&(struct audit_input){
			.history = lab->plan->recorded ? &run->history : NULL,
			.events_missing = lab->events.missing,
			.replies = lab->result->replies,
			.n_replies = lab->plan->requests,
			.lanes = lanes_of(lab->plan),
			.overlap_possible = lanes_of(lab->plan) > 1 && lab->plan->requests > 1,
			/* beside a variant at a level of its own another one may run */
			.dirty_reads = (db_session_abilities(session) & DB_HAS_DIRTY_READS) != 0 &&
			               (is_level(&run->identity, DB_READ_UNCOMMITTED) ||
			                lab->plan->db.iso == DB_READ_UNCOMMITTED),
			.max_tries = lab->plan->retry.max_tries,
			.balance_table = "demo_account",
			.record_table = "demo_transaction",
			.derived = lab->plan->entry.variant->derives,
			.start_balance = 0,
			.actual_balance = lab->plan->entry.variant->derives ? account.recorded_sum : account.balance,
			.rows = audit_rows,
			.n_rows = n_rows,
			.not_quiet = not_quiet,
		}, &run->findings);
		doubt_idle_fault(lab->plan, run);
		free(audit_rows);
	}
	free(rows);
	free(not_quiet);
	return ok;
}

static void clean_up(struct lab *lab, struct db_session *session)
{
	struct err err = {0};

	if (lab->plan->keep)
		return;
	if (session == NULL || account_delete(session, lab->result->account, true, &err) == ACCOUNT_ERROR)
		lab->result->leftover = mem_printf("account %lld and its transactions stay in the database: %s",
		                                   (long long)lab->result->account, err_text(&err));
	err_fini(&err);
}

static bool audit(struct lab *lab, bool raced, struct err *err)
{
	struct run_result *run = &lab->result->run;
	struct db_session *session = db_open(lab->plan->target, &lab->plan->db, raced ? err : NULL);
	bool ok = raced && session != NULL;

	if (ok) {
		take_replies(lab);
		history_build(&run->history, &lab->events);
		ok = judge(lab, session, err);
		run->end_ns = clock_now_ns();
	}
	clean_up(lab, session);
	db_close(session);
	return ok;
}

bool experiment_run(const struct experiment *plan, struct experiment_result *result, struct err *err)
{
	struct lab lab = {.plan = plan, .result = result};

	*result = (struct experiment_result){.run = {.plan = plan_of(plan)}};
	lab.rings = ring_set_new((size_t)lanes_of(plan), RING_EVENTS, err);
	bool ok = lab.rings != NULL && make_account(&lab, err);
	if (ok)
		ok = audit(&lab, race(&lab, err), err);
	ring_set_free(lab.rings);
	event_list_fini(&lab.events);
	volley_fini(&lab.volley);
	if (!ok) {
		if (result->leftover != NULL && err != NULL) {
			char *why = mem_text(err_text(err));
			err_set(err, "%s (and %s)", why, result->leftover);
			free(why);
		}
		experiment_fini(result);
	}
	return ok;
}

void experiment_fini(struct experiment_result *result)
{
	history_fini(&result->run.history);
	findings_fini(&result->run.findings);
	free(result->replies);
	free(result->leftover);
	*result = (struct experiment_result){0};
}
