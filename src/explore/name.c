/* Patterns of two sessions over one or two rows. A step takes effect where it was woken, if it waited. */
#include "explore/name.h"

#include <string.h>

struct pattern {
	const struct schedule *schedule;
	struct str *sentence;
};

static size_t effect_of(const struct schedule *schedule, size_t i)
{
	const struct schedule_step *step = &schedule->steps[i];

	return step->waited && step->woken_by < schedule->n ? step->woken_by : i;
}

/* It counts in the end: of a session that was not refused, and of the try that was the last. */
static bool counts(const struct schedule *schedule, size_t i, enum db_verb verb)
{
	const struct schedule_step *step = &schedule->steps[i];
	const struct play_end *end = &schedule->ends[step->who];

	return step->what.verb == verb && step->what.err == DB_OK && step->what.row != 0 && !end->refused &&
	       step->what.attempt == end->attempt && (verb != DB_WRITE || step->what.affected > 0);
}

static char letter(const struct schedule *schedule, size_t i)
{
	return (char)('A' + schedule->steps[i].who);
}

static const char *result(const struct schedule *schedule, size_t i)
{
	return schedule->steps[i].what.result;
}

/* Does the session end by taking everything back? */
static bool rolls_back(const struct schedule *schedule, size_t who, size_t *at)
{
	for (*at = schedule->n; (*at)-- > 0;)
		if (schedule->steps[*at].who == who)
			return schedule->steps[*at].what.verb == DB_ROLLBACK;
	return false;
}

/* When the session's transaction that has this step ends. */
static size_t end_of(const struct schedule *schedule, size_t i)
{
	for (size_t k = i; k < schedule->n; k++)
		if (schedule->steps[k].who == schedule->steps[i].who && schedule->steps[k].what.tx != DB_TX_OPEN)
			return effect_of(schedule, k);
	return schedule->n;
}

static bool same_row(const struct schedule *schedule, size_t i, size_t k)
{
	return schedule->steps[i].what.row == schedule->steps[k].what.row;
}

static bool differ(const struct schedule *schedule, size_t i, size_t k)
{
	return schedule->steps[i].who != schedule->steps[k].who;
}

/* r1[x] w2[x] w1[x] */
static bool is_lost_update(const struct pattern *pattern, size_t read, size_t other)
{
	const struct schedule *schedule = pattern->schedule;

	for (size_t own = read + 1; own < schedule->n; own++) {
		if (!counts(schedule, own, DB_WRITE) || differ(schedule, own, read) || !same_row(schedule, own, read) ||
		    !schedule->steps[own].what.overwrites || effect_of(schedule, own) < effect_of(schedule, other))
			continue;
		str_printf(pattern->sentence,
		           "Lost update: %c read %s before %c wrote, and then wrote over it.",
		           letter(schedule, read), result(schedule, read), letter(schedule, other));
		return true;
	}
	return false;
}

/* r1[x] w2[x] w2[y] c2 r1[y] */
static bool is_read_skew(const struct pattern *pattern, size_t read, size_t other)
{
	const struct schedule *schedule = pattern->schedule;

	for (size_t second = read + 1; second < schedule->n; second++) {
		if (!counts(schedule, second, DB_READ) || !schedule->steps[second].what.touches.latest ||
		    differ(schedule, second, read) || same_row(schedule,
		                                                                                     second, read) ||
		    effect_of(schedule, second) < end_of(schedule, other))
			continue;
		for (size_t k = 0; k < schedule->n; k++) {
			if (!counts(schedule, k, DB_WRITE) || differ(schedule, k, other) || !same_row(schedule,
			                                                                              k, second))
				continue;
			str_printf(pattern->sentence, "Read skew: %c read %s before %c wrote both rows, and %s of the "
			           "other one after it.", letter(schedule, read), result(schedule, read),
			           letter(schedule, other), result(schedule, second));
			return true;
		}
	}
	return false;
}

/* r1[x] w2[x], and r2[y] w1[y] likewise */
static bool is_write_skew(const struct pattern *pattern, size_t read, size_t other)
{
	const struct schedule *schedule = pattern->schedule;

	for (size_t back = 0; back < schedule->n; back++) {
		if (!counts(schedule, back, DB_READ) || differ(schedule, back, other) || same_row(schedule, back, read))
			continue;
		for (size_t own = 0; own < schedule->n; own++) {
			if (!counts(schedule, own, DB_WRITE) || differ(schedule, own, read) ||
			    !same_row(schedule, own, back) || end_of(schedule, own) < effect_of(schedule, back))
				continue;
			str_printf(pattern->sentence,
			           "Write skew: %c and %c each read a row before the other one wrote it.",
			           letter(schedule, read), letter(schedule, other));
			return true;
		}
	}
	return false;
}

/* w1[x] r2[x] a1, where r2 sees what is not committed */
static bool is_aborted_read(const struct pattern *pattern, size_t read)
{
	const struct schedule *schedule = pattern->schedule;

	for (size_t i = 0; i < schedule->n; i++) {
		size_t end;
		if (!counts(schedule, i, DB_WRITE) || !differ(schedule, i, read) || !same_row(schedule, i, read) ||
		    effect_of(schedule, i) > read || !rolls_back(schedule, schedule->steps[i].who, &end) || end < read)
			continue;
		str_printf(pattern->sentence, "Aborted read: %c read %s, which %c wrote and took back.",
		           letter(schedule, read), result(schedule, read), letter(schedule, i));
		return true;
	}
	return false;
}

/* The write of another session to what was read, which the read did not see. */
static bool writes_behind(const struct schedule *schedule, size_t read, size_t write)
{
	bool dirty = schedule->steps[read].what.touches.dirty;
	size_t seen_from = dirty ? effect_of(schedule, write) : end_of(schedule, write);

	return counts(schedule, write, DB_WRITE) && differ(schedule, write, read) && same_row(schedule, write, read) &&
	       seen_from > effect_of(schedule, read);
}

static const char *name_by(const struct pattern *pattern, bool (*is)(const struct pattern *, size_t, size_t),
                           const char *name)
{
	const struct schedule *schedule = pattern->schedule;

	for (size_t read = 0; read < schedule->n; read++)
		for (size_t write = 0; write < schedule->n && counts(schedule, read, DB_READ); write++)
			if (writes_behind(schedule, read, write) && is(pattern, read, write))
				return name;
	return NULL;
}

const char *anomaly_name(const struct schedule *schedule, struct str *sentence)
{
	const struct pattern pattern = {schedule, sentence};
	const char *name = name_by(&pattern, is_lost_update, "P4");

	for (size_t i = 0; i < schedule->n && name == NULL; i++)
		if (counts(schedule, i, DB_READ) && schedule->steps[i].what.touches.dirty &&
		    is_aborted_read(&pattern, i))
			name = "G1a";
	if (name == NULL)
		name = name_by(&pattern, is_read_skew, "G-single");
	if (name == NULL)
		name = name_by(&pattern, is_write_skew, "G2-item");
	return name != NULL ? name : "";
}
