/* Several runs side by side, one line each. Where a terminal is too narrow for it, first the air
 * goes, then the reasons of refusals move below; no figure is ever cut. In a file it is wide. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/grid.h"
#include "report/text.h"

enum column { NAME, LEVEL, ANSWERED, REFUSED, NO_ANSWER, RECORDED, BALANCE, MISSING, VERDICT, TABLE_COLUMNS };

/* From airy to tight. */
static const struct form {
	size_t indent, gap;
	bool reasons;
	const char *answered;
} forms[] = {{2, 2, true, "200 OK"}, {0, 1, true, "200"}, {0, 1, false, "200"}};

static bool is_number(enum column column)
{
	return column == ANSWERED || (column >= NO_ANSWER && column <= MISSING);
}

const char *verdict_words(const struct run_result *result)
{
	const struct findings *findings = &result->findings;

	if (result->not_applicable != NULL)
		return "not applicable";
	switch (findings->verdict) {
	case VERDICT_VIOLATED:
		return findings->missing > 0 ? "LOST"
		     : findings->missing == 0 && findings->doubled > 0 ? "DOUBLED" : "WRONG";
	case VERDICT_NONE_SEEN: return findings->serial_by_construction ? "none seen, serial" : "none seen";
	case VERDICT_INCONCLUSIVE: break;
	}
	return "inconclusive";
}

enum ink result_ink(const struct run_result *result)
{
	if (result->not_applicable != NULL)
		return INK_QUIET;
	switch (result->findings.verdict) {
	case VERDICT_VIOLATED: return INK_LOSS;
	case VERDICT_INCONCLUSIVE: return INK_REFUSAL;
	case VERDICT_NONE_SEEN: break;
	}
	return INK_PLAIN;
}

/* ---- which run it is --------------------------------------------------------------------------- */

/* Two databases of one product and version are told apart by what --db says. */
static bool is_twice(const struct run_result *results, size_t n, size_t i)
{
	for (size_t k = 0; k < n; k++)
		if (k != i && text_equal(results[k].identity.product, results[i].identity.product) &&
		    text_equal(results[k].identity.version, results[i].identity.version))
			return true;
	return false;
}

void str_product(struct str *str, const struct run_result *results, size_t n, size_t i)
{
	const struct run_result *result = &results[i];

	str_printf(str, "%s %s", result->identity.product, result->identity.version);
	if (result->plan.db_option != NULL && is_twice(results, n, i))
		str_printf(str, " (%s)", result->plan.db_option);
}

void str_level(struct str *str, const struct run_result *result)
{
	str_add(str, result->identity.isolation);
	if (result->identity.snapshot_isolation > 0)
		str_add(str, " (snapshot)");
}

static void add_name(struct grid *grid, size_t row, enum table_key key, const struct run_result *results,
                     size_t n)
{
	const struct run_plan *plan = &results[row - 1].plan;
	struct str *name = grid_text(grid, row, NAME);

	if (key == TABLE_BY_DATABASE) {
		str_product(name, results, n, row - 1);
		str_level(grid_text(grid, row, LEVEL), &results[row - 1]);
		return;
	}
	str_add(name, plan->variant);
	if (plan->mix != NULL)
		str_printf(name, " + %s", plan->mix);
}

/* ---- the figures ------------------------------------------------------------------------------- */

static void add_figures(struct grid *grid, const struct form *form, size_t row,
                        const struct run_result *result)
{
	const struct findings *findings = &result->findings;

	str_add(grid_text(grid, row, VERDICT), verdict_words(result));
	grid_ink(grid, row, VERDICT, result_ink(result));
	if (result->not_applicable != NULL)
		return;
	str_printf(grid_text(grid, row, ANSWERED), "%zu", findings->answered);
	if (findings->n_refused == 0)
		str_add_char(grid_text(grid, row, REFUSED), '-');
	else if (form->reasons)
		str_refusals(grid_text(grid, row, REFUSED), findings);
	else
		str_printf(grid_text(grid, row, REFUSED), "%zu", findings->n_refused);
	str_printf(grid_text(grid, row, NO_ANSWER), "%zu", findings->unanswered);
	str_printf(grid_text(grid, row, RECORDED), "%lld", (long long)findings->recorded_sum);
	str_printf(grid_text(grid, row, BALANCE), "%lld", (long long)findings->actual_balance);
	str_printf(grid_text(grid, row, MISSING), "%lld", (long long)findings->missing);
	if (findings->unanswered > 0)
		grid->hidden[NO_ANSWER] = false;
}

static void fill(struct grid *grid, const struct form *form, enum table_key key,
                 const struct run_result *results, size_t n)
{
	const char *titles[TABLE_COLUMNS] = {
		key == TABLE_BY_DATABASE ? "database" : "variant", "level", form->answered, "refused",
		"no answer", "recorded", "balance", "missing", "",
	};

	grid_init(grid, n + 1, TABLE_COLUMNS);
	grid->hidden[LEVEL] = key != TABLE_BY_DATABASE;
	grid->hidden[NO_ANSWER] = true; /* unless somebody got none */
	for (enum column c = 0; c < TABLE_COLUMNS; c++) {
		grid->right[c] = is_number(c);
		str_add(grid_text(grid, 0, c), titles[c]);
	}
	for (size_t row = 1; row <= n; row++) {
		add_name(grid, row, key, results, n);
		add_figures(grid, form, row, &results[row - 1]);
	}
}

static void add_reasons(struct str *str, enum table_key key, const struct run_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (results[i].findings.n_refused == 0)
			continue;
		if (key == TABLE_BY_DATABASE)
			str_product(str, results, n, i);
		else
			str_add(str, results[i].plan.variant);
		str_add(str, " refused: ");
		str_refusals(str, &results[i].findings);
		str_add_char(str, '\n');
	}
}

void str_table(struct str *str, const struct report_style *style, enum table_key key,
               const struct run_result *results, size_t n)
{
	const struct form *form = NULL;
	struct grid grid = {0};

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		form = &forms[i];
		grid_fini(&grid);
		fill(&grid, form, key, results, n);
		if (!style->wrap || grid_width(&grid, form->indent, form->gap) <= (size_t)style->columns)
			break;
	}
	str_grid(str, style, &grid, form->indent, form->gap);
	grid_fini(&grid);
	if (!form->reasons)
		add_reasons(str, key, results, n);
}

void text_table(FILE *to, const struct report_style *style, const struct run_result *results, size_t n)
{
	struct str str = {0};

	str_table(&str, style, TABLE_BY_VARIANT, results, n);
	str_write(&str, to);
}
