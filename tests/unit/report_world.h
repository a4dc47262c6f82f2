/* Runs made by hand, for the tests of reports: who served whom when, step by step, on a clock that
 * counts microseconds from the start of the volley. world_race plays the deposit's rules, so that
 * every value and every overwrite of such a run is what those rules yield. */
#ifndef UNIT_REPORT_WORLD_H
#define UNIT_REPORT_WORLD_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/report.h"

enum { ACCOUNT = 7, WORLD_MOST = 64 };
static const int64_t world_start_ns = 5000 * NS_PER_S;

struct world {
	struct arena arena;
	struct run_result result;
	struct audit_reply *replies;
};

static inline int64_t world_ns(int64_t us)
{
	return world_start_ns + us * NS_PER_US;
}

static inline struct world *world_new(const char *variant, size_t n, int workers)
{
	struct world *world = mem_new(1, sizeof *world);
	struct run_result *result = &world->result;

	world->replies = arena_new(&world->arena, n, sizeof *world->replies);
	result->plan = (struct run_plan){
		.scenario = "deposit", .variant = variant, .workers = workers, .requests = n, .amount = 100,
		.delay_min_ns = 300 * NS_PER_MS, .delay_max_ns = NS_PER_S, .pauses = true, .recorded = true,
		.seed = 41, .database = "a throw-away server of our own",
	};
	result->identity = (struct db_identity){
		.engine = "mariadb", .product = "MariaDB", .version = "10.11.19",
		.isolation = "READ COMMITTED", .connection = 12,
	};
	result->start_ns = world_start_ns;
	result->replies = world->replies;
	result->history.requests = arena_new(&world->arena, WORLD_MOST, sizeof(struct history_request));
	result->findings.reasons = arena_new(&world->arena, 4, sizeof(char *));
	result->findings.overwrites = arena_new(&world->arena, WORLD_MOST, sizeof(struct overwrite));
	for (size_t i = 0; i < n; i++)
		world->replies[i] = (struct audit_reply){
			.amount = 100, .reached = true, .atomic = true, .sent_ns = world_ns(100)};
	return world;
}

static inline void world_reason(struct world *world, const char *text)
{
	struct findings *findings = &world->result.findings;

	findings->reasons[findings->n_reasons++] = arena_text(&world->arena, text);
}

static inline void world_free(struct world *world)
{
	arena_fini(&world->arena);
	free(world);
}

/* Requests must be served in the order of their numbers: a history is sorted by them. */
static inline struct history_request *world_serve(struct world *world, uint32_t request, uint32_t slot,
                                                  int64_t begin_us)
{
	struct history *history = &world->result.history;
	struct history_request *at = &history->requests[history->n++];

	*at = (struct history_request){
		.request = request, .slot = slot, .generation = 1, .amount = 100,
		.begin_ns = world_ns(begin_us), .last_ns = world_ns(begin_us),
	};
	(void)snprintf(at->op, sizeof at->op, "%s", world->result.plan.variant);
	at->steps = arena_new(&world->arena, 16, sizeof *at->steps);
	return at;
}

/* A step from one time to another; until_us -1: it never ends. */
static inline struct history_step *world_step(struct history_request *at, const char *label,
                                              enum db_verb verb, int64_t from_us, int64_t until_us,
                                              int64_t value)
{
	struct history_step *step = &at->steps[at->n_steps++];

	*step = (struct history_step){
		.number = (uint32_t)at->n_steps, .verb = verb, .key = ACCOUNT, .begin_ns = world_ns(from_us),
		.end_ns = until_us < 0 ? 0 : world_ns(until_us), .value = value, .result = 1,
	};
	(void)snprintf(step->label, sizeof step->label, "%s", label);
	(void)snprintf(step->table, sizeof step->table, "%s",
	               text_equal(label, "record") ? "demo_transaction" : "demo_account");
	at->last_ns = until_us < 0 ? step->begin_ns : step->end_ns;
	return step;
}

static inline void world_pause(struct history_request *at, int64_t from_us, int64_t until_us)
{
	world_step(at, "think", DB_READ, from_us, until_us, 0)->pause = true;
}

/* The worker's end and the client's, 200 us later. */
static inline void world_answer(struct world *world, struct history_request *at, int64_t us, int status,
                                enum op_end end)
{
	struct audit_reply *reply = &world->replies[at->request - 1];

	at->end_ns = at->last_ns = world_ns(us);
	at->status = status;
	at->end = end;
	reply->status = status;
	reply->ended_ns = world_ns(us + 200);
}

/* ---- what the rules of the deposit yield ------------------------------------------------------- */

struct world_written {
	int64_t us, value, read_value, read_us;
	uint64_t in_it; /* the deposits that this balance contains, a bit each */
	uint64_t was_in_it;
	uint32_t request;
};

struct world_rules {
	bool locking, atomic;
	const int64_t *pauses_us; /* of each request; NULL: none */
};

static inline struct world_written world_balance_at(const struct world_written *written, size_t n, int64_t us)
{
	struct world_written last = {0};

	for (size_t i = 0; i < n; i++)
		if (written[i].us <= us && written[i].us >= last.us)
			last = written[i];
	return last;
}

/* One request from `us` on; returns what it wrote. */
static inline struct world_written world_deposit(struct world *world, const struct world_rules *rules,
                                                 struct history_request *at, int64_t lock_free_us,
                                                 const struct world_written *written, size_t n)
{
	int64_t us = (at->begin_ns - world_start_ns) / NS_PER_US + 200, wait_from = us;

	if (rules->atomic) {
		world_step(at, "begin", DB_BEGIN, us, us + 90, 0);
		wait_from = us += 110;
	}
	us = rules->locking && lock_free_us > us ? lock_free_us : us;
	us += 150;
	struct world_written was = world_balance_at(written, n, us);
	world_step(at, "read balance", DB_READ, wait_from, us, was.value);
	struct world_written now = {
		.value = was.value + at->amount, .read_value = was.value, .read_us = us,
		.in_it = was.in_it | UINT64_C(1) << at->request, .was_in_it = was.in_it, .request = at->request,
	};
	if (rules->pauses_us != NULL) {
		world_pause(at, us + 10, us + 10 + rules->pauses_us[at->request - 1]);
		us += 20 + rules->pauses_us[at->request - 1];
	}
	world_step(at, "record", DB_WRITE, us, us + 300, at->amount);
	world_step(at, "write balance", DB_WRITE, us + 310, us + 600, now.value);
	us += 600;
	if (rules->atomic) {
		world_step(at, "commit", DB_COMMIT, us + 10, us + 900, 0);
		us += 900;
	}
	now.us = us;
	world_answer(world, at, us + 100, 200, OP_DONE);
	return now;
}

static inline int world_by_time(const void *a, const void *b)
{
	const struct world_written *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

/* `final`: what the last balance contains; what was erased and is in it came back. */
static inline void world_overwrite(struct world *world, const struct world_written *now,
                                   const struct world_written *before, uint64_t final)
{
	struct findings *findings = &world->result.findings;
	uint64_t gone = before->in_it & ~now->was_in_it;
	struct overwrite *overwrite = &findings->overwrites[findings->n_overwrites];

	if (gone == 0)
		return;
	*overwrite = (struct overwrite){
		.writer = now->request, .read_value = now->read_value, .read_ns = world_ns(now->read_us),
		.over_value = before->value, .over_ns = world_ns(before->us), .over_committed = true,
		.wrote_value = now->value, .wrote_ns = world_ns(now->us), .n_over_writers = 1,
	};
	overwrite->over_writers = arena_new(&world->arena, 1, sizeof(uint32_t));
	overwrite->over_writers[0] = before->request;
	overwrite->erased = arena_new(&world->arena, WORLD_MOST, sizeof(uint32_t));
	overwrite->back = arena_new(&world->arena, WORLD_MOST, sizeof(uint32_t));
	for (uint32_t i = 1; i < WORLD_MOST; i++) {
		if (gone >> i & 1)
			overwrite->erased[overwrite->n_erased++] = i;
		if ((gone & final) >> i & 1)
			overwrite->back[overwrite->n_back++] = i;
	}
	overwrite->n_gone = overwrite->n_erased;
	findings->n_overwrites++;
}

static inline void world_overlap(struct world *world)
{
	const struct history *history = &world->result.history;
	struct findings *findings = &world->result.findings;

	for (size_t i = 0; i < history->n; i++) {
		size_t in_flight = 1;
		for (size_t j = 0; j < history->n; j++) {
			const struct history_request *a = &history->requests[i], *b = &history->requests[j];
			bool meet = i != j && b->begin_ns <= a->begin_ns && a->begin_ns < b->end_ns;
			in_flight += meet ? 1 : 0;
			findings->pairs_overlapped += meet ? 1 : 0;
		}
		findings->max_in_flight = in_flight > findings->max_in_flight ? in_flight : findings->max_in_flight;
	}
}

static inline void world_sums(struct world *world, const struct world_written *written, size_t n)
{
	struct findings *findings = &world->result.findings;

	findings->answered = findings->transactions = n;
	for (size_t i = 0; i < n; i++)
		findings->recorded_sum += world->result.history.requests[i].amount;
	findings->expected_balance = findings->recorded_sum;
	findings->actual_balance = written[n - 1].value;
	findings->missing = findings->lost_amount = findings->expected_balance - findings->actual_balance;
	findings->lost_updates = (int64_t)n - __builtin_popcountll(written[n - 1].in_it);
	findings->verdict = findings->lost_updates > 0 ? VERDICT_VIOLATED : VERDICT_NONE_SEEN;
	findings->lost = arena_new(&world->arena, n, sizeof(uint32_t));
	for (uint32_t i = 1; i <= n; i++)
		if ((written[n - 1].in_it >> i & 1) == 0)
			findings->lost[findings->n_lost++] = i;
}

/* All requests at once on the plan's workers, each taken by the first that is free. */
static inline void world_race(struct world *world, const struct world_rules *rules)
{
	struct world_written written[WORLD_MOST];
	int64_t free_us[8] = {0}, lock_free_us = 0;
	size_t n = world->result.plan.requests;
	int64_t end_us = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t slot = 0;
		for (uint32_t s = 1; s < (uint32_t)world->result.plan.workers; s++)
			slot = free_us[s] < free_us[slot] ? s : slot;
		int64_t begin_us = free_us[slot] + 400 + 30 * slot;
		struct history_request *at = world_serve(world, (uint32_t)i + 1, slot, begin_us);
		at->amount = world->replies[i].amount;
		world->replies[i].atomic = rules->atomic;
		written[i] = world_deposit(world, rules, at, lock_free_us, written, i);
		free_us[slot] = lock_free_us = written[i].us + 300;
		end_us = free_us[slot] > end_us ? free_us[slot] : end_us;
	}
	qsort(written, n, sizeof *written, world_by_time);
	for (size_t i = 1; i < n; i++)
		world_overwrite(world, &written[i], &written[i - 1], written[n - 1].in_it);
	world_sums(world, written, n);
	world_overlap(world);
	world->result.end_ns = world_ns(end_us + 5000);
}

#endif
