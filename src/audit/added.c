/* Some of what may be on top surely is, by its order and its times. The others must make up the rest of the
 * difference: a sum of which the parts are looked for. Amounts that are all the same tell how many; else all
 * ways to make the sum are tried, as far as they are few. */
#include "audit/added.h"

enum { MOST_STEPS = 400 }; /* of one search: those that matter have few parts, or amounts that tell themselves */

/* The parts of a sum. */
struct search {
	int64_t *amounts, *rest; /* largest first; rest: the sum of those from here on */
	size_t *versions;
	uint64_t *taken;         /* by part: this way; in all ways; in some */
	uint64_t *all, *some;
	size_t n, stride, min, max;
	int steps;
	bool found;
};

struct part {
	int64_t amount;
	size_t version;
};

struct added added_new(const struct lineage *lineage)
{
	size_t stride = lineage->after.stride;

	return (struct added){
		.sure = mem_new(stride, sizeof(uint64_t)), .may = mem_new(stride, sizeof(uint64_t)),
	};
}

void added_fini(struct added *added)
{
	free(added->sure);
	free(added->may);
	*added = (struct added){0};
}

/* ---- the parts of a sum --------------------------------------------------------------------------- */

static int largest_first(const void *left, const void *right)
{
	const struct part *a = left, *b = right;

	if (a->amount != b->amount)
		return a->amount > b->amount ? -1 : 1;
	return a->version < b->version ? -1 : 1;
}

static void take_way(struct search *search)
{
	size_t n = bits_count(search->taken, search->stride);

	if (!search->found)
		bits_or(search->all, search->taken, search->stride);
	bits_and(search->all, search->taken, search->stride);
	bits_or(search->some, search->taken, search->stride);
	search->min = !search->found || n < search->min ? n : search->min;
	search->max = !search->found || n > search->max ? n : search->max;
	search->found = true;
}

/* All ways to make `need` out of the parts from `at` on. */
static void look(struct search *search, size_t at, int64_t need)
{
	if (search->steps++ > MOST_STEPS)
		return;
	if (need == 0) {
		take_way(search);
		return;
	}
	if (at == search->n || need < 0 || need > search->rest[at])
		return;
	bit_set(search->taken, at);
	look(search, at + 1, need - search->amounts[at]);
	bit_clear(search->taken, at);
	look(search, at + 1, need);
}

/* Which ones are taken cannot be told, but how many. */
static bool count_equal(struct search *search, int64_t need)
{
	int64_t each = search->n > 0 ? search->amounts[0] : 1;
	int64_t n = need / each;

	if (search->n > 0 && search->amounts[search->n - 1] != each)
		return false;
	search->found = need % each == 0 && n >= 0 && n <= (int64_t)search->n;
	search->min = search->max = search->found ? (size_t)n : 0;
	for (size_t i = 0; i < search->n && search->found; i++) {
		if (n == (int64_t)search->n)
			bit_set(search->all, i);
		if (n > 0)
			bit_set(search->some, i);
	}
	return true;
}

static void find_parts(struct search *search, int64_t need)
{
	bool grows = search->n == 0 || search->amounts[search->n - 1] > 0;

	if (grows && count_equal(search, need))
		return;
	if (grows)
		look(search, 0, need);
	if (grows && search->steps <= MOST_STEPS)
		return;
	bits_clear(search->all, search->stride); /* too many ways, or amounts that shrink it: none to all of them */
	search->found = true;
	search->min = 0;
	search->max = search->n;
	for (size_t i = 0; i < search->n; i++)
		bit_set(search->some, i);
}

static struct search search_new(struct part *parts, size_t n)
{
	struct search search = {
		.amounts = mem_new(n, sizeof *search.amounts), .rest = mem_new(n + 1, sizeof *search.rest),
		.versions = mem_new(n, sizeof *search.versions), .n = n, .stride = n / 64 + 1,
	};

	search.taken = mem_new(search.stride * 3, sizeof *search.taken);
	search.all = search.taken + search.stride;
	search.some = search.all + search.stride;
	if (n > 0)
		qsort(parts, n, sizeof *parts, largest_first);
	for (size_t i = n; i-- > 0;) {
		search.amounts[i] = parts[i].amount;
		search.versions[i] = parts[i].version;
		search.rest[i] = search.rest[i + 1] + parts[i].amount;
	}
	return search;
}

static void search_fini(struct search *search)
{
	free(search->amounts);
	free(search->rest);
	free(search->versions);
	free(search->taken);
}

/* ---- what may be on top --------------------------------------------------------------------------- */

/* Visible before the read began; or, where what was read was locked, surely before what was then written. */
static bool surely_on_top(const struct lineage *lineage, const struct reading *reading, size_t base, size_t x)
{
	const struct version *version = &lineage->versions[x], *own = &lineage->versions[reading->version];
	bool locked = reading->version != 0 && own->sure && own->locked;

	if (!version->sure || !bit_get(bits_row(&lineage->after, base), x))
		return false;
	return version->seen_to <= reading->from ||
	       (locked && bit_get(bits_row(&lineage->before, reading->version), x));
}

/* What was read is before what was then written. */
static bool is_later(const struct lineage *lineage, const struct reading *reading, size_t x)
{
	const struct version *own = &lineage->versions[reading->version];

	if (lineage->versions[x].never || lineage->versions[x].seen_from >= reading->to)
		return true;
	return reading->version != 0 && own->sure &&
	       (x == reading->version || bit_get(bits_row(&lineage->after, reading->version), x));
}

/* Sorts those that may be on top into what surely is, and the parts of the rest; one of 0 tells nothing. */
static size_t gather(struct added *added, const struct lineage *lineage, const struct reading *reading,
                     size_t base, struct part *parts, int64_t *need)
{
	const uint64_t *before = bits_row(&lineage->before, base);
	size_t n = 0, stride = lineage->after.stride;

	for BITS_EACH(x, lineage->adders, stride) {
		int64_t amount = lineage->versions[x].puts;
		if (bit_get(before, x) || is_later(lineage, reading, x))
			continue;
		bit_set(added->may, x);
		if (surely_on_top(lineage, reading, base, x)) {
			bit_set(added->sure, x);
			*need -= amount;
		} else if (amount != 0) {
			parts[n++] = (struct part){amount, x};
		}
	}
	return n;
}

/* Where one of the parts would not be missed, the number is wrong; but what may be in the balance without
 * being on record makes the run inconclusive anyway. */
static void count(struct added *added, const struct lineage *lineage, const struct search *search)
{
	size_t sure = 0, told = bits_count(search->all, search->stride); /* these are among the sure ones */

	for BITS_EACH(x, added->sure, lineage->after.stride)
		sure += version_counts(&lineage->versions[x]);
	added->min = sure - told + search->min;
	added->max = sure - told + search->max;
}

void added_find(struct added *added, const struct lineage *lineage, const struct reading *reading, size_t base)
{
	int64_t need = reading->value - lineage->versions[base].puts;

	added->min = added->max = 0;
	added->amount = need;
	added->possible = need == 0;
	if (lineage->n_adders == 0)
		return;
	bits_clear(added->sure, lineage->after.stride);
	bits_clear(added->may, lineage->after.stride);
	struct part *parts = mem_new(lineage->n_adders, sizeof *parts);
	struct search search = search_new(parts, gather(added, lineage, reading, base, parts, &need));
	find_parts(&search, need);
	added->possible = search.found;
	for (size_t i = 0; i < search.n; i++) {
		if (bit_get(search.all, i))
			bit_set(added->sure, search.versions[i]);
		if (!bit_get(search.some, i))
			bit_clear(added->may, search.versions[i]);
	}
	count(added, lineage, &search);
	search_fini(&search);
	free(parts);
}
