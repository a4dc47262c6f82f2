/* Who erased whom: a base is put over the balance before it, and what was in that and is not in its own is
 * erased. That balance is another base, and what was added on top of it. Where the events leave several
 * that it may have written over, a claim is made only if it holds for each of them. What adds to the balance
 * erases nothing, and neither does who had locked what it read. */
#include "audit/overwrites.h"

#include "audit/findings.h"

/* What one write did, in all that is possible. */
struct deed {
	uint64_t *over;    /* the versions that it may have written over */
	uint64_t *sure;    /* erased, whichever of them it was */
	uint64_t *maybe;   /* erased, if it was some of them */
	uint64_t *must_top, *may_top; /* on top of one base; unused where nobody adds */
	size_t n_over;
	int64_t over_value;
	size_t n_gone;     /* how many it erased, whichever it was */
	bool first;        /* none was weighed yet */
	bool counted;      /* n_gone is known */
	bool agreed;       /* over_value is */
	size_t *last_with; /* of each deposit: the last base that surely holds it; 0: none */
};

static void deed_clear(struct deed *deed, size_t stride)
{
	bits_clear(deed->over, stride);
	bits_clear(deed->sure, stride);
	bits_clear(deed->maybe, stride);
	deed->n_over = deed->n_gone = 0;
	deed->first = deed->counted = deed->agreed = true;
}

/* What is on top of `base` when `by` is written: true if all of it is known, and then the balance that it
 * makes. */
static bool stack(struct deed *deed, const struct lineage *lineage, size_t base, size_t by, int64_t *value)
{
	const uint64_t *after = bits_row(&lineage->after, base), *before = bits_row(&lineage->before, base);
	const uint64_t *after_by = bits_row(&lineage->after, by), *before_by = bits_row(&lineage->before, by);
	bool known = true;

	*value = lineage->versions[base].puts;
	bits_clear(deed->must_top, lineage->after.stride);
	bits_clear(deed->may_top, lineage->after.stride);
	for BITS_EACH(x, lineage->adders, lineage->after.stride) {
		const struct version *version = &lineage->versions[x];
		if (version->never || bit_get(before, x) || bit_get(after_by, x))
			continue;
		bit_set(deed->may_top, x);
		if (lineage_may_precede(lineage, lineage->existing, x, by)) {
			deed->n_over += !bit_get(deed->over, x);
			bit_set(deed->over, x);
		}
		if (version->sure && bit_get(after, x) && bit_get(before_by, x)) {
			bit_set(deed->must_top, x);
			*value += version->puts;
		} else {
			known &= version->puts == 0;
		}
	}
	return known;
}

/* If `by` wrote over `base` and what was on top of it: what is erased is in there and not in its own. */
static void weigh(struct deed *deed, const struct lineage *lineage, const uint64_t *counting, size_t base,
                  size_t by)
{
	const uint64_t *must_by = bits_row(&lineage->must, by), *may_by = bits_row(&lineage->may, by);
	const uint64_t *must_base = bits_row(&lineage->must, base), *may_base = bits_row(&lineage->may, base);
	bool adders = lineage->n_adders > 0, known = true;
	size_t n_sure = 0, n_maybe = 0;
	int64_t value = lineage->versions[base].puts;

	if (!adders || lineage_may_precede(lineage, lineage->existing, base, by)) {
		bit_set(deed->over, base);
		deed->n_over++;
	}
	if (adders)
		known = stack(deed, lineage, base, by, &value);
	deed->agreed &= known && (deed->first || value == deed->over_value);
	for (size_t w = 0; w < lineage->after.stride; w++) {
		uint64_t must_over = must_base[w] | (adders ? deed->must_top[w] : 0);
		uint64_t may_over = may_base[w] | (adders ? deed->may_top[w] : 0);
		uint64_t sure = must_over & ~may_by[w] & counting[w];
		uint64_t maybe = may_over & ~must_by[w] & counting[w];
		n_sure += (size_t)__builtin_popcountll(sure);
		n_maybe += (size_t)__builtin_popcountll(maybe);
		deed->sure[w] = deed->first ? sure : deed->sure[w] & sure;
		deed->maybe[w] |= maybe;
	}
	deed->counted &= n_sure == n_maybe && (deed->first || n_sure == deed->n_gone);
	deed->n_gone = n_sure;
	deed->over_value = value;
	deed->first = false;
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
		if (lineage->versions[v].deposit != NULL)
			requests[(*n)++] = lineage->versions[v].deposit->request;
	if (*n > 0)
		qsort(requests, *n, sizeof *requests, by_number);
	return requests;
}

/* When the balance that was written over had been there for all to see; 0: several may have been it. */
static void tell_what_was_there(const struct lineage *lineage, const struct deed *deed,
                                struct overwrite *overwrite)
{
	overwrite->over_value = deed->over_value;
	overwrite->over_writers = requests_of(lineage, deed->over, &overwrite->n_over_writers);
	overwrite->over_committed = true;
	for BITS_EACH(over, deed->over, lineage->after.stride) {
		const struct deposit *other = lineage->versions[over].deposit;
		if (other == NULL)
			continue;
		const struct history_step *last = other->write_in_tx ? other->commit : other->write;
		overwrite->over_committed &= other->write_in_tx;
		overwrite->over_ns = deed->n_over == 1 ? last->end_ns : 0;
	}
}

/* Who is surely in a balance that was surely written later; `last_with`: of each, the last such. */
static void keep_who_comes_back(const struct lineage *lineage, const struct deed *deed, size_t by,
                                uint64_t *erased)
{
	const uint64_t *after = bits_row(&lineage->after, by);

	for BITS_EACH(d, erased, lineage->after.stride) {
		size_t last = deed->last_with[d];
		if (!bit_get(lineage->must_final, d) && (last == 0 || !bit_get(after, last)))
			bit_clear(erased, d);
	}
}

/* The numbers of versions follow the order of their commits, so the last in number is the likeliest to be
 * surely later than another. */
static void find_last_with(const struct lineage *lineage, size_t *last_with)
{
	for (size_t v = 1; v < lineage->n; v++) {
		if (!lineage->versions[v].sure)
			continue;
		for BITS_EACH(d, bits_row(&lineage->must, v), lineage->after.stride)
			last_with[d] = v;
	}
}

static void report(const struct lineage *lineage, struct deed *deed, size_t by, struct findings *findings)
{
	const struct deposit *writer = lineage->versions[by].deposit;
	uint64_t *erased = deed->counted ? deed->maybe : deed->sure;
	struct overwrite overwrite = {
		.writer = writer->request, .read_value = writer->read->value, .read_ns = writer->read->end_ns,
		.wrote_value = writer->puts, .wrote_ns = writer->write->end_ns,
	};

	tell_what_was_there(lineage, deed, &overwrite);
	overwrite.erased = requests_of(lineage, erased, &overwrite.n_erased);
	overwrite.n_gone = deed->counted ? deed->n_gone : overwrite.n_erased;
	if (overwrite.n_gone == overwrite.n_erased) {
		keep_who_comes_back(lineage, deed, by, erased);
		overwrite.back = requests_of(lineage, erased, &overwrite.n_back);
	}
	findings->overwrites = mem_resize(findings->overwrites, findings->n_overwrites + 1,
	                                  sizeof *findings->overwrites);
	findings->overwrites[findings->n_overwrites++] = overwrite;
}

/* True where what the write erased is told whole, which may be nothing. */
static bool judge_write(const struct lineage *lineage, struct deed *deed, const uint64_t *counting, size_t by,
                        struct findings *findings)
{
	size_t stride = lineage->after.stride;

	deed_clear(deed, stride);
	for BITS_EACH(base, lineage->bases, stride) {
		if (lineage_may_precede(lineage, lineage->bases, base, by))
			weigh(deed, lineage, counting, base, by);
	}
	if (bits_count(deed->maybe, stride) == 0)
		return true;
	bool certain = lineage->versions[by].sure && deed->agreed;
	if (certain && (deed->counted || bits_count(deed->sure, stride) > 0))
		report(lineage, deed, by, findings);
	return certain && deed->counted;
}

static bool may_erase(const struct version *version)
{
	return !version->never && !version->adds && !version->locked;
}

size_t overwrites_find(const struct lineage *lineage, struct findings *findings)
{
	size_t stride = lineage->after.stride, n_open = 0;
	uint64_t *counting = mem_new(stride * 6, sizeof *counting);
	struct deed deed = {
		.over = counting + stride, .sure = counting + 2 * stride, .maybe = counting + 3 * stride,
		.must_top = counting + 4 * stride, .may_top = counting + 5 * stride,
		.last_with = mem_new(lineage->n, sizeof *deed.last_with),
	};

	for (size_t v = 1; v < lineage->n; v++)
		if (version_counts(&lineage->versions[v]))
			bit_set(counting, v);
	find_last_with(lineage, deed.last_with);
	for (size_t by = 1; by < lineage->n; by++)
		if (may_erase(&lineage->versions[by]) && !judge_write(lineage, &deed, counting, by, findings))
			n_open++;
	free(counting);
	free(deed.last_with);
	return n_open;
}
