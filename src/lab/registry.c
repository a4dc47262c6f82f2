/* Scenarios by name and by path. */
#include "lab/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct scenario *const *all;
static size_t n_all;

void registry_set(const struct scenario *const *scenarios, size_t n)
{
	all = scenarios;
	n_all = n;
}

size_t registry_count(void)
{
	return n_all;
}

const struct scenario *registry_at(size_t i)
{
	return all[i];
}

/* Calls `visit` for every variant there is until it answers true. */
static bool each(bool (*visit)(void *context, const struct registry_entry *entry), void *context)
{
	for (size_t s = 0; s < n_all; s++)
		for (size_t o = 0; o < all[s]->n_operations; o++)
			for (size_t v = 0; v < all[s]->operations[o].n_variants; v++) {
				const struct operation *operation = &all[s]->operations[o];
				struct registry_entry entry = {all[s], operation, &operation->variants[v]};
				if (visit(context, &entry))
					return true;
			}
	return false;
}

struct search {
	const char *text;
	struct registry_entry *found;
};

static bool has_name(void *context, const struct registry_entry *entry)
{
	struct search *search = context;
	size_t length = strlen(entry->scenario->name);
	const char *name = search->text;

	if (strncmp(name, entry->scenario->name, length) == 0 && name[length] == '/')
		name += length + 1;
	if (!text_equal(name, entry->variant->name))
		return false;
	*search->found = *entry;
	return true;
}

static bool has_route(void *context, const struct registry_entry *entry)
{
	struct search *search = context;
	size_t route = strlen(entry->operation->route), name = strlen(entry->variant->name);

	if (strncmp(search->text, entry->operation->route, route) != 0 ||
	    strncmp(search->text + route, entry->variant->name, name) != 0 ||
	    !text_equal(search->text + route + name, "/"))
		return false;
	*search->found = *entry;
	return true;
}

/* How many letters must be added, removed or changed to make one text of the other (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	size_t *row = mem_new(n + 1, sizeof *row);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t best = diagonal + (a[i] != b[j]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	size_t result = row[n];
	free(row);
	return result;
}

struct name {
	char *text;
	size_t distance;
};

struct names {
	const char *wanted;
	struct name *items;
	size_t n, capacity;
};

static bool collect(void *context, const struct registry_entry *entry)
{
	struct names *names = context;
	const char *slash = strrchr(names->wanted, '/');
	const char *wanted = slash != NULL ? slash + 1 : names->wanted;

	names->items = mem_grow(names->items, &names->capacity, names->n + 1, sizeof *names->items);
	names->items[names->n++] = (struct name){
		mem_printf("%s/%s", entry->scenario->name, entry->variant->name),
		distance(wanted, entry->variant->name),
	};
	return false;
}

static int nearest_first(const void *left, const void *right)
{
	const struct name *a = left, *b = right;

	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return strcmp(a->text, b->text);
}

static void say_what_there_is(const char *name, struct err *err)
{
	struct names names = {.wanted = name};
	struct str text = {0};

	each(collect, &names);
	qsort(names.items, names.n, sizeof *names.items, nearest_first);
	for (size_t i = 0; i < names.n; i++) {
		str_printf(&text, "%s%s", i > 0 ? ", " : "", names.items[i].text);
		free(names.items[i].text);
	}
	err_set(err, "there is no '%s'; there are: %s", name, str_text(&text));
	str_fini(&text);
	free(names.items);
}

bool registry_find(const char *name, struct registry_entry *entry, struct err *err)
{
	if (each(has_name, &(struct search){name, entry}))
		return true;
	say_what_there_is(name, err);
	return false;
}

bool registry_route(const char *path, struct registry_entry *entry)
{
	return each(has_route, &(struct search){path, entry});
}
