/* A run as one JSON object on one line, for programs. Numbers are numbers, what is not known is null,
 * times are seconds from the start of the volley. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/json_text.h"
#include "report/report.h"
#include "report/style.h"

/* Jansson fails for want of memory only, since texts are made valid before; base/mem.h says why that
 * ends the program. */
static void NO_RETURN out_of_memory(void)
{
	(void)fputs("racy: out of memory\n", stderr);
	abort();
}

/* Takes over `value`. */
static void put(json_t *object, const char *key, json_t *value)
{
	if (value == NULL || json_object_set_new(object, key, value) != 0)
		out_of_memory();
}

static void append(json_t *array, json_t *value)
{
	if (value == NULL || json_array_append_new(array, value) != 0)
		out_of_memory();
}

static json_t *number(int64_t value)
{
	return json_integer(value);
}

static json_t *count(size_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *known(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

/* Nanoseconds as seconds, to the microsecond: more digits would be noise. */
static json_t *seconds(int64_t ns)
{
	return json_real(round((double)ns / 1e3) / 1e6);
}

/* A time that the events may not tell (0). */
static json_t *moment(const struct run_result *result, int64_t t_ns)
{
	return t_ns == 0 ? json_null() : seconds(t_ns - result->start_ns);
}

static json_t *numbers(const uint32_t *items, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		append(array, json_integer(items[i]));
	return array;
}

static json_t *by_reason(const struct refusals *refusals, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		put(object, refusals[i].reason, count(refusals[i].n));
	return object;
}

/* Known from the workers' events alone. */
static json_t *tries(const struct run_result *result)
{
	const struct tries *tries = &result->findings.tries;
	json_t *object = json_object();

	put(object, "attempts", count(tries->attempts));
	put(object, "most", count(tries->most));
	put(object, "again", count(tries->again));
	put(object, "given_up", count(tries->given_up));
	put(object, "failed", by_reason(tries->failed, tries->n_failed_kinds));
	put(object, "cost_s", seconds(tries->cost_ns));
	return object;
}

static json_t *unknown_outcomes(const struct findings *findings)
{
	json_t *object = json_object();

	put(object, "requests", count(findings->outcome_unknown));
	put(object, "on_record", count(findings->unknown_done));
	put(object, "not_on_record", count(findings->unknown_not_done));
	return object;
}

static json_t *overwrites(const struct run_result *result)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->findings.n_overwrites; i++) {
		const struct overwrite *overwrite = &result->findings.overwrites[i];
		json_t *object = json_object();
		char *sentence = overwrite_sentence(overwrite, result->start_ns);
		put(object, "writer", json_integer(overwrite->writer));
		put(object, "read", number(overwrite->read_value));
		put(object, "read_s", moment(result, overwrite->read_ns));
		put(object, "over", number(overwrite->over_value));
		put(object, "over_s", moment(result, overwrite->over_ns));
		put(object, "over_writers", numbers(overwrite->over_writers, overwrite->n_over_writers));
		put(object, "wrote", number(overwrite->wrote_value));
		put(object, "wrote_s", moment(result, overwrite->wrote_ns));
		put(object, "erased", numbers(overwrite->erased, overwrite->n_erased));
		put(object, "gone", count(overwrite->n_gone));
		put(object, "back", numbers(overwrite->back, overwrite->n_back));
		put(object, "sure", json_boolean(overwrite->n_gone == overwrite->n_erased));
		put(object, "sentence", json_text(sentence));
		free(sentence);
		append(array, object);
	}
	return array;
}

static void put_plan(json_t *object, const struct run_plan *plan)
{
	json_t *delay = plan->pauses ? json_array() : json_null();
	json_t *sets = json_object();

	if (plan->pauses) {
		append(delay, seconds(plan->delay_min_ns));
		append(delay, seconds(plan->delay_max_ns));
	}
	for (size_t i = 0; i < plan->n_sets; i++) {
		/* Keys must be UTF-8 too; a name that is not could never have been set. */
		put(sets, plan->sets[i].name, json_text(plan->sets[i].value));
	}
	put(object, "workers", json_integer(plan->workers));
	put(object, "worker_class", json_text(plan->worker_class != NULL ? plan->worker_class : "sync"));
	put(object, "threads", json_integer(plan->threads > 1 ? plan->threads : 1));
	put(object, "cpus", plan->cpus > 0 ? json_integer(plan->cpus) : json_null());
	put(object, "requests", count(plan->requests));
	put(object, "wait_s", seconds(plan->wait_ns));
	put(object, "delay_s", delay);
	put(object, "amount", number(plan->amount));
	put(object, "traced", json_boolean(plan->traced));
	put(object, "recorded", json_boolean(plan->recorded));
	put(object, "own_level", json_boolean(plan->own_level));
	put(object, "no_transaction", json_boolean(plan->no_transaction));
	put(object, "max_tries", json_integer(plan->max_tries > 1 ? plan->max_tries : 1));
	put(object, "fault", json_text(plan->fault));
	put(object, "sets", sets);
}

static void put_place(json_t *object, const struct run_result *result)
{
	const struct db_identity *identity = &result->identity;
	json_t *db = json_object();

	put(db, "product", json_text(identity->product));
	put(db, "version", json_text(identity->version));
	put(db, "engine", json_text(identity->engine));
	put(db, "url", json_text(result->plan.database));
	put(object, "db", db);
	put(object, "database", json_text(result->plan.db_option));
	put(object, "isolation", json_text(identity->isolation));
	put(object, "expected", json_text(expectation_name(result->expected)));
	put(object, "snapshot_isolation",
	    identity->snapshot_isolation < 0 ? json_null() : json_boolean(identity->snapshot_isolation > 0));
}

static void put_findings(json_t *object, const struct findings *findings)
{
	put(object, "answered", count(findings->answered));
	put(object, "refused", by_reason(findings->refused, findings->n_refused_kinds));
	put(object, "unanswered", count(findings->unanswered));
	put(object, "unanswered_but_done", count(findings->unanswered_but_done));
	put(object, "transactions", count(findings->transactions));
	put(object, "recorded_sum", number(findings->recorded_sum));
	put(object, "start_balance", number(findings->start_balance));
	put(object, "expected_balance", number(findings->expected_balance));
	put(object, "actual_balance", number(findings->actual_balance));
	put(object, "missing", number(findings->missing));
	put(object, "lost_updates", known(findings->lost_updates));
	put(object, "torn", known(findings->torn));
	put(object, "lost", numbers(findings->lost, findings->n_lost));
	put(object, "torn_requests", numbers(findings->torn_requests, findings->n_torn_requests));
	put(object, "doubled", count(findings->doubled));
	put(object, "doubled_requests", numbers(findings->doubled_requests, findings->n_doubled_requests));
	put(object, "outcome_unknown", unknown_outcomes(findings));
}

static json_t *overlap(const struct run_result *result)
{
	const struct findings *findings = &result->findings;
	bool possible = (result->plan.workers > 1 || result->plan.threads > 1) && result->plan.requests > 1;
	json_t *object = json_object();

	put(object, "max_in_flight", count(findings->max_in_flight));
	put(object, "pairs", count(findings->pairs_overlapped));
	put(object, "possible", json_boolean(possible));
	put(object, "seen_by", json_text(findings->overlap_seen_by_client ? "client" : "workers"));
	return object;
}

static void put_what(json_t *object, const struct run_result *result)
{
	put(object, "scenario", json_text(result->plan.scenario));
	put(object, "variant", json_text(result->plan.variant));
	put(object, "mix", json_text(result->plan.mix));
	put_place(object, result);
	put_plan(object, &result->plan);
	/* Seeds come from the command line as signed 64-bit numbers, none below zero. */
	put(object, "seed", json_integer((json_int_t)result->plan.seed));
}

static json_t *not_raced(const struct run_result *result)
{
	json_t *object = json_object(), *reasons = json_array();

	append(reasons, json_text(result->not_applicable));
	put(object, "verdict", json_text("not_applicable"));
	put(object, "reasons", reasons);
	put_what(object, result);
	return object;
}

static json_t *run_object(const struct run_result *result)
{
	const struct findings *findings = &result->findings;
	json_t *object, *reasons;

	if (result->not_applicable != NULL)
		return not_raced(result);
	object = json_object();
	reasons = json_array();
	for (size_t i = 0; i < findings->n_reasons; i++)
		append(reasons, json_text(findings->reasons[i]));
	put(object, "verdict", json_text(verdict_name(findings->verdict)));
	put(object, "reasons", reasons);
	put(object, "serial_by_construction", json_boolean(findings->serial_by_construction));
	put(object, "interrupted", json_boolean(result->interrupted));
	put_what(object, result);
	put_findings(object, findings);
	put(object, "tries", result->plan.recorded ? tries(result) : json_null());
	put(object, "overlap", overlap(result));
	put(object, "overwrites", overwrites(result));
	put(object, "seconds", seconds(result->end_ns - result->start_ns));
	return object;
}

static void print(FILE *to, json_t *object)
{
	enum { SIGNIFICANT = 15 }; /* a double keeps that many decimal digits: 0.412, not 0.41199999999999998 */
	struct str str = {0};
	char *line = json_dumps(object, JSON_REAL_PRECISION(SIGNIFICANT));

	if (line == NULL)
		out_of_memory();
	str_add(&str, line);
	str_add_char(&str, '\n');
	free(line);
	json_decref(object);
	str_write(&str, to);
}

static void json_run(FILE *to, const struct report_style *style, const struct run_result *result)
{
	(void)style;
	print(to, run_object(result));
}

static void json_table(FILE *to, const struct report_style *style, const struct run_result *results, size_t n)
{
	json_t *object = json_object(), *runs = json_array();

	(void)style;
	for (size_t i = 0; i < n; i++)
		append(runs, run_object(&results[i]));
	put(object, "runs", runs);
	print(to, object);
}

static void json_databases(FILE *to, const struct report_style *style, const struct run_result *results,
                           size_t n, const char *const *again)
{
	(void)again;
	json_table(to, style, results, n);
}

const struct report_format report_json = {
	.name = "json",
	.plan = NULL,
	.run = json_run,
	.databases = json_databases,
	.table = json_table,
};
