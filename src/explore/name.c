/* Circles of dependencies: who came before whom in a schedule that is unlike any serial one. The smaller one tells
 * more; of two as small, the one with fewer anti-dependencies does. */
#include "explore/name.h"

#include "explore/depends.h"
#include "explore/effect.h"
#include "explore/told.h"

enum { MOST_IN_CIRCLE = 4 };

/* Which circles a name is of. */
struct circle_class {
	unsigned least_missed, most_missed; /* anti-dependencies in it */
	bool only_overwrites;
	bool by_key; /* each of them of a read that names its rows by a key */
};

struct search {
	const struct schedule *schedule;
	const struct play *play;
	const struct serial *serial;
	const struct depends *depends;
	struct circle_class class;
	struct circle circle;
	size_t length;
};

static bool names_rows(const struct search *search, const struct dependency *item)
{
	return search->schedule->steps[item->step].what.rows.by_key && !item->part;
}

/* The one of this kind that tells most: of a read by key, not of a part, early. */
static const struct dependency *best_of(const struct search *search, enum dependency_kind kind, size_t from, size_t to)
{
	const struct dependency *best = NULL;

	for (size_t i = 0; i < search->depends->n; i++) {
		const struct dependency *item = &search->depends->items[i];
		if (item->kind != kind || item->from != from || item->to != to)
			continue;
		if (best == NULL || (best->part && !item->part) ||
		    (!names_rows(search, best) && names_rows(search, item)))
			best = item;
	}
	return best;
}

/* ---- circles ----------------------------------------------------------------------------------------------- */

static bool is_of_class(const struct search *search)
{
	const struct circle *circle = &search->circle;
	const struct circle_class *class = &search->class;
	unsigned missed = 0;

	for (size_t i = 0; i < circle->n; i++) {
		const struct dependency *item = circle->items[i];
		missed += item->kind == DEPENDS_RW;
		if ((class->only_overwrites && item->kind != DEPENDS_WW) ||
		    (class->by_key && item->kind == DEPENDS_RW && !names_rows(search, item)))
			return false;
	}
	return missed >= class->least_missed && missed <= class->most_missed;
}

static bool is_in(const struct circle *circle, size_t who)
{
	for (size_t i = 0; i < circle->n; i++)
		if (circle->items[i]->from == who)
			return true;
	return false;
}

/* On from the last one of the circle, until it is closed. It begins with an anti-dependency if it has one. */
static bool close_circle(struct search *search, size_t at)
{
	static const enum dependency_kind kinds[] = {DEPENDS_WW, DEPENDS_WR, DEPENDS_RW};
	struct circle *circle = &search->circle;
	const size_t first = circle->n > 0 ? circle->items[0]->from : at;

	if (circle->n == search->length)
		return at == first && is_of_class(search);
	if (circle->n > 0 && is_in(circle, at))
		return false;
	for (size_t to = 0; to < search->play->sessions; to++)
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			const struct dependency *item = best_of(search, kinds[i], at, to);
			if (item == NULL ||
			    (circle->n == 0 && search->class.least_missed > 0 && kinds[i] != DEPENDS_RW))
				continue;
			circle->items[circle->n++] = item;
			if (close_circle(search, to))
				return true;
			circle->n--;
		}
	return false;
}

static bool find_circle(struct search *search, struct circle_class class)
{
	search->class = class;
	for (search->length = 2; search->length <= MOST_IN_CIRCLE; search->length++)
		for (size_t who = 0; who < search->play->sessions; who++) {
			search->circle.n = 0;
			if (close_circle(search, who))
				return true;
		}
	return false;
}

/* r1[x] w2[x] w1[x], where the last one puts there what does not depend on what is there. */
static bool find_lost_update(struct search *search)
{
	const struct depends *depends = search->depends;
	const struct schedule_step *steps = search->schedule->steps;

	for (size_t i = 0; i < depends->n; i++)
		for (size_t k = 0; k < depends->n; k++) {
			const struct dependency *missed = &depends->items[i], *over = &depends->items[k];
			if (missed->kind != DEPENDS_RW || over->kind != DEPENDS_WW || missed->from != over->to ||
			    missed->to != over->from || !steps[over->step].what.overwrites ||
			    steps[missed->step].what.verb != DB_READ || missed->step > over->step ||
			    !effects_meet(&steps[missed->step].what, &steps[over->step].what))
				continue;
			search->circle = (struct circle){{missed, over}, 2};
			return true;
		}
	return false;
}

/* With two anti-dependencies it is the weakest name: it is given only if none of the sessions may have written over
 * another one unseen, which would make it a stronger one. */
static bool is_settled(const struct search *search)
{
	const struct circle *circle = &search->circle;

	for (size_t i = 0; i < circle->n; i++)
		if (depends_may_hide(search->schedule, search->serial, circle->items[i]->from, circle->items[i]->to))
			return false;
	return true;
}

/* ---- names ------------------------------------------------------------------------------------------------- */

static const char *name_circle(struct search *search)
{
	const struct circle_class overwrites = {.only_overwrites = true}, flow = {0};
	const struct circle_class single = {.least_missed = 1, .most_missed = 1};
	const struct circle_class items = {.least_missed = 2, .most_missed = MOST_IN_CIRCLE, .by_key = true};
	const struct circle_class any = {.least_missed = 2, .most_missed = MOST_IN_CIRCLE};

	if (find_circle(search, overwrites))
		return "G0";
	if (search->depends->aborted.step != NEVER)
		return "G1a";
	if (search->depends->intermediate.step != NEVER)
		return "G1b";
	if (find_circle(search, flow))
		return "G1c";
	if (find_lost_update(search))
		return "P4";
	if (find_circle(search, single))
		return "G-single";
	if (find_circle(search, items))
		return is_settled(search) ? "G2-item" : "";
	return find_circle(search, any) && is_settled(search) ? "G2" : "";
}

const char *anomaly_name(const struct schedule *schedule, const struct play *play, const struct serial *serial,
                         struct str *sentence)
{
	struct depends depends;
	const char *name;

	if (schedule->result != SCHEDULE_WHOLE || serial->n_parts == 0 || serial_has(serial, play, schedule))
		return "";
	depends_read(&depends, schedule, play, serial);
	struct search search = {.schedule = schedule, .play = play, .serial = serial, .depends = &depends};
	name = name_circle(&search);
	tell_anomaly(sentence, name, schedule, &depends, &search.circle);
	depends_fini(&depends);
	return name;
}
