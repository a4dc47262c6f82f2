/* One single-writer, single-reader queue per worker slot, in memory shared over fork.
 *
 * An event's seq is the number of events published plus the number dropped, plus one: there is no
 * counter that a writer killed in the middle could leave half changed. */
#include "trace/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/mem.h"

struct ring {
	/* the writer's */
	_Atomic uint64_t published, dropped;
	_Atomic uint32_t generation;
	/* the reader's; on a cache line of its own, so that reading does not slow the writer */
	_Alignas(64) _Atomic uint64_t taken;
	uint64_t dropped_seen;
	_Alignas(64) struct event items[];
};

struct ring_set {
	unsigned char *memory;
	size_t bytes, stride, slots, capacity;
};

static struct ring *ring_at(const struct ring_set *set, size_t slot)
{
	assert(slot < set->slots);
	return (struct ring *)(void *)(set->memory + slot * set->stride);
}

struct ring_set *ring_set_new(size_t slots, size_t events, struct err *err)
{
	assert(events > 0 && (events & (events - 1)) == 0);
	size_t stride = (sizeof(struct ring) + events * sizeof(struct event) + 63) / 64 * 64;
	void *memory = mmap(NULL, slots * stride, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		err_set(err, "no memory for recording: %s", strerror(errno));
		return NULL;
	}
	struct ring_set *set = mem_new(1, sizeof *set);
	*set = (struct ring_set){memory, slots * stride, stride, slots, events};
	return set;
}

void ring_set_free(struct ring_set *set)
{
	if (set == NULL)
		return;
	munmap(set->memory, set->bytes);
	free(set);
}

size_t ring_set_slots(const struct ring_set *set)
{
	return set->slots;
}

struct ring_writer ring_open_writer(struct ring_set *set, size_t slot)
{
	struct ring *ring = ring_at(set, slot);

	return (struct ring_writer){
		.ring = ring,
		.capacity = set->capacity,
		.slot = (uint32_t)slot,
		.generation = atomic_fetch_add_explicit(&ring->generation, 1, memory_order_relaxed) + 1,
	};
}

void ring_put(struct ring_writer *writer, const struct event *event)
{
	struct ring *ring = writer->ring;
	uint64_t published = atomic_load_explicit(&ring->published, memory_order_relaxed);
	uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
	uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);

	if (published - taken >= writer->capacity) {
		atomic_store_explicit(&ring->dropped, dropped + 1, memory_order_release);
		return;
	}
	struct event *item = &ring->items[published & (writer->capacity - 1)];
	*item = *event;
	item->seq = published + dropped + 1;
	item->slot = writer->slot;
	item->generation = writer->generation;
	if (item->t_ns == 0)
		item->t_ns = clock_now_ns();
	atomic_store_explicit(&ring->published, published + 1, memory_order_release);
}

static void put(void *context, const struct event *event)
{
	ring_put(context, event);
}

struct event_sink ring_sink(struct ring_writer *writer)
{
	return (struct event_sink){writer, put};
}

static void drain_one(struct ring *ring, size_t capacity, struct event_list *list)
{
	uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
	uint64_t published = atomic_load_explicit(&ring->published, memory_order_acquire);

	for (; taken < published; taken++)
		event_list_add(list, &ring->items[taken & (capacity - 1)]);
	atomic_store_explicit(&ring->taken, taken, memory_order_release);
	uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_acquire);
	list->missing += dropped - ring->dropped_seen;
	ring->dropped_seen = dropped;
}

void ring_drain(struct ring_set *set, struct event_list *list)
{
	for (size_t i = 0; i < set->slots; i++)
		drain_one(ring_at(set, i), set->capacity, list);
}
