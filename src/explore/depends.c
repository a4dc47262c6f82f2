/* Writes by the moments at which they took effect, reads by what they yielded (explore/seen). */
#include "explore/depends.h"

#include <stdlib.h>

#include "base/mem.h"
#include "explore/effect.h"
#include "explore/seen.h"

void depends_add(struct depends *depends, const struct dependency *dependency)
{
	depends->items = mem_grow(depends->items, &depends->capacity, depends->n + 1, sizeof *depends->items);
	depends->items[depends->n++] = *dependency;
}

bool depends_has(const struct depends *depends, enum dependency_kind kind, size_t from, size_t to)
{
	for (size_t i = 0; i < depends->n; i++) {
		const struct dependency *item = &depends->items[i];
		if (item->kind == kind && item->from == from && item->to == to)
			return true;
	}
	return false;
}

/* Step i is a write, and k a later one of another session, which is no INSERT: that writes over nothing. */
static bool comes_over(const struct schedule *schedule, size_t i, size_t k)
{
	return schedule->steps[i].who != schedule->steps[k].who && effect_counts(schedule, i) &&
	       effect_counts(schedule, k) && effect_at(schedule, i) < effect_at(schedule, k) &&
	       !schedule->steps[k].what.rows.makes;
}

static void add_overwrites(struct depends *depends, const struct schedule *schedule)
{
	for (size_t i = 0; i < schedule->n; i++)
		for (size_t k = 0; k < schedule->n; k++)
			if (comes_over(schedule, i, k) &&
			    effects_meet(&schedule->steps[i].what, &schedule->steps[k].what))
				depends_add(depends, &(struct dependency){.kind = DEPENDS_WW, .step = k,
				                                          .from = schedule->steps[i].who,
				                                          .to = schedule->steps[k].who});
}

void depends_read(struct depends *depends, const struct schedule *schedule, const struct play *play,
                  const struct serial *serial)
{
	*depends = (struct depends){.aborted.step = NEVER, .intermediate.step = NEVER};
	add_overwrites(depends, schedule);
	seen_read(depends, schedule, play->sessions, serial);
}

/* Did the session's write find its row without the other sessions too? */
static bool finds_row_alone(const struct schedule *schedule, const struct serial *serial, size_t write)
{
	const size_t who = schedule->steps[write].who;
	size_t nth = 0;
	uint32_t part;

	for (size_t i = 0; i < write; i++)
		nth += schedule->steps[i].who == who && serial_keeps(schedule, i);
	if (!serial_after(serial, 0, who, &part) || nth >= serial->parts[part].n)
		return false;
	const struct serial_step *step = &serial->parts[part].steps[nth];
	return step->label == serial_step_of(&schedule->steps[write].what).label && step->yields > 0;
}

bool depends_may_hide(const struct schedule *schedule, const struct serial *serial, size_t a, size_t b)
{
	for (size_t i = 0; i < schedule->n; i++)
		for (size_t k = 0; k < schedule->n; k++) {
			const struct actor_step *first = &schedule->steps[i].what, *second = &schedule->steps[k].what;
			size_t who = schedule->steps[i].who;
			if ((who != a && who != b) || schedule->steps[k].who != (who == a ? b : a) ||
			    !comes_over(schedule, i, k) || !effects_may_meet(first, second) ||
			    effects_meet(first, second))
				continue;
			/* A row that was there is not the one that was added. */
			if (!first->rows.makes || second->rows.row == 0 || !finds_row_alone(schedule, serial, k))
				return true;
		}
	return false;
}

void depends_fini(struct depends *depends)
{
	free(depends->items);
	*depends = (struct depends){0};
}
