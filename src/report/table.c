/* Several runs side by side, one line each. Where a terminal is too narrow for it, first the air
 * goes, then the reasons of refusals move below; no figure is ever cut. In a file it is wide. */
#include <stdlib.h>

#include "base/mem.h"
#include "report/style.h"
#include "report/text.h"

enum column { VARIANT, ANSWERED, REFUSED, NO_ANSWER, RECORDED, BALANCE, MISSING, VERDICT, TABLE_COLUMNS };

struct table {
	const struct report_style *style;
	struct str *cells; /* (rows + 1) * TABLE_COLUMNS, the titles first */
	size_t n;          /* rows without the titles */
	bool shown[TABLE_COLUMNS];
	size_t width[TABLE_COLUMNS];
};

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

static struct str *cell(const struct table *table, size_t row, enum column column)
{
	return &table->cells[row * TABLE_COLUMNS + column];
}

static const char *verdict_words(const struct findings *findings)
{
	switch (findings->verdict) {
	case VERDICT_VIOLATED: return findings->missing < 0 ? "WRONG" : "LOST";
	case VERDICT_NONE_SEEN: return findings->serial_by_construction ? "none seen, serial" : "none seen";
	case VERDICT_INCONCLUSIVE: break;
	}
	return "inconclusive";
}

static void fill_row(struct table *table, const struct form *form, size_t row,
                     const struct run_result *result)
{
	const struct findings *findings = &result->findings;

	str_add(cell(table, row, VARIANT), result->plan.variant);
	if (result->plan.mix != NULL)
		str_printf(cell(table, row, VARIANT), " + %s", result->plan.mix);
	str_printf(cell(table, row, ANSWERED), "%zu", findings->answered);
	if (findings->n_refused == 0)
		str_add_char(cell(table, row, REFUSED), '-');
	else if (form->reasons)
		str_refusals(cell(table, row, REFUSED), findings);
	else
		str_printf(cell(table, row, REFUSED), "%zu", findings->n_refused);
	str_printf(cell(table, row, NO_ANSWER), "%zu", findings->unanswered);
	str_printf(cell(table, row, RECORDED), "%lld", (long long)findings->recorded_sum);
	str_printf(cell(table, row, BALANCE), "%lld", (long long)findings->actual_balance);
	str_printf(cell(table, row, MISSING), "%lld", (long long)findings->missing);
	str_add(cell(table, row, VERDICT), verdict_words(findings));
	table->shown[NO_ANSWER] = table->shown[NO_ANSWER] || findings->unanswered > 0;
}

static void fill(struct table *table, const struct form *form, const struct run_result *results)
{
	const char *titles[TABLE_COLUMNS] = {
		"variant", form->answered, "refused", "no answer", "recorded", "balance", "missing", "",
	};

	for (size_t i = 0; i < (table->n + 1) * TABLE_COLUMNS; i++)
		str_clear(&table->cells[i]);
	for (enum column c = 0; c < TABLE_COLUMNS; c++) {
		table->shown[c] = c != NO_ANSWER; /* only where somebody got none */
		table->width[c] = 0;
		str_add(cell(table, 0, c), titles[c]);
	}
	for (size_t i = 0; i < table->n; i++)
		fill_row(table, form, i + 1, &results[i]);
	for (size_t row = 0; row <= table->n; row++)
		for (enum column c = 0; c < TABLE_COLUMNS; c++) {
			size_t width = text_columns(str_text(cell(table, row, c)));
			table->width[c] = width > table->width[c] ? width : table->width[c];
		}
}

static size_t whole_width(const struct table *table, const struct form *form)
{
	size_t width = form->indent;

	for (enum column c = 0; c < TABLE_COLUMNS; c++)
		if (table->shown[c])
			width += table->width[c] + (c > 0 ? form->gap : 0);
	return width;
}

static enum ink cell_ink(enum column column, size_t row, const struct run_result *results)
{
	if (column != VERDICT || row == 0)
		return INK_PLAIN;
	switch (results[row - 1].findings.verdict) {
	case VERDICT_VIOLATED: return INK_LOSS;
	case VERDICT_INCONCLUSIVE: return INK_REFUSAL;
	case VERDICT_NONE_SEEN: break;
	}
	return INK_PLAIN;
}

static void print_row(struct str *str, const struct table *table, const struct form *form, size_t row,
                      const struct run_result *results)
{
	size_t owed = form->indent; /* blanks before the next text: none are left at the end of a line */

	for (enum column c = 0; c < TABLE_COLUMNS; c++) {
		const char *text = str_text(cell(table, row, c));
		size_t air = table->width[c] - text_columns(text);
		if (!table->shown[c])
			continue;
		owed += (c > 0 ? form->gap : 0) + (is_number(c) ? air : 0);
		if (text[0] != '\0') {
			str_repeat(str, " ", owed);
			str_ink(str, table->style, cell_ink(c, row, results), text);
			owed = 0;
		}
		owed += is_number(c) ? 0 : air;
	}
	str_add_char(str, '\n');
}

static void print_reasons(struct str *str, const struct run_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (results[i].findings.n_refused == 0)
			continue;
		str_printf(str, "%s refused: ", results[i].plan.variant);
		str_refusals(str, &results[i].findings);
		str_add_char(str, '\n');
	}
}

void text_table(FILE *to, const struct report_style *style, const struct run_result *results, size_t n)
{
	struct table table = {.style = style, .n = n};
	const struct form *form = NULL;
	struct str str = {0};

	table.cells = mem_new((n + 1) * TABLE_COLUMNS, sizeof *table.cells);
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		form = &forms[i];
		fill(&table, form, results);
		if (!style->wrap || whole_width(&table, form) <= (size_t)style->columns)
			break;
	}
	for (size_t row = 0; row <= n; row++)
		print_row(&str, &table, form, row, results);
	if (!form->reasons)
		print_reasons(&str, results, n);
	for (size_t i = 0; i < (n + 1) * TABLE_COLUMNS; i++)
		str_fini(&table.cells[i]);
	free(table.cells);
	str_write(&str, to);
}
