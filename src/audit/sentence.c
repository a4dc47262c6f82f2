/* An overwrite as a sentence. */
#include "audit/findings.h"

#include "base/clock.h"

static void add_gone(struct str *text, const struct overwrite *overwrite)
{
	bool all = overwrite->n_gone == overwrite->n_erased;

	if (all || overwrite->n_gone > 1) {
		if (!all)
			str_printf(text, "%zu of ", overwrite->n_gone);
		str_add(text, overwrite->n_erased > 1 ? "the deposits of " : "the deposit of ");
		findings_name_requests(text, "and", overwrite->erased, overwrite->n_erased);
	} else {
		str_add(text, "the deposit of ");
		findings_name_requests(text, "or", overwrite->erased, overwrite->n_erased);
	}
	str_add(text, overwrite->n_gone > 1 ? " are gone" : " is gone");
	if (overwrite->n_back == 0)
		return;
	str_add(text, ", until a later write brings ");
	if (overwrite->n_back < overwrite->n_erased) {
		str_add(text, overwrite->n_back > 1 ? "those of " : "that of ");
		findings_name_requests(text, "and", overwrite->back, overwrite->n_back);
	} else {
		str_add(text, overwrite->n_back > 1 ? "them" : "it");
	}
	str_add(text, " back");
}

char *overwrite_sentence(const struct overwrite *overwrite, int64_t run_start_ns)
{
	struct str text = {0};
	double read_s = (double)(overwrite->read_ns - run_start_ns) / (double)NS_PER_S;

	str_printf(&text, "request %u read %lld at %.3f s; ", overwrite->writer,
	           (long long)overwrite->read_value, read_s);
	findings_name_requests(&text, "or", overwrite->over_writers, overwrite->n_over_writers);
	str_printf(&text, " %s %lld; ", overwrite->over_committed ? "committed" : "wrote",
	           (long long)overwrite->over_value);
	str_printf(&text, "request %u wrote %lld: ", overwrite->writer, (long long)overwrite->wrote_value);
	add_gone(&text, overwrite);
	return str_take(&text);
}
