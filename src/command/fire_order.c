/* A volley at one endpoint of one server, told while it flies: lines and a summary, or one object. */
#include "command/fire_order.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "command/interrupt.h"
#include "http/client.h"
#include "load/fire.h"

/* ---- lines ------------------------------------------------------------------------------------- */

struct teller {
	const struct fire_order *order;
	const char *url; /* the endpoint's */
};

static bool was_interrupted(void *context)
{
	(void)context;
	return interrupted != 0;
}

static void print_line(void *context, size_t i, const struct shot *shot)
{
	const struct teller *teller = context;

	if (shot->end == SHOT_ANSWERED)
		printf("%zu: POST %s %d\n", i + 1, teller->url, shot->status);
	else if (interrupted == 0 || shot->sent_ns != 0)
		printf("%zu: POST %s failed: %s\n", i + 1, teller->url, shot->error);
	fflush(stdout);
}

/* ---- the sums ---------------------------------------------------------------------------------- */

struct tally {
	struct volley_summary sums;
	json_t *refused; /* reason -> number */
	json_t *other;   /* status -> number */
	size_t not_sent, cut, timed_out;
};

static void add_one(json_t *object, const char *key)
{
	json_int_t before = json_integer_value(json_object_get(object, key));

	json_object_set_new(object, key, json_integer(before + 1));
}

static void add_status(json_t *object, int status)
{
	char *key = mem_printf("%d", status);

	add_one(object, key);
	free(key);
}

static void count(struct tally *tally, const struct shot *shot)
{
	switch (shot->end) {
	case SHOT_ANSWERED:
		if (shot->status == 503)
			add_one(tally->refused, shot->reason[0] != '\0' ? shot->reason : "unknown");
		else if (shot->status != 200)
			add_status(tally->other, shot->status);
		break;
	case SHOT_FAILED:
		tally->not_sent++;
		break;
	case SHOT_CUT:
		tally->cut++;
		break;
	case SHOT_TIMEOUT:
		tally->timed_out++;
		break;
	}
}

static struct tally tally_of(const struct volley *volley)
{
	struct tally tally = {.sums = volley_summarise(volley), .refused = json_object(), .other = json_object()};

	for (size_t i = 0; i < volley->n; i++)
		count(&tally, &volley->shots[i]);
	return tally;
}

static size_t pairs_of(size_t n)
{
	return n > 0 ? n * (n - 1) / 2 : 0;
}

/* ---- the summary ------------------------------------------------------------------------------- */

/* " (2 deadlock, 1 busy)", " (3 with 404)" */
static void print_kinds(json_t *kinds, const char *with)
{
	const char *key, *before = " (";
	json_t *number;

	json_object_foreach(kinds, key, number) {
		fprintf(stderr, "%s%lld %s%s", before, (long long)json_integer_value(number), with, key);
		before = ", ";
	}
	if (json_object_size(kinds) > 0)
		fputs(")", stderr);
}

static void print_times(const struct volley_summary *sums)
{
	char *min = duration_text(sums->min_ns), *median = duration_text(sums->median_ns);
	char *p95 = duration_text(sums->p95_ns), *max = duration_text(sums->max_ns);

	fprintf(stderr, "Until the answer, from the planned start: min %s, median %s, p95 %s, max %s.\n", min,
	        median, p95, max);
	free(min);
	free(median);
	free(p95);
	free(max);
}

static void print_summary(const struct volley *volley, const struct tally *tally)
{
	const struct volley_summary *sums = &tally->sums;

	fflush(stdout);
	fprintf(stderr, "%s%zu requests: %zu answered 200, %zu refused", interrupted != 0 ? "Interrupted. " : "",
	        volley->n, sums->answered_200, sums->refused);
	print_kinds(tally->refused, "");
	fprintf(stderr, ", %zu answered otherwise", sums->other);
	print_kinds(tally->other, "with ");
	fprintf(stderr, ", %zu without an answer", sums->unanswered);
	if (sums->unanswered > 0)
		fprintf(stderr, " (%zu not sent, %zu cut off, %zu timed out)", tally->not_sent, tally->cut,
		        tally->timed_out);
	fputs(".\n", stderr);
	if (sums->unanswered < volley->n)
		print_times(sums);
	fprintf(stderr, "At most %zu in flight, %zu of %zu pairs overlapped (as seen here: sent, not yet ended).\n",
	        sums->max_in_flight, sums->pairs_overlapped, pairs_of(volley->n));
}

/* Every answer was "not found": what a newcomer forgets is the account. */
static void print_hint(const struct teller *teller, const struct volley *volley, const struct tally *tally)
{
	const json_t *missing = json_object_get(tally->other, "404");

	if (volley->n > 0 && (size_t)json_integer_value(missing) == volley->n)
		fprintf(stderr,
		        "All answers are 404: is there an account %" PRId64 "? `racy account create` makes one, "
		        "--account names it.\n", teller->order->account);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static const char *const end_names[] = {
	[SHOT_ANSWERED] = "answered", [SHOT_FAILED] = "not_sent", [SHOT_CUT] = "cut", [SHOT_TIMEOUT] = "timeout"};

static json_t *text_or_null(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *since(const struct volley *volley, int64_t ns)
{
	return ns != 0 ? json_integer(ns - volley->started_ns) : json_null();
}

static json_t *shot_object(const struct volley *volley, size_t i)
{
	const struct shot *shot = &volley->shots[i];

	return json_pack("{s:I, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "i", (json_int_t)i + 1, "end",
	                 end_names[shot->end], "status",
	                 shot->status != 0 ? json_integer(shot->status) : json_null(), "reason",
	                 text_or_null(shot->reason), "error", text_or_null(shot->error), "planned_ns",
	                 (json_int_t)shot->at_ns, "connected_ns", since(volley, shot->connected_ns), "sent_ns",
	                 since(volley, shot->sent_ns), "ended_ns", since(volley, shot->ended_ns));
}

static json_t *latency_object(const struct volley *volley, const struct volley_summary *sums)
{
	if (sums->unanswered == volley->n)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "min", (json_int_t)sums->min_ns, "median",
	                 (json_int_t)sums->median_ns, "p95", (json_int_t)sums->p95_ns, "max",
	                 (json_int_t)sums->max_ns);
}

static json_t *order_object(const struct teller *teller)
{
	const struct fire_order *order = teller->order;

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:I, s:b}", "url", teller->url, "scenario",
	                 order->target.scenario->name, "variant", order->target.variant->name, "account",
	                 (json_int_t)order->account, "amount", (json_int_t)order->amount, "wait_ns",
	                 (json_int_t)order->wait_ns, "timeout_ns",
	                 order->timeout_ns > 0 ? json_integer(order->timeout_ns) : json_null(), "requests",
	                 (json_int_t)order->n, "interrupted", interrupted != 0);
}

static json_t *sums_object(const struct volley *volley, const struct tally *tally)
{
	const struct volley_summary *sums = &tally->sums;
	json_t *shots = json_array();

	for (size_t i = 0; i < volley->n; i++)
		json_array_append_new(shots, shot_object(volley, i));
	return json_pack("{s:I, s:O, s:O, s:I, s:o, s:{s:I, s:I}, s:o}", "answered",
	                 (json_int_t)sums->answered_200, "refused", tally->refused, "other", tally->other,
	                 "unanswered", (json_int_t)sums->unanswered, "latency_ns", latency_object(volley, sums),
	                 "overlap", "max_in_flight", (json_int_t)sums->max_in_flight, "pairs",
	                 (json_int_t)sums->pairs_overlapped, "shots", shots);
}

static void print_json(const struct teller *teller, const struct volley *volley, const struct tally *tally)
{
	json_t *object = order_object(teller), *sums = sums_object(volley, tally);

	json_object_update(object, sums);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(sums);
	json_decref(object);
}

/* ---- the order --------------------------------------------------------------------------------- */

/* The endpoint below `base`, a URL or a path, whether or not slashes end that. Heap text. */
static char *endpoint_below(const char *base, const struct fire_order *order)
{
	size_t length = strlen(base);

	while (length > 0 && base[length - 1] == '/')
		length--;
	return mem_printf("%.*s%s%s/", (int)length, base, order->target.operation->route,
	                  order->target.variant->name);
}

static struct volley plan(const struct fire_order *order, const struct http_url *url)
{
	struct volley volley = {
		.host = url->host, .port = url->port, .n = (size_t)order->n, .timeout_ns = order->timeout_ns};

	volley.shots = mem_new(volley.n, sizeof *volley.shots);
	for (size_t i = 0; i < volley.n; i++)
		volley.shots[i] = (struct shot){.at_ns = (int64_t)i * order->wait_ns,
		                                .path = endpoint_below(url->path, order),
		                                .account = order->account,
		                                .amount = order->amount};
	return volley;
}

static int exit_code(const struct volley *volley, const struct tally *tally)
{
	if (interrupted != 0)
		return RACY_INTERRUPTED + interrupted;
	if (tally->not_sent == volley->n)
		return RACY_ENVIRONMENT;
	return tally->sums.unanswered > 0 ? RACY_INCONCLUSIVE : RACY_OK;
}

static int tell(const struct teller *teller, const struct volley *volley)
{
	struct tally tally = tally_of(volley);
	int code = exit_code(volley, &tally);

	if (teller->order->output == FIRE_JSON)
		print_json(teller, volley, &tally);
	else
		print_summary(volley, &tally);
	if (teller->order->output == FIRE_LINES)
		print_hint(teller, volley, &tally);
	if (code == RACY_ENVIRONMENT) {
		struct err err = {0};
		err_set(&err, "nothing could be sent to %s (%s): %s", teller->order->url, volley->shots[0].error,
		        teller->order->when_nobody_listens);
		(void)command_fail(teller->order->command, code, &err);
		err_fini(&err);
	}
	json_decref(tally.refused);
	json_decref(tally.other);
	return code;
}

static int fire(const struct teller *teller, const struct http_url *url)
{
	struct volley volley = plan(teller->order, url);
	struct err err = {0};
	int code;

	volley.on_end = teller->order->output == FIRE_LINES ? print_line : NULL;
	volley.on_tick = was_interrupted;
	volley.context = (void *)teller;
	interrupt_catch();
	if (volley_fire(&volley, &err))
		code = tell(teller, &volley);
	else
		code = command_fail(teller->order->command, RACY_ENVIRONMENT, &err);
	err_fini(&err);
	volley_fini(&volley);
	return code;
}

static bool parse_url(const char *text, struct http_url *url, struct err *err)
{
	if (!http_url_parse(text, url, err))
		return false;
	if (strpbrk(text, "?#") == NULL)
		return true;
	return err_set(err, "'%s': leave the query out: it names a server, such as http://localhost:8000", text);
}

int fire_and_tell(const struct fire_order *order)
{
	char *endpoint = endpoint_below(order->url, order);
	struct teller teller = {order, endpoint};
	struct http_url url = {0};
	struct err err = {0};
	int code;

	if (parse_url(order->url, &url, &err)) {
		code = fire(&teller, &url);
	} else {
		err_prefix(&err, "--url");
		code = command_fail(order->command, RACY_USAGE, &err);
	}
	http_url_fini(&url);
	err_fini(&err);
	free(endpoint);
	return code;
}
