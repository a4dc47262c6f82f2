/* What an exploration found, for people and for programs. */
#ifndef REPORT_EXPLORED_H
#define REPORT_EXPLORED_H

#include <jansson.h>
#include <stdio.h>

#include "explore/verdict.h"
#include "report/report.h"

struct explored {
	const char *what;  /* "deposit/atomic_no_delay", "transfer.sql" */
	const char *state; /* what the sessions begin with, in words */
	const struct play *play;
	size_t sessions;
	const char *const *parts; /* of each session: what it does */
	const char *const *own_levels; /* of each: an isolation level other than the identity's; NULL: none */
	const struct db_identity *identity;
	const char *database; /* the URL without its password, or what stands for it */
	const struct db_setting *sets; /* the first n_asked are the user's, the others our own */
	size_t n_sets, n_asked;
	const char *server_setting; /* of the whole throw-away server, "name = value"; NULL: none */
	int max_tries;
	bool no_transaction;
	const struct found *found;
	const struct serial *serial;
};

void explored_text(FILE *to, const struct report_style *style, const struct explored *explored);
/* What explored_json prints. */
json_t *explored_object(const struct explored *explored);
/* Adds "settings" and which of them are "settings_by_racy". */
void explored_settings(json_t *json, const struct explored *explored);
/* One object; see docs/explore.md. */
void explored_json(FILE *to, const struct explored *explored);

#endif
