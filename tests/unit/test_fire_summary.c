/* The sums of a volley, over shots whose times are made up. */
#include "volley_script.h"

#include "base/rng.h"

static void percentiles_are_nearest_ranks(void **state)
{
	struct volley volley = plan(1, 20, 10);

	(void)state;
	volley.started_ns = 1000;
	/* Latencies 20, 19 ... 1, the last one not answered. */
	for (size_t i = 0; i < volley.n; i++) {
		volley.shots[i].sent_ns = 1000 + volley.shots[i].at_ns + 1; /* later than planned */
		volley.shots[i].ended_ns = 1000 + volley.shots[i].at_ns + 20 - (int64_t)i;
		volley.shots[i].status = i < 3 ? 503 : i < 5 ? 404 : 200;
	}
	volley.shots[19].end = SHOT_TIMEOUT;
	struct volley_summary summary = volley_summarise(&volley);
	assert_int_equal(summary.min_ns, 2);
	assert_int_equal(summary.median_ns, 11); /* the 10th of 19 */
	assert_int_equal(summary.p95_ns, 20);    /* the 19th: 18.05 is rounded up */
	assert_int_equal(summary.max_ns, 20);
	assert_int_equal(summary.refused, 3);
	assert_int_equal(summary.other, 2);
	assert_int_equal(summary.answered_200, 14);
	assert_int_equal(summary.unanswered, 1);
	volley.n = 10;
	assert_int_equal(volley_summarise(&volley).median_ns, 15); /* the 5th of 11..20 */
	volley.n = 20;
	volley_fini(&volley);
}

static bool overlaps(const struct shot *a, const struct shot *b)
{
	return a->sent_ns != 0 && b->sent_ns != 0 && a->sent_ns < b->ended_ns && b->sent_ns < a->ended_ns;
}

static void overlap_as_counted_pair_by_pair(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 7);
	for (int round = 0; round < 200; round++) {
		struct volley volley = plan(1, 40, 0);
		size_t pairs = 0, most = 0;
		for (size_t i = 0; i < volley.n; i++) {
			struct shot *shot = &volley.shots[i];
			shot->sent_ns = rng_between(&rng, 0, 60);
			shot->ended_ns = shot->sent_ns + rng_between(&rng, 1, 1 + round % 20);
		}
		for (size_t i = 0; i < volley.n; i++) {
			size_t with = volley.shots[i].sent_ns != 0;
			for (size_t k = 0; k < volley.n; k++) {
				const struct shot *a = &volley.shots[i], *b = &volley.shots[k];
				pairs += k < i && overlaps(a, b);
				/* under way at the moment when shot i is sent */
				with += k != i && overlaps(a, b) &&
				        (b->sent_ns < a->sent_ns || (b->sent_ns == a->sent_ns));
			}
			most = with > most ? with : most;
		}
		struct volley_summary summary = volley_summarise(&volley);
		assert_int_equal(summary.pairs_overlapped, pairs);
		assert_int_equal(summary.max_in_flight, most);
		volley_fini(&volley);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_nearest_ranks),
		cmocka_unit_test(overlap_as_counted_pair_by_pair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
