/* A row a sum, a column each; then what the second one changes, in a sentence. */
#include "report/compared.h"

#include <inttypes.h>
#include <jansson.h>

#include "report/grid.h"
#include "report/json_text.h"

static void add_row(struct grid *grid, size_t row, const char *what, uint64_t a, uint64_t b)
{
	str_add(grid_text(grid, row, 0), what);
	str_printf(grid_text(grid, row, 1), "%" PRIu64, a);
	str_printf(grid_text(grid, row, 2), "%" PRIu64, b);
}

static void add_columns(struct str *text, const struct report_style *style, const struct explored *a,
                        const struct explored *b)
{
	const struct found *x = a->found, *y = b->found;
	const char *reason;
	struct grid grid;

	grid_init(&grid, 8, 3);
	grid.right[1] = grid.right[2] = true;
	str_add(grid_text(&grid, 0, 1), a->what);
	str_add(grid_text(&grid, 0, 2), b->what);
	add_row(&grid, 1, "orders run", x->schedules, y->schedules);
	add_row(&grid, 2, "break an invariant", x->breaking, y->breaking);
	add_row(&grid, 3, "unlike any serial one", x->unlike_serial, y->unlike_serial);
	add_row(&grid, 4, "somebody refused", x->refusing, y->refusing);
	add_row(&grid, 5, "somebody waited", x->blocking, y->blocking);
	add_row(&grid, 6, "deadlocked", x->deadlocked, y->deadlocked);
	str_add(grid_text(&grid, 7, 0), "verdict");
	str_add(grid_text(&grid, 7, 1), explored_verdict_name(explored_verdict_of(x, &reason)));
	str_add(grid_text(&grid, 7, 2), explored_verdict_name(explored_verdict_of(y, &reason)));
	str_grid(text, style, &grid, 2, 3);
	grid_fini(&grid);
}

static void add_bad(struct str *line, const struct explored *a, const struct explored *b)
{
	const uint64_t before = a->found->violating, after = b->found->violating;
	const char *reason;
	enum explored_verdict verdict = explored_verdict_of(b->found, &reason);

	if (after > 0)
		str_printf(line, "%s still has %" PRIu64 " bad orders of %" PRIu64 " (%s: %" PRIu64 " of %" PRIu64 ")",
		           b->what, after, b->found->schedules, a->what, before, a->found->schedules);
	else if (verdict != EXPLORED_PROVEN)
		str_printf(line, "in %s no bad order was seen, which proves nothing", b->what);
	else if (before > 0)
		str_printf(line, "%s removes all %" PRIu64 " bad orders of %s", b->what, before, a->what);
	else
		str_printf(line, "neither has a bad order");
}

static void add_refused(struct str *line, const struct explored *b)
{
	const struct found *found = b->found;

	if (found->refusing == 0) {
		str_add(line, ", and refuses nobody.");
		return;
	}
	str_printf(line, ", and refuses somebody in %" PRIu64 " of %" PRIu64 ": retry ", found->refusing,
	           found->schedules);
	for (size_t i = 0; i < found->n_codes; i++)
		str_printf(line, "%s%s", i == 0 ? "" : i + 1 == found->n_codes ? " and " : ", ",
		           found->by_code[i].what);
	str_add_char(line, '.');
}

static void add_sentence(struct str *line, const struct explored *a, const struct explored *b)
{
	add_bad(line, a, b);
	add_refused(line, b);
}

void compared_text(FILE *to, const struct report_style *style, const struct explored *a, const struct explored *b)
{
	struct str text = {0}, line = {0};

	str_printf(&text, "%zu and %zu sessions; %s %s %s and %s, %s.\n\n", a->sessions, b->sessions,
	           b->identity->product,
	           b->identity->version, a->identity->isolation, b->identity->isolation, b->database);
	add_columns(&text, style, a, b);
	add_sentence(&line, a, b);
	str_add_char(&text, '\n');
	str_paragraph(&text, style, "", str_text(&line));
	str_fini(&line);
	str_write(&text, to);
}

void compared_json(FILE *to, const struct explored *a, const struct explored *b)
{
	struct str line = {0};

	add_sentence(&line, a, b);
	json_t *json = json_pack("{so so so}", "a", explored_object(a), "b", explored_object(b), "sentence",
	                         json_text(str_text(&line)));
	json_dumpf(json, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(json);
	str_fini(&line);
}
