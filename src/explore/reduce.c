/* A stack of nodes, one for each choice of the order that runs; each knows who is still to be chosen there, and who
 * need not be, since an equal order was run. */
#include "explore/reduce.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "explore/trace.h"

enum { TRIES_AGAIN = 5 };

typedef uint8_t session_set;
#define BIT(who) ((session_set)(1U << (who)))

struct node {
	uint8_t chosen;
	session_set options, wanted; /* who can be chosen; who is to be */
	session_set done, asleep;    /* who was; who was in an equal order */
	uint64_t mark;
	struct footprint of[PLAY_MOST_SESSIONS]; /* of the done and the sleeping ones */
};

struct reduction {
	const struct search_limits *limits;
	struct found *found;
	struct node *nodes;
	size_t depth, at, capacity;
	struct schedule schedule;
	struct trace trace;
	bool diverged, pruned;
	size_t diverged_at;
	uint64_t diverged_mark;
};

/* ---- choosing -------------------------------------------------------------------------------------------- */

/* Who sleeps behind the last node: those whose step does not meet what was done there. */
static void inherit_sleep(struct reduction *reduction, struct node *node)
{
	const struct node *last = node - 1;
	session_set before = (last->asleep | last->done) & (session_set)~BIT(last->chosen);

	if (before == 0)
		return;
	trace_read(&reduction->trace, &reduction->schedule);
	const struct footprint touched = reduction->trace.events[reduction->at - 1].touches;
	for (size_t i = 0; i < PLAY_MOST_SESSIONS; i++) {
		if ((before & BIT(i)) == 0 || footprints_meet(last->of[i], touched))
			continue;
		node->asleep |= BIT(i);
		node->of[i] = last->of[i];
	}
}

static struct node *add_node(struct reduction *reduction, session_set options, uint64_t mark)
{
	struct node *node;

	reduction->nodes =
		mem_grow(reduction->nodes, &reduction->capacity, reduction->depth + 1, sizeof *reduction->nodes);
	node = &reduction->nodes[reduction->depth++];
	*node = (struct node){.options = options, .mark = mark};
	if (reduction->at > 0)
		inherit_sleep(reduction, node);
	session_set awake = options & (session_set)~node->asleep;
	if (awake == 0)
		return NULL;
	bool stays = reduction->at > 0 && (awake & BIT(node[-1].chosen)) != 0;
	node->chosen = stays ? node[-1].chosen : (uint8_t)__builtin_ctz(awake);
	node->wanted = BIT(node->chosen);
	return node;
}

static int choose(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	struct reduction *reduction = context;
	uint64_t mark = search_mark(who, next, n);
	session_set options = 0;
	struct node *node;

	if (search_is_interrupted(reduction->limits))
		return CHOOSE_STOP;
	for (size_t i = 0; i < n; i++)
		options |= BIT(who[i]);
	if (reduction->at < reduction->depth)
		node = &reduction->nodes[reduction->at];
	else
		node = add_node(reduction, options, mark);
	reduction->pruned = node == NULL;
	reduction->diverged = node != NULL && node->mark != mark;
	reduction->diverged_at = reduction->at;
	reduction->diverged_mark = mark;
	if (reduction->pruned || reduction->diverged)
		return CHOOSE_STOP;
	reduction->at++;
	for (size_t i = 0; i < n; i++)
		if (who[i] == node->chosen)
			return (int)i;
	abort(); /* equal marks have equal options */
}

/* ---- what else is to be run ---------------------------------------------------------------------------------- */

/* Who could take the first step behind event i, of what does not come after it, so that k is before i. */
static session_set initials_of(const struct trace *trace, size_t i, size_t k)
{
	session_set seen = 0, initials = 0;

	for (size_t m = i + 1; m <= k; m++) {
		bool first = true;
		if (m != k && trace_precedes(trace, i, m))
			continue;
		if ((seen & BIT(trace->events[m].who)) != 0)
			continue;
		for (size_t l = i + 1; l < m && first; l++)
			first = trace_precedes(trace, i, l) || !trace_precedes(trace, l, m);
		seen |= BIT(trace->events[m].who);
		if (first)
			initials |= BIT(trace->events[m].who);
	}
	return initials;
}

static void want_other_way(void *context, size_t i, size_t k)
{
	struct reduction *reduction = context;
	struct node *node = &reduction->nodes[i];
	session_set initials = initials_of(&reduction->trace, i, k);

	if ((initials & (node->wanted | node->done)) != 0)
		return;
	initials &= node->options;
	if (initials == 0)
		node->wanted = node->options;
	else if ((initials & BIT(reduction->trace.events[k].who)) != 0)
		node->wanted |= BIT(reduction->trace.events[k].who);
	else
		node->wanted |= BIT(__builtin_ctz(initials));
}

/* To the next order; false: there is none. */
static bool move_on(struct reduction *reduction)
{
	trace_read(&reduction->trace, &reduction->schedule);
	trace_meetings(&reduction->trace, want_other_way, reduction);
	for (size_t i = 0; i < reduction->trace.n; i++)
		reduction->nodes[i].of[reduction->nodes[i].chosen] = reduction->trace.events[i].touches;
	for (reduction->depth = reduction->trace.n; reduction->depth > 0; reduction->depth--) {
		struct node *node = &reduction->nodes[reduction->depth - 1];
		node->done |= BIT(node->chosen);
		session_set left = node->wanted & node->options & (session_set)~(node->done | node->asleep);
		if (left != 0) {
			node->chosen = (uint8_t)__builtin_ctz(left);
			return true;
		}
	}
	return false;
}

/* ---- the walk ------------------------------------------------------------------------------------------------- */

static bool run_once(struct reduction *reduction, struct world *world, size_t depth, struct err *err)
{
	const struct chooser chooser = {reduction, choose};

	reduction->at = 0;
	reduction->depth = depth;
	reduction->diverged = reduction->pruned = false;
	schedule_run(world, &chooser, &reduction->schedule, err);
	return reduction->schedule.result != SCHEDULE_FAILED;
}

/* Again where it went another way. When it goes the same other way each time, the run that it came of was the odd one
 * (see search.c): what lies beyond is run as it is now. */
static bool run_one(struct reduction *reduction, struct world *world, struct err *err)
{
	const size_t settled = reduction->depth;
	size_t first_at = 0;
	uint64_t first_mark = 0;
	bool alike = true;

	for (int tries = 0; tries < TRIES_AGAIN; tries++) {
		if (!run_once(reduction, world, settled, err))
			return false;
		if (!reduction->diverged)
			return true;
		reduction->found->diverged++;
		alike = alike && (tries == 0 || (reduction->diverged_at == first_at &&
		                                 reduction->diverged_mark == first_mark));
		first_at = reduction->diverged_at;
		first_mark = reduction->diverged_mark;
	}
	return !alike || run_once(reduction, world, first_at, err);
}

bool search_reduced(struct world *world, const struct search_limits *limits, struct found *found, struct err *err)
{
	struct reduction reduction = {.limits = limits, .found = found};
	const int64_t began_ns = clock_now_ns();
	bool ok = true, more = true;

	*found = (struct found){.reduced = true};
	while (ok && more && !search_is_enough(limits, found, 0, began_ns)) {
		ok = run_one(&reduction, world, err);
		if (!ok)
			break;
		found->pruned += reduction.pruned;
		found_note(found, world_play(world), limits->serial, &reduction.schedule, reduction.diverged);
		more = !search_is_interrupted(limits) && move_on(&reduction);
		search_tell(limits, found);
	}
	found->interrupted = search_is_interrupted(limits);
	found->complete = ok && !more && found->unsure == 0 && !found->interrupted;
	found->took_ns = clock_now_ns() - began_ns;
	schedule_fini(&reduction.schedule);
	trace_fini(&reduction.trace);
	free(reduction.nodes);
	return ok;
}
