/* Enumeration by re-execution: each beginning is run to its end, and each other way that could have been gone beyond
 * it is a beginning for later. So every schedule is run once, and any number of worlds can share the work. */
#include "explore/search.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "explore/crew.h"
#include "explore/frontier.h"
#include "explore/mark.h"

/* What may differ between two runs of one beginning is the engine's timing; as often it is tried. */
enum { TRIES_AGAIN = 5 };

struct search {
	const struct search_limits *limits;
	struct found *found;
	int64_t began_ns;
	double done; /* the part of all schedules that lies behind us, if every choice's ways hold as many */
	struct frontier frontier;
	struct walker *walkers; /* one for each world */
	pthread_mutex_t mutex;  /* over what is below */
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
	struct prefix prefix;
	uint64_t again; /* as often it went another way */
	bool dropped;   /* there is nothing to count */
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

	if (search_is_interrupted(walker->search->limits))
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

/* Again where it went another way. False: the database is of no more use. */
static bool run_prefix(struct walker *walker, struct err *err)
{
	size_t first_at = 0;
	uint64_t first_mark = 0;
	bool alike = true;

	walker->dropped = false;
	walker->again = 0;
	for (int tries = 0; tries < TRIES_AGAIN; tries++) {
		if (!run_once(walker, err))
			return false;
		if (!walker->diverged)
			return true;
		walker->again++;
		alike = alike && (tries == 0 || (walker->diverged_at == first_at &&
		                                 walker->diverged_mark == first_mark));
		first_at = walker->diverged_at;
		first_mark = walker->diverged_mark;
	}
	if (!alike)
		return true;
	walker->dropped = !settle_anew(walker);
	return walker->dropped || run_once(walker, err);
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

static enum crew_take take(void *context, size_t nth, size_t at_work)
{
	struct search *search = context;

	if (search_is_enough(search->limits, search->found, at_work, search->began_ns))
		return CREW_NO_MORE;
	return frontier_take(&search->frontier, search->limits->max_preemptions, &search->walkers[nth].prefix)
		? CREW_TAKEN : CREW_LATER;
}

static bool run(void *context, size_t nth, struct err *err)
{
	const struct search *search = context;
	struct walker *walker = &search->walkers[nth];

	if (run_prefix(walker, err))
		return true;
	free(walker->prefix.choices);
	return false;
}

static void count(void *context, size_t nth)
{
	struct search *search = context;
	struct walker *walker = &search->walkers[nth];
	struct found *found = search->found;

	found->diverged += walker->again;
	if (!walker->dropped) {
		found_note(found, world_play(walker->world), search->limits->serial, &walker->schedule,
		           walker->diverged);
		search->done += walker->share;
		if (!walker->diverged && walker->schedule.result != SCHEDULE_STOPPED)
			add_others(walker);
	}
	found->bound = walker->prefix.preemptions;
	found->estimate = search->done > 0 ? (double)found->schedules / search->done : 0;
	free(walker->prefix.choices);
	search_tell(search->limits, found);
}

static void search_init(struct search *search, struct world *const *worlds, size_t n)
{
	pthread_mutex_init(&search->mutex, NULL);
	search->walkers = mem_new(n, sizeof *search->walkers);
	for (size_t i = 0; i < n; i++)
		search->walkers[i] = (struct walker){.search = search, .world = worlds[i]};
	frontier_add_root(&search->frontier);
}

static void search_fini(struct search *search, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		schedule_fini(&search->walkers[i].schedule);
		free(search->walkers[i].path);
	}
	free(search->walkers);
	frontier_fini(&search->frontier);
	free(search->odd);
	pthread_mutex_destroy(&search->mutex);
}

bool search_all(struct world *const *worlds, size_t n, const struct search_limits *limits, struct found *found,
                struct err *err)
{
	struct search search = {.limits = limits, .found = found, .began_ns = clock_now_ns()};
	const struct crew_work work = {&search, take, run, count};

	*found = (struct found){0};
	search_init(&search, worlds, n);
	bool ok = crew_run(n, &work, err);
	found->interrupted = search_is_interrupted(limits);
	found->complete = ok && !found->interrupted && found->unsure == 0 && frontier_is_empty(&search.frontier);
	found->took_ns = clock_now_ns() - search.began_ns;
	if (found->complete)
		found->estimate = (double)found->schedules;
	found_sort(found);
	search_fini(&search, n);
	return ok;
}
