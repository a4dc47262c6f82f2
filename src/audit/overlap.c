/* Overlap is counted in one walk over begins and ends: whoever begins meets all that are open. */
#include "audit/overlap.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_value(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

void overlap_count(const struct span *spans, size_t n, size_t *most, size_t *pairs)
{
	int64_t *begins = mem_new(n, sizeof *begins), *ends = mem_new(n, sizeof *ends);

	for (size_t i = 0; i < n; i++) {
		begins[i] = spans[i].begin_ns;
		ends[i] = spans[i].end_ns;
	}
	if (n > 0) {
		qsort(begins, n, sizeof *begins, by_value);
		qsort(ends, n, sizeof *ends, by_value);
	}
	*most = *pairs = 0;
	for (size_t begun = 0, ended = 0; begun < n; begun++) {
		while (ended < begun && ends[ended] <= begins[begun])
			ended++;
		size_t open = begun - ended;
		*pairs += open;
		*most = open + 1 > *most ? open + 1 : *most;
	}
	free(begins);
	free(ends);
}
