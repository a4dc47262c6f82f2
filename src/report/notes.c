/* The note at a lane's right: whose deposits its write erased. */
#include "report/lanes.h"

void str_numbers(struct str *str, const uint32_t *numbers, size_t n, const char *last)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && i + 1 == n)
			str_printf(str, " %s ", last);
		else if (i > 0)
			str_add(str, ", ");
		str_printf(str, "%u", numbers[i]);
	}
}

/* "requests 2 and 5": both; "request 2 or 5": one of them; a number where a list would be too long. */
static void add_erased(struct str *note, struct str *short_note, const struct overwrite *overwrite)
{
	enum { LONGEST_LIST = 3 };
	bool sure = overwrite->n_gone == overwrite->n_erased;
	bool list = overwrite->n_erased <= LONGEST_LIST && (sure || overwrite->n_gone == 1);
	struct str who = {0};

	if (overwrite->n_erased == 0) {
		str_add(note, "a deposit");
		str_add(&who, "?");
	} else if (list) {
		str_numbers(&who, overwrite->erased, overwrite->n_erased, sure ? "and" : "or");
		str_printf(note, "request%s %s", overwrite->n_gone == 1 ? "" : "s", str_text(&who));
	} else {
		str_printf(&who, sure ? "%zu" : "%zu of %zu", overwrite->n_gone, overwrite->n_erased);
		str_printf(note, "%s requests", str_text(&who));
		str_add(&who, sure ? " requests" : "");
	}
	str_add(short_note, str_text(&who));
	str_fini(&who);
}

void read_note(struct lanes *lanes, struct lane *lane, const struct run_result *result)
{
	const struct findings *findings = &result->findings;
	struct str note = {0}, short_note = {0};

	for (size_t i = 0; i < findings->n_overwrites; i++) {
		if (findings->overwrites[i].writer != lane->request)
			continue;
		str_add(&note, note.length == 0 ? "erases " : "; ");
		str_add(&short_note, short_note.length == 0 ? "" : "; ");
		add_erased(&note, &short_note, &findings->overwrites[i]);
	}
	if (note.length > 0) {
		lane->note = arena_text(&lanes->arena, str_text(&note));
		lane->short_note = arena_text(&lanes->arena, str_text(&short_note));
	}
	str_fini(&note);
	str_fini(&short_note);
}
