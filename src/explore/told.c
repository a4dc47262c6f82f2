/* "Lost update: B read 0 before A wrote, and then wrote over it." */
#include "explore/told.h"

#include "explore/effect.h"

struct teller {
	struct str *sentence;
	const struct schedule *schedule;
	const struct circle *circle;
};

static char letter(size_t who)
{
	return (char)('A' + who);
}

/* "read 10", "found 0 rows by 'delete'". */
static void add_observation(const struct teller *teller, size_t step)
{
	const struct actor_step *what = &teller->schedule->steps[step].what;

	if (what->verb == DB_READ)
		str_printf(teller->sentence, "read %s", what->result);
	else
		str_printf(teller->sentence, "found %lld row%s by '%s'", (long long)what->affected,
		           what->affected == 1 ? "" : "s", what->label);
}

/* Was the step over before the session wrote anything, or before any of it was there for others? */
static bool is_before(const struct teller *teller, size_t step, size_t writer, bool it_ended)
{
	const struct schedule *schedule = teller->schedule;

	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who == writer && effect_writes(schedule, i) &&
		    (it_ended ? effect_end(schedule, i) : 2 * i) < effect_at(schedule, step))
			return false;
	return true;
}

static bool is_after(const struct teller *teller, size_t step, size_t writer)
{
	const struct schedule *schedule = teller->schedule;

	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who == writer && effect_writes(schedule, i) &&
		    effect_end(schedule, i) > effect_at(schedule, step))
			return false;
	return true;
}

/* "before B wrote" is said only where it is so: a snapshot may be read later. */
static void add_missed(const struct teller *teller, const struct dependency *item, bool with_subject)
{
	const bool dirty = teller->schedule->steps[item->step].what.touches.dirty;
	const bool early = is_before(teller, item->step, item->to, false);
	const bool before = early || (!dirty && is_before(teller, item->step, item->to, true));

	if (with_subject) {
		str_printf(teller->sentence, "%c ", letter(item->from));
		add_observation(teller, item->step);
	}
	str_printf(teller->sentence, " %s %c %s", before ? "before" : "without what", letter(item->to),
	           before && !early ? "committed" : "wrote");
}

static void add_dependency(const struct teller *teller, const struct dependency *item)
{
	switch (item->kind) {
	case DEPENDS_WW:
		str_printf(teller->sentence, "%c wrote over what %c wrote", letter(item->to), letter(item->from));
		break;
	case DEPENDS_WR:
		str_printf(teller->sentence, "%c ", letter(item->to));
		add_observation(teller, item->step);
		str_printf(teller->sentence, " with what %c wrote", letter(item->from));
		break;
	case DEPENDS_RW:
		add_missed(teller, item, true);
		break;
	}
}

/* All that is in the circle; where a step both saw and missed, it is told once. */
static void add_all(const struct teller *teller, const char *between)
{
	const struct circle *circle = teller->circle;

	for (size_t i = 0; i < circle->n; i++) {
		const struct dependency *item = circle->items[i], *last = i > 0 ? circle->items[i - 1] : NULL;
		bool again = last != NULL && last->kind == DEPENDS_WR && item->kind == DEPENDS_RW &&
		             last->step == item->step;
		str_add(teller->sentence, again ? ", and" : i > 0 ? between : "");
		if (again)
			add_missed(teller, item, false);
		else
			add_dependency(teller, item);
	}
}

/* ---- two sessions ------------------------------------------------------------------------------------------ */

static void add_lost_update(const struct teller *teller)
{
	add_missed(teller, teller->circle->items[0], true);
	str_add(teller->sentence, ", and then wrote over it");
}

/* It missed the other session in one step, and in another one did not. */
static void add_read_skew(const struct teller *teller)
{
	const struct dependency *missed = teller->circle->items[0], *back = teller->circle->items[1];

	if (missed->part || (back->kind == DEPENDS_WR && back->part)) {
		str_printf(teller->sentence, "%c ", letter(missed->from));
		add_observation(teller, missed->part ? missed->step : back->step);
		str_printf(teller->sentence, ", as neither before %c nor after it: it saw a part of what %c wrote",
		           letter(missed->to), letter(missed->to));
		return;
	}
	bool apart = is_before(teller, missed->step, missed->to, true) &&
	             (back->kind == DEPENDS_WW || is_after(teller, back->step, back->from));
	add_missed(teller, missed, true);
	str_add(teller->sentence, ", and ");
	if (back->kind == DEPENDS_WW) {
		str_add(teller->sentence, "then wrote on top of it");
		return;
	}
	const struct schedule_step *steps = teller->schedule->steps;
	if (steps[missed->step].what.verb == DB_READ && steps[back->step].what.verb == DB_READ)
		str_add(teller->sentence, steps[back->step].what.result);
	else
		add_observation(teller, back->step);
	str_add(teller->sentence, apart ? " after it" : " with it");
}

/* Neither saw the other, and they did not write the same: else it would have a stronger name. */
static void add_write_skew(const struct teller *teller)
{
	add_all(teller, ", ");
	str_add(teller->sentence, "; each wrote another row");
}

/* ---- a name ------------------------------------------------------------------------------------------------ */

static bool is_search(const struct teller *teller, size_t i)
{
	return !teller->schedule->steps[teller->circle->items[i]->step].what.rows.by_key;
}

static const char *skew_title(const struct teller *teller)
{
	return !is_search(teller, 0) && !is_search(teller, 1)  ? "Write skew"
	       : is_search(teller, 0) && is_search(teller, 1) ? "Write skew by searches"
	                                                      : "Write skew by a search";
}

/* Somebody in it read or wrote outside of a transaction. */
static bool is_bare(const struct teller *teller)
{
	const struct schedule *schedule = teller->schedule;

	for (size_t i = 0; i < schedule->n; i++)
		for (size_t k = 0; k < teller->circle->n; k++)
			if (schedule->steps[i].who == teller->circle->items[k]->from && serial_keeps(schedule, i) &&
			    schedule->steps[i].what.tx == DB_TX_NONE)
				return true;
	return false;
}

static void add_title(const struct teller *teller, const char *title)
{
	str_printf(teller->sentence, "%s%s: ", title, is_bare(teller) ? ", without a transaction" : "");
}

static void tell_circle(const struct teller *teller, const char *name)
{
	const struct circle *circle = teller->circle;
	const bool two = circle->n == 2;

	if (text_equal(name, "P4")) {
		add_title(teller, "Lost update");
		add_lost_update(teller);
	} else if (text_equal(name, "G-single") && two) {
		add_title(teller, circle->items[1]->kind == DEPENDS_WW ? "Read skew with a write" : "Read skew");
		add_read_skew(teller);
	} else if (two && text_starts_with(name, "G2")) {
		add_title(teller, skew_title(teller));
		add_write_skew(teller);
	} else {
		add_title(teller, text_equal(name, "G0")    ? "Dirty write"
		                  : text_equal(name, "G1c") ? "Circular information flow"
		                                            : "No order fits");
		add_all(teller, two ? ", " : "; ");
	}
}

static void tell_read(const struct teller *teller, const struct dirty_read *read, bool aborted)
{
	const bool refused = teller->schedule->ends[read->writer].refused;

	str_printf(teller->sentence, "%s read: %c ", aborted ? "Aborted" : "Intermediate",
	           letter(teller->schedule->steps[read->step].who));
	add_observation(teller, read->step);
	str_printf(teller->sentence, !aborted ? ", which %c itself wrote over later"
	                             : refused ? ", which %c wrote before it was refused"
	                                       : ", which %c wrote and took back", letter(read->writer));
}

void tell_anomaly(struct str *sentence, const char *name, const struct schedule *schedule,
                  const struct depends *depends, const struct circle *circle)
{
	const struct teller teller = {sentence, schedule, circle};

	if (name[0] == '\0')
		return;
	if (text_equal(name, "G1a"))
		tell_read(&teller, &depends->aborted, true);
	else if (text_equal(name, "G1b"))
		tell_read(&teller, &depends->intermediate, false);
	else
		tell_circle(&teller, name);
	str_add(sentence, ".");
}
