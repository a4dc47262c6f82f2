/* A base's deposits are its own and what its writer had read: another base, and what was on top of that.
 * Where that may be several, what is in all of them is sure, and what is in any of them may be. A read ends
 * before the same request's write begins, so bases in the order of their writes' begins come after their
 * sources. */
#include "audit/content.h"

#include <stdlib.h>

#include "audit/added.h"

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

/* While it is built. */
struct content {
	struct lineage *lineage;
	struct size *sizes;
	struct added added;
	uint64_t *must; /* of one base and what is on top of it */
};

static void widen(struct size *size, const struct size *other, const struct added *added, bool first)
{
	size_t min = other->min + added->min, max = other->max + added->max;

	size->min = first || min < size->min ? min : size->min;
	size->max = first || max > size->max ? max : size->max;
	size->amount = other->amount + added->amount;
}

/* What is in all, and in any, of what this reading may have seen. */
static struct size merge(struct content *content, const struct reading *reading, const uint64_t *from,
                         uint64_t *must, uint64_t *may)
{
	const struct lineage *lineage = content->lineage;
	struct size size = {0};
	size_t stride = lineage->may.stride;
	bool first = true;

	for BITS_EACH(j, from, stride) {
		added_find(&content->added, lineage, reading, j);
		memcpy(content->must, bits_row(&lineage->must, j), stride * sizeof(uint64_t));
		bits_or(content->must, content->added.sure, stride);
		if (first)
			bits_or(must, content->must, stride);
		else
			bits_and(must, content->must, stride);
		bits_or(may, bits_row(&lineage->may, j), stride);
		bits_or(may, content->added.may, stride);
		widen(&size, &content->sizes[j], &content->added, first);
		first = false;
	}
	return size;
}

static struct size fill(struct content *content, size_t v)
{
	struct lineage *lineage = content->lineage;
	uint64_t *must = bits_row(&lineage->must, v), *may = bits_row(&lineage->may, v);
	size_t r = lineage->reading_of[v];
	struct size size = merge(content, &lineage->readings[r], bits_row(&lineage->sources, r), must, may);

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
	struct content content = {.lineage = lineage, .added = added_new(lineage)};

	lineage->must = bits_new(n, n);
	lineage->may = bits_new(n, n);
	lineage->must_final = mem_new(lineage->may.stride, sizeof *lineage->must_final);
	lineage->may_final = mem_new(lineage->may.stride, sizeof *lineage->may_final);
	content.sizes = mem_new(n, sizeof *content.sizes);
	content.must = mem_new(lineage->may.stride, sizeof *content.must);
	for (size_t v = 0; v < n; v++)
		order[v] = (struct by_write){lineage->versions[v].write_from, v};
	qsort(order, n, sizeof *order, by_write);
	for (size_t i = 1; i < n; i++) { /* the start is the first, and empty */
		if (!lineage->versions[order[i].version].adds)
			content.sizes[order[i].version] = fill(&content, order[i].version);
	}
	lineage->final = merge(&content, &lineage->end, lineage->finals, lineage->must_final, lineage->may_final);
	added_fini(&content.added);
	free(content.sizes);
	free(content.must);
	free(order);
}
