/* One cell a line: a schedule is one step after another. */
#include "report/columns.h"

#include "report/grid.h"

enum { INDENT = 2, GAP = 3, NARROWEST = 8 };

void str_server(struct str *text, const struct db_identity *identity)
{
	str_printf(text, "%s %s %s", identity->product, identity->version, identity->isolation);
	if (identity->snapshot_isolation >= 0)
		str_printf(text, " (innodb_snapshot_isolation %s)", identity->snapshot_isolation ? "ON" : "OFF");
}

/* ---- a step in words ----------------------------------------------------------------------------------- */

static void add_outcome(struct str *text, const struct actor_step *step)
{
	if (step->err != DB_OK)
		str_printf(text, ": %s", db_err_name(step->err));
	else if (step->verb == DB_READ)
		str_printf(text, ": %s", step->result);
	else if (step->verb == DB_WRITE && step->affected != 1)
		str_printf(text, ": %lld rows", (long long)step->affected);
}

static void add_step(struct str *text, const struct schedule *schedule, size_t i)
{
	const struct schedule_step *step = &schedule->steps[i];

	str_add(text, step->what.label);
	if (!step->what.ended) {
		str_add(text, step->waited ? ", waits" : ", not ended");
		return;
	}
	add_outcome(text, &step->what);
	if (step->waited_for_good)
		str_add(text, ", waited for good");
	else if (step->waited && step->woken_by < schedule->n && step->woken_by != i)
		str_printf(text, ", waited for %c.%s", (char)('A' + schedule->steps[step->woken_by].who),
		           schedule->steps[step->woken_by].what.label);
}

static enum ink ink_of(const struct actor_step *step)
{
	if (step->err != DB_OK)
		return INK_REFUSAL;
	return step->verb == DB_WRITE ? INK_STRONG : INK_PLAIN;
}

/* ---- the columns --------------------------------------------------------------------------------------- */

/* Each cell where its column begins, and as long as it is: nothing stands right of it on its line. */
static void add_staggered(struct str *text, const struct report_style *style, const struct grid *grid,
                          const struct schedule *schedule)
{
	size_t step = ((size_t)style->columns - INDENT) / grid->columns;

	step = step < NARROWEST ? NARROWEST : step;
	for (size_t row = 0; row < grid->rows; row++) {
		size_t at = 0;
		for (size_t column = 0; column < grid->columns; column++) {
			const char *cell = str_text(grid_text(grid, row, column));
			size_t from = INDENT + column * step;
			if (cell[0] == '\0')
				continue;
			str_repeat(text, " ", at < from ? from - at : 1);
			bool is_step = row > 0 && row <= schedule->n;
			enum ink ink = is_step ? ink_of(&schedule->steps[row - 1].what) : INK_PLAIN;
			str_ink(text, style, ink, cell);
			at = (at < from ? from : at + 1) + text_columns(cell);
		}
		str_add_char(text, '\n');
	}
}

void str_columns(struct str *text, const struct report_style *style, const struct schedule *schedule,
                 size_t sessions, const char *const *ends)
{
	struct grid grid;
	bool any_end = false;

	for (size_t who = 0; who < sessions; who++)
		any_end = any_end || ends[who] != NULL;
	grid_init(&grid, schedule->n + 1 + any_end, sessions);
	for (size_t who = 0; who < sessions; who++) {
		str_printf(grid_text(&grid, 0, who), "%c", (char)('A' + who));
		if (ends[who] != NULL)
			str_add(grid_text(&grid, schedule->n + 1, who), ends[who]);
	}
	for (size_t i = 0; i < schedule->n; i++) {
		add_step(grid_text(&grid, i + 1, schedule->steps[i].who), schedule, i);
		grid_ink(&grid, i + 1, schedule->steps[i].who, ink_of(&schedule->steps[i].what));
	}
	if (grid_width(&grid, INDENT, GAP) > (size_t)style->columns)
		add_staggered(text, style, &grid, schedule);
	else
		str_grid(text, style, &grid, INDENT, GAP);
	grid_fini(&grid);
}
