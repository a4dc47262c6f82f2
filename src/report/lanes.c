/* Draws the lanes: one line a request, to time, fitted to the width.
 *
 * The promise of the picture is its order: what happened later is never drawn left of what happened
 * earlier, whichever lanes the two are in. A mark needs columns for its text, though, so several
 * marks within a millisecond push each other to the right. Therefore one function maps time to
 * columns for all lanes together: linear, except where a mark was pushed; from there on everything
 * later is at least as far right. The times in the first line stand over marks, so they are true
 * wherever those were pushed. */
#include "report/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/style.h"

enum { LANES_MOST = 30, LANES_COLUMNS_LEAST = 40, NOTE_GAP = 3, TICK_GAP = 2 };

/* From the most talkative to the tersest; the first that fits is taken. */
static const struct form {
	enum { WORDS, TITLES, NUMBERS } frame; /* "request 1 ... erases request 2"; columns with titles; bare */
	enum mark_text text;
	size_t gap;   /* columns between two marks of a lane */
	size_t area;  /* not this form where the drawing would have fewer columns, */
	size_t share; /* or where time would have less than so many per cent of them: the rest is what */
} forms[] = {         /* marks push each other to the right */
	{WORDS, MARK_FULL, 1, 40, 70},   {WORDS, MARK_TIGHT, 1, 40, 70},  {TITLES, MARK_TIGHT, 1, 20, 50},
	{TITLES, MARK_BRIEF, 1, 16, 40}, {NUMBERS, MARK_BRIEF, 0, 1, 0},
};

struct cell {
	char glyph[5]; /* one code point */
	enum ink ink;
	enum fill fill;
};

struct layout {
	const struct report_style *style;
	const struct lanes *lanes;
	const struct form *form;
	size_t n;                    /* lanes that are drawn */
	size_t columns;              /* of the whole line */
	size_t digits;               /* of the largest request number */
	size_t prefix, area, note;   /* columns: before the drawing, of it, of the notes */
	struct mark **marks;         /* of the lanes that are drawn, by time */
	size_t n_marks;
	int64_t from_ns, to_ns;
	size_t scale;                /* columns from from_ns to to_ns */
};

static const char *mark_text(const struct layout *layout, const struct mark *mark)
{
	return mark->text[layout->form->text];
}

/* ---- where everything stands ------------------------------------------------------------------ */

static size_t linear(const struct layout *layout, int64_t t_ns)
{
	if (t_ns <= layout->from_ns || layout->to_ns <= layout->from_ns)
		return 0;
	double share = (double)(t_ns - layout->from_ns) / (double)(layout->to_ns - layout->from_ns);
	return (size_t)(share * (double)layout->scale);
}

/* The column of any time, in the order of the marks' columns. */
static size_t column_of(const struct layout *layout, int64_t t_ns)
{
	size_t low = 0, high = layout->n_marks, column = linear(layout, t_ns);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (layout->marks[middle]->t_ns <= t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0 && layout->marks[low - 1]->column > column)
		column = layout->marks[low - 1]->column;
	return column;
}

/* Gives each mark its column; false when one does not fit. */
static bool place_at_scale(struct layout *layout, size_t scale)
{
	size_t next[LANES_MOST] = {0}, latest = 0; /* per lane, where its last mark ends */
	bool fits = true;

	layout->scale = scale;
	for (size_t i = 0; i < layout->n_marks; i++) {
		struct mark *mark = layout->marks[i];
		size_t column = linear(layout, mark->t_ns), width = text_columns(mark_text(layout, mark));

		column = column > latest ? column : latest;
		size_t gap = next[mark->lane] == 0 || (mark->glued && layout->form->text == MARK_TIGHT)
		                     ? 0
		                     : layout->form->gap;
		column = column > next[mark->lane] + gap ? column : next[mark->lane] + gap;
		mark->column = latest = column;
		next[mark->lane] = column + width;
		fits = fits && column + width <= layout->area;
	}
	return fits;
}

/* The widest scale that leaves room for what the marks push to the right. */
static bool place(struct layout *layout)
{
	for (size_t scale = layout->area; scale-- > layout->area * layout->form->share / 100;)
		if (place_at_scale(layout, scale))
			return true;
	return false;
}

static size_t digits_of(uint32_t number)
{
	return number < 10 ? 1 : 1 + digits_of(number / 10);
}

static const char *note_of(const struct layout *layout, const struct lane *lane)
{
	return layout->form->frame == WORDS ? lane->note : lane->short_note;
}

static bool mixed(const struct layout *layout)
{
	return layout->lanes->n > 0 && layout->lanes->items[0].letter != '\0';
}

/* How many columns the frame of this form leaves; false when too few. */
static bool measure(struct layout *layout, const struct form *form)
{
	static const char *const titles[] = {[WORDS] = "", [TITLES] = "erases", [NUMBERS] = "erases"};

	layout->form = form;
	layout->digits = layout->note = 0;
	for (size_t i = 0; i < layout->n; i++) {
		const struct lane *lane = &layout->lanes->items[i];
		const char *note = note_of(layout, lane);
		size_t width = note != NULL ? text_columns(note) : 0, digits = digits_of(lane->request);
		if (width > 0 && width < strlen(titles[form->frame]))
			width = strlen(titles[form->frame]);
		layout->note = width > layout->note ? width : layout->note;
		layout->digits = digits > layout->digits ? digits : layout->digits;
	}
	size_t number = form->frame == WORDS    ? strlen("request ") + layout->digits
	                : form->frame == TITLES ? strlen("request")
	                                        : layout->digits;
	number = number > layout->digits ? number : layout->digits;
	layout->prefix = 2 + number + (mixed(layout) ? 2 : 0) + 1;
	size_t frame = layout->prefix + (layout->note > 0 ? layout->note + NOTE_GAP : 0);
	layout->area = layout->columns > frame ? layout->columns - frame : 0;
	return layout->area >= form->area;
}

static int by_time(const void *a, const void *b)
{
	const struct mark *x = *(const struct mark *const *)a, *y = *(const struct mark *const *)b;

	if (x->t_ns != y->t_ns)
		return x->t_ns > y->t_ns ? 1 : -1;
	if (x->lane != y->lane)
		return x->lane > y->lane ? 1 : -1;
	return (x > y) - (x < y); /* of one lane: as they stand in its list */
}

/* The marks of the first n lanes, and the time that they span. */
static void collect(struct layout *layout)
{
	bool any = false;

	layout->n_marks = 0;
	layout->from_ns = layout->to_ns = 0;
	for (size_t i = 0; i < layout->n; i++) {
		const struct lane *lane = &layout->lanes->items[i];
		for (size_t j = 0; j < lane->n_marks; j++)
			layout->marks[layout->n_marks++] = &lane->marks[j];
		for (size_t j = 0; j < lane->n_segments; j++, any = true)
			if (!any || lane->segments[j].begin_ns < layout->from_ns)
				layout->from_ns = lane->segments[j].begin_ns;
	}
	qsort(layout->marks, layout->n_marks, sizeof(struct mark *), by_time);
	if (layout->n_marks == 0)
		return;
	if (!any || layout->marks[0]->t_ns < layout->from_ns)
		layout->from_ns = layout->marks[0]->t_ns;
	layout->to_ns = layout->marks[layout->n_marks - 1]->t_ns;
}

/* The first form that fits; fewer lanes where none does: rather few requests in their true order
 * than many in a false one. */
static void lay_out(struct layout *layout)
{
	layout->n = layout->lanes->n < LANES_MOST ? layout->lanes->n : LANES_MOST;
	for (;; layout->n /= 2) {
		collect(layout);
		for (size_t i = 0; i < COUNT_OF(forms); i++)
			if (measure(layout, &forms[i]) && place(layout))
				return;
		if (layout->n <= 1)
			return;
	}
}

/* ---- drawing ---------------------------------------------------------------------------------- */

static enum ink mark_ink(enum mark_kind kind)
{
	switch (kind) {
	case MARK_WRITE: return INK_STRONG;
	case MARK_REFUSED:
	case MARK_UNKNOWN:
	case MARK_NO_ANSWER: return INK_REFUSAL;
	case MARK_READ:
	case MARK_RECORD:
	case MARK_COMMIT:
	case MARK_ANSWERED: break;
	}
	return INK_PLAIN;
}

static const char *fill_glyph(const struct report_style *style, enum fill fill)
{
	switch (fill) {
	case FILL_PAUSE: return style->utf8 ? "\u00b7" : ".";
	case FILL_WAIT: return "~";
	case FILL_AWAY: return style->utf8 ? "\u2500" : "-";
	case FILL_NONE:
	case FILL_QUEUED: break;
	}
	return " ";
}

static void put_text(struct cell *cells, size_t n, size_t column, const char *text, enum ink ink)
{
	while (*text != '\0' && column < n) {
		struct cell *cell = &cells[column++];
		size_t length = 1;
		while (length < 4 && ((unsigned char)text[length] & 0xC0) == 0x80)
			length++;
		*cell = (struct cell){.ink = ink};
		memcpy(cell->glyph, text, length);
		text += length;
	}
}

static void put_blank(struct cell *cell)
{
	*cell = (struct cell){.glyph = " "};
}

static void put_marks(const struct layout *layout, const struct lane *lane, struct cell *cells,
                      struct lanes_shown *shown)
{
	for (size_t i = 0; i < lane->n_marks; i++) {
		const struct mark *mark = &lane->marks[i];
		const char *text = mark_text(layout, mark);
		size_t width = text_columns(text), end = mark->column + width;

		if (end > layout->area) { /* only where one lane alone has more marks than columns */
			put_text(cells, layout->area, layout->area - 1, ">", INK_QUIET);
			return;
		}
		put_text(cells, layout->area, mark->column, text, mark_ink(mark->kind));
		shown->marks[mark->kind] = true;
		if (layout->form->gap == 0)
			continue;
		if (mark->column > 0 && cells[mark->column - 1].fill != FILL_NONE)
			put_blank(&cells[mark->column - 1]);
		if (end < layout->area && cells[end].fill != FILL_NONE)
			put_blank(&cells[end]);
	}
}

/* A pause that ends a column or two before the next mark reaches up to it: calls take time too. */
static size_t segment_end(const struct layout *layout, const struct lane *lane, const struct segment *segment)
{
	size_t end = column_of(layout, segment->end_ns);

	for (size_t i = 0; i < lane->n_marks; i++)
		if (lane->marks[i].column >= end && lane->marks[i].column - end <= 2)
			return lane->marks[i].column;
	return end < layout->area ? end : layout->area;
}

static void put_segments(const struct layout *layout, const struct lane *lane, struct cell *cells)
{
	for (size_t i = 0; i < lane->n_segments; i++) {
		const struct segment *segment = &lane->segments[i];
		size_t end = segment_end(layout, lane, segment);
		for (size_t c = column_of(layout, segment->begin_ns); c < end && c < layout->area; c++) {
			cells[c] = (struct cell){.ink = INK_QUIET, .fill = segment->fill};
			memcpy(cells[c].glyph, fill_glyph(layout->style, segment->fill),
			       strlen(fill_glyph(layout->style, segment->fill)));
		}
	}
}

/* What a stretch of one fill says of itself where it is long enough. */
static void put_label(const struct layout *layout, struct cell *cells, size_t from, size_t to)
{
	size_t room = to - from;

	if (layout->form->frame == NUMBERS)
		return;
	if (cells[from].fill == FILL_QUEUED) {
		const char *text = room > strlen("waits for a worker ") ? "waits for a worker" : "queued";
		if (room > strlen(text))
			put_text(cells, layout->area, from, text, INK_QUIET);
		return;
	}
	const char *text = cells[from].fill == FILL_PAUSE ? "pause" : "waits";
	size_t width = strlen(text);
	if (cells[from].fill == FILL_AWAY || room < width + 6) /* two glyphs and a blank on either side */
		return;
	size_t before = (room - width - 2) / 2 < 4 ? (room - width - 2) / 2 : 4;
	put_blank(&cells[from + before]);
	put_text(cells, layout->area, from + before + 1, text, INK_QUIET);
	put_blank(&cells[from + before + 1 + width]);
}

static void put_labels(const struct layout *layout, struct cell *cells, struct lanes_shown *shown)
{
	for (size_t from = 0, to; from < layout->area; from = to) {
		enum fill fill = cells[from].fill;
		for (to = from + 1; to < layout->area && cells[to].fill == fill;)
			to++;
		shown->fills[fill] = true;
		if (fill != FILL_NONE)
			put_label(layout, cells, from, to);
	}
}

static void str_cells(struct str *str, const struct report_style *style, const struct cell *cells, size_t n)
{
	enum ink ink = INK_PLAIN;

	for (size_t i = 0; i < n; i++) {
		if (cells[i].ink != ink) {
			str_add(str, ink_off(style, ink));
			str_add(str, ink_on(style, cells[i].ink));
			ink = cells[i].ink;
		}
		str_add(str, cells[i].glyph);
	}
	str_add(str, ink_off(style, ink));
}

static size_t used_cells(const struct cell *cells, size_t n)
{
	while (n > 0 && text_equal(cells[n - 1].glyph, " "))
		n--;
	return n;
}

static struct cell *blank_cells(size_t n)
{
	struct cell *cells = mem_new(n, sizeof *cells);

	for (size_t i = 0; i < n; i++)
		put_blank(&cells[i]);
	return cells;
}

static void draw_lane(struct str *str, const struct layout *layout, const struct lane *lane,
                      struct lanes_shown *shown)
{
	const char *note = note_of(layout, lane);
	struct cell *cells = blank_cells(layout->area);
	size_t width = layout->prefix - 3 - (lane->letter != '\0' ? 2 : 0);

	if (layout->form->frame == WORDS)
		str_printf(str, "  request %*u ", (int)layout->digits, lane->request);
	else
		str_printf(str, "  %*u ", (int)width, lane->request);
	if (lane->letter != '\0')
		str_printf(str, "%c ", lane->letter);
	put_segments(layout, lane, cells);
	put_marks(layout, lane, cells, shown);
	put_labels(layout, cells, shown);
	size_t used = note != NULL ? layout->area : used_cells(cells, layout->area);
	str_cells(str, layout->style, cells, used);
	if (note != NULL) {
		str_repeat(str, " ", NOTE_GAP);
		str_ink(str, layout->style, INK_LOSS, note);
	}
	str_add_char(str, '\n');
	free(cells);
}

/* ---- the line of times ------------------------------------------------------------------------ */

struct ticks {
	struct cell *cells;
	size_t room;
	int64_t start_ns;
	double unit_ns;
	int digits;
	const char *unit;
	char placed[3][48]; /* the first, the last, and the one before the next */
	size_t n_placed;
};

static struct ticks ticks_for(const struct layout *layout, int64_t start_ns)
{
	int64_t last = layout->to_ns - start_ns;
	bool seconds = last >= 200 * NS_PER_MS;

	return (struct ticks){
		.start_ns = start_ns,
		.unit_ns = (double)(seconds ? NS_PER_S : NS_PER_MS),
		.unit = seconds ? " s" : " ms",
		.digits = seconds ? (last < 100 * NS_PER_S ? 2 : 1) : last < 10 * NS_PER_MS ? 2 : 1,
	};
}

/* Writes a time at its column unless another is in the way, or says the same. */
static void put_tick(struct ticks *ticks, size_t column, int64_t t_ns, bool with_unit)
{
	char text[48], number[sizeof ticks->placed[0]];
	double value = (double)(t_ns - ticks->start_ns) / ticks->unit_ns;

	if (value > -0.005 && value < 0)
		value = 0; /* never "-0.00" */
	(void)snprintf(number, sizeof number, "%.*f", ticks->digits, value);
	for (size_t i = 0; i < ticks->n_placed; i++)
		if (text_equal(number, ticks->placed[i]))
			return;
	(void)snprintf(text, sizeof text, "%s%s", number, with_unit ? ticks->unit : "");
	size_t width = strlen(text), from = column >= TICK_GAP ? column - TICK_GAP : 0;
	if (column + width > ticks->room)
		return;
	for (size_t i = from; i < column + width + TICK_GAP && i < ticks->room; i++)
		if (!text_equal(ticks->cells[i].glyph, " "))
			return;
	put_text(ticks->cells, ticks->room, column, text, INK_QUIET);
	ticks->n_placed += ticks->n_placed < COUNT_OF(ticks->placed) ? 1 : 0;
	memcpy(ticks->placed[ticks->n_placed - 1], number, sizeof number);
}

/* The beginning, the last mark that counts, and in between as many as have room. What counts is when
 * the balance was written; in a run where it never was, every mark does. */
static void put_ticks(struct ticks *ticks, const struct layout *layout)
{
	bool writes = false;
	const struct mark *last = NULL;

	for (size_t i = 0; i < layout->n_marks; i++)
		writes = writes || layout->marks[i]->kind == MARK_WRITE;
	for (size_t i = 0; i < layout->n_marks; i++)
		if (!writes || layout->marks[i]->kind == MARK_WRITE)
			last = layout->marks[i];
	if (last == NULL)
		return;
	put_tick(ticks, 0, layout->from_ns, true);
	put_tick(ticks, last->column, last->t_ns, true);
	for (size_t i = 0; i < layout->n_marks; i++)
		if (!writes || layout->marks[i]->kind == MARK_WRITE)
			put_tick(ticks, layout->marks[i]->column, layout->marks[i]->t_ns, false);
}

static void draw_header(struct str *str, const struct layout *layout, int64_t start_ns)
{
	bool titles = layout->form->frame != WORDS && layout->note > 0;
	struct ticks ticks = ticks_for(layout, start_ns);

	ticks.room = titles ? layout->area : layout->columns - layout->prefix;
	ticks.cells = blank_cells(ticks.room);
	put_ticks(&ticks, layout);
	if (layout->form->frame == TITLES)
		str_printf(str, "  request%*s", (int)(layout->prefix - strlen("  request")), "");
	else
		str_repeat(str, " ", layout->prefix);
	str_cells(str, layout->style, ticks.cells, titles ? ticks.room : used_cells(ticks.cells, ticks.room));
	if (titles)
		str_printf(str, "%*serases", NOTE_GAP, "");
	while (str->length > 0 && str->text[str->length - 1] == ' ')
		str->text[--str->length] = '\0';
	str_add_char(str, '\n');
	free(ticks.cells);
}

/* ---- the whole -------------------------------------------------------------------------------- */

void str_lanes(struct str *str, const struct report_style *style, const struct run_result *result,
               int64_t until_ns, struct lanes_shown *shown)
{
	struct lanes lanes;
	size_t columns = style->columns > LANES_COLUMNS_LEAST ? (size_t)style->columns : LANES_COLUMNS_LEAST;
	struct layout layout = {.style = style, .lanes = &lanes, .columns = columns};
	size_t n_marks = 0;

	lanes_read(&lanes, style, result, until_ns);
	for (size_t i = 0; i < lanes.n; i++)
		n_marks += lanes.items[i].n_marks;
	layout.marks = mem_new(n_marks, sizeof(struct mark *));
	if (lanes.n > 0) {
		lay_out(&layout);
		draw_header(str, &layout, result->start_ns);
		for (size_t i = 0; i < layout.n; i++)
			draw_lane(str, &layout, &lanes.items[i], shown);
	}
	if (layout.n < lanes.n) {
		str_add(str, "  ... and ");
		str_count(str, lanes.n - layout.n, "more request");
		str_add_char(str, '\n');
	}
	if (mixed(&layout))
		str_printf(str, "  a  %s\n  b  %s\n", result->plan.variant, result->plan.mix);
	free(layout.marks);
	lanes_fini(&lanes);
}

void report_lanes(FILE *to, const struct report_style *style, const struct run_result *result,
                  int64_t until_ns)
{
	struct lanes_shown shown = {0};
	struct str str = {0};

	str_lanes(&str, style, result, until_ns, &shown);
	str_write(&str, to);
}

static int by_begin_time(const void *a, const void *b)
{
	const struct history_request *x = *(const struct history_request *const *)a;
	const struct history_request *y = *(const struct history_request *const *)b;

	return (x->begin_ns > y->begin_ns) - (x->begin_ns < y->begin_ns);
}

int64_t report_first_round_end(const struct run_result *result)
{
	const struct history *history = &result->history;
	const struct history_request **requests = mem_new(history->n, sizeof *requests);
	uint32_t slots = 0;
	int64_t end_ns = 0;

	for (size_t i = 0; i < history->n; i++) {
		requests[i] = &history->requests[i];
		slots = requests[i]->slot >= slots ? requests[i]->slot + 1 : slots;
	}
	qsort(requests, history->n, sizeof(struct history_request *), by_begin_time);
	bool *served = mem_new(slots, sizeof *served);
	for (size_t i = 0; i < history->n && end_ns == 0; i++) {
		if (served[requests[i]->slot])
			end_ns = requests[i]->begin_ns;
		served[requests[i]->slot] = true;
	}
	free(served);
	free(requests);
	return end_ns;
}
