/* One request, answered: which variant, which fields, the operation, and what its end means in HTTP. */
#include "serve/endpoint.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "http/form.h"
#include "lab/op.h"
#include "lab/registry.h"
#include "lab/retry.h"

/* ---- the session ---------------------------------------------------------------------------- */

bool endpoint_open(struct endpoint *endpoint, struct err *err)
{
	const struct serve_settings *settings = endpoint->settings;

	endpoint->session = db_open(settings->target, &settings->db, err);
	if (endpoint->session == NULL)
		return false;
	recorder_watch(endpoint->recorder, endpoint->session);
	fault_watch(&endpoint->fault, endpoint->session);
	recorder_boot(endpoint->recorder, getpid(), db_identity(endpoint->session)->connection);
	return true;
}

void endpoint_close(struct endpoint *endpoint)
{
	db_close(endpoint->session);
	endpoint->session = NULL;
}

/* ---- pauses --------------------------------------------------------------------------------- */

/* The seed and the request's number alone decide, not which worker serves it nor what came before. */
static void seed_draws(struct endpoint *endpoint, uint32_t number)
{
	uint64_t salt = number != 0 ? number : endpoint->unnumbered++;
	struct rng rng;

	/* Mixed twice: neighbouring numbers, and neighbouring seeds, must not give neighbouring delays. */
	rng_init(&rng, endpoint->settings->seed);
	rng_init(&rng, rng_next(&rng) ^ salt);
	rng_init(&endpoint->pauses, rng_next(&rng));
	rng_init(&endpoint->waits, rng_next(&rng));
}

static int64_t pause_length(void *context)
{
	struct endpoint *endpoint = context;

	return rng_between(&endpoint->pauses, endpoint->settings->delay_min_ns, endpoint->settings->delay_max_ns);
}

static void pause_for(void *context, int64_t ns)
{
	(void)context;
	clock_pause_ns(ns);
}

/* Between two attempts of one request. */
static struct db_session *reopen(void *context)
{
	struct endpoint *endpoint = context;
	struct err err = {0};

	endpoint_close(endpoint);
	if (!endpoint_open(endpoint, &err))
		log_warning("no database for another try: %s", err_text(&err));
	err_fini(&err);
	return endpoint->session;
}

/* ---- what the request says ------------------------------------------------------------------ */

uint32_t endpoint_request_number(const char *header, const char *run)
{
	int64_t number = 0;

	if (header == NULL || run == NULL || !text_starts_with(header, run) || header[strlen(run)] != '/')
		return 0;
	if (!num_parse(header + strlen(run) + 1, 1, INT64_C(1) << 31, &number, NULL))
		return 0;
	return (uint32_t)number;
}

static void reply_status(struct http_reply *reply, int status)
{
	reply->status = status;
}

/* False: the field cannot be what the operation needs, and the reply says so. */
static bool read_param(const struct form *form, const struct param *param, int64_t *number,
                       struct http_reply *reply)
{
	const struct form_field *field = form_get(form, param->name);
	enum num_python result = NUM_PYTHON_NOT_A_NUMBER;

	if (field != NULL)
		result = num_parse_python(field->value, field->value_length, number);
	if (result == NUM_PYTHON_NOT_A_NUMBER || *number < param->min)
		reply_status(reply, 400);
	else if (*number > param->max)
		http_reply_text(reply, 422, "%s is too large: at most %lld", param->name, (long long)param->max);
	else if (result == NUM_PYTHON_TOO_LARGE)
		/* Within what the parameter allows and beyond 64 bits: the key of a row that cannot exist. */
		http_reply_text(reply, 404, "there is no such %s", param->name);
	else
		return true;
	return false;
}

static bool read_params(const struct operation *operation, const struct http_request *request,
                        int64_t *params, struct http_reply *reply)
{
	struct form form = {0};
	bool good = form_decode(request->content_type, request->body, request->body_length, &form) == FORM_OK;

	if (!good)
		reply_status(reply, 400);
	for (size_t i = 0; good && i < operation->n_params; i++)
		good = read_param(&form, &operation->params[i], &params[i], reply);
	form_fini(&form);
	return good;
}

/* ---- what the operation's end means --------------------------------------------------------- */

/* `half_done`: something of it stays, and whoever tries again does that part twice. */
static void reply_refused(struct http_reply *reply, const char *reason, const char *text, bool half_done)
{
	http_reply_text(reply, 503, "refused: %s%s%s", reason, text[0] != '\0' ? ": " : "", text);
	if (!half_done)
		http_reply_header(reply, "Retry-After", "1");
	http_reply_header(reply, "X-Racy-Refused", "%s", reason);
}

/* Also where another try was refused or denied after that: the first one may have been done all the same. */
static void reply_unknown(struct http_reply *reply, const struct op_result *result)
{
	/* No Retry-After: whoever tries again may do it twice. */
	http_reply_text(reply, 503,
	                "the connection to the database broke during the write: it may have been done or not: %s",
	                result->text);
	http_reply_header(reply, "X-Racy-Refused", "%s", db_err_name(DB_LOST));
}

static void reply_failed(struct http_reply *reply, const struct registry_entry *entry,
                         const struct op_result *result)
{
	switch (result->err) {
	case DB_BUSY:
	case DB_DEADLOCK:
	case DB_SERIALIZATION:
	case DB_TIMEOUT:
	case DB_CANCELED:
	case DB_REFUSED:
	case DB_LOST:
	case DB_FULL:
		reply_refused(reply, db_err_name(result->err), result->text, result->wrote_alone);
		return;
	case DB_CONSTRAINT:
		http_reply_text(reply, 409, "the database's rules forbid it: %s", result->text);
		return;
	case DB_RANGE:
		http_reply_text(reply, 422, "a number is too large for its column: %s", result->text);
		return;
	case DB_OK:
	case DB_BROKEN:
		break;
	}
	log_error("%s failed: %s", entry->variant->name, result->text);
	http_reply_text(reply, 500, "a bug of racy, or not its tables: %s", result->text);
}

static void reply_result(struct http_reply *reply, const struct registry_entry *entry,
                         const struct op_result *result)
{
	if (result->outcome_unknown && result->end != OP_DONE) {
		reply_unknown(reply, result);
		return;
	}
	switch (result->end) {
	case OP_DONE:
		reply_status(reply, 200);
		reply->content_type = "text/plain; charset=utf-8";
		reply->body = mem_text("200");
		reply->body_length = strlen(reply->body);
		break;
	case OP_DENIED:
		http_reply_text(reply, result->denial == OP_NO_SUCH_ROW ? 404 : 422, "%s", result->text);
		break;
	case OP_CONFLICT:
		reply_refused(reply, "conflict", result->text, result->wrote_alone);
		break;
	case OP_FAILED:
		reply_failed(reply, entry, result);
		break;
	}
}

/* ---- the request ---------------------------------------------------------------------------- */

enum { MAX_PARAMS = 8 };

static void run_operation(struct endpoint *endpoint, const struct registry_entry *entry,
                          const int64_t *params, uint32_t number, struct op_result *result)
{
	struct op_host host = {
		.session = endpoint->session,
		.recorder = endpoint->recorder,
		.pause_ns = pause_length,
		.pause = pause_for,
		.tx_mode = endpoint->settings->tx_mode,
		.fault = &endpoint->fault,
		.rest = pause_for,
		.reopen = reopen,
		.context = endpoint,
	};
	const struct op_request request = {
		.operation = entry->operation,
		.variant = entry->variant,
		.params = params,
		.request = number,
		.attempt = 1,
		.wall_us = clock_wall_us(),
	};

	seed_draws(endpoint, number);
	retry_run(&host, &request, &endpoint->settings->retry, &endpoint->waits, result);
	/* A session whose transaction is not surely over would carry it into the next request. */
	if (result->err == DB_LOST || result->tx != DB_TX_NONE)
		endpoint_close(endpoint);
}

static int64_t amount_of(const struct operation *operation, const int64_t *params)
{
	for (size_t i = 0; i < operation->n_params; i++)
		if (text_equal(operation->params[i].name, "amount"))
			return params[i];
	return 0;
}

static void serve_operation(struct endpoint *endpoint, const struct registry_entry *entry,
                            const int64_t *params, uint32_t number, struct http_reply *reply)
{
	struct op_result result = {.end = OP_FAILED, .err = DB_LOST, .attempts = 0};
	struct err err = {0};

	recorder_request_begin(endpoint->recorder, number, entry->variant->name,
	                       amount_of(entry->operation, params));
	if (endpoint->session != NULL || endpoint_open(endpoint, &err)) {
		run_operation(endpoint, entry, params, number, &result);
		reply_result(reply, entry, &result);
		if (result.attempts > 1)
			http_reply_header(reply, "X-Racy-Tries", "%u", (unsigned)result.attempts);
	} else {
		log_warning("no database for a request: %s", err_text(&err));
		reply_refused(reply, "unavailable", err_text(&err), false);
	}
	recorder_request_end(endpoint->recorder, reply->status, result.err);
	err_fini(&err);
}

/* GET and HEAD carry no body and may be sent on; of anything else the body would be lost. */
static void reply_without_slash(const struct registry_entry *entry, const char *method,
                                struct http_reply *reply)
{
	if (text_equal(method, "GET") || text_equal(method, "HEAD")) {
		reply_status(reply, 301);
		http_reply_header(reply, "Location", "%s%s/", entry->operation->route, entry->variant->name);
	} else {
		http_reply_text(reply, 400, "the path must end in a slash: a redirect to it would lose the body");
	}
}

/* Never something else in its place. */
static bool is_applicable(const struct endpoint *endpoint, const struct variant *variant, struct http_reply *reply)
{
	const char *lacking = db_lacking(endpoint->settings->target, variant->needs);

	if (lacking != NULL)
		http_reply_text(reply, 501, "not applicable: this database lacks %s", lacking);
	return lacking == NULL;
}

static bool find_variant(const struct http_request *request, struct registry_entry *entry,
                         struct http_reply *reply)
{
	if (registry_route(request->path, entry))
		return true;
	char *longer = mem_printf("%s/", request->path);
	if (registry_route(longer, entry))
		reply_without_slash(entry, request->method, reply);
	else
		http_reply_text(reply, 404, "there is nothing here; `racy list` names the endpoints");
	free(longer);
	return false;
}

void endpoint_handle(struct endpoint *endpoint, const struct http_request *request,
                     struct http_reply *reply)
{
	struct registry_entry entry;
	int64_t params[MAX_PARAMS] = {0};

	if (!find_variant(request, &entry, reply) || !is_applicable(endpoint, entry.variant, reply))
		return;
	if (entry.operation->n_params > MAX_PARAMS)
		abort(); /* a scenario's mistake, met by its first request */
	if (!text_equal(request->method, "POST")) {
		reply_status(reply, 400);
		return;
	}
	if (!read_params(entry.operation, request, params, reply))
		return;
	uint32_t number = endpoint_request_number(http_header(request, "X-Racy-Request"), endpoint->settings->run);
	serve_operation(endpoint, &entry, params, number, reply);
}
