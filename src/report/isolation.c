/* A table an engine: a row an anomaly, a column a level. */
#include "report/isolation.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/grid.h"

static const char *name_of(enum isolation_cell cell)
{
	switch (cell) {
	case CELL_UNKNOWN: return "unknown";
	case CELL_POSSIBLE: return "possible";
	case CELL_PREVENTED: return "prevented";
	}
	abort();
}

static bool is_shown(size_t anomaly, const char *only)
{
	return only == NULL || text_equal(only, anomalies[anomaly].name);
}

/* The levels of one engine by numbers where their names are long. */
static void add_table(struct str *text, const struct report_style *style, const struct isolation_column *columns,
                      size_t n, const char *only)
{
	struct grid grid;
	size_t row = 1;

	grid_init(&grid, ANOMALIES + 1, n + 1);
	for (size_t i = 0; i < n; i++) {
		const char *comma = strchr(columns[i].level, ',');
		str_add(grid_text(&grid, 0, i + 1), comma != NULL ? "... snapshot (*)" : columns[i].level);
	}
	for (size_t k = 0; k < ANOMALIES; k++) {
		if (!is_shown(k, only))
			continue;
		str_add(grid_text(&grid, row, 0), anomalies[k].name);
		for (size_t i = 0; i < n; i++) {
			str_add(grid_text(&grid, row, i + 1), name_of(columns[i].results[k].cell));
			if (columns[i].results[k].cell == CELL_POSSIBLE)
				grid_ink(&grid, row, i + 1, INK_REFUSAL);
		}
		row++;
	}
	grid.rows = row;
	str_grid(text, style, &grid, 2, 2);
	grid.rows = ANOMALIES + 1;
	grid_fini(&grid);
	for (size_t i = 0; i < n; i++)
		if (strchr(columns[i].level, ',') != NULL)
			str_printf(text, "  (*) %s\n", columns[i].level);
}

static void add_orders(struct str *text, const struct isolation_column *column, size_t anomaly)
{
	const struct isolation_result *result = &column->results[anomaly];

	str_printf(text, "  %s: %s, %" PRIu64 " orders%s\n", column->level, name_of(result->cell), result->orders,
	           result->reduced ? " that stand for all" : "");
	if (result->witness != NULL)
		str_printf(text, "    %s\n", result->witness);
}

void isolation_text(FILE *to, const struct report_style *style, const struct isolation *isolation, const char *only)
{
	struct str text = {0};

	for (size_t i = 0, n; i < isolation->n; i += n) {
		const struct isolation_column *columns = &isolation->columns[i];
		for (n = 1; i + n < isolation->n && text_equal(columns[n].product, columns[0].product); n++)
			;
		str_printf(&text, "%s%s\n\n", i > 0 ? "\n" : "", columns[0].product);
		add_table(&text, style, columns, n, only);
		for (size_t k = 0; k < n && only != NULL; k++)
			for (size_t a = 0; a < ANOMALIES; a++)
				if (is_shown(a, only))
					add_orders(&text, &columns[k], a);
	}
	str_add_char(&text, '\n');
	str_paragraph(&text, style, "",
	              "possible: some order of these statements shows it. prevented: none does, all were run (of three "
	              "sessions: one of those that differ only in steps that do not meet). This is said of these "
	              "histories, docs/isolation, on these servers.");
	str_write(&text, to);
}

void isolation_json(FILE *to, const struct isolation *isolation, const char *only)
{
	json_t *json = json_object();

	for (size_t i = 0; i < isolation->n; i++) {
		const struct isolation_column *column = &isolation->columns[i];
		json_t *engine = json_object_get(json, column->engine), *level = json_object();
		if (engine == NULL) {
			engine = json_object();
			json_object_set_new(json, column->engine, engine);
		}
		for (size_t k = 0; k < ANOMALIES; k++)
			if (is_shown(k, only))
				json_object_set_new(level, anomalies[k].name,
				                    json_string(name_of(column->results[k].cell)));
		json_object_set_new(engine, column->level, level);
	}
	json_dumpf(json, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(json);
}

void isolation_fini(struct isolation *isolation)
{
	for (size_t i = 0; i < isolation->n; i++)
		for (size_t k = 0; k < ANOMALIES; k++)
			free(isolation->columns[i].results[k].witness);
	free(isolation->columns);
	*isolation = (struct isolation){0};
}
