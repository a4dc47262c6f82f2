/* Bounds from the levels: what is read is from between the beginning of the transaction, or at READ COMMITTED and below
 * of the statement, and the statement's end. */
#include "explore/effect.h"

size_t effect_at(const struct schedule *schedule, size_t i)
{
	const struct schedule_step *step = &schedule->steps[i];

	return step->waited && step->woken_by < schedule->n && step->woken_by != i ? 2 * step->woken_by + 1 : 2 * i;
}

/* The step that ends the transaction; schedule->n: none was seen to, or another one was begun before. */
static size_t ending_of(const struct schedule *schedule, size_t i)
{
	for (size_t k = i; k < schedule->n; k++) {
		const struct schedule_step *step = &schedule->steps[k];
		if (step->who != schedule->steps[i].who)
			continue;
		if (step->what.tx == DB_TX_NONE || step->what.tx == DB_TX_ABORTED)
			return k;
		if (step->what.tx == DB_TX_UNKNOWN || step->what.verb == DB_BEGIN)
			return schedule->n;
	}
	return schedule->n;
}

size_t effect_end(const struct schedule *schedule, size_t i)
{
	size_t end = ending_of(schedule, i);

	return end < schedule->n ? effect_at(schedule, end) : NEVER;
}

enum effect_fate effect_fate(const struct schedule *schedule, size_t i)
{
	size_t end = ending_of(schedule, i);

	if (end == schedule->n)
		return EFFECT_UNKNOWN;
	if (schedule->steps[end].what.err != DB_OK || schedule->steps[end].what.verb == DB_ROLLBACK)
		return EFFECT_TAKEN_BACK;
	return end == i || schedule->steps[end].what.verb == DB_COMMIT ? EFFECT_KEPT : EFFECT_UNKNOWN;
}

bool effect_writes(const struct schedule *schedule, size_t i)
{
	const struct actor_step *step = &schedule->steps[i].what;

	return step->verb == DB_WRITE && step->ended && step->err == DB_OK && step->affected > 0;
}

bool effect_counts(const struct schedule *schedule, size_t i)
{
	const struct schedule_step *step = &schedule->steps[i];
	const struct play_end *end = &schedule->ends[step->who];

	return effect_writes(schedule, i) && !end->refused && step->what.attempt == end->attempt &&
	       effect_fate(schedule, i) == EFFECT_KEPT;
}

/* What its caller says of its table is all that it touches: see rows_of_call. */
static bool tells_table(const struct actor_step *step)
{
	return step->table[0] != '\0' && (step->rows.row != 0 || step->rows.makes);
}

bool effects_may_meet(const struct actor_step *a, const struct actor_step *b)
{
	if (((a->touches.reads | a->touches.locks) & (b->touches.reads | b->touches.locks)) == 0)
		return false;
	if (tells_table(a) && tells_table(b) && !text_equal(a->table, b->table))
		return false;
	return a->rows.row == 0 || b->rows.row == 0 || a->rows.column != b->rows.column || a->rows.row == b->rows.row;
}

bool effects_meet(const struct actor_step *a, const struct actor_step *b)
{
	return a->rows.row != 0 && a->rows.row == b->rows.row;
}

/* The earliest moment from which the step's view of the database may be. */
static size_t view_from(const struct schedule *schedule, size_t i)
{
	size_t from = i;

	for (size_t k = i; k-- > 0 && !schedule->steps[i].what.touches.latest;) {
		const struct schedule_step *step = &schedule->steps[k];
		if (step->who != schedule->steps[i].who)
			continue;
		if (step->what.tx != DB_TX_OPEN)
			break;
		if (step->what.touches.sees)
			from = k;
	}
	return 2 * from;
}

/* Of what is not committed, a part may show as soon as the statement has begun, although it waits. */
bool effect_may_show(const struct schedule *schedule, size_t write, size_t step)
{
	if (schedule->steps[step].what.touches.dirty)
		return 2 * write < effect_at(schedule, step) &&
		       (effect_fate(schedule, write) == EFFECT_KEPT || effect_end(schedule, write) > 2 * step);
	return effect_fate(schedule, write) != EFFECT_TAKEN_BACK &&
	       (effect_end(schedule, write) < effect_at(schedule, step) || effect_end(schedule, write) == NEVER);
}

bool effect_may_be_missed(const struct schedule *schedule, size_t write, size_t step)
{
	return effect_fate(schedule, write) == EFFECT_TAKEN_BACK ||
	       effect_end(schedule, write) > view_from(schedule, step);
}
