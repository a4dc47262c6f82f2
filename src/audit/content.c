/* A version's deposits are its own and those of the version that its writer had read. Where that may be
 * several, what is in all of them is sure, and what is in any of them may be. A read ends before the same
 * request's write begins, so versions in the order of their writes' begins come after their sources. */
#include "audit/content.h"

#include <stdlib.h>

struct by_write {
	int64_t write_from;
	size_t version;
};

static int by_write(const void *left, const void *right)
{
	const struct by_write *a = left, *b = right;

	if (a->write_from != b->write_from)
		return a->write_from < b->write_from ? -1 : 1;
	return a->version < b->version ? -1 : 1;
}

bool version_counts(const struct version *version)
{
	return version->deposit != NULL && version->deposit->amount > 0 && version->deposit->recorded != FATE_NO;
}

static void widen(struct size *size, const struct size *other, bool first)
{
	size->min = first || other->min < size->min ? other->min : size->min;
	size->max = first || other->max > size->max ? other->max : size->max;
	size->amount = other->amount;
}

/* What is in all, and in any, of these versions. */
static struct size merge(const struct lineage *lineage, const struct size *sizes, const uint64_t *from,
                         uint64_t *must, uint64_t *may)
{
	struct size size = {0};
	size_t stride = lineage->may.stride;
	bool first = true;

	for BITS_EACH(j, from, stride) {
		const uint64_t *its = bits_row(&lineage->must, j);
		if (first)
			bits_or(must, its, stride);
		else
			bits_and(must, its, stride);
		bits_or(may, bits_row(&lineage->may, j), stride);
		widen(&size, &sizes[j], first);
		first = false;
	}
	return size;
}

static struct size fill(struct lineage *lineage, const struct size *sizes, size_t v)
{
	uint64_t *must = bits_row(&lineage->must, v), *may = bits_row(&lineage->may, v);
	const uint64_t *sources = bits_row(&lineage->sources, lineage->reading_of[v]);
	struct size size = merge(lineage, sizes, sources, must, may);

	bit_set(must, v);
	bit_set(may, v);
	if (version_counts(&lineage->versions[v])) {
		size.min++;
		size.max++;
		size.amount += lineage->versions[v].deposit->amount;
	}
	return size;
}

void content_build(struct lineage *lineage)
{
	size_t n = lineage->n;
	struct by_write *order = mem_new(n, sizeof *order);
	struct size *sizes = mem_new(n, sizeof *sizes);

	lineage->must = bits_new(n, n);
	lineage->may = bits_new(n, n);
	lineage->must_final = mem_new(lineage->may.stride, sizeof *lineage->must_final);
	lineage->may_final = mem_new(lineage->may.stride, sizeof *lineage->may_final);
	for (size_t v = 0; v < n; v++)
		order[v] = (struct by_write){lineage->versions[v].write_from, v};
	qsort(order, n, sizeof *order, by_write);
	for (size_t i = 1; i < n; i++) /* the start is the first, and empty */
		sizes[order[i].version] = fill(lineage, sizes, order[i].version);
	lineage->final = merge(lineage, sizes, lineage->finals, lineage->must_final, lineage->may_final);
	free(order);
	free(sizes);
}
