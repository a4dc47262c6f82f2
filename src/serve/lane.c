/* What a worker needs for one request at a time, made and given back. */
#include "serve/lane.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { MAX_BODY = 2621440 }; /* Django's DATA_UPLOAD_MAX_MEMORY_SIZE */

static struct recorder *start_recording(struct lane *lane, const struct worker_post *post, size_t thread)
{
	const struct serve_settings *settings = post->settings;

	if (settings->rings == NULL)
		return NULL;
	lane->writer = ring_open_writer(settings->rings, post->slot * worker_lanes(settings) + thread);
	recorder_init(&lane->recorder, ring_sink(&lane->writer));
	lane->recorder.boots_only = settings->boots_only;
	return &lane->recorder;
}

static bool open_database(struct lane *lane, const struct worker_post *post)
{
	struct err err = {0};
	bool ok = endpoint_open(&lane->endpoint, &err);

	if (!ok && post->database_needed)
		log_error("worker %zu cannot start: %s", post->slot + 1, err_text(&err));
	else if (!ok)
		log_warning("worker %zu starts without a database: %s", post->slot + 1, err_text(&err));
	err_fini(&err);
	return ok || !post->database_needed;
}

/* Before the arbiter looks: a client that says nothing at all is to cost a connection and not a process. */
static int64_t idle_limit_ns(const struct serve_settings *settings)
{
	enum { WITHOUT_TIMEOUT_S = 30 };

	if (settings->timeout_ns <= 0)
		return WITHOUT_TIMEOUT_S * NS_PER_S;
	return settings->timeout_ns >= 2 * NS_PER_S ? settings->timeout_ns - NS_PER_S : settings->timeout_ns;
}

static void tell_access(void *context, const struct http_record *record)
{
	logs_access(context, record);
}

static bool open_server(struct lane *lane, const struct worker_post *post, http_handler *handler, void *context)
{
	const struct serve_settings *settings = post->settings;
	bool threaded = settings->worker_class == WORKER_GTHREAD;
	struct err err = {0};
	const struct http_settings http = {
		.listen_fd = settings->listen_fd,
		.max_body = MAX_BODY,
		.idle_timeout_ns = idle_limit_ns(settings),
		/* A synchronous worker is bounded from outside, by the arbiter. */
		.keep_alive_ns = threaded ? settings->keep_alive_ns : 0,
		.arrival_ns = threaded ? settings->timeout_ns : 0,
		.handler = handler,
		.context = context,
		.tell = settings->logs != NULL && settings->logs->access_fd >= 0 ? tell_access : NULL,
		.tell_context = settings->logs,
	};

	lane->server = http_server_open(&http, &err);
	if (lane->server == NULL)
		log_error("worker %zu cannot start: %s", post->slot + 1, err_text(&err));
	err_fini(&err);
	return lane->server != NULL;
}

bool lane_open(struct lane *lane, const struct worker_post *post, size_t thread, http_handler *handler,
               void *context)
{
	lane->endpoint = (struct endpoint){
		.settings = post->settings,
		.recorder = start_recording(lane, post, thread),
		/* Above all that a request's own number can be, and different for each process and thread. */
		.unnumbered = (uint64_t)(post->slot + 1) << 48 | (uint64_t)post->generation << 32 |
		              (uint64_t)thread << 24,
	};
	fault_init(&lane->endpoint.fault, &post->settings->fault);
	return open_database(lane, post) && open_server(lane, post, handler, context);
}

void lane_close(struct lane *lane)
{
	const struct event event = {.kind = EVENT_WORKER_EXIT, .value = getpid()};

	if (lane->server != NULL)
		http_server_close(lane->server);
	lane->server = NULL;
	endpoint_close(&lane->endpoint);
	if (lane->endpoint.recorder != NULL)
		ring_put(&lane->writer, &event);
}
