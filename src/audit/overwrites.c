/* A lost deposit was erased by the write that followed the last balance with the deposit in it. Where
 * the order or the reads leave several balances or several writes for that, all of them are kept as
 * possible; a write is reported when it is the only one possible for some deposit, or when it erased
 * the same number of deposits whatever it wrote over. */
#include "audit/overwrites.h"

#include "audit/findings.h"

/* The deposit may have been erased for good by version `by`, which wrote over version `over`. */
struct loss {
	size_t by, over, deposit;
	bool certain; /* if it did write over that one, it did erase the deposit */
	bool sole;    /* and surely so: no other write can have erased it */
};

struct losses {
	struct loss *list;
	size_t n, capacity;
};

/* Where one deposit is: by version. */
struct holders {
	const struct lineage *lineage;
	size_t deposit;
	uint64_t *must, *may; /* surely in, and existing; may be in */
	bool lost;            /* surely; else it may be */
};

static void find_holders(struct holders *holders, size_t deposit)
{
	const struct lineage *lineage = holders->lineage;
	const struct version *version = &lineage->versions[deposit];

	holders->deposit = deposit;
	holders->lost = version->sure && version->deposit->recorded == FATE_YES &&
	                !bit_get(lineage->may_final, deposit);
	bits_clear(holders->must, lineage->after.stride);
	bits_clear(holders->may, lineage->after.stride);
	for (size_t v = 1; v < lineage->n; v++) {
		if (lineage->versions[v].never)
			continue;
		if (bit_get(bits_row(&lineage->may, v), deposit))
			bit_set(holders->may, v);
		if (lineage->versions[v].sure && bit_get(bits_row(&lineage->must, v), deposit))
			bit_set(holders->must, v);
	}
}

static bool meet(const uint64_t *a, const uint64_t *b, size_t stride)
{
	for (size_t w = 0; w < stride; w++) {
		if ((a[w] & b[w]) != 0)
			return true;
	}
	return false;
}

/* The deposit was in `over` and in nothing that may have come later. */
static bool certainly_last(const struct holders *holders, size_t over, size_t by)
{
	const struct lineage *lineage = holders->lineage;
	const uint64_t *before = bits_row(&lineage->before, by);

	if (!holders->lost || !bit_get(bits_row(&lineage->must, over), holders->deposit) ||
	    bit_get(holders->may, by))
		return false;
	for BITS_EACH(x, holders->may, lineage->after.stride) {
		if (x != over && !bit_get(before, x))
			return false;
	}
	return true;
}

static void add_losses_after(struct losses *losses, const struct holders *holders, size_t over)
{
	const struct lineage *lineage = holders->lineage;
	size_t stride = lineage->after.stride;

	for (size_t by = 1; by < lineage->n; by++) {
		if (lineage->versions[by].never || !lineage_may_precede(lineage, over, by) ||
		    bit_get(bits_row(&lineage->must, by), holders->deposit) ||
		    meet(holders->must, bits_row(&lineage->after, by), stride))
			continue;
		losses->list = mem_grow(losses->list, &losses->capacity, losses->n + 1, sizeof *losses->list);
		losses->list[losses->n++] = (struct loss){
			.by = by, .over = over, .deposit = holders->deposit,
			.certain = certainly_last(holders, over, by),
		};
	}
}

static void add_losses_of(struct losses *losses, const struct holders *holders)
{
	size_t stride = holders->lineage->after.stride, first = losses->n;

	for BITS_EACH(over, holders->may, stride) {
		if (!meet(holders->must, bits_row(&holders->lineage->after, over), stride))
			add_losses_after(losses, holders, over);
	}
	bool sole = holders->lost && losses->n > first;
	for (size_t i = first; i < losses->n; i++)
		sole &= losses->list[i].by == losses->list[first].by;
	for (size_t i = first; i < losses->n; i++)
		losses->list[i].sole = sole;
}

static int by_write(const void *left, const void *right)
{
	const struct loss *a = left, *b = right;

	if (a->by != b->by)
		return a->by < b->by ? -1 : 1;
	if (a->over != b->over)
		return a->over < b->over ? -1 : 1;
	return a->deposit < b->deposit ? -1 : a->deposit > b->deposit;
}

static void find_losses(struct losses *losses, const struct lineage *lineage)
{
	struct holders holders = {.lineage = lineage};

	holders.must = mem_new(lineage->after.stride, sizeof *holders.must);
	holders.may = mem_new(lineage->after.stride, sizeof *holders.may);
	for (size_t v = 1; v < lineage->n; v++) {
		if (lineage->versions[v].never || !version_counts(&lineage->versions[v]) ||
		    bit_get(lineage->must_final, v))
			continue;
		find_holders(&holders, v);
		add_losses_of(losses, &holders);
	}
	free(holders.must);
	free(holders.may);
	if (losses->n > 0)
		qsort(losses->list, losses->n, sizeof *losses->list, by_write);
}

/* ---- what can be said of one write -------------------------------------------------------------- */

/* What a write did, in all that is possible. */
struct deed {
	uint64_t *erased;     /* deposits that it may have erased */
	uint64_t *sole;       /* deposits that it alone can have erased */
	uint64_t *over;       /* versions that it may have written over */
	int64_t over_value;
	size_t n_gone;        /* how many it erased, whatever it wrote over */
	bool counted, agreed; /* n_gone is known; over_value is */
};

static void deed_clear(struct deed *deed, size_t stride)
{
	bits_clear(deed->erased, stride);
	bits_clear(deed->sole, stride);
	bits_clear(deed->over, stride);
	deed->counted = deed->agreed = true;
	deed->n_gone = 0;
}

/* What it did if it wrote over `over`: the losses of that pair. */
static void weigh(struct deed *deed, const struct lineage *lineage, size_t over, const struct loss *losses,
                  size_t n)
{
	size_t sole = 0, certain = 0;

	for (size_t i = 0; i < n; i++) {
		sole += losses[i].sole;
		certain += losses[i].sole || losses[i].certain;
	}
	if (sole < bits_count(deed->sole, lineage->after.stride))
		return; /* it erased one that was not in there: it wrote over another */
	bool first = bits_count(deed->over, lineage->after.stride) == 0;
	deed->counted &= certain == n && (first || n == deed->n_gone);
	deed->agreed &= first || lineage->versions[over].puts == deed->over_value;
	deed->n_gone = n;
	deed->over_value = lineage->versions[over].puts;
	bit_set(deed->over, over);
	for (size_t i = 0; i < n; i++)
		bit_set(deed->erased, losses[i].deposit);
}

static int by_number(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static uint32_t *requests_of(const struct lineage *lineage, const uint64_t *versions, size_t *n)
{
	size_t stride = lineage->after.stride;
	uint32_t *requests = mem_new(bits_count(versions, stride), sizeof *requests);

	*n = 0;
	for BITS_EACH(v, versions, stride)
		requests[(*n)++] = lineage->versions[v].deposit->request;
	if (*n > 0)
		qsort(requests, *n, sizeof *requests, by_number);
	return requests;
}

static void report(const struct lineage *lineage, const struct deed *deed, size_t by,
                   struct findings *findings)
{
	const struct deposit *writer = lineage->versions[by].deposit;
	size_t stride = lineage->after.stride;
	struct overwrite overwrite = {
		.writer = writer->request, .read_value = writer->read->value, .read_ns = writer->read->end_ns,
		.over_value = deed->over_value, .over_committed = true,
		.wrote_value = writer->write->value, .wrote_ns = writer->write->end_ns,
	};

	overwrite.erased = requests_of(lineage, deed->counted ? deed->erased : deed->sole,
	                               &overwrite.n_erased);
	overwrite.n_gone = deed->counted ? deed->n_gone : overwrite.n_erased;
	overwrite.over_writers = requests_of(lineage, deed->over, &overwrite.n_over_writers);
	for BITS_EACH(over, deed->over, stride) {
		const struct deposit *other = lineage->versions[over].deposit;
		const struct history_step *last = other->write_in_tx ? other->commit : other->write;
		overwrite.over_committed &= other->write_in_tx;
		overwrite.over_ns = overwrite.n_over_writers == 1 ? last->end_ns : 0;
	}
	findings->overwrites = mem_resize(findings->overwrites, findings->n_overwrites + 1,
	                                  sizeof *findings->overwrites);
	findings->overwrites[findings->n_overwrites++] = overwrite;
}

/* The losses by one write, sorted by what it wrote over. */
static void judge_write(const struct lineage *lineage, struct deed *deed, const struct loss *losses, size_t n,
                        struct findings *findings)
{
	size_t by = losses[0].by, next = 0;

	deed_clear(deed, lineage->after.stride);
	for (size_t i = 0; i < n; i++) {
		if (losses[i].sole)
			bit_set(deed->sole, losses[i].deposit);
	}
	for (size_t over = 0; over < lineage->n; over++) {
		size_t first = next;
		while (next < n && losses[next].over == over)
			next++;
		if (lineage_may_precede(lineage, over, by))
			weigh(deed, lineage, over, losses + first, next - first);
	}
	bool accused = (deed->counted && deed->n_gone > 0) || bits_count(deed->sole,
	                                                                 lineage->after.stride) > 0;
	if (lineage->versions[by].sure && deed->agreed && accused)
		report(lineage, deed, by, findings);
}

void overwrites_find(const struct lineage *lineage, struct findings *findings)
{
	size_t stride = lineage->after.stride;
	struct losses losses = {0};
	struct deed deed = {
		.erased = mem_new(stride, sizeof *deed.erased), .sole = mem_new(stride, sizeof *deed.sole),
		.over = mem_new(stride, sizeof *deed.over),
	};

	find_losses(&losses, lineage);
	for (size_t i = 0, n; i < losses.n; i += n) {
		for (n = 1; i + n < losses.n && losses.list[i + n].by == losses.list[i].by; n++)
			;
		judge_write(lineage, &deed, losses.list + i, n, findings);
	}
	free(losses.list);
	free(deed.erased);
	free(deed.sole);
	free(deed.over);
}
