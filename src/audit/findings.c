/* Findings as a vessel: their sentences, their end. */
#include "audit/findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_NONE_SEEN:
		return "none_seen";
	case VERDICT_VIOLATED:
		return "violated";
	case VERDICT_INCONCLUSIVE:
		return "inconclusive";
	}
	return "?";
}

static void add_reason(struct findings *findings, char *text)
{
	findings->reasons = mem_resize(findings->reasons, findings->n_reasons + 1, sizeof *findings->reasons);
	findings->reasons[findings->n_reasons++] = text;
}

void findings_doubt(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_reason(findings, mem_vprintf(format, args));
	va_end(args);
	findings->verdict = VERDICT_INCONCLUSIVE;
}

void findings_remark(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_reason(findings, mem_vprintf(format, args));
	va_end(args);
}

void accused_add(struct accused *accused, uint32_t request)
{
	accused->requests = mem_grow(accused->requests, &accused->capacity, accused->n + 1,
	                             sizeof *accused->requests);
	accused->requests[accused->n++] = request;
}

void findings_doubt_about(struct findings *findings, struct accused *accused, const char *singular,
                          const char *plural)
{
	enum { SHOWN = 8 }; /* a thousand numbers tell no more */
	struct str who = {0};

	if (accused->n <= SHOWN) {
		findings_name_requests(&who, "and", accused->requests, accused->n);
	} else {
		str_add(&who, "requests");
		for (size_t i = 0; i < SHOWN; i++)
			str_printf(&who, " %u,", accused->requests[i]);
		str_printf(&who, " and %zu more", accused->n - SHOWN);
	}
	if (accused->n > 0)
		findings_doubt(findings, "%s %s", str_text(&who), accused->n == 1 ? singular : plural);
	str_fini(&who);
	free(accused->requests);
	*accused = (struct accused){0};
}

void findings_name_requests(struct str *text, const char *word, const uint32_t *requests, size_t n)
{
	bool several = n > 0 && requests[0] != requests[n - 1];

	str_add(text, several && text_equal(word, "and") ? "requests" : "request");
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && requests[i] == requests[i - 1])
			continue;
		if (i > 0 && requests[i] == requests[n - 1])
			str_printf(text, " %s %u", word, requests[i]);
		else
			str_printf(text, "%s %u", i > 0 ? "," : "", requests[i]);
	}
}

void findings_fini(struct findings *findings)
{
	for (size_t i = 0; i < findings->n_reasons; i++)
		free(findings->reasons[i]);
	for (size_t i = 0; i < findings->n_overwrites; i++) {
		free(findings->overwrites[i].over_writers);
		free(findings->overwrites[i].erased);
		free(findings->overwrites[i].back);
	}
	free(findings->reasons);
	free(findings->overwrites);
	free(findings->lost);
	free(findings->torn_requests);
	free(findings->doubled_requests);
	*findings = (struct findings){0};
}
