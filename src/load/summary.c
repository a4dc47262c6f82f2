/* What a volley comes to: counts, latencies and the overlap that was reached. */
#include "load/fire.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* The smallest value that at least `percent` of all are not above. */
static int64_t percentile(const int64_t *sorted, size_t n, size_t percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

static void count(const struct volley *volley, struct volley_summary *summary)
{
	for (size_t i = 0; i < volley->n; i++) {
		const struct shot *shot = &volley->shots[i];

		if (shot->end != SHOT_ANSWERED)
			summary->unanswered++;
		else if (shot->status == 200)
			summary->answered_200++;
		else if (shot->status == 503)
			summary->refused++;
		else
			summary->other++;
	}
}

static void measure(const struct volley *volley, struct volley_summary *summary)
{
	int64_t *latencies = mem_new(volley->n, sizeof *latencies);
	size_t n = 0;

	for (size_t i = 0; i < volley->n; i++) {
		const struct shot *shot = &volley->shots[i];
		if (shot->end == SHOT_ANSWERED)
			latencies[n++] = shot->ended_ns - volley->started_ns - shot->at_ns;
	}
	if (n > 0) {
		qsort(latencies, n, sizeof *latencies, by_value);
		summary->min_ns = latencies[0];
		summary->median_ns = percentile(latencies, n, 50);
		summary->p95_ns = percentile(latencies, n, 95);
		summary->max_ns = latencies[n - 1];
	}
	free(latencies);
}

/* A request that begins while k others are under way overlaps with exactly those k: so the pairs are
 * counted at the beginnings, walking beginnings and ends in the order of time. */
static void overlap(const struct volley *volley, struct volley_summary *summary)
{
	int64_t *begins = mem_new(volley->n, sizeof *begins);
	int64_t *ends = mem_new(volley->n, sizeof *ends);
	size_t n = 0, over = 0;

	for (size_t i = 0; i < volley->n; i++) {
		const struct shot *shot = &volley->shots[i];
		if (shot->sent_ns == 0)
			continue;
		begins[n] = shot->sent_ns;
		/* Nothing ends before it began, however coarse the clock is. */
		ends[n++] = shot->ended_ns > shot->sent_ns ? shot->ended_ns : shot->sent_ns + 1;
	}
	qsort(begins, n, sizeof *begins, by_value);
	qsort(ends, n, sizeof *ends, by_value);
	for (size_t begun = 0; begun < n; begun++) {
		while (ends[over] <= begins[begun])
			over++;
		summary->pairs_overlapped += begun - over;
		if (begun + 1 - over > summary->max_in_flight)
			summary->max_in_flight = begun + 1 - over;
	}
	free(begins);
	free(ends);
}

struct volley_summary volley_summarise(const struct volley *volley)
{
	struct volley_summary summary = {0};

	count(volley, &summary);
	measure(volley, &summary);
	overlap(volley, &summary);
	return summary;
}
