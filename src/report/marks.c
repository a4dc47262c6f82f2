/* Reads a run into lanes: which marks a request left and what passed its time, out of its events;
 * where it has none, out of what the client saw. Nothing here knows about columns. */
#include "report/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

bool reply_is_missing(const struct audit_reply *reply)
{
	return reply->status == 0 || reply->status == 502 || reply->status == 504;
}

/* A write of the balance is one to the row that was read before; where nothing was read, any. */
static bool writes_what_was_read(const struct history_request *at, const struct history_step *step)
{
	bool read_anything = false;

	for (const struct history_step *s = at->steps; s < step; s++) {
		if (s->pause || s->verb != DB_READ)
			continue;
		read_anything = true;
		if (s->key == step->key && text_equal(s->table, step->table))
			return true;
	}
	return !read_anything;
}

enum done request_done(const struct history_request *at, const struct audit_reply *reply)
{
	if (at == NULL)
		return DONE_MAYBE;
	for (size_t i = 0; i < at->n_steps; i++) {
		const struct history_step *step = &at->steps[i];
		bool keeps = reply->atomic ? step->verb == DB_COMMIT
		                           : step->verb == DB_WRITE && !writes_what_was_read(at, step);
		if (step->pause || !keeps)
			continue;
		if (step->end_ns == 0 || step->err == DB_LOST)
			return DONE_MAYBE;
		return step->err == DB_OK ? DONE_YES : DONE_NO;
	}
	return DONE_NO;
}

/* ---- one lane -------------------------------------------------------------------------------- */

struct reader {
	struct lanes *lanes;
	const struct report_style *style;
	const struct run_result *result;
	int64_t long_call_ns;
};

static struct mark *add_mark(struct lane *lane, enum mark_kind kind, int64_t t_ns)
{
	struct mark *mark = &lane->marks[lane->n_marks++];

	*mark = (struct mark){.kind = kind, .t_ns = t_ns};
	return mark;
}

static void add_segment(struct lane *lane, enum fill fill, int64_t begin_ns, int64_t end_ns)
{
	if (end_ns > begin_ns)
		lane->segments[lane->n_segments++] = (struct segment){fill, begin_ns, end_ns};
}

static void set_text(struct mark *mark, const char *brief, const char *full)
{
	for (enum mark_text i = 0; i < MARK_TEXTS; i++)
		(void)snprintf(mark->text[i], sizeof mark->text[i], "%s", i == MARK_BRIEF ? brief : full);
}

static void set_value(struct mark *mark, const char *letter, int64_t value)
{
	char full[32];

	(void)snprintf(full, sizeof full, "%s %lld", letter, (long long)value);
	set_text(mark, letter, full);
}

static void add_refusal(struct lane *lane, int64_t t_ns, const char *reason)
{
	char full[48];

	(void)snprintf(full, sizeof full, "x %s", reason);
	for (char *c = full; *c != '\0'; c++)
		*c = *c == '_' ? ' ' : *c;
	set_text(add_mark(lane, MARK_REFUSED, t_ns), "x", full);
}

/* Why the client was refused: the reason that it was told, else the status. */
static void add_reply_refusal(struct lane *lane, int64_t t_ns, const struct audit_reply *reply, int status)
{
	char number[16];

	(void)snprintf(number, sizeof number, "%d", status);
	add_refusal(lane, t_ns, reply != NULL && reply->reason[0] != '\0' ? reply->reason : number);
}

/* When something that never ended was over at the latest, as far as anybody saw: with the client's
 * connection. */
static int64_t gone_ns(const struct lane *lane, int64_t begin_ns)
{
	const struct audit_reply *reply = lane->reply;

	return reply != NULL && reply->status == 0 && reply->ended_ns > begin_ns ? reply->ended_ns : begin_ns;
}

static const char *letter_of(const struct history_request *at, const struct history_step *step)
{
	switch (step->verb) {
	case DB_READ: return "R";
	case DB_WRITE: return writes_what_was_read(at, step) ? "W" : "I";
	case DB_COMMIT: return "C";
	case DB_BEGIN:
	case DB_ROLLBACK: break;
	}
	return "";
}

/* A call whose outcome nobody knows: it never ended, or the connection broke under it. */
static void add_unknown(struct lane *lane, const struct history_step *step, int64_t t_ns)
{
	const char *letter = letter_of(lane->at, step);
	char brief[4], full[32];

	(void)snprintf(brief, sizeof brief, "%s?", letter);
	if (text_equal(letter, "W"))
		(void)snprintf(full, sizeof full, "W %lld ?", (long long)step->value);
	else
		(void)snprintf(full, sizeof full, "%s%s?", letter, letter[0] != '\0' ? " " : "");
	set_text(add_mark(lane, MARK_UNKNOWN, t_ns), brief, full);
}

static void add_done_call(struct lane *lane, const struct history_step *step, bool show_record)
{
	const char *letter = letter_of(lane->at, step);

	switch (step->verb) {
	case DB_READ:
		if (lane->at->end_ns != 0 && lane->at->end == OP_DENIED && lane->at->status == 404)
			set_text(add_mark(lane, MARK_READ, step->end_ns), letter, letter); /* there was no row */
		else
			set_value(add_mark(lane, MARK_READ, step->end_ns), letter, step->value);
		break;
	case DB_WRITE:
		if (letter[0] == 'W' && step->result == 0)
			break; /* it matched no row */
		if (letter[0] == 'W')
			set_value(add_mark(lane, MARK_WRITE, step->end_ns), letter, step->value);
		else if (show_record)
			set_text(add_mark(lane, MARK_RECORD, step->end_ns), letter, letter);
		break;
	case DB_COMMIT:
		set_text(add_mark(lane, MARK_COMMIT, step->end_ns), letter, letter);
		break;
	case DB_BEGIN:
	case DB_ROLLBACK:
		break;
	}
}

static void read_step(const struct reader *reader, struct lane *lane, const struct history_step *step,
                      bool show_record)
{
	int64_t end_ns = step->end_ns != 0 ? step->end_ns : gone_ns(lane, step->begin_ns);

	if (step->pause) {
		add_segment(lane, FILL_PAUSE, step->begin_ns, end_ns);
		return;
	}
	if (end_ns - step->begin_ns >= reader->long_call_ns)
		add_segment(lane, FILL_WAIT, step->begin_ns, end_ns);
	bool keeps = step->verb == DB_WRITE || step->verb == DB_COMMIT;
	if (step->end_ns == 0 || (step->err == DB_LOST && keeps))
		add_unknown(lane, step, end_ns);
	else if (step->err == DB_OK)
		add_done_call(lane, step, show_record);
	else if (step->verb != DB_ROLLBACK)
		add_refusal(lane, end_ns, db_err_name(step->err));
}

static bool has_mark(const struct lane *lane, enum mark_kind kind)
{
	for (size_t i = 0; i < lane->n_marks; i++)
		if (lane->marks[i].kind == kind)
			return true;
	return false;
}

static bool writes_balance(const struct history_request *at)
{
	for (size_t i = 0; i < at->n_steps; i++)
		if (!at->steps[i].pause && at->steps[i].verb == DB_WRITE && writes_what_was_read(at, &at->steps[i]))
			return true;
	return false;
}

static void read_worker_side(const struct reader *reader, struct lane *lane)
{
	const struct history_request *at = lane->at;
	bool done = at->end_ns != 0 && at->end == OP_DONE;
	/* The insert tells something only where the write of the balance does not follow. */
	bool show_record = !done || !writes_balance(at);

	if (lane->reply != NULL && lane->reply->sent_ns != 0)
		add_segment(lane, FILL_QUEUED, lane->reply->sent_ns, at->begin_ns);
	for (size_t i = 0; i < at->n_steps; i++)
		read_step(reader, lane, &at->steps[i], show_record);
	bool told = has_mark(lane, MARK_REFUSED) || has_mark(lane, MARK_UNKNOWN);
	if (at->end_ns != 0 && !done && !told)
		add_reply_refusal(lane, at->end_ns, lane->reply, at->status);
}

static void add_no_answer(const struct reader *reader, struct lane *lane)
{
	const struct audit_reply *reply = lane->reply;
	const char *dash = reader->style->utf8 ? "\u2014" : "-";
	int64_t t_ns = reply->ended_ns != 0 ? reply->ended_ns : reply->sent_ns;

	if (t_ns == 0)
		t_ns = lane->at != NULL ? lane->at->begin_ns : reader->result->start_ns;
	char full[48];
	if (!reply->reached)
		(void)snprintf(full, sizeof full, "%s never sent", dash);
	else if (reply->status == 0)
		(void)snprintf(full, sizeof full, "%s no answer", dash);
	else
		(void)snprintf(full, sizeof full, "%s no answer, %d", dash, reply->status);
	set_text(add_mark(lane, MARK_NO_ANSWER, t_ns), dash, full);
}

static void read_client_side(struct lane *lane)
{
	const struct audit_reply *reply = lane->reply;

	if (reply->sent_ns != 0)
		add_segment(lane, FILL_AWAY, reply->sent_ns, reply->ended_ns);
	if (reply_is_missing(reply))
		return;
	if (reply->status == 200)
		set_text(add_mark(lane, MARK_ANSWERED, reply->ended_ns), "200", "200 OK");
	else
		add_reply_refusal(lane, reply->ended_ns, reply, reply->status);
}

/* Marks come nearly in order: only the client's own may belong further left. */
static void sort_marks(struct lane *lane)
{
	for (size_t i = 1; i < lane->n_marks; i++)
		for (size_t j = i; j > 0 && lane->marks[j - 1].t_ns > lane->marks[j].t_ns; j--) {
			struct mark earlier = lane->marks[j];
			lane->marks[j] = lane->marks[j - 1];
			lane->marks[j - 1] = earlier;
		}
}

/* The words follow the dash only where nothing else does. */
static void shorten_dashes(struct lane *lane)
{
	for (size_t i = 0; i + 1 < lane->n_marks; i++) {
		struct mark *mark = &lane->marks[i];
		char dash[sizeof mark->text[MARK_BRIEF]];
		if (mark->kind != MARK_NO_ANSWER)
			continue;
		memcpy(dash, mark->text[MARK_BRIEF], sizeof dash);
		set_text(mark, dash, dash);
	}
}

/* "W 100 C" as "WC 100": the value moves behind the commit. */
static void tighten(struct lane *lane)
{
	for (size_t i = 0; i + 1 < lane->n_marks; i++) {
		struct mark *write = &lane->marks[i], *commit = &lane->marks[i + 1];
		if (write->kind != MARK_WRITE || commit->kind != MARK_COMMIT)
			continue;
		(void)snprintf(commit->text[MARK_TIGHT], sizeof commit->text[MARK_TIGHT], "C%s",
		               write->text[MARK_FULL] + 1);
		(void)snprintf(write->text[MARK_TIGHT], sizeof write->text[MARK_TIGHT], "W");
		commit->glued = true;
	}
}

static void read_lane(const struct reader *reader, struct lane *lane)
{
	size_t steps = lane->at != NULL ? lane->at->n_steps : 0;

	lane->marks = arena_new(&reader->lanes->arena, steps + 3, sizeof *lane->marks);
	lane->segments = arena_new(&reader->lanes->arena, steps + 2, sizeof *lane->segments);
	if (lane->at != NULL)
		read_worker_side(reader, lane);
	else if (lane->reply != NULL)
		read_client_side(lane);
	if (lane->reply != NULL && reply_is_missing(lane->reply))
		add_no_answer(reader, lane);
	if (lane->at != NULL && lane->at->end_ns == 0 && !has_mark(lane, MARK_UNKNOWN) &&
	    !has_mark(lane, MARK_NO_ANSWER))
		set_text(add_mark(lane, MARK_UNKNOWN, lane->at->last_ns), "?", "?");
	sort_marks(lane);
	shorten_dashes(lane);
	tighten(lane);
}

/* ---- all of them ------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* From when on a call is drawn as waiting: five times what half of the run's calls take, and at least
 * 5 ms, since a busy disk takes that much. */
static int64_t long_call(const struct history *history)
{
	size_t n = 0, most = 0;

	for (size_t i = 0; i < history->n; i++)
		most += history->requests[i].n_steps;
	int64_t *took = mem_new(most, sizeof *took);
	for (size_t i = 0; i < history->n; i++)
		for (size_t j = 0; j < history->requests[i].n_steps; j++) {
			const struct history_step *step = &history->requests[i].steps[j];
			if (!step->pause && step->end_ns != 0)
				took[n++] = step->end_ns - step->begin_ns;
		}
	qsort(took, n, sizeof *took, by_number);
	int64_t median = n > 0 ? took[n / 2] : 0;
	free(took);
	return 5 * median > 5 * NS_PER_MS ? 5 * median : 5 * NS_PER_MS;
}

static int by_begin(const void *a, const void *b)
{
	const struct lane *x = a, *y = b;
	int64_t x_ns = 0, y_ns = 0;

	if ((x->at == NULL) != (y->at == NULL))
		return x->at == NULL ? 1 : -1;
	if (x->at != NULL) {
		x_ns = x->at->begin_ns;
		y_ns = y->at->begin_ns;
	}
	/* Those that no worker began left together, or in their order: the number tells. */
	if (x_ns == y_ns)
		return (x->request > y->request) - (x->request < y->request);
	return x_ns > y_ns ? 1 : -1;
}

static void add_lane(struct lanes *lanes, const struct run_plan *plan, uint32_t request,
                     const struct history_request *at, const struct audit_reply *reply, int64_t until_ns)
{
	if (until_ns != 0 && (at == NULL || at->begin_ns >= until_ns))
		return;
	bool mixed_in = at != NULL && plan->mix != NULL ? text_equal(at->op, plan->mix) : request % 2 == 0;
	lanes->items[lanes->n++] = (struct lane){
		.request = request,
		.letter = plan->mix == NULL ? '\0' : mixed_in ? 'b' : 'a',
		.at = at,
		.reply = reply,
	};
}

void lanes_read(struct lanes *lanes, const struct report_style *style, const struct run_result *result,
                int64_t until_ns)
{
	const struct history *history = &result->history;
	const struct run_plan *plan = &result->plan;
	struct reader reader = {lanes, style, result, long_call(history)};

	*lanes = (struct lanes){0};
	lanes->items = arena_new(&lanes->arena, plan->requests + history->n, sizeof *lanes->items);
	for (uint32_t i = 1; i <= plan->requests; i++)
		add_lane(lanes, plan, i, history_find(history, i), &result->replies[i - 1], until_ns);
	for (size_t i = 0; i < history->n; i++) /* somebody else's requests at our workers */
		if (history->requests[i].request == 0 || history->requests[i].request > plan->requests)
			add_lane(lanes, plan, history->requests[i].request, &history->requests[i], NULL, until_ns);
	qsort(lanes->items, lanes->n, sizeof *lanes->items, by_begin);
	for (size_t i = 0; i < lanes->n; i++) {
		struct lane *lane = &lanes->items[i];
		read_lane(&reader, lane);
		read_note(lanes, lane, result);
		for (size_t j = 0; j < lane->n_marks; j++)
			lane->marks[j].lane = i;
	}
}

void lanes_fini(struct lanes *lanes)
{
	arena_fini(&lanes->arena);
	*lanes = (struct lanes){0};
}
