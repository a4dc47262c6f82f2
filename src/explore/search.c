/* Enumeration by re-execution: each beginning is run to its end, and each other way that could have been gone beyond
 * it is a beginning for later. So every schedule is run once, and any number of worlds can share the work. */
#include "explore/search.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "explore/frontier.h"
#include "explore/mark.h"

/* What may differ between two runs of one beginning is the engine's timing; as often it is tried. */
enum { TRIES_AGAIN = 5 };
/* Each may have cost the limit of a step, and nothing can be proven any more. */
enum { MOST_UNSURE = 3 };

struct search {
	const struct search_limits *limits;
	struct found *found;
	int64_t began_ns;
	double done; /* the part of all schedules that lies behind us, if every choice's ways hold as many */
	struct frontier frontier;
	pthread_mutex_t mutex; /* over all of this */
	pthread_cond_t changed;
	size_t busy; /* walkers that run a beginning */
	bool failed;
	struct err *err;
	uint64_t *odd; /* beginnings that were run anew from where they went another way */
	size_t n_odd, odd_capacity;
};

struct step_taken {
	struct choice choice;
	uint8_t others; /* bit i: session i could have been chosen too */
	bool goes_on;   /* the session that took the step before could, so that to leave it is a preemption */
};

struct walker {
	struct search *search;
	struct world *world;
	struct schedule schedule;
	pthread_t thread;
	struct prefix prefix;
	struct step_taken *path;
	size_t at, capacity; /* of the schedule that runs */
	double share;
	bool diverged;
	size_t diverged_at;
	uint64_t diverged_mark;
};

/* ---- choosing ------------------------------------------------------------------------------------------ */

uint64_t search_mark(const size_t *who, const struct actor_step *const *next, size_t n)
{
	uint64_t mark = MARK_SEED;

	for (size_t i = 0; i < n; i++) {
		mark = mark_of_bytes(mark, &who[i], sizeof who[i]);
		mark = mark_of_text(mark, next[i]->label);
	}
	return mark;
}

static bool is_interrupted(const struct search_limits *limits)
{
	return limits->interrupted != NULL && *limits->interrupted;
}

/* As the beginning says. */
static int follow(struct walker *walker, const size_t *who, size_t n, uint64_t mark)
{
	const struct choice *choice = &walker->prefix.choices[walker->at];

	for (size_t i = 0; i < n && choice->mark == mark; i++)
		if (who[i] == choice->who) {
			walker->path[walker->at++] = (struct step_taken){.choice = *choice};
			return (int)i;
		}
	walker->diverged = true;
	walker->diverged_at = walker->at;
	walker->diverged_mark = mark;
	return CHOOSE_STOP;
}

/* Beyond it: whoever took the last step, as long as it can. */
static int go_on(struct walker *walker, const size_t *who, size_t n, uint64_t mark)
{
	struct step_taken *taken = &walker->path[walker->at];
	size_t last = walker->at > 0 ? taken[-1].choice.who : PLAY_MOST_SESSIONS;
	int chosen = 0;

	*taken = (struct step_taken){0};
	for (size_t i = 0; i < n; i++) {
		taken->others |= (uint8_t)(1U << who[i]);
		if (who[i] == last) {
			chosen = (int)i;
			taken->goes_on = true;
		}
	}
	taken->choice = (struct choice){(uint8_t)who[chosen], mark};
	taken->others &= (uint8_t)~(1U << who[chosen]);
	walker->share /= (double)n;
	walker->at++;
	return chosen;
}

static int choose(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	struct walker *walker = context;
	uint64_t mark = search_mark(who, next, n);

	if (is_interrupted(walker->search->limits))
		return CHOOSE_STOP;
	walker->path = mem_grow(walker->path, &walker->capacity, walker->at + 1, sizeof *walker->path);
	return walker->at < walker->prefix.n ? follow(walker, who, n, mark) : go_on(walker, who, n, mark);
}

/* ---- one beginning ----------------------------------------------------------------------------------------- */

static bool run_once(struct walker *walker, struct err *err)
{
	const struct chooser chooser = {walker, choose};

	walker->at = 0;
	walker->diverged = false;
	walker->share = walker->prefix.share;
	schedule_run(walker->world, &chooser, &walker->schedule, err);
	return walker->schedule.result != SCHEDULE_FAILED;
}

/* The same beginning again and again went the same other way: the run that it came of was the odd one, by the engine's
 * choice. What lies beyond is run as it is now, once. False: that was done already. */
static bool settle_anew(struct walker *walker)
{
	struct search *search = walker->search;
	uint64_t key = walker->diverged_mark;
	bool fresh = true;

	for (size_t i = 0; i < walker->diverged_at; i++)
		key = mark_of_bytes(key, &walker->prefix.choices[i].who, 1);
	pthread_mutex_lock(&search->mutex);
	for (size_t i = 0; i < search->n_odd && fresh; i++)
		fresh = search->odd[i] != key;
	if (fresh) {
		search->odd = mem_grow(search->odd, &search->odd_capacity, search->n_odd + 1, sizeof *search->odd);
		search->odd[search->n_odd++] = key;
	}
	pthread_mutex_unlock(&search->mutex);
	walker->prefix.n = walker->diverged_at;
	return fresh;
}

/* Again where it went another way. False: the database is of no more use. *dropped: there is nothing to count. */
static bool run_prefix(struct walker *walker, uint64_t *again, bool *dropped, struct err *err)
{
	size_t first_at = 0;
	uint64_t first_mark = 0;
	bool alike = true;

	*dropped = false;
	for (int tries = 0; tries < TRIES_AGAIN; tries++) {
		if (!run_once(walker, err))
			return false;
		if (!walker->diverged)
			return true;
		++*again;
		alike = alike && (tries == 0 || (walker->diverged_at == first_at &&
		                                 walker->diverged_mark == first_mark));
		first_at = walker->diverged_at;
		first_mark = walker->diverged_mark;
	}
	if (!alike)
		return true;
	*dropped = !settle_anew(walker);
	return *dropped || run_once(walker, err);
}

/* What was not chosen beyond the beginning is to be run later. */
static void add_others(struct walker *walker)
{
	struct search *search = walker->search;
	struct choice *choices = mem_new(walker->at + 1, sizeof *choices);
	unsigned preemptions = walker->prefix.preemptions;
	double share = walker->prefix.share;

	for (size_t i = 0; i < walker->at; i++) {
		const struct step_taken *taken = &walker->path[i];
		unsigned others = taken->others;
		choices[i] = taken->choice;
		if (i >= walker->prefix.n)
			share /= 1 + __builtin_popcount(others);
		for (uint8_t who = PLAY_MOST_SESSIONS; who-- > 0;)
			if ((others >> who & 1) != 0)
				frontier_add(&search->frontier, choices, i, (struct choice){who, taken->choice.mark},
				             preemptions + taken->goes_on, share);
	}
	free(choices);
}

/* ---- the walk ---------------------------------------------------------------------------------------------- */

static bool is_enough(const struct search *search)
{
	const struct search_limits *limits = search->limits;

	return search->failed || (limits->first && search->found->breaking > 0) ||
	       (limits->max_schedules > 0 && search->found->schedules + search->busy >= limits->max_schedules) ||
	       (limits->time_ns > 0 && clock_now_ns() - search->began_ns >= limits->time_ns) ||
	       is_interrupted(limits) || search->found->unsure >= MOST_UNSURE;
}

static void count(struct walker *walker, bool dropped)
{
	struct search *search = walker->search;
	struct found *found = search->found;

	if (!dropped) {
		found_note(found, world_play(walker->world), search->limits->serial, &walker->schedule,
		           walker->diverged);
		search->done += walker->share;
		if (!walker->diverged && walker->schedule.result != SCHEDULE_STOPPED)
			add_others(walker);
	}
	found->bound = walker->prefix.preemptions;
	found->estimate = search->done > 0 ? (double)found->schedules / search->done : 0;
	if (search->limits->progress != NULL)
		search->limits->progress(search->limits->context, found);
}

/* With the mutex held. False: nothing is left, or no more is wanted. */
static bool take_next(struct walker *walker)
{
	struct search *search = walker->search;

	while (!is_enough(search)) {
		if (frontier_take(&search->frontier, search->limits->max_preemptions, &walker->prefix))
			return true;
		if (search->busy == 0)
			return false;
		pthread_cond_wait(&search->changed, &search->mutex);
	}
	return false;
}

static void *walk(void *context)
{
	struct walker *walker = context;
	struct search *search = walker->search;
	struct err err = {0};

	pthread_mutex_lock(&search->mutex);
	while (take_next(walker)) {
		uint64_t again = 0;
		bool dropped = false;
		search->busy++;
		pthread_mutex_unlock(&search->mutex);
		bool ok = run_prefix(walker, &again, &dropped, &err);
		pthread_mutex_lock(&search->mutex);
		search->busy--;
		search->found->diverged += again;
		if (ok)
			count(walker, dropped);
		else if (!search->failed)
			search->failed = !err_set(search->err, "%s", err_text(&err));
		free(walker->prefix.choices);
		pthread_cond_broadcast(&search->changed);
	}
	pthread_mutex_unlock(&search->mutex);
	schedule_fini(&walker->schedule);
	free(walker->path);
	err_fini(&err);
	return NULL;
}

/* The first world is walked by the caller's own thread. */
static void walk_all(struct search *search, struct world *const *worlds, size_t n)
{
	struct walker *walkers = mem_new(n, sizeof *walkers);
	size_t started = 0;

	for (size_t i = 0; i < n; i++)
		walkers[i] = (struct walker){.search = search, .world = worlds[i]};
	while (started + 1 < n &&
	       pthread_create(&walkers[started + 1].thread, NULL, walk, &walkers[started + 1]) == 0)
		started++;
	(void)walk(&walkers[0]);
	for (size_t i = 0; i < started; i++)
		pthread_join(walkers[i + 1].thread, NULL);
	free(walkers);
}

bool search_all(struct world *const *worlds, size_t n, const struct search_limits *limits, struct found *found,
                struct err *err)
{
	struct search search = {.limits = limits, .found = found, .began_ns = clock_now_ns(), .err = err};

	*found = (struct found){0};
	pthread_mutex_init(&search.mutex, NULL);
	pthread_cond_init(&search.changed, NULL);
	frontier_add_root(&search.frontier);
	walk_all(&search, worlds, n);
	found->interrupted = is_interrupted(limits);
	found->complete = !search.failed && !found->interrupted && found->unsure == 0 &&
	                  frontier_is_empty(&search.frontier);
	found->took_ns = clock_now_ns() - search.began_ns;
	if (found->complete)
		found->estimate = (double)found->schedules;
	found_sort(found);
	frontier_fini(&search.frontier);
	free(search.odd);
	pthread_cond_destroy(&search.changed);
	pthread_mutex_destroy(&search.mutex);
	return !search.failed;
}

/* ---- at random --------------------------------------------------------------------------------------------- */

struct dice {
	const struct search_limits *limits;
	struct rng rng;
	double ways; /* how many schedules there are, if all are like this one (Knuth 1975) */
};

static int throw(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	struct dice *dice = context;

	(void)who;
	(void)next;
	if (is_interrupted(dice->limits))
		return CHOOSE_STOP;
	dice->ways *= (double)n;
	return (int)rng_between(&dice->rng, 0, (int64_t)n - 1);
}

bool search_random(struct world *world, uint64_t seed, const struct search_limits *limits, struct found *found,
                   struct err *err)
{
	struct dice dice = {.limits = limits};
	const struct chooser chooser = {&dice, throw};
	struct schedule schedule = {0};
	const int64_t began_ns = clock_now_ns();
	uint64_t runs = 0;
	double sum = 0;
	bool ok = true;

	*found = (struct found){.orders = ORDERS_RANDOM, .seed = seed};
	rng_init(&dice.rng, seed);
	while (ok && runs < limits->max_schedules && !is_interrupted(limits) && found->unsure < MOST_UNSURE &&
	       (limits->time_ns == 0 || clock_now_ns() - began_ns < limits->time_ns)) {
		dice.ways = 1;
		schedule_run(world, &chooser, &schedule, err);
		ok = schedule.result != SCHEDULE_FAILED;
		if (!ok)
			break;
		found_note(found, world_play(world), limits->serial, &schedule, false);
		sum += dice.ways;
		found->estimate = sum / (double)++runs;
		if (limits->progress != NULL)
			limits->progress(limits->context, found);
	}
	found->interrupted = is_interrupted(limits);
	found->took_ns = clock_now_ns() - began_ns;
	schedule_fini(&schedule);
	return ok;
}
