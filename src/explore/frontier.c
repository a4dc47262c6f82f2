/* A stack for each number of preemptions, so that what is kept stays small. */
#include "explore/frontier.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct frontier_level *level_of(struct frontier *frontier, unsigned preemptions)
{
	frontier->levels =
		mem_grow(frontier->levels, &frontier->capacity, (size_t)preemptions + 1, sizeof *frontier->levels);
	while (frontier->n <= preemptions)
		frontier->levels[frontier->n++] = (struct frontier_level){0};
	return &frontier->levels[preemptions];
}

static void push(struct frontier *frontier, struct prefix prefix)
{
	struct frontier_level *level = level_of(frontier, prefix.preemptions);

	level->items = mem_grow(level->items, &level->capacity, level->n + 1, sizeof *level->items);
	level->items[level->n++] = prefix;
}

void frontier_add_root(struct frontier *frontier)
{
	push(frontier, (struct prefix){.share = 1});
}

void frontier_add(struct frontier *frontier, const struct choice *choices, size_t n, struct choice last,
                  unsigned preemptions, double share)
{
	struct prefix prefix = {mem_new(n + 1, sizeof last), n + 1, preemptions, share};

	if (n > 0)
		memcpy(prefix.choices, choices, n * sizeof last);
	prefix.choices[n] = last;
	push(frontier, prefix);
}

bool frontier_is_empty(const struct frontier *frontier)
{
	for (size_t i = 0; i < frontier->n; i++)
		if (frontier->levels[i].n > 0)
			return false;
	return true;
}

bool frontier_take(struct frontier *frontier, unsigned most, struct prefix *prefix)
{
	for (size_t i = 0; i < frontier->n && i <= most; i++) {
		struct frontier_level *level = &frontier->levels[i];
		if (level->n == 0)
			continue;
		*prefix = level->items[--level->n];
		return true;
	}
	return false;
}

void frontier_fini(struct frontier *frontier)
{
	for (size_t i = 0; i < frontier->n; i++) {
		for (size_t k = 0; k < frontier->levels[i].n; k++)
			free(frontier->levels[i].items[k].choices);
		free(frontier->levels[i].items);
	}
	free(frontier->levels);
	*frontier = (struct frontier){0};
}
