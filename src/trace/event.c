/* The names of events, and lists of them. */
#include "trace/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const names[EVENT_KINDS] = {
#define EVENTS_X(kind, name, value, detail) [EVENT_##kind] = name,
#include "trace/events.def"
#undef EVENTS_X
};

const char *event_kind_name(enum event_kind kind)
{
	return kind < EVENT_KINDS ? names[kind] : "?";
}

bool event_kind_of_name(const char *name, enum event_kind *kind)
{
	for (unsigned i = 0; i < EVENT_KINDS; i++) {
		if (!text_equal(names[i], name))
			continue;
		*kind = (enum event_kind)i;
		return true;
	}
	return false;
}

void event_text(char to[static EVENT_TEXT], const char *text)
{
	size_t length = strlen(text);

	if (length >= EVENT_TEXT) {
		fprintf(stderr, "racy: the name '%s' is too long for an event\n", text);
		abort();
	}
	memcpy(to, text, length + 1);
}

void event_list_add(struct event_list *list, const struct event *event)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
	list->items[list->n++] = *event;
}

void event_list_fini(struct event_list *list)
{
	free(list->items);
	*list = (struct event_list){0};
}

static int by_time(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->t_ns != b->t_ns)
		return a->t_ns < b->t_ns ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void event_list_sort(struct event_list *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof *list->items, by_time);
}
