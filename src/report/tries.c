/* What became of requests that were tried again, that had no answer from the database, or that are on
 * record more than once: sentences, and the figures of several runs side by side. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/lanes.h"
#include "report/style.h"
#include "report/text.h"

void str_reasons(struct str *str, const struct refusals *refusals, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		str_printf(str, "%s%zu ", i > 0 ? ", " : "", refusals[i].n);
		str_reason(str, refusals[i].reason);
	}
}

/* "10 requests took 23 tries: 8 were tried again, 1 of them in vain; failed tries: 9 deadlock, 4 conflict;
 * retries cost 1.2 s." */
static void add_tries(struct str *str, const struct report_style *style, const struct run_result *result)
{
	const struct tries *tries = &result->findings.tries;
	struct str line = {0};

	if (!result->plan.recorded || (result->plan.max_tries <= 1 && tries->again == 0) || tries->attempts == 0)
		return;
	str_count(&line, result->history.n, "request");
	str_add(&line, " took ");
	str_printf(&line, "%zu %s: ", tries->attempts, tries->attempts == 1 ? "try" : "tries");
	if (tries->again == 0)
		str_add(&line, "none was tried again");
	else
		str_printf(&line, "%zu %s tried again", tries->again, tries->again == 1 ? "was" : "were");
	if (tries->given_up > 0)
		str_printf(&line, ", %zu of them in vain", tries->given_up);
	if (tries->n_failed_kinds > 0) {
		str_add(&line, "; failed tries: ");
		str_reasons(&line, tries->failed, tries->n_failed_kinds);
	}
	if (tries->again > 0) {
		char *cost = duration_text(tries->cost_ns);
		str_printf(&line, "; retries cost %s", cost);
		free(cost);
	}
	str_add_char(&line, '.');
	str_paragraph(str, style, "  ", str_text(&line));
	str_fini(&line);
}

/* Whether requests of this run end with a COMMIT. The very one without an answer need not be in the history,
 * which has the last attempts only. */
static bool commits(const struct history *history)
{
	for (size_t i = 0; i < history->n; i++) {
		const struct history_request *request = &history->requests[i];
		for (size_t s = 0; s < request->n_steps; s++)
			if (!request->steps[s].pause && request->steps[s].verb == DB_COMMIT)
				return true;
	}
	return false;
}

static void add_unknown(struct str *str, const struct report_style *style, const struct run_result *result)
{
	const struct findings *findings = &result->findings;
	size_t n = findings->outcome_unknown, told = findings->unknown_done + findings->unknown_not_done;
	struct str line = {0};

	if (n == 0)
		return;
	str_count(&line, n, "request");
	str_printf(&line, " had no answer from the database to %s %s: ", n == 1 ? "its" : "their",
	           commits(&result->history) ? "COMMIT" : "last write");
	if (told == 0)
		str_add(&line, "whether done or not cannot be told.");
	else if (told == n && findings->unknown_not_done == 0)
		str_printf(&line, "%s on record all the same.",
		           n == 1 ? "it is" : n == 2 ? "both are" : "all are");
	else if (told == n && findings->unknown_done == 0)
		str_printf(&line, "%s on record.", n == 1 ? "it is not" : "none is");
	else
		str_printf(&line, "%zu %s on record, %zu %s not", findings->unknown_done,
		           findings->unknown_done == 1 ? "is" : "are", findings->unknown_not_done,
		           findings->unknown_not_done == 1 ? "is" : "are");
	if (told > 0 && told < n)
		str_printf(&line, "; of %zu it cannot be told", n - told);
	if (str_text(&line)[line.length - 1] != '.')
		str_add_char(&line, '.');
	str_paragraph(str, style, "  ", str_text(&line));
	str_fini(&line);
}

static void add_doubled(struct str *str, const struct report_style *style, const struct run_result *result)
{
	const struct findings *findings = &result->findings;
	size_t sure = findings->n_doubled_requests;
	struct str line = {0};

	if (sure > 0) {
		str_printf(&line, "the deposit%s of request%s ", sure == 1 ? "" : "s", sure == 1 ? "" : "s");
		str_numbers(&line, findings->doubled_requests, sure, "and");
		str_printf(&line, " %s on record more than once.", sure == 1 ? "is" : "are");
		str_paragraph(str, style, "  ", str_text(&line));
	}
	if (findings->doubled > sure) {
		str_clear(&line);
		str_add(&line, "at least ");
		str_count(&line, findings->doubled - sure, sure > 0 ? "more deposit" : "deposit");
		str_printf(&line, " %s on record more than once: whose cannot be told.",
		           findings->doubled - sure == 1 ? "is" : "are");
		str_paragraph(str, style, "  ", str_text(&line));
	}
	str_fini(&line);
}

void str_tries(struct str *str, const struct report_style *style, const struct run_result *result)
{
	add_doubled(str, style, result);
	add_unknown(str, style, result);
	add_tries(str, style, result);
}
