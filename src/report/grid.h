/* Inside the room: cells in columns as wide as their widest. */
#ifndef REPORT_GRID_H
#define REPORT_GRID_H

#include "report/style.h"

struct grid {
	size_t rows, columns;
	struct grid_cell *cells;
	bool *right, *hidden; /* of each column: aligned right (numbers); not printed */
};

void grid_init(struct grid *grid, size_t rows, size_t columns);
void grid_fini(struct grid *grid);

/* The text of a cell, to be added to. */
struct str *grid_text(const struct grid *grid, size_t row, size_t column);
void grid_ink(const struct grid *grid, size_t row, size_t column, enum ink ink);

/* Of the widest line. */
size_t grid_width(const struct grid *grid, size_t indent, size_t gap);
/* A line a row; without blanks at the ends of lines. */
void str_grid(struct str *str, const struct report_style *style, const struct grid *grid, size_t indent,
              size_t gap);

#endif
