/* An explanation of a step is a serial order of others before its session after which it yields what it yielded here.
 * It holds only if it can have been so here:
 *
 * - each of these others wrote here what it writes in that order: the same values, to as many rows;
 * - nobody in it comes after somebody who overwrote it here;
 * - the moments allow it: who is in it can have been seen, and who is not can have been missed.
 *
 * What all explanations have in common is certain. Where somebody may have been seen who wrote as in no serial order,
 * the step tells nothing; where no explanation holds, it tells no more than tell_foreign finds. */
#include "explore/seen.h"

#include <stdlib.h>

#include "base/mem.h"
#include "explore/effect.h"

/* Of a session; what comes beyond tells nothing. */
enum { MOST_STEPS = 64 };

struct view {
	const struct schedule *schedule;
	const struct serial *serial;
	struct depends *depends;
	size_t sessions;
	size_t *told[PLAY_MOST_SESSIONS], n_told[PLAY_MOST_SESSIONS]; /* each session's steps that are kept */
	unsigned writers; /* bit i: session i changed rows */
	unsigned strange; /* and not as in any serial order */
};

/* One step, and what its explanations have in common. */
struct look {
	const struct view *view;
	size_t who, nth, step;
	struct serial_step is;
	uint64_t own;      /* bit i: the session's step i is a write that it may see */
	unsigned touching; /* who wrote what it may touch */
	unsigned showing;  /* who may have been seen */
	unsigned missable; /* who may have been missed */
	size_t path[PLAY_MOST_SESSIONS], n; /* the order that is looked at */
	bool explained;
	unsigned saw, missed;
};

static const struct actor_step *step_of(const struct view *view, size_t who, size_t nth)
{
	return &view->schedule->steps[view->told[who][nth]].what;
}

/* ---- here and in a serial order ---------------------------------------------------------------------------- */

static struct serial_step here(const struct view *view, size_t who, size_t nth)
{
	return serial_step_of(&view->schedule->steps[view->told[who][nth]].what);
}

/* It comes to the same statement. */
static bool gets_to(const struct view *view, size_t who, size_t nth, const struct serial_part *part)
{
	return nth < part->n && here(view, who, nth).label == part->steps[nth].label;
}

/* The same write, of the same values, to as many rows. */
static bool is_same_write(const struct serial_step *a, const struct serial_step *b)
{
	return a->writes && b->writes && a->asks == b->asks && a->gives == b->gives && a->yields == b->yields;
}

/* What the session writes does not differ, whatever it read. */
static bool writes_the_same(const struct view *view, size_t who, const struct serial_part *part)
{
	for (size_t i = 0; i < view->n_told[who]; i++) {
		const struct serial_step step = here(view, who, i);
		if (!gets_to(view, who, i, part) || (step.writes && !is_same_write(&step, &part->steps[i])))
			return false;
	}
	for (size_t i = view->n_told[who]; i < part->n && !view->schedule->ends[who].refused; i++)
		if (part->steps[i].writes && part->steps[i].yields > 0)
			return false;
	return true;
}

/* The step is the same statement with the same values, and what it may show of its session's own writes is the same. */
static bool is_comparable(const struct look *look, const struct serial_part *part)
{
	for (size_t i = 0; i <= look->nth; i++) {
		const struct serial_step step = here(look->view, look->who, i);
		if (!gets_to(look->view, look->who, i, part))
			return false;
		if (i < look->nth && (look->own >> i & 1) != 0 && !is_same_write(&step, &part->steps[i]))
			return false;
	}
	return part->steps[look->nth].asks == look->is.asks;
}

enum answer { ANSWER_NONE, ANSWER_SAME, ANSWER_OTHER };

/* What the step yields after these others. */
static enum answer answer_after(const struct look *look, uint32_t others)
{
	const struct serial *serial = look->view->serial;
	uint32_t part;

	if (!serial_after(serial, others, look->who, &part) || !is_comparable(look, &serial->parts[part]))
		return ANSWER_NONE;
	return serial->parts[part].steps[look->nth].yields == look->is.yields ? ANSWER_SAME : ANSWER_OTHER;
}

/* ---- what an explanation says of a session ----------------------------------------------------------------- */

/* Somebody of these may have written over what that session wrote and the step may touch. */
static bool is_covered(const struct look *look, size_t who, unsigned others)
{
	const struct schedule *schedule = look->view->schedule;
	const struct actor_step *step = &schedule->steps[look->step].what;

	for (size_t i = 0; i < schedule->n; i++)
		for (size_t k = 0; k < schedule->n; k++) {
			const struct actor_step *first = &schedule->steps[i].what, *second = &schedule->steps[k].what;
			if (schedule->steps[i].who != who || (others >> schedule->steps[k].who & 1) == 0 ||
			    !effect_counts(schedule, i) || !effect_counts(schedule, k) || second->rows.makes ||
			    effect_at(schedule, i) > effect_at(schedule, k))
				continue;
			if (effects_may_meet(first, second) && effects_may_meet(first, step))
				return true;
		}
	return false;
}

/* Without that session it would have yielded something else. */
static bool has_seen(const struct look *look, size_t who)
{
	uint32_t at = 0;

	for (size_t i = 0; i < look->n; i++)
		if (look->path[i] != who && !serial_after(look->view->serial, at, look->path[i], &at))
			return false;
	return answer_after(look, at) == ANSWER_OTHER;
}

/* Had that session come last before it, and written to as many rows as here, it would have yielded something else. */
static bool has_missed(const struct look *look, uint32_t at, unsigned others, size_t who)
{
	const struct view *view = look->view;
	uint32_t with;

	if ((look->touching >> who & 1) == 0 || is_covered(look, who, others) ||
	    !serial_after(view->serial, at, who, &with) || answer_after(look, with) != ANSWER_OTHER)
		return false;
	for (size_t i = 0; i < view->n_told[who]; i++) {
		const struct serial_step step = here(view, who, i);
		if (!step.writes)
			continue;
		if (!gets_to(view, who, i, &view->serial->parts[with]) ||
		    view->serial->parts[with].steps[i].yields != step.yields)
			return false;
	}
	return true;
}

static void take_explanation(struct look *look, uint32_t at, unsigned others)
{
	unsigned saw = 0, missed = 0;

	for (size_t who = 0; who < look->view->sessions; who++) {
		const unsigned bit = 1U << who;
		if ((others & bit) != 0)
			saw |= has_seen(look, who) ? bit : 0;
		else if (who != look->who)
			missed |= has_missed(look, at, others, who) ? bit : 0;
	}
	look->saw = look->explained ? look->saw & saw : saw;
	look->missed = look->explained ? look->missed & missed : missed;
	look->explained = true;
}

/* ---- the explanations -------------------------------------------------------------------------------------- */

static bool can_have_been(const struct look *look, unsigned others)
{
	const unsigned missing = look->touching & ~others;

	return (others & ~look->showing) == 0 && (missing & ~look->missable) == 0;
}

/* Nobody who is in the order already wrote over it. */
static bool may_follow(const struct look *look, size_t who)
{
	for (size_t i = 0; i < look->n; i++)
		if (depends_has(look->view->depends, DEPENDS_WW, who, look->path[i]) &&
		    !depends_has(look->view->depends, DEPENDS_WW, look->path[i], who))
			return false;
	return true;
}

/* This order of others, and all that are longer. */
static void explain_from(struct look *look, uint32_t at, unsigned others)
{
	const struct view *view = look->view;
	uint32_t next;

	if (can_have_been(look, others) && answer_after(look, at) == ANSWER_SAME)
		take_explanation(look, at, others);
	for (size_t who = 0; who < view->sessions; who++) {
		if (who == look->who || (others >> who & 1) != 0 || (view->writers >> who & 1) == 0 ||
		    !may_follow(look, who) || !serial_after(view->serial, at, who, &next) ||
		    !writes_the_same(view, who, &view->serial->parts[next]))
			continue;
		look->path[look->n++] = who;
		explain_from(look, next, others | 1U << who);
		look->n--;
	}
}

/* ---- what no serial order has ------------------------------------------------------------------------------ */

static bool occurs(const struct look *look)
{
	const struct serial *serial = look->view->serial;
	uint32_t part;

	for (uint32_t i = 0; i < serial->n_parts; i++)
		if (serial_after(serial, i, look->who, &part) && look->nth < serial->parts[part].n &&
		    serial->parts[part].steps[look->nth].label == look->is.label &&
		    serial->parts[part].steps[look->nth].yields == look->is.yields)
			return true;
	return false;
}

/* The session may have seen the write in this step or before. */
static bool may_have_shown(const struct look *look, size_t write)
{
	const struct view *view = look->view;

	for (size_t i = 0; i <= look->nth; i++)
		if (effects_may_meet(&view->schedule->steps[write].what, step_of(view, look->who, i)) &&
		    effect_may_show(view->schedule, write, view->told[look->who][i]))
			return true;
	return false;
}

/* The only other session of which it may have seen anything. */
static bool find_only_writer(const struct look *look, size_t *writer)
{
	const struct schedule *schedule = look->view->schedule;
	unsigned seen = 0;

	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who != look->who && effect_writes(schedule, i) && may_have_shown(look, i)) {
			if (effect_fate(schedule, i) == EFFECT_UNKNOWN)
				return false;
			*writer = schedule->steps[i].who;
			seen |= 1U << *writer;
		}
	return seen != 0 && (seen & (seen - 1)) == 0;
}

/* All that it can have seen of that session was taken back. */
static bool is_aborted(const struct look *look, size_t writer)
{
	const struct schedule *schedule = look->view->schedule;

	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who == writer && effect_writes(schedule, i) && may_have_shown(look, i) &&
		    effect_fate(schedule, i) != EFFECT_TAKEN_BACK)
			return false;
	return true;
}

/* The writer writes its row anew after the step. */
static bool is_replaced(const struct look *look, size_t write)
{
	const struct schedule *schedule = look->view->schedule;

	for (size_t i = write + 1; i < schedule->n; i++)
		if (schedule->steps[i].who == schedule->steps[write].who && effect_counts(schedule, i) &&
		    effects_meet(&schedule->steps[i].what, &schedule->steps[write].what) &&
		    2 * i > effect_at(schedule, look->step))
			return true;
	return false;
}

/* All that it can have seen of that session was not its last word. */
static bool is_intermediate(const struct look *look, size_t writer)
{
	const struct schedule *schedule = look->view->schedule;

	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who == writer && effect_writes(schedule, i) && may_have_shown(look, i) &&
		    (!effect_counts(schedule, i) || !is_replaced(look, i)))
			return false;
	return true;
}

/* It is the writer of no row more than once, and all that it wrote counts. */
static bool writes_once(const struct view *view, size_t writer)
{
	const struct schedule *schedule = view->schedule;

	for (size_t i = 0; i < schedule->n; i++) {
		if (schedule->steps[i].who != writer || !effect_writes(schedule, i))
			continue;
		if (!effect_counts(schedule, i))
			return false;
		for (size_t k = 0; k < i; k++)
			if (schedule->steps[k].who == writer && effect_writes(schedule, k) &&
			    effects_may_meet(&schedule->steps[i].what, &schedule->steps[k].what))
				return false;
	}
	return true;
}

/* The session has come to this step as it does both without the writer and after all of it, and it yields what it does
 * in neither: so it saw some of it, and not all. */
static bool is_torn(const struct look *look, size_t writer)
{
	const struct view *view = look->view;
	const struct serial_part *parts = view->serial->parts;
	uint32_t alone, other, after;

	if (!writes_once(view, writer) || !serial_after(view->serial, 0, look->who, &alone) ||
	    !serial_after(view->serial, 0, writer, &other) || !serial_after(view->serial, other, look->who, &after) ||
	    !writes_the_same(view, writer, &parts[other]) || parts[alone].runs < 2 || !parts[alone].steady ||
	    parts[after].runs < 2 || !parts[after].steady)
		return false;
	for (size_t i = 0; i <= look->nth; i++)
		if (!gets_to(view, look->who, i, &parts[alone]) || !gets_to(view, look->who, i, &parts[after]))
			return false;
	return true;
}

static void add(const struct look *look, enum dependency_kind kind, size_t other, bool part)
{
	depends_add(look->view->depends, &(struct dependency){
		.kind = kind, .step = look->step, .part = part,
		.from = kind == DEPENDS_RW ? look->who : other, .to = kind == DEPENDS_RW ? other : look->who});
}

static void tell_foreign(const struct look *look)
{
	struct depends *depends = look->view->depends;
	size_t writer = 0;

	if (occurs(look) || !find_only_writer(look, &writer))
		return;
	const bool alone = answer_after(look, 0) == ANSWER_OTHER;
	if (alone && is_aborted(look, writer)) {
		depends->aborted = (struct dirty_read){look->step, writer};
	} else if (alone && is_intermediate(look, writer)) {
		depends->intermediate = (struct dirty_read){look->step, writer};
	} else if (is_torn(look, writer)) {
		add(look, DEPENDS_WR, writer, true);
		add(look, DEPENDS_RW, writer, true);
	}
}

/* ---- a schedule -------------------------------------------------------------------------------------------- */

static bool session_counts(const struct schedule *schedule, size_t who)
{
	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who == who && effect_counts(schedule, i))
			return true;
	return false;
}

/* Of a session that was refused, what it had made is gone, so that nobody was to see it. */
static bool is_all_taken_back(const struct schedule *schedule, size_t who)
{
	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who == who && effect_writes(schedule, i) &&
		    effect_fate(schedule, i) != EFFECT_TAKEN_BACK)
			return false;
	return true;
}

static void tell(const struct look *look)
{
	const struct view *view = look->view;

	for (size_t who = 0; who < view->sessions; who++) {
		if ((look->saw >> who & 1) != 0 && session_counts(view->schedule, who))
			add(look, DEPENDS_WR, who, false);
		else if ((look->saw >> who & 1) != 0 && is_all_taken_back(view->schedule, who))
			view->depends->aborted = (struct dirty_read){look->step, who};
		if ((look->missed >> who & 1) != 0 && session_counts(view->schedule, who))
			add(look, DEPENDS_RW, who, false);
	}
}

/* Who wrote what the step may touch, and when. */
static void find_writers(struct look *look)
{
	const struct schedule *schedule = look->view->schedule;
	const struct actor_step *step = &schedule->steps[look->step].what;

	for (size_t who = 0; who < look->view->sessions; who++)
		for (size_t i = 0; i < look->view->n_told[who]; i++) {
			const size_t write = look->view->told[who][i];
			const struct actor_step *what = &schedule->steps[write].what;
			const bool touches = effects_may_meet(what, step);
			const unsigned bit = 1U << who;
			if (who == look->who && touches && i < look->nth && what->verb == DB_WRITE)
				look->own |= UINT64_C(1) << i;
			if (who == look->who || !effect_writes(schedule, write))
				continue;
			look->touching |= touches ? bit : 0;
			look->showing |= effect_may_show(schedule, write, look->step) ? bit : 0;
			look->missable |= touches && effect_may_be_missed(schedule, write, look->step) ? bit : 0;
		}
}

static void look_at(const struct view *view, size_t who, size_t nth)
{
	struct look look = {.view = view, .who = who, .nth = nth, .step = view->told[who][nth],
	                    .is = serial_step_of(step_of(view, who, nth))};

	find_writers(&look);
	explain_from(&look, 0, 0);
	if (look.explained && (look.touching & look.showing & view->strange) == 0)
		tell(&look);
	else if (!look.explained)
		tell_foreign(&look);
}

/* Who changed rows, and whether it did so in some serial order. */
static void find_strange(struct view *view)
{
	const struct serial *serial = view->serial;
	uint32_t part;

	for (size_t who = 0; who < view->sessions; who++) {
		bool known = false;
		for (uint32_t i = 0; i < serial->n_parts && !known; i++)
			known = serial_after(serial, i, who, &part) &&
			        writes_the_same(view, who, &serial->parts[part]);
		for (size_t i = 0; i < view->n_told[who]; i++)
			if (effect_writes(view->schedule, view->told[who][i]))
				view->writers |= 1U << who;
		view->strange |= known ? 0 : view->writers & 1U << who;
	}
}

void seen_read(struct depends *depends, const struct schedule *schedule, size_t sessions, const struct serial *serial)
{
	struct view view = {.schedule = schedule, .serial = serial, .depends = depends, .sessions = sessions};
	size_t *told = mem_new(sessions * schedule->n, sizeof *told);

	for (size_t who = 0; who < sessions; who++) {
		view.told[who] = &told[who * schedule->n];
		for (size_t i = 0; i < schedule->n; i++)
			if (schedule->steps[i].who == who && serial_keeps(schedule, i))
				view.told[who][view.n_told[who]++] = i;
	}
	find_strange(&view);
	for (size_t who = 0; who < sessions; who++)
		for (size_t i = 0; i < view.n_told[who] && i < MOST_STEPS && !schedule->ends[who].refused; i++)
			look_at(&view, who, i);
	free(told);
}
