/* Happens-before by vector clocks. A statement that waited is two things: that it was sent, in its own step, and what
 * came of it, in the step that woke it. */
#include "explore/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void join(uint16_t *clock, const uint16_t *other)
{
	for (size_t i = 0; i < PLAY_MOST_SESSIONS; i++)
		if (other[i] > clock[i])
			clock[i] = other[i];
}

/* ---- footprints ------------------------------------------------------------------------------------------ */

/* What came of a statement, given what its transaction had touched. */
static struct footprint outcome_of(const struct schedule_step *step, table_set touched)
{
	struct footprint outcome = {0};
	/* Also a statement that was its own transaction, or that the engine refused with all that was before it. */
	bool ends = step->what.ended && step->what.tx != DB_TX_OPEN;

	if (ends)
		outcome.ends = touched;
	return outcome;
}

static void add_footprints(struct trace *trace, const struct schedule *schedule)
{
	table_set touched[PLAY_MOST_SESSIONS] = {0};

	for (size_t i = 0; i < schedule->n; i++) {
		const struct schedule_step *step = &schedule->steps[i];
		size_t at = step->waited && step->woken_by < schedule->n ? step->woken_by : i;
		trace->events[i].touches = footprint_union(trace->events[i].touches, step->what.touches);
		touched[step->who] |= step->what.touches.locks;
		struct footprint outcome = outcome_of(step, touched[step->who]);
		if (at != i)
			outcome = footprint_union(outcome, step->what.touches);
		trace->events[at].touches = footprint_union(trace->events[at].touches, outcome);
		if (step->what.ended && step->what.tx != DB_TX_OPEN)
			touched[step->who] = 0;
	}
}

/* ---- what comes before what -------------------------------------------------------------------------------- */

bool trace_precedes(const struct trace *trace, size_t i, size_t k)
{
	return trace->events[k].clock[trace->events[i].who] >= trace->events[i].nth;
}

/* The event's own way: the step before it of its session, and what woke that. */
static void begin_clock(struct trace *trace, const struct schedule *schedule, size_t k)
{
	struct trace_event *event = &trace->events[k];

	event->nth = 1;
	for (size_t i = k; i-- > 0;) {
		if (trace->events[i].who != event->who)
			continue;
		const struct schedule_step *step = &schedule->steps[i];
		event->nth = (uint16_t)(trace->events[i].nth + 1);
		join(event->clock, trace->events[i].clock);
		if (step->waited && step->woken_by < k)
			join(event->clock, trace->events[step->woken_by].clock);
		break;
	}
	memcpy(event->before, event->clock, sizeof event->before);
	event->clock[event->who] = event->nth;
}

/* What it woke was sent before. */
static void add_woken(struct trace *trace, const struct schedule *schedule, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (schedule->steps[i].waited && schedule->steps[i].woken_by == k)
			join(trace->events[k].clock, trace->events[i].clock);
}

static bool meets(const struct trace *trace, size_t i, size_t k)
{
	return trace->events[i].who != trace->events[k].who &&
	       footprints_meet(trace->events[i].touches, trace->events[k].touches);
}

void trace_read(struct trace *trace, const struct schedule *schedule)
{
	trace->events = mem_grow(trace->events, &trace->capacity, schedule->n, sizeof *trace->events);
	trace->n = schedule->n;
	for (size_t k = 0; k < trace->n; k++)
		trace->events[k] = (struct trace_event){.who = (uint8_t)schedule->steps[k].who};
	add_footprints(trace, schedule);
	for (size_t k = 0; k < trace->n; k++) {
		begin_clock(trace, schedule, k);
		for (size_t i = k; i-- > 0;)
			if (meets(trace, i, k))
				join(trace->events[k].clock, trace->events[i].clock);
		add_woken(trace, schedule, k);
	}
}

void trace_meetings(const struct trace *trace, void (*meet)(void *context, size_t i, size_t k), void *context)
{
	for (size_t k = 0; k < trace->n; k++) {
		uint16_t clock[PLAY_MOST_SESSIONS];
		memcpy(clock, trace->events[k].before, sizeof clock);
		for (size_t i = k; i-- > 0;) {
			if (!meets(trace, i, k) || clock[trace->events[i].who] >= trace->events[i].nth)
				continue;
			meet(context, i, k);
			join(clock, trace->events[i].clock);
		}
	}
}

void trace_fini(struct trace *trace)
{
	free(trace->events);
	*trace = (struct trace){0};
}
