/* The worker's process: its signals, its database session, its server, its loop.
 *
 * A request blocks the loop; that is what a synchronous worker is. So whatever must be noticed
 * although a request is under way either ends the process in a signal handler (INT, QUIT, ABRT) or
 * stays readable on a descriptor until the loop comes back to it (TERM, the arbiter's end). */
#include "serve/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "serve/endpoint.h"

enum { MAX_BODY = 2621440 }; /* Django's DATA_UPLOAD_MAX_MEMORY_SIZE */

struct worker {
	const struct worker_post *post;
	int signal_fd;
	struct ring_writer writer;
	struct recorder recorder;
	struct endpoint endpoint;
	struct http_server *server;
	bool leaving;        /* no new request; the one under way is finished */
	int64_t leave_by_ns; /* leaving: not later than this, whatever a client holds open */
	uint64_t noted;       /* the connection whose beginning was a sign of life */
	int64_t served, most; /* requests; most 0: no limit */
};

/* ---- signals -------------------------------------------------------------------------------- */

static void end_at_once(int number)
{
	_exit(128 + number);
}

/* The arbiter blocked them all before the fork, so none has been lost or has met the parent's handlers. */
static bool take_over_signals(struct worker *worker)
{
	static const int at_once[] = {SIGINT, SIGQUIT, SIGABRT};
	struct sigaction action = {.sa_handler = end_at_once};
	sigset_t wanted, blocked;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNT_OF(at_once); i++)
		sigaction(at_once[i], &action, NULL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	/* These are the arbiter's. A terminal that goes away sends HUP to all of the group. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGUSR1);
	worker->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	blocked = wanted;
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	return worker->signal_fd >= 0;
}

/* ---- being told to leave -------------------------------------------------------------------- */

static void start_leaving(struct worker *worker)
{
	if (worker->leaving)
		return;
	worker->leaving = true;
	worker->leave_by_ns = clock_now_ns() + worker->post->settings->graceful_ns;
	http_server_quiesce(worker->server);
}

static void take_signals(struct worker *worker)
{
	struct signalfd_siginfo info;

	while (read(worker->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo == SIGTERM)
			start_leaving(worker);
		else if (worker->post->settings->logs != NULL)
			logs_reopen(worker->post->settings->logs);
}

/* Until the server has work, a signal came, the arbiter went, or the time is over. */
static void wait_at_most(struct worker *worker, int64_t ns)
{
	struct pollfd fds[] = {
		{.fd = http_server_fd(worker->server), .events = POLLIN},
		{.fd = worker->signal_fd, .events = POLLIN},
		/* It stays readable: once seen, it would make of this wait a spin. */
		{.fd = worker->leaving ? -1 : worker->post->arbiter_fd, .events = POLLIN},
	};
	const struct timespec limit = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	if (ppoll(fds, COUNT_OF(fds), &limit, NULL) <= 0)
		return;
	take_signals(worker);
	if (fds[2].revents != 0)
		start_leaving(worker);
}

/* ---- boot ----------------------------------------------------------------------------------- */

/* The time-out is one of the whole connection, as it is with a worker that blocks in its reads: a client
 * that sends a byte now and then must not hold a worker for ever. */
static void note_connection(struct worker *worker)
{
	uint64_t accepted = http_server_accepted(worker->server);

	if (http_server_connections(worker->server) == 0)
		seat_beat(worker->post->seat, SEAT_IDLE);
	else if (accepted != worker->noted)
		seat_beat(worker->post->seat, SEAT_BUSY);
	worker->noted = accepted;
}

static void handle(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct worker *worker = context;

	note_connection(worker);
	endpoint_handle(&worker->endpoint, request, reply);
	if (++worker->served == worker->most) {
		log_info("worker %zu has served its %lld requests: leaving", worker->post->slot + 1,
		         (long long)worker->served);
		start_leaving(worker);
	}
	/* What was said meanwhile counts before the next connection is taken, and before the access is told. */
	wait_at_most(worker, 0);
}

static void tell_access(void *context, const struct http_record *record)
{
	const struct worker *worker = context;

	logs_access(worker->post->settings->logs, record);
}

static struct recorder *start_recording(struct worker *worker)
{
	const struct worker_post *post = worker->post;

	if (post->settings->rings == NULL)
		return NULL;
	worker->writer = ring_open_writer(post->settings->rings, post->slot);
	recorder_init(&worker->recorder, ring_sink(&worker->writer));
	worker->recorder.boots_only = post->settings->boots_only;
	return &worker->recorder;
}

static bool open_database(struct worker *worker)
{
	struct err err = {0};
	bool ok = endpoint_open(&worker->endpoint, &err);

	if (!ok && worker->post->database_needed)
		log_error("worker %zu cannot start: %s", worker->post->slot + 1, err_text(&err));
	else if (!ok)
		log_warning("worker %zu starts without a database: %s", worker->post->slot + 1, err_text(&err));
	err_fini(&err);
	return ok || !worker->post->database_needed;
}

/* Before the arbiter looks: a client that says nothing at all is to cost a connection and not a process. */
static int64_t idle_limit_ns(const struct serve_settings *settings)
{
	enum { WITHOUT_TIMEOUT_S = 30 };

	if (settings->timeout_ns <= 0)
		return WITHOUT_TIMEOUT_S * NS_PER_S;
	return settings->timeout_ns >= 2 * NS_PER_S ? settings->timeout_ns - NS_PER_S : settings->timeout_ns;
}

static bool open_server(struct worker *worker)
{
	const struct serve_settings *settings = worker->post->settings;
	struct err err = {0};
	const struct http_settings http = {
		.listen_fd = settings->listen_fd,
		.max_body = MAX_BODY,
		.idle_timeout_ns = idle_limit_ns(settings),
		.handler = handle,
		.tell = settings->logs != NULL && settings->logs->access_fd >= 0 ? tell_access : NULL,
		.context = worker,
	};

	worker->server = http_server_open(&http, &err);
	if (worker->server == NULL)
		log_error("worker %zu cannot start: %s", worker->post->slot + 1, err_text(&err));
	/* The server has a descriptor of its own: two would keep the port open after it closed its. */
	close(settings->listen_fd);
	err_fini(&err);
	return worker->server != NULL;
}

/* Whichever process is to restart when must be the same for the same seed. */
static int64_t draw_most_requests(const struct worker_post *post)
{
	const struct serve_settings *settings = post->settings;
	struct rng rng;

	if (settings->max_requests == 0)
		return 0;
	rng_init(&rng, settings->seed);
	rng_init(&rng, rng_next(&rng) ^ ((uint64_t)(post->slot + 1) << 48 | post->generation));
	return settings->max_requests + rng_between(&rng, 0, settings->max_requests_jitter);
}

static bool boot(struct worker *worker)
{
	const struct worker_post *post = worker->post;

	if (!take_over_signals(worker)) {
		log_error("worker %zu cannot start: signalfd: %s", post->slot + 1, strerror(errno));
		return false;
	}
	worker->endpoint = (struct endpoint){
		.settings = post->settings,
		.recorder = start_recording(worker),
		/* Above all that a request's own number can be, and different for each process. */
		.unnumbered = (uint64_t)(post->slot + 1) << 48 | (uint64_t)post->generation << 32,
	};
	fault_init(&worker->endpoint.fault, &post->settings->fault);
	worker->most = draw_most_requests(post);
	if (!open_database(worker) || !open_server(worker))
		return false;
	/* Before it is said: whoever reads the line may kill the worker, which is no failure to boot then. */
	seat_beat(post->seat, SEAT_IDLE);
	eventfd_write(post->boot_fd, 1);
	log_info("worker %zu is at its post, pid %d", post->slot + 1, (int)getpid());
	return true;
}

/* ---- the loop ------------------------------------------------------------------------------- */

/* At least a sign of life a second, and three in each time-out. */
static int64_t beat_every_ns(const struct serve_settings *settings)
{
	if (settings->timeout_ns > 0 && settings->timeout_ns / 3 < NS_PER_S)
		return settings->timeout_ns / 3;
	return NS_PER_S;
}

static void wait_for_something(struct worker *worker)
{
	int64_t ns = beat_every_ns(worker->post->settings);
	int64_t server_ns = http_server_wait_ns(worker->server);

	wait_at_most(worker, server_ns >= 0 && server_ns < ns ? server_ns : ns);
}

static bool may_leave(const struct worker *worker)
{
	return worker->leaving &&
	       (http_server_connections(worker->server) == 0 || clock_now_ns() >= worker->leave_by_ns);
}

static void leave(struct worker *worker)
{
	const struct event event = {.kind = EVENT_WORKER_EXIT, .value = getpid()};

	http_server_close(worker->server);
	endpoint_close(&worker->endpoint);
	if (worker->endpoint.recorder != NULL)
		ring_put(&worker->writer, &event);
}

void worker_run(const struct worker_post *post)
{
	struct worker worker = {.post = post};

	if (!boot(&worker))
		_exit(WORKER_BOOT_FAILED);
	while (!may_leave(&worker)) {
		note_connection(&worker);
		wait_for_something(&worker);
		http_server_run(worker.server);
	}
	leave(&worker);
	_exit(WORKER_LEFT);
}
