/* The counts, the witness as columns, and a sentence. */
#include "report/explored.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "explore/name.h"
#include "explore/order.h"
#include "report/columns.h"
#include "report/json_text.h"

/* ---- for people ---------------------------------------------------------------------------------------------- */

static void add_count(struct str *text, const char *what, uint64_t n, const char *more)
{
	str_printf(text, "  %-22s %8" PRIu64 "%s%s\n", what, n, more[0] != '\0' ? "  " : "", more);
}

static const char *which_orders(const struct found *found, const char *of)
{
	if (found->orders == ORDERS_WRITTEN)
		return "what was asked for";
	if (found->orders == ORDERS_LITERAL)
		return "each word of the steps";
	if (!found->complete)
		return of;
	return found->reduced ? "which stand for all" : "all that locks allow";
}

static void add_counts(struct str *text, const struct explored *explored)
{
	const struct found *found = explored->found;
	char of[64] = "";

	if (found->orders == ORDERS_RANDOM)
		(void)snprintf(of, sizeof of, "at random, --seed %" PRIu64 ", of about %.0f", found->seed,
		               found->estimate);
	else if (!found->complete && found->estimate > 0)
		(void)snprintf(of, sizeof of, "of about %.0f", found->estimate);
	add_count(text, "orders run", found->schedules, which_orders(found, of));
	add_count(text, "break an invariant", found->breaking, "");
	add_count(text, "unlike any serial one", found->unlike_serial, "");
	add_count(text, "somebody refused", found->refusing, "");
	for (size_t i = 0; i < found->n_codes; i++)
		str_printf(text, "    %-20s %8" PRIu64 "\n", found->by_code[i].what, found->by_code[i].schedules);
	add_count(text, "somebody waited", found->blocking, "");
	add_count(text, "deadlocked", found->deadlocked,
	          found->deadlocked > 0 ? "whom it refuses is the engine's choice" : "");
	if (found->queued > 0)
		add_count(text, "queued", found->queued, "who of several that wait goes on is the engine's choice");
	add_count(text, "behaviours", found->n_behaviours, "");
	if (found->stress.rounds > 0) {
		char overlapped[64];
		(void)snprintf(overlapped, sizeof overlapped, "rounds of all at once; in %" PRIu64 " they overlapped",
		               found->stress.overlapping);
		add_count(text, "stressed", found->stress.rounds, overlapped);
		add_count(text, "... unlike any serial", found->stress.bad, "");
	}
	if (found->diverged > 0)
		add_count(text, "run again", found->diverged, "the same beginning went another way at first");
}

static void add_schedule(struct str *text, const struct report_style *style, const struct explored *explored,
                         const struct schedule *witness)
{
	const char *ends[PLAY_MOST_SESSIONS];

	for (size_t who = 0; who < explored->sessions; who++)
		ends[who] = witness->ends[who].text;
	str_columns(text, style, witness, explored->sessions, ends);
	struct str sentence = {0};
	const char *name = anomaly_name(witness, explored->play, explored->serial, &sentence);
	str_printf(text, "\n  in the end: %s\n", str_text(&witness->state));
	if (name[0] != '\0')
		str_printf(text, "  %s: %s\n", name, str_text(&sentence));
	str_fini(&sentence);
	str_add(text, "  ");
	order_text(text, witness);
	str_add_char(text, '\n');
}

static void add_witness(struct str *text, const struct report_style *style, const struct explored *explored)
{
	const struct found *found = explored->found;

	if (found->orders == ORDERS_WRITTEN && found->astray > 0)
		str_printf(text, "\n%" PRIu64 " of them did not go step by step as written.\n", found->astray);
	if (found->orders == ORDERS_WRITTEN && found->schedules == 1) {
		str_add_char(text, '\n');
		add_schedule(text, style, explored, &found->shown);
	} else if (found->witness.n > 0) {
		str_printf(text, "\nThe %s that does, with %u preemption%s:\n\n",
		           found->complete ? "shortest order" : "shortest order so far", found->preemptions,
		           found->preemptions == 1 ? "" : "s");
		add_schedule(text, style, explored, &found->witness);
	}
}

/* "b of n" only where all were run. */
static void add_extent(struct str *line, const struct found *found)
{
	if (!found->reduced)
		str_printf(line, "%" PRIu64 " of %" PRIu64 " run.", found->schedules, found->schedules);
	else
		str_printf(line,
		           "%" PRIu64 " run that stand for about %.0f, which differ only in steps that do not meet; "
		           "%" PRIu64 " random ones came to nothing else.", found->schedules, found->estimate,
		           found->spot_checks);
}

static bool are_first(const struct found *found)
{
	return !found->complete && (found->orders == ORDERS_ALLOWED || found->orders == ORDERS_LITERAL);
}

static void add_verdict(struct str *text, const struct report_style *style, const struct explored *explored)
{
	const struct found *found = explored->found;
	struct str line = {0};
	const char *reason;

	switch (explored_verdict_of(found, &reason)) {
	case EXPLORED_PROVEN:
		str_printf(&line, "PROVEN: No order of the statements of these %zu sessions, from this state, on ",
		           explored->sessions);
		str_server(&line, explored->identity);
		str_add(&line, ", breaks an invariant or comes to what no serial order does: ");
		add_extent(&line, found);
		str_add(&line, " Not covered: races inside one statement, more requests, crashes, time-outs, other "
		               "data. Orders are cases, not probabilities.");
		break;
	case EXPLORED_VIOLATED:
		if (found->violating == 0) {
			str_printf(&line, "VIOLATED: %" PRIu64 " of %" PRIu64 " rounds of all at once came to what no "
			           "serial order does. The first:\n%s", found->stress.bad, found->stress.rounds,
			           found->stress.outcome);
			break;
		}
		str_printf(&line,
		           "VIOLATED: %" PRIu64 " of %s%" PRIu64 " orders break an invariant or come to what no serial "
		           "order does. Orders are cases, not probabilities.", found->violating,
		           found->reduced ? "the reduced " : are_first(found) ? "the first " : "", found->schedules);
		break;
	case EXPLORED_NOT_FOUND:
		str_printf(&line, "NOT FOUND in %" PRIu64 " order%s", found->schedules,
		           found->schedules == 1 ? "" : "s");
		if (found->orders != ORDERS_WRITTEN)
			str_printf(&line, " of about %.0f", found->estimate);
		str_add(&line, ". This proves nothing.");
		break;
	case EXPLORED_INCONCLUSIVE:
		str_add(&line, "INCONCLUSIVE: no order that was run breaks an invariant. ");
		if (found->unsure > 0)
			str_printf(&line, "%" PRIu64 " could not be run to the end, the first one since %s.",
			           found->unsure, reason);
		else
			str_add(&line, reason);
		if (found->stress.rounds > 0)
			str_printf(&line, " None of %" PRIu64 " rounds of all at once showed otherwise, which proves "
			           "nothing.", found->stress.rounds);
		break;
	}
	str_add_char(text, '\n');
	str_paragraph(text, style, "", str_text(&line));
	str_fini(&line);
}

void str_explored(struct str *text, const struct explored *explored)
{
	str_printf(text, "%s, %zu sessions from %s; ", explored->what, explored->sessions, explored->state);
	str_server(text, explored->identity);
	str_printf(text, ", %s.\n", explored->database);
	for (size_t i = 0; i < explored->sessions; i++)
		if (explored->own_levels[i] != NULL)
			str_printf(text, "%c is at a level of its own, %s.\n", (char)('A' + i),
			           explored->own_levels[i]);
	for (size_t i = 0; i < explored->n_sets; i++)
		str_printf(text, "Set for its own sessions: %s = %s.\n", explored->sets[i].name,
		           explored->sets[i].value);
	if (explored->server_setting != NULL)
		str_printf(text, "Set for its own server: %s.\n", explored->server_setting);
	str_add_char(text, '\n');
}

void explored_text(FILE *to, const struct report_style *style, const struct explored *explored)
{
	struct str text = {0};

	str_explored(&text, explored);
	add_counts(&text, explored);
	add_witness(&text, style, explored);
	add_verdict(&text, style, explored);
	str_write(&text, to);
}

/* ---- for programs -------------------------------------------------------------------------------------------- */

static json_t *schedule_json(const struct explored *explored, const struct schedule *witness)
{
	struct str order = {0};
	json_t *steps = json_array(), *ends = json_array();

	if (witness->n == 0) {
		json_decref(steps);
		json_decref(ends);
		return json_null();
	}
	order_text(&order, witness);
	for (size_t i = 0; i < witness->n; i++) {
		const struct schedule_step *step = &witness->steps[i];
		char who[2] = {(char)('A' + step->who), '\0'};
		json_t *line = json_pack("{ss so sb}", "session", who, "step", json_text(step->what.label), "waited",
		                         step->waited);
		if (step->what.verb == DB_READ && step->what.err == DB_OK)
			json_object_set_new(line, "result", json_text(step->what.result));
		if (step->what.err != DB_OK)
			json_object_set_new(line, "error", json_string(db_err_name(step->what.err)));
		json_array_append_new(steps, line);
	}
	for (size_t i = 0; i < explored->sessions; i++)
		json_array_append_new(ends, json_text(witness->ends[i].text));
	struct str sentence = {0};
	const char *name = anomaly_name(witness, explored->play, explored->serial, &sentence);
	json_t *json = json_pack("{so sb si so so so ss? so}", "order", json_text(str_text(&order)), "breaks_invariant",
	                         witness->broken, "preemptions", (int)schedule_preemptions(witness),
	                         "steps", steps, "ends", ends, "state", json_text(str_text(&witness->state)), "anomaly",
	                         name[0] != '\0' ? name : NULL, "sentence", json_text(str_text(&sentence)));
	str_fini(&sentence);
	str_fini(&order);
	return json;
}

static json_t *levels_json(const struct explored *explored)
{
	json_t *levels = json_object();

	for (size_t i = 0; i < explored->sessions; i++) {
		const char who[2] = {(char)('A' + i), '\0'};
		if (explored->own_levels[i] != NULL)
			json_object_set_new(levels, who, json_string(explored->own_levels[i]));
	}
	return levels;
}

void explored_settings(json_t *json, const struct explored *explored)
{
	json_t *sets = json_object(), *own = json_array();

	for (size_t i = 0; i < explored->n_sets; i++) {
		json_object_set_new(sets, explored->sets[i].name, json_text(explored->sets[i].value));
		if (i >= explored->n_asked)
			json_array_append_new(own, json_string(explored->sets[i].name));
	}
	json_object_set_new(json, "settings", sets);
	json_object_set_new(json, "settings_by_racy", own);
}

static json_t *scope_json(const struct explored *explored)
{
	const struct found *found = explored->found;
	json_t *parts = json_array();
	struct str server = {0};

	for (size_t i = 0; i < explored->sessions; i++)
		json_array_append_new(parts, json_text(explored->parts[i]));
	str_printf(&server, "%s %s", explored->identity->product, explored->identity->version);
	json_t *json = json_pack("{so so ss ss ss si ss ss sb sI}", "sessions", parts, "state",
	                         json_text(explored->state),
	                         "server", str_text(&server), "level", explored->identity->isolation,
	                         "reduction", found->reduced ? "on" : "off", "max_tries", explored->max_tries,
	                         "granularity", "statement", "orders", orders_name(found->orders),
	                         "transaction", !explored->no_transaction, "serial_orders",
	                         (json_int_t)explored->serial->orders);
	explored_settings(json, explored);
	json_object_set_new(json, "engine", json_string(explored->identity->engine));
	if (explored->server_setting != NULL)
		json_object_set_new(json, "server_setting", json_string(explored->server_setting));
	json_object_set_new(json, "own_levels", levels_json(explored));
	if (found->orders == ORDERS_RANDOM)
		json_object_set_new(json, "seed", json_integer((json_int_t)found->seed));
	if (found->reduced)
		json_object_set_new(json, "spot_checks", json_integer((json_int_t)found->spot_checks));
	if (explored->identity->snapshot_isolation >= 0)
		json_object_set_new(json, "innodb_snapshot_isolation",
		                    json_boolean(explored->identity->snapshot_isolation != 0));
	str_fini(&server);
	return json;
}

static json_t *outcomes_json(const struct found *found)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->n_behaviours; i++) {
		const struct behaviour *behaviour = &found->behaviours[i];
		json_array_append_new(list, json_pack("{so sI sb sb}", "text", json_text(behaviour->text), "schedules",
		                                      (json_int_t)behaviour->schedules, "breaks_invariant",
		                                      	behaviour->broken,
		                                      "serial", behaviour->serial));
	}
	return list;
}

json_t *explored_object(const struct explored *explored)
{
	const struct found *found = explored->found;
	json_t *codes = json_object();
	const char *reason;
	enum explored_verdict verdict = explored_verdict_of(found, &reason);

	for (size_t i = 0; i < found->n_codes; i++)
		json_object_set_new(codes, found->by_code[i].what,
		                    json_integer((json_int_t)found->by_code[i].schedules));
	json_t *json = json_pack(
		"{so ss ss sb sI sI sI sI sI so sI sI sI sI sI sI so sf so sf so so}", "subject",
			json_text(explored->what), "verdict", explored_verdict_name(verdict),
			"reason", reason,
		"complete", found->complete, "schedules", (json_int_t)found->schedules, "violating",
		(json_int_t)found->violating, "breaking", (json_int_t)found->breaking,
		"unlike_serial", (json_int_t)found->unlike_serial, "refusing",
		(json_int_t)found->refusing, "by_code", codes, "blocking", (json_int_t)found->blocking, "deadlocked",
		(json_int_t)found->deadlocked, "behaviours", (json_int_t)found->n_behaviours, "diverged",
		(json_int_t)found->diverged, "pruned", (json_int_t)found->pruned, "unsure",
		(json_int_t)found->unsure, "unsure_why", json_text(found->why), "estimate", found->estimate, "scope",
			scope_json(explored), "seconds",
		(double)found->took_ns / (double)NS_PER_S, "witness", schedule_json(explored, &found->witness),
		"outcomes", outcomes_json(found));
	json_object_set_new(json, "engine_choices", json_pack("{sI sI}", "victim", (json_int_t)found->deadlocked,
	                                                      "queue", (json_int_t)found->queued));
	if (found->stress.rounds > 0)
		json_object_set_new(json, "stress", json_pack("{sI sI sI}", "rounds", (json_int_t)found->stress.rounds,
		                                              "overlapping", (json_int_t)found->stress.overlapping,
		                                              "unlike_serial", (json_int_t)found->stress.bad));
	if (found->orders == ORDERS_WRITTEN) {
		json_object_set_new(json, "astray", json_integer((json_int_t)found->astray));
		json_object_set_new(json, "shown", schedule_json(explored, &found->shown));
	}
	return json;
}

void explored_json(FILE *to, const struct explored *explored)
{
	json_t *json = explored_object(explored);

	json_dumpf(json, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(json);
}
