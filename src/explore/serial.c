/* Serial orders: a chooser that lets one session go on to its end before the next begins. */
#include "explore/serial.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void add_session(struct str *text, const struct play *play, const struct schedule *schedule, size_t who)
{
	str_printf(text, "%c:", (char)('A' + who));
	for (size_t i = 0; i < schedule->n && play->reads_are_results; i++) {
		const struct actor_step *step = &schedule->steps[i].what;
		if (schedule->steps[i].who == who && step->verb == DB_READ && step->err == DB_OK &&
		    step->attempt == schedule->ends[who].attempt)
			str_printf(text, " %s %s %llx,", step->label, step->result, (unsigned long long)step->mark);
	}
	str_printf(text, " %s\n", schedule->ends[who].text);
}

/* Heap. */
static char *outcome_text(const struct play *play, const struct schedule *schedule)
{
	struct str text = {0};

	for (size_t i = 0; i < play->sessions; i++)
		if (!schedule->ends[i].refused)
			add_session(&text, play, schedule, i);
	str_printf(&text, "state: %s", str_text(&schedule->state));
	return str_take(&text);
}

static bool has(const struct serial *serial, const char *outcome)
{
	for (size_t i = 0; i < serial->n; i++)
		if (text_equal(serial->outcomes[i], outcome))
			return true;
	return false;
}

bool serial_has(const struct serial *serial, const struct play *play, const struct schedule *schedule)
{
	char *outcome = outcome_text(play, schedule);
	bool found = has(serial, outcome);

	free(outcome);
	return found;
}

/* Takes the text over. */
static void keep(struct serial *serial, char *outcome)
{
	if (has(serial, outcome)) {
		free(outcome);
		return;
	}
	serial->outcomes = mem_grow(serial->outcomes, &serial->capacity, serial->n + 1, sizeof *serial->outcomes);
	serial->outcomes[serial->n++] = outcome;
}

struct order {
	size_t who[PLAY_MOST_SESSIONS], n;
};

static int choose(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	const struct order *order = context;

	(void)next;
	for (size_t i = 0; i < order->n; i++)
		for (size_t k = 0; k < n; k++)
			if (who[k] == order->who[i])
				return (int)k;
	return CHOOSE_STOP;
}

struct walk {
	struct world *world;
	const struct play *play;
	struct serial *serial;
	struct schedule schedule;
	struct order order;
	struct err *err;
};

static void note_lengths(struct serial *serial, const struct schedule *schedule, size_t sessions)
{
	for (size_t who = 0; who < sessions; who++) {
		size_t n = 0;
		for (size_t i = 0; i < schedule->n; i++)
			n += schedule->steps[i].who == who;
		if (n > serial->longest[who])
			serial->longest[who] = n;
	}
}

static bool run_order(struct walk *walk)
{
	const struct chooser chooser = {&walk->order, choose};
	unsigned out = (1U << walk->play->sessions) - 1;

	for (size_t i = 0; i < walk->order.n; i++)
		out &= ~(1U << walk->order.who[i]);
	world_leave_out(walk->world, out);
	schedule_run(walk->world, &chooser, &walk->schedule, walk->err);
	world_leave_out(walk->world, 0);
	walk->serial->orders++;
	note_lengths(walk->serial, &walk->schedule, walk->play->sessions);
	if (walk->schedule.result == SCHEDULE_WHOLE) {
		keep(walk->serial, outcome_text(walk->play, &walk->schedule));
		return true;
	}
	return walk->schedule.result == SCHEDULE_FAILED ? false
	                                                : err_set(walk->err, "a serial order: %s", walk->schedule.why);
}

/* This order, and all that are longer. */
static bool run_from(struct walk *walk, unsigned used)
{
	bool ok = run_order(walk);

	for (size_t i = 0; ok && i < walk->play->sessions; i++) {
		if ((used >> i & 1) != 0)
			continue;
		walk->order.who[walk->order.n++] = i;
		ok = run_from(walk, used | 1U << i);
		walk->order.n--;
	}
	return ok;
}

bool serial_run(struct world *world, const struct play *play, struct serial *serial, struct err *err)
{
	struct walk walk = {.world = world, .play = play, .serial = serial, .err = err};
	bool ok = run_from(&walk, 0);

	schedule_fini(&walk.schedule);
	return ok;
}

void serial_fini(struct serial *serial)
{
	for (size_t i = 0; i < serial->n; i++)
		free(serial->outcomes[i]);
	free(serial->outcomes);
	*serial = (struct serial){0};
}
