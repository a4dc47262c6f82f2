/* Everything that happens, as one type. Events are facts; verdicts are computed later, by audits.
 *
 * Times of one machine can be compared (CLOCK_MONOTONIC), but between processes there is no total
 * order: two calls whose intervals overlap happened in an unknown order. */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
#define EVENTS_X(kind, name, value, detail) EVENT_##kind,
#include "trace/events.def"
#undef EVENTS_X
	EVENT_KINDS
};
const char *event_kind_name(enum event_kind kind);
bool event_kind_of_name(const char *name, enum event_kind *kind);

enum { EVENT_TEXT = 32 }; /* bytes of a text in an event, NUL included; longer names are a bug */

struct event {
	/* set by the writer (see ring.h) */
	uint64_t seq;        /* counts a slot's events from 1, without gaps: a loss shows */
	uint32_t slot;       /* which worker, or which of its threads */
	uint32_t generation; /* which process in that slot: a respawned worker differs */
	int64_t t_ns;        /* CLOCK_MONOTONIC */
	/* the fact */
	enum event_kind kind;
	uint32_t request; /* i of X-Racy-Request: RUN/i; 0: none was given */
	uint32_t attempt; /* from 1 */
	uint32_t step;    /* n-th step of the attempt, from 1; begin and end share it */
	uint32_t tx;      /* calls' ends: enum db_tx, where the call left the transaction */
	int32_t native;   /* calls' ends: the engine's own error number */
	uint32_t traits;  /* calls' begins: of enum db_trait */
	int64_t key, value, detail;
	char op[EVENT_TEXT];    /* the variant */
	char label[EVENT_TEXT]; /* the step's name: "read balance" */
	char table[EVENT_TEXT];
};

/* Copies a name; one that does not fit ends the program (names are ours, never input). */
void event_text(char to[static EVENT_TEXT], const char *text);

/* Where events go. */
struct event_sink {
	void *context;
	void (*put)(void *context, const struct event *event);
};

/* A list of events on the heap. */
struct event_list {
	struct event *items;
	size_t n, capacity;
	uint64_t missing; /* events that were lost on the way here: seq had gaps */
};
void event_list_add(struct event_list *list, const struct event *event);
void event_list_fini(struct event_list *list);
/* By time, a writer's own order kept. */
void event_list_sort(struct event_list *list);

#endif
