/* Serial orders: a chooser that lets one session go on to its end before the next begins. */
#include "explore/serial.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "explore/mark.h"

/* Up to so many sessions the orders of all of them are run twice, so that what differs from run to run is known. */
enum { MOST_RUN_TWICE = 4 };

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

/* ---- what each part came to ------------------------------------------------------------------------------ */

bool serial_after(const struct serial *serial, uint32_t part, size_t who, uint32_t *next)
{
	*next = part < serial->n_parts ? serial->parts[part].next[who] : 0;
	return *next != 0;
}

bool serial_keeps(const struct schedule *schedule, size_t i)
{
	const struct actor_step *step = &schedule->steps[i].what;

	return (step->verb == DB_READ || step->verb == DB_WRITE) && step->ended && step->err == DB_OK &&
	       step->attempt == schedule->ends[schedule->steps[i].who].attempt;
}

struct serial_step serial_step_of(const struct actor_step *step)
{
	return (struct serial_step){
		.label = mark_of_text(MARK_SEED, step->label), .asks = step->rows.asks, .gives = step->rows.gives,
		.yields = step->verb == DB_READ ? step->mark : (uint64_t)step->affected,
		.writes = step->verb == DB_WRITE,
	};
}

static uint32_t add_part(struct serial *serial)
{
	serial->parts = mem_grow(serial->parts, &serial->parts_capacity, serial->n_parts + 1, sizeof *serial->parts);
	serial->parts[serial->n_parts] = (struct serial_part){.steady = true};
	return (uint32_t)serial->n_parts++;
}

/* The first run of a part is kept; later ones must be the same. */
static void note_part(struct serial_part *part, const struct schedule *schedule, size_t who)
{
	struct serial_step *steps = mem_new(schedule->n, sizeof *steps);
	size_t n = 0;

	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].who == who && serial_keeps(schedule, i))
			steps[n++] = serial_step_of(&schedule->steps[i].what);
	if (part->runs++ == 0) {
		part->steps = steps;
		part->n = n;
		return;
	}
	part->steady = part->steady && n == part->n;
	for (size_t i = 0; i < n && part->steady; i++)
		part->steady = steps[i].label == part->steps[i].label && steps[i].yields == part->steps[i].yields;
	free(steps);
}

/* ---- the orders ------------------------------------------------------------------------------------------ */

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

static void note_parts(struct walk *walk)
{
	struct serial *serial = walk->serial;
	uint32_t at = 0, next;

	for (size_t i = 0; i < walk->order.n; i++, at = next) {
		size_t who = walk->order.who[i];
		if (!serial_after(serial, at, who, &next)) {
			next = add_part(serial);
			serial->parts[at].next[who] = next;
		}
		note_part(&serial->parts[next], &walk->schedule, who);
	}
}

/* A statement that the engine makes nothing of, with nobody else there: no race, and nothing to be explored. */
static bool check_sense(const struct schedule *schedule, size_t sessions, struct err *err)
{
	for (size_t who = 0; who < sessions; who++)
		for (size_t i = 0; i < schedule->n; i++) {
			const struct actor_step *step = &schedule->steps[i].what;
			if (schedule->steps[i].who != who || step->err == DB_OK)
				continue;
			if (step->err == DB_BROKEN)
				return err_set(err, "session %c, step '%s': %s", (char)('A' + who), step->label,
				               step->message);
			break; /* what comes after a first failure may be of its making */
		}
	return true;
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
	note_lengths(walk->serial, &walk->schedule, walk->play->sessions);
	if (walk->schedule.result == SCHEDULE_STOPPED)
		return true; /* interrupted: nobody will ask what the serial orders are */
	if (walk->schedule.result == SCHEDULE_WHOLE) {
		walk->serial->senseless = !check_sense(&walk->schedule, walk->play->sessions, walk->err);
		if (walk->serial->senseless)
			return false;
		note_parts(walk);
		keep(walk->serial, outcome_text(walk->play, &walk->schedule));
		return true;
	}
	return walk->schedule.result == SCHEDULE_FAILED ? false
	                                                : err_set(walk->err, "a serial order: %s", walk->schedule.why);
}

/* This order, and all that are longer. */
static bool run_from(struct walk *walk, unsigned used)
{
	const bool twice = walk->order.n == walk->play->sessions && walk->order.n <= MOST_RUN_TWICE;
	bool ok = run_order(walk) && (!twice || run_order(walk));

	walk->serial->orders++;
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

	if (serial->n_parts == 0)
		(void)add_part(serial);
	bool ok = run_from(&walk, 0);

	schedule_fini(&walk.schedule);
	return ok;
}

void serial_fini(struct serial *serial)
{
	for (size_t i = 0; i < serial->n; i++)
		free(serial->outcomes[i]);
	free(serial->outcomes);
	for (size_t i = 0; i < serial->n_parts; i++)
		free(serial->parts[i].steps);
	free(serial->parts);
	*serial = (struct serial){0};
}
