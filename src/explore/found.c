/* The sums over schedules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "explore/search.h"

const char *orders_name(enum orders orders)
{
	switch (orders) {
	case ORDERS_ALLOWED: return "allowed";
	case ORDERS_LITERAL: return "literal";
	case ORDERS_WRITTEN: return "written";
	case ORDERS_RANDOM: return "random";
	}
	abort();
}

/* A result that was too long to be kept is told by its mark. */
static void add_result(struct str *text, const struct actor_step *step)
{
	const size_t length = strlen(step->result);

	str_printf(text, " %s", step->result);
	if (length > 3 && text_equal(step->result + length - 3, "..."))
		str_printf(text, "%llx", (unsigned long long)step->mark);
}

static void add_outcome(struct str *text, const struct actor_step *step)
{
	if (step->err != DB_OK)
		str_printf(text, " %s", db_err_name(step->err));
	else if (step->verb == DB_READ)
		add_result(text, step);
	else if (step->verb == DB_WRITE)
		str_printf(text, " %lld", (long long)step->affected);
}

static void add_session(struct str *text, const struct schedule *schedule, size_t who)
{
	str_printf(text, "%c:", (char)('A' + who));
	for (size_t i = 0; i < schedule->n; i++) {
		const struct actor_step *step = &schedule->steps[i].what;
		if (schedule->steps[i].who != who)
			continue;
		str_printf(text, " %s", step->label);
		add_outcome(text, step);
		str_add_char(text, ',');
	}
	str_printf(text, " %s\n", schedule->ends[who].text);
}

char *behaviour_text(const struct play *play, const struct schedule *schedule)
{
	struct str text = {0};

	for (size_t i = 0; i < play->sessions; i++)
		add_session(&text, schedule, i);
	str_printf(&text, "state: %s\n", str_text(&schedule->state));
	return str_take(&text);
}

static struct behaviour *note_behaviour(struct found *found, const struct play *play, bool is_serial,
                                        const struct schedule *schedule)
{
	char *text = behaviour_text(play, schedule);

	for (size_t i = 0; i < found->n_behaviours; i++)
		if (text_equal(found->behaviours[i].text, text)) {
			free(text);
			found->behaviours[i].schedules++;
			return &found->behaviours[i];
		}
	found->behaviours = mem_grow(found->behaviours, &found->capacity, found->n_behaviours + 1,
	                             sizeof *found->behaviours);
	found->behaviours[found->n_behaviours] =
		(struct behaviour){.text = text, .schedules = 1, .broken = schedule->broken, .serial = is_serial};
	return &found->behaviours[found->n_behaviours++];
}

static void count_code(struct found *found, const char *what)
{
	size_t i = 0;

	while (i < found->n_codes && !text_equal(found->by_code[i].what, what))
		i++;
	if (i == SEARCH_MOST_REASONS)
		return;
	if (i == found->n_codes)
		(void)snprintf(found->by_code[found->n_codes++].what, sizeof found->by_code[i].what, "%s", what);
	found->by_code[i].schedules++;
}

/* Each code once a schedule. */
static void count_codes(struct found *found, const struct schedule *schedule, size_t sessions)
{
	for (size_t i = 0; i < sessions; i++) {
		bool counted = !schedule->ends[i].refused;
		for (size_t k = 0; k < i && !counted; k++)
			counted = schedule->ends[k].refused && text_equal(schedule->ends[k].text,
			                                                  schedule->ends[i].text);
		if (!counted)
			count_code(found, schedule->ends[i].text);
	}
}

/* Does the session take a step after this one? */
static bool goes_on(const struct schedule *schedule, size_t step)
{
	for (size_t i = step + 1; i < schedule->n; i++)
		if (schedule->steps[i].who == schedule->steps[step].who)
			return true;
	return false;
}

unsigned schedule_preemptions(const struct schedule *schedule)
{
	unsigned n = 0;

	for (size_t i = 1; i < schedule->n; i++)
		n += schedule->steps[i].who != schedule->steps[i - 1].who && !schedule->steps[i - 1].waited &&
		     goes_on(schedule, i - 1);
	return n;
}

/* Of equally good ones always the same, whoever came first. */
static bool comes_before(const struct schedule *a, const struct schedule *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->steps[i].who != b->steps[i].who)
			return a->steps[i].who < b->steps[i].who;
	return false;
}

static bool is_better_witness(const struct found *found, const struct schedule *schedule)
{
	unsigned n = schedule_preemptions(schedule);

	if (found->witness.n == 0 || schedule->broken != found->witness_breaks)
		return found->witness.n == 0 || schedule->broken;
	if (n != found->preemptions)
		return n < found->preemptions;
	if (schedule->n != found->witness.n)
		return schedule->n < found->witness.n;
	return comes_before(schedule, &found->witness);
}

static void keep_witness(struct found *found, const struct schedule *schedule)
{
	struct schedule *witness = &found->witness;

	schedule_fini(witness);
	found->witness_breaks = schedule->broken;
	found->preemptions = schedule_preemptions(schedule);
	*witness = *schedule;
	witness->state = (struct str){0};
	str_add(&witness->state, str_text(&schedule->state));
	witness->steps = mem_new(schedule->n, sizeof *witness->steps);
	memcpy(witness->steps, schedule->steps, schedule->n * sizeof *witness->steps);
	witness->capacity = schedule->n;
}

/* InnoDB answers the statement that closes the circle at once: nobody was seen to wait for good. */
static bool has_deadlock(const struct schedule *schedule)
{
	for (size_t i = 0; i < schedule->n; i++)
		if (schedule->steps[i].what.err == DB_DEADLOCK)
			return true;
	return false;
}

/* Some session sent one statement and no BEGIN. */
static bool is_lone(const struct schedule *schedule, size_t sessions)
{
	for (size_t i = 0; i < sessions; i++) {
		size_t n = 0;
		for (size_t k = 0; k < schedule->n; k++)
			n += schedule->steps[k].who == i &&
			     schedule->steps[k].what.attempt == schedule->ends[i].attempt;
		if (n == 1)
			return true;
	}
	return false;
}

static void count_whole(struct found *found, const struct play *play, const struct serial *serial,
                        const struct schedule *schedule)
{
	bool is_serial = serial == NULL || serial_has(serial, play, schedule);
	struct behaviour *behaviour = note_behaviour(found, play, is_serial, schedule);
	bool refused = false;

	for (size_t i = 0; i < play->sessions; i++)
		refused |= schedule->ends[i].refused;
	behaviour->refused = refused;
	found->schedules++;
	found->refusing += refused;
	found->blocking += schedule->blocked;
	found->deadlocked += schedule->deadlocked || has_deadlock(schedule);
	found->queued += schedule->queued;
	found->violating += schedule->broken || !is_serial;
	found->breaking += schedule->broken;
	count_codes(found, schedule, play->sessions);
	found->unlike_serial += !is_serial;
	found->lone = is_lone(schedule, play->sessions) && (found->schedules == 1 || found->lone);
	if ((schedule->broken || !is_serial) && is_better_witness(found, schedule))
		keep_witness(found, schedule);
}

static void count_unsure(struct found *found, const char *why)
{
	if (found->unsure++ == 0)
		(void)snprintf(found->why, sizeof found->why, "%s", why);
}

void found_note(struct found *found, const struct play *play, const struct serial *serial,
                const struct schedule *schedule, bool diverged)
{
	switch (schedule->result) {
	case SCHEDULE_WHOLE: count_whole(found, play, serial, schedule); break;
	case SCHEDULE_VAIN: found->vain++; break;
	case SCHEDULE_UNSURE: count_unsure(found, schedule->why); break;
	case SCHEDULE_STOPPED:
		if (diverged)
			count_unsure(found, "the same beginning went another way each time that it was run again");
		break;
	case SCHEDULE_FAILED: break;
	}
}

bool found_has(const struct found *found, const char *behaviour)
{
	for (size_t i = 0; i < found->n_behaviours; i++)
		if (text_equal(found->behaviours[i].text, behaviour))
			return true;
	return false;
}

static int compare_behaviours(const void *a, const void *b)
{
	const struct behaviour *one = a, *other = b;

	return strcmp(one->text, other->text);
}

static int compare_counts(const void *a, const void *b)
{
	const struct refusal_count *one = a, *other = b;

	return strcmp(one->what, other->what);
}

void found_sort(struct found *found)
{
	if (found->n_behaviours > 0)
		qsort(found->behaviours, found->n_behaviours, sizeof *found->behaviours, compare_behaviours);
	qsort(found->by_code, found->n_codes, sizeof *found->by_code, compare_counts);
}

void found_fini(struct found *found)
{
	for (size_t i = 0; i < found->n_behaviours; i++)
		free(found->behaviours[i].text);
	free(found->behaviours);
	schedule_fini(&found->witness);
	schedule_fini(&found->shown);
	free(found->stress.outcome);
	*found = (struct found){0};
}
