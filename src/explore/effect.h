/* When a statement took effect, when others could see it, and which two could touch the same rows: what the order of a
 * schedule tells by itself, whatever was read. All of it errs on one side, which each function names.
 *
 * Moments are numbers: 2 i is when step i began, and was done unless it waited; 2 k + 1 when step k woke it. */
#ifndef EXPLORE_EFFECT_H
#define EXPLORE_EFFECT_H

#include "explore/schedule.h"

#define NEVER SIZE_MAX

size_t effect_at(const struct schedule *schedule, size_t i);
/* When the transaction that has the step ended; NEVER: it is not known. */
size_t effect_end(const struct schedule *schedule, size_t i);

/* What became of a write. */
enum effect_fate { EFFECT_KEPT, EFFECT_TAKEN_BACK, EFFECT_UNKNOWN };
enum effect_fate effect_fate(const struct schedule *schedule, size_t i);
/* A write that changed rows, in whatever try. */
bool effect_writes(const struct schedule *schedule, size_t i);
/* One that counts in the end: of a session that was not refused, of the try that counts, and kept. */
bool effect_counts(const struct schedule *schedule, size_t i);

/* False: the two surely touch no row in common. */
bool effects_may_meet(const struct actor_step *a, const struct actor_step *b);
/* The two surely touch the same one row. */
bool effects_meet(const struct actor_step *a, const struct actor_step *b);

/* False: the step cannot have seen the write, whatever the engine. */
bool effect_may_show(const struct schedule *schedule, size_t write, size_t step);
/* False: the step cannot have missed it. */
bool effect_may_be_missed(const struct schedule *schedule, size_t write, size_t step);

#endif
