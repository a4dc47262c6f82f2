/* What was run, for the reduction: which step must come before which. */
#ifndef EXPLORE_TRACE_H
#define EXPLORE_TRACE_H

#include "explore/schedule.h"

struct trace_event {
	uint8_t who;
	uint16_t nth;    /* of its session, from 1 */
	struct footprint touches; /* its own, and of the statements that it woke */
	uint16_t clock[PLAY_MOST_SESSIONS]; /* how many events of each session come before it, or are it */
	uint16_t before[PLAY_MOST_SESSIONS]; /* the same without what only meets it: the session's own way to it */
};

struct trace {
	struct trace_event *events;
	size_t n, capacity;
};

/* Of the steps that were taken until now, all settled. */
void trace_read(struct trace *trace, const struct schedule *schedule);
/* Event i must come before event k. */
bool trace_precedes(const struct trace *trace, size_t i, size_t k);
/* Calls `meet` for each pair i < k of different sessions that meet with nothing between them. */
void trace_meetings(const struct trace *trace, void (*meet)(void *context, size_t i, size_t k), void *context);
void trace_fini(struct trace *trace);

#endif
