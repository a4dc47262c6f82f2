/* What is true of a world of the model, once it is over: what the audit's findings are held against. */
#ifndef TESTS_DEPOSIT_TRUTH_H
#define TESTS_DEPOSIT_TRUTH_H

#include "deposit_model.h"

struct truth {
	int64_t recorded_sum, missing;
	uint64_t lost, torn, surplus, doubtful; /* entries, as bits; doubtful: nobody can tell lost from torn */
	int64_t n_lost, n_torn;
	uint64_t counting; /* those that would be missed: on record, and of something */
	uint64_t doubled;  /* requests, as bits */
	size_t unanswered_but_done, unknown, unknown_done, unknown_not_done;
	bool surplus_open;  /* some not on record wrote the balance, or may have */
	bool inserts_open;  /* of some it cannot be known whether they are on record */
};

static int64_t count(uint64_t set)
{
	return __builtin_popcountll(set);
}

static bool exists(const struct model *model, size_t e)
{
	return model->requests[model->entries[e].request].taken;
}

static void take_entry(const struct model *model, size_t e, struct truth *truth)
{
	const struct entry *entry = &model->entries[e];
	uint64_t bit = UINT64_C(1) << e, final = model->versions[model->n_versions - 1].content;

	truth->inserts_open |= entry->insert_open;
	truth->surplus_open |= (!entry->recorded || entry->insert_open) && (entry->written || entry->outcome_open);
	if (entry->amount == 0)
		return;
	if (!entry->recorded) {
		truth->surplus |= final & bit;
		return;
	}
	truth->recorded_sum += entry->amount;
	truth->torn |= entry->written ? 0 : bit;
	truth->lost |= entry->written && (final & bit) == 0 ? bit : 0;
	truth->doubtful |= entry->outcome_open ? bit : 0;
	truth->counting |= bit;
}

static void take_request(const struct model *model, size_t r, struct truth *truth)
{
	size_t recorded = 0, unknown = 0, done = 0;
	int status = model->replies[r].status;

	for (size_t e = 0; e < model->n_entries; e++) {
		const struct entry *entry = &model->entries[e];
		if (entry->request != r || !exists(model, e))
			continue;
		recorded += entry->recorded;
		unknown += entry->lost;
		done += entry->lost && (entry->lost_in == STEP_WRITE ? entry->written : entry->recorded);
	}
	truth->doubled |= recorded > 1 ? UINT64_C(1) << r : 0;
	truth->unanswered_but_done += recorded > 0 && status != 200 && status != 503;
	truth->unknown += unknown > 0;
	truth->unknown_done += done > 0;
	truth->unknown_not_done += unknown > 0 && done == 0;
}

static void find_truth(const struct model *model, struct truth *truth)
{
	*truth = (struct truth){0};
	for (size_t e = 0; e < model->n_entries; e++) {
		if (exists(model, e))
			take_entry(model, e, truth);
	}
	for (size_t r = 0; r < model->rules.requests; r++)
		take_request(model, r, truth);
	truth->n_lost = count(truth->lost);
	truth->n_torn = count(truth->torn);
	truth->missing = model->versions[0].value + truth->recorded_sum -
	                 model->versions[model->n_versions - 1].value;
}

#endif
