/* One experiment on several databases: where the same code loses, refuses or does neither. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/grid.h"
#include "report/text.h"

/* ---- before ------------------------------------------------------------------------------------ */

void text_volley(FILE *to, const struct report_style *style, const struct run_result *result)
{
	struct str line = {0}, str = {0};

	str_volley(&line, &result->plan);
	str_plan_end(&line, &result->plan);
	str_paragraph(&str, style, "", str_text(&line));
	str_fini(&line);
	str_write(&str, to);
}

void text_place(FILE *to, const struct report_style *style, const struct run_result *result)
{
	struct str line = {0}, str = {0};

	str_add(&line, "on ");
	str_place(&line, result);
	str_paragraph(&str, style, "  ", str_text(&line));
	str_fini(&line);
	str_write(&str, to);
}

/* ---- tries ------------------------------------------------------------------------------------- */

enum tries_column {
	NAME, REQUESTS, TRIES, AGAIN, IN_VAIN, DEADLOCKS, SERIALIZATION, OTHER, COST, TRIES_COLUMNS
};

static size_t failed_by(const struct tries *tries, const char *reason)
{
	for (size_t i = 0; i < tries->n_failed_kinds; i++)
		if (text_equal(tries->failed[i].reason, reason))
			return tries->failed[i].n;
	return 0;
}

static size_t failed(const struct tries *tries)
{
	size_t n = 0;

	for (size_t i = 0; i < tries->n_failed_kinds; i++)
		n += tries->failed[i].n;
	return n;
}

static void add_tries_row(struct grid *grid, size_t row, const struct run_result *result)
{
	const struct tries *tries = &result->findings.tries;
	size_t deadlocks = failed_by(tries, db_err_name(DB_DEADLOCK));
	size_t serialization = failed_by(tries, db_err_name(DB_SERIALIZATION));
	char *cost = duration_text(tries->cost_ns);

	str_printf(grid_text(grid, row, REQUESTS), "%zu", result->history.n);
	str_printf(grid_text(grid, row, TRIES), "%zu", tries->attempts);
	str_printf(grid_text(grid, row, AGAIN), "%zu", tries->again);
	str_printf(grid_text(grid, row, IN_VAIN), "%zu", tries->given_up);
	str_printf(grid_text(grid, row, DEADLOCKS), "%zu", deadlocks);
	str_printf(grid_text(grid, row, SERIALIZATION), "%zu", serialization);
	str_printf(grid_text(grid, row, OTHER), "%zu", failed(tries) - deadlocks - serialization);
	str_add(grid_text(grid, row, COST), cost);
	free(cost);
}

/* A second table, since all of it in one would be wider than most screens. */
static void add_tries_table(struct str *str, const struct report_style *style,
                            const struct run_result *results, size_t n)
{
	static const char *const titles[TRIES_COLUMNS] = {
		"", "requests", "tries", "tried again", "given up",
		"deadlock", "serialization", "other", "retries cost",
	};
	struct grid grid;
	size_t row = 1;

	grid_init(&grid, n + 1, TRIES_COLUMNS);
	for (enum tries_column c = 0; c < TRIES_COLUMNS; c++) {
		grid.right[c] = c != NAME;
		str_add(grid_text(&grid, 0, c), titles[c]);
	}
	for (size_t i = 0; i < n; i++) {
		if (results[i].not_applicable != NULL)
			continue;
		str_product(grid_text(&grid, row, NAME), results, n, i);
		add_tries_row(&grid, row++, &results[i]);
	}
	grid.rows = row;
	str_add_char(str, '\n');
	bool airy = !style->wrap || grid_width(&grid, 2, 2) <= (size_t)style->columns;
	str_grid(str, style, &grid, airy ? 2 : 0, airy ? 2 : 1);
	grid.rows = n + 1;
	grid_fini(&grid);
}

static bool tries_matter(const struct run_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (results[i].not_applicable == NULL && results[i].plan.recorded &&
		    (results[i].plan.max_tries > 1 || results[i].findings.tries.again > 0))
			return true;
	return false;
}

/* ---- each of them ------------------------------------------------------------------------------ */

/* The first few after which a deposit was gone for good: one that comes back is a longer story. */
static void add_first_overwrites(struct str *str, const struct report_style *style,
                                 const struct run_result *result)
{
	enum { MOST = 2 };
	const struct findings *findings = &result->findings;
	size_t told = 0;

	for (size_t i = 0; i < findings->n_overwrites && told < MOST; i++) {
		const struct overwrite *overwrite = &findings->overwrites[i];
		if (overwrite->n_erased > 0 && overwrite->n_back == overwrite->n_erased)
			continue;
		char *sentence = overwrite_sentence(overwrite, result->start_ns);
		char *whole = mem_printf("%s.", sentence);
		str_paragraph(str, style, "  ", whole);
		free(sentence);
		free(whole);
		told++;
	}
	if (findings->n_overwrites > told)
		str_printf(str, "  ... and %zu more such writes.\n", findings->n_overwrites - told);
}

static void add_one(struct str *str, const struct report_style *style, const struct run_result *results,
                    size_t n, size_t i, const char *again)
{
	str_add_char(str, '\n');
	str_product(str, results, n, i);
	str_add(str, ":\n");
	if (results[i].not_applicable != NULL) {
		char *why = mem_printf("Not applicable: %s.", results[i].not_applicable);
		str_paragraph(str, style, "  ", why);
		free(why);
		return;
	}
	str_verdict(str, style, "  ", &results[i]);
	add_first_overwrites(str, style, &results[i]);
	str_tries(str, style, &results[i]);
	str_printf(str, "  Step by step: %s\n", again);
}

void text_databases(FILE *to, const struct report_style *style, const struct run_result *results, size_t n,
                    const char *const *again)
{
	struct str str = {0};

	str_add_char(&str, '\n');
	str_table(&str, style, TABLE_BY_DATABASE, results, n);
	if (tries_matter(results, n))
		add_tries_table(&str, style, results, n);
	for (size_t i = 0; i < n; i++)
		add_one(&str, style, results, n, i, again[i]);
	str_write(&str, to);
}

/* ---- several ways on each ---------------------------------------------------------------------- */

/* "LOST 600, 2 refused" */
static void add_outcome(struct str *cell, const struct run_result *result)
{
	const struct findings *findings = &result->findings;

	str_add(cell, verdict_words(result));
	if (result->not_applicable == NULL && findings->verdict == VERDICT_VIOLATED && findings->missing > 0)
		str_printf(cell, " %lld", (long long)findings->missing);
	if (findings->n_refused > 0)
		str_printf(cell, ", %zu refused", findings->n_refused);
	if (findings->unanswered > 0)
		str_printf(cell, ", %zu unanswered", findings->unanswered);
}

/* A row a way, a column a database. */
static void fill_ways(struct grid *grid, const struct run_result *results, size_t n_ways, size_t n)
{
	struct run_result *firsts = mem_new(n, sizeof *firsts);

	for (size_t d = 0; d < n; d++)
		firsts[d] = results[d * n_ways];
	grid_init(grid, n_ways + 2, n + 1);
	str_add(grid_text(grid, 0, 0), "variant");
	for (size_t d = 0; d < n; d++) {
		str_product(grid_text(grid, 0, d + 1), firsts, n, d);
		str_level(grid_text(grid, 1, d + 1), &firsts[d]);
	}
	for (size_t w = 0; w < n_ways; w++) {
		str_add(grid_text(grid, w + 2, 0), results[w].plan.variant);
		for (size_t d = 0; d < n; d++) {
			add_outcome(grid_text(grid, w + 2, d + 1), &results[d * n_ways + w]);
			grid_ink(grid, w + 2, d + 1, result_ink(&results[d * n_ways + w]));
		}
	}
	free(firsts);
}

static void add_tables(struct str *str, const struct report_style *style, const struct run_result *results,
                       size_t n_ways, size_t n)
{
	for (size_t d = 0; d < n; d++) {
		str_printf(str, "%s%s %s, %s:\n", d > 0 ? "\n" : "", results[d * n_ways].identity.product,
		           results[d * n_ways].identity.version, results[d * n_ways].identity.isolation);
		str_table(str, style, TABLE_BY_VARIANT, &results[d * n_ways], n_ways);
	}
}

void report_ways(FILE *to, const struct report_style *style, const struct run_result *results, size_t n_ways,
                 size_t n)
{
	enum { INDENT = 2, GAP = 3, WIDEST = 110 };
	size_t columns = style->wrap ? (size_t)style->columns : WIDEST;
	struct grid grid;
	struct str str = {0};

	fill_ways(&grid, results, n_ways, n);
	if (grid_width(&grid, INDENT, GAP) <= columns)
		str_grid(&str, style, &grid, INDENT, GAP);
	else
		add_tables(&str, style, results, n_ways, n);
	grid_fini(&grid);
	str_write(&str, to);
}

static bool is_refusing(const struct run_result *result)
{
	return result->not_applicable == NULL && result->findings.verdict == VERDICT_NONE_SEEN &&
	       result->findings.n_refused > 0;
}

/* "SQLite 3.40.1 refused 6 of 10"; " and " between two. */
static void add_sides(struct str *str, const struct run_result *results, size_t n_ways, size_t n, size_t way,
                      bool refusing)
{
	struct run_result *runs = mem_new(n, sizeof *runs);
	bool first = true;

	for (size_t d = 0; d < n; d++)
		runs[d] = results[d * n_ways + way];
	for (size_t d = 0; d < n; d++) {
		if (refusing ? !is_refusing(&runs[d]) : runs[d].findings.verdict != VERDICT_VIOLATED)
			continue;
		str_add(str, first ? "" : " and ");
		first = false;
		str_product(str, runs, n, d);
		if (refusing)
			str_printf(str, " refused %zu of %zu", runs[d].findings.n_refused, runs[d].plan.requests);
		else
			str_printf(str, " lost %lld", (long long)runs[d].findings.missing);
	}
	free(runs);
}

void report_differences(FILE *to, const struct report_style *style, const struct run_result *results,
                        size_t n_ways, size_t n)
{
	struct str str = {0}, line = {0};

	for (size_t way = 0; way < n_ways; way++) {
		bool loses = false, refuses = false;
		for (size_t d = 0; d < n; d++) {
			loses = loses || results[d * n_ways + way].findings.verdict == VERDICT_VIOLATED;
			refuses = refuses || is_refusing(&results[d * n_ways + way]);
		}
		if (!loses || !refuses)
			continue;
		str_clear(&line);
		str_printf(&line, "%s: ", results[way].plan.variant);
		add_sides(&line, results, n_ways, n, way, false);
		str_add(&line, "; ");
		add_sides(&line, results, n_ways, n, way, true);
		str_add(&line, " and lost nothing.");
		str_paragraph(&str, style, "", str_text(&line));
	}
	if (str.length > 0)
		(void)fputc('\n', to);
	str_fini(&line);
	str_write(&str, to);
}
