/* The note at a lane's right: whose deposits its write erased.
 *
 * Of a whole run it tells what the audit found, which tells each lost deposit once, with the write
 * that stands. A picture of the first round alone tells what happened there: a deposit that is
 * erased may come back later, when a request writes that had read the balance in between, and the
 * write that stands is then beyond the picture. */
#include "report/lanes.h"

void str_numbers(struct str *str, const uint32_t *numbers, size_t n, const char *last)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && i + 1 == n)
			str_printf(str, " %s ", last);
		else if (i > 0)
			str_add(str, ", ");
		str_printf(str, "%u", numbers[i]);
	}
}

/* "requests 2 and 5": both; "request 2 or 5": one of them; a number where a list would be too long. */
static void add_erased(struct str *note, struct str *short_note, const struct overwrite *overwrite)
{
	enum { LONGEST_LIST = 3 };
	bool sure = overwrite->n_gone == overwrite->n_erased;
	bool list = overwrite->n_erased <= LONGEST_LIST && (sure || overwrite->n_gone == 1);
	struct str who = {0};

	if (overwrite->n_erased == 0) {
		str_add(note, "a deposit");
		str_add(&who, "?");
	} else if (list) {
		str_numbers(&who, overwrite->erased, overwrite->n_erased, sure ? "and" : "or");
		str_printf(note, "request%s %s", overwrite->n_gone == 1 ? "" : "s", str_text(&who));
	} else {
		str_printf(&who, sure ? "%zu" : "%zu of %zu", overwrite->n_gone, overwrite->n_erased);
		str_printf(note, "%s requests", str_text(&who));
		str_add(&who, sure ? " requests" : "");
	}
	str_add(short_note, str_text(&who));
	str_fini(&who);
}

/* ---- at the moment ---------------------------------------------------------------------------- */

/* One request's write of the balance, if it was carried out. */
struct carried_out {
	const struct history_step *read, *write;
	const struct history_step *shows; /* what made it visible to others: the commit, or the write itself */
};

static bool find_carried_out(const struct history_request *at, struct carried_out *found)
{
	*found = (struct carried_out){0};
	bool in_transaction = false;

	for (size_t i = 0; i < at->n_steps; i++) {
		const struct history_step *step = &at->steps[i];
		if (step->pause || step->end_ns == 0 || step->err != DB_OK)
			continue;
		if (step->verb == DB_BEGIN)
			in_transaction = true;
		else if (step->verb == DB_READ && found->write == NULL)
			found->read = step;
		else if (step->verb == DB_WRITE && step->result != 0 && writes_what_was_read(at, step))
			found->write = step;
		else if (step->verb == DB_COMMIT)
			found->shows = step;
	}
	if (!in_transaction)
		found->shows = found->write;
	return found->read != NULL && found->write != NULL && found->shows != NULL;
}

/* The request whose balance this one wrote over without having read it; 0: none, or the order in time
 * leaves a doubt. */
static uint32_t erased_at_the_moment(const struct history *history, const struct history_request *at)
{
	struct carried_out own, other, last = {0};
	uint32_t request = 0;
	int64_t latest_ns = INT64_MIN;

	if (!find_carried_out(at, &own))
		return 0;
	for (size_t i = 0; i < history->n; i++) {
		const struct history_request *before = &history->requests[i];
		if (before == at || !find_carried_out(before, &other) || other.shows->begin_ns > own.shows->end_ns)
			continue;
		if (other.shows->end_ns > own.shows->begin_ns)
			return 0; /* at the same time: which came first is not known */
		if (other.shows->end_ns > latest_ns) {
			last = other;
			request = before->request;
			latest_ns = other.shows->end_ns;
		}
	}
	if (request == 0 || own.read->end_ns > last.write->begin_ns)
		return 0;
	for (size_t i = 0; i < history->n; i++) /* two before it, at the same time */
		if (history->requests[i].request != request && &history->requests[i] != at &&
		    find_carried_out(&history->requests[i], &other) && other.shows->begin_ns < own.shows->begin_ns &&
		    other.shows->end_ns > last.shows->begin_ns)
			return 0;
	return request;
}

/* ---- the note --------------------------------------------------------------------------------- */

void read_note(struct lanes *lanes, struct lane *lane, const struct run_result *result, enum note_kind kind)
{
	const struct findings *findings = &result->findings;
	struct str note = {0}, short_note = {0};

	if (kind == NOTE_AT_THE_MOMENT) {
		uint32_t erased = lane->at != NULL ? erased_at_the_moment(&result->history, lane->at) : 0;
		if (erased != 0) {
			str_printf(&note, "erases request %u", erased);
			str_printf(&short_note, "%u", erased);
		}
	}
	for (size_t i = 0; kind == NOTE_STANDS && i < findings->n_overwrites; i++) {
		if (findings->overwrites[i].writer != lane->request)
			continue;
		str_add(&note, note.length == 0 ? "erases " : "; ");
		str_add(&short_note, short_note.length == 0 ? "" : "; ");
		add_erased(&note, &short_note, &findings->overwrites[i]);
	}
	if (note.length > 0) {
		lane->note = arena_text(&lanes->arena, str_text(&note));
		lane->short_note = arena_text(&lanes->arena, str_text(&short_note));
	}
	str_fini(&note);
	str_fini(&short_note);
}
