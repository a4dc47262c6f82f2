/* Events from workers to whoever watches: one ring per worker slot (a thread of a worker has its own), in
 * shared memory that is made before the fork. One writer and one reader each, no lock, no system call; a
 * full ring drops the new event but counts it, so that the reader sees the gap. A writer that dies in the
 * middle of an event leaves nothing behind: only whole events are published. */
#ifndef TRACE_RING_H
#define TRACE_RING_H

#include "base/err.h"
#include "trace/event.h"

struct ring_set;

/* `slots` rings of `events` events each (a power of two). */
struct ring_set *ring_set_new(size_t slots, size_t events, struct err *err) MUST_USE;
void ring_set_free(struct ring_set *set); /* in the process that made it */
size_t ring_set_slots(const struct ring_set *set);

/* The writing end of a slot: for the one process, or thread, that owns the slot at the time. A new process in
 * the slot opens it again and goes on where its predecessor stopped, as the next generation. */
struct ring_writer {
	struct ring *ring;
	size_t capacity;
	uint32_t slot, generation;
};
struct ring_writer ring_open_writer(struct ring_set *set, size_t slot);
/* Sets seq, slot, generation; t_ns where it is 0. */
void ring_put(struct ring_writer *writer, const struct event *event);
struct event_sink ring_sink(struct ring_writer *writer);

/* Takes all that is there, of all slots. `list->missing` grows by what was dropped. */
void ring_drain(struct ring_set *set, struct event_list *list);

#endif
