/* Tables of texts: what every table of the room has in common. */
#include "report/grid.h"

#include <stdlib.h>

#include "base/mem.h"

struct grid_cell {
	struct str text;
	enum ink ink;
};

void grid_init(struct grid *grid, size_t rows, size_t columns)
{
	*grid = (struct grid){
		.rows = rows,
		.columns = columns,
		.cells = mem_new(rows * columns, sizeof *grid->cells),
		.right = mem_new(columns, sizeof *grid->right),
		.hidden = mem_new(columns, sizeof *grid->hidden),
	};
}

void grid_fini(struct grid *grid)
{
	for (size_t i = 0; i < grid->rows * grid->columns; i++)
		str_fini(&grid->cells[i].text);
	free(grid->cells);
	free(grid->right);
	free(grid->hidden);
	*grid = (struct grid){0};
}

struct str *grid_text(const struct grid *grid, size_t row, size_t column)
{
	return &grid->cells[row * grid->columns + column].text;
}

void grid_ink(const struct grid *grid, size_t row, size_t column, enum ink ink)
{
	grid->cells[row * grid->columns + column].ink = ink;
}

static size_t column_width(const struct grid *grid, size_t column)
{
	size_t widest = 0;

	for (size_t row = 0; row < grid->rows; row++) {
		size_t width = text_columns(str_text(grid_text(grid, row, column)));
		widest = width > widest ? width : widest;
	}
	return widest;
}

size_t grid_width(const struct grid *grid, size_t indent, size_t gap)
{
	size_t width = indent;

	for (size_t column = 0; column < grid->columns; column++)
		if (!grid->hidden[column])
			width += column_width(grid, column) + (column > 0 ? gap : 0);
	return width;
}

static void str_row(struct str *str, const struct report_style *style, const struct grid *grid, size_t row,
                    size_t indent, size_t gap)
{
	size_t owed = indent; /* blanks before the next text: none are left at the end of a line */

	for (size_t column = 0; column < grid->columns; column++) {
		const struct grid_cell *cell = &grid->cells[row * grid->columns + column];
		size_t air = column_width(grid, column) - text_columns(str_text(&cell->text));
		if (grid->hidden[column])
			continue;
		owed += (column > 0 ? gap : 0) + (grid->right[column] ? air : 0);
		if (cell->text.length > 0) {
			str_repeat(str, " ", owed);
			str_ink(str, style, cell->ink, str_text(&cell->text));
			owed = 0;
		}
		owed += grid->right[column] ? 0 : air;
	}
	str_add_char(str, '\n');
}

void str_grid(struct str *str, const struct report_style *style, const struct grid *grid, size_t indent,
              size_t gap)
{
	for (size_t row = 0; row < grid->rows; row++)
		str_row(str, style, grid, row, indent, gap);
}
