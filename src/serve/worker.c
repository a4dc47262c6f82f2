/* The worker's process: its signals, its lanes, its loop.
 *
 * Synchronous: one lane, in the only thread. A request blocks the loop; that is what a synchronous worker is.
 * So whatever must be noticed although a request is under way either ends the process in a signal handler
 * (INT, QUIT, ABRT) or stays readable on a descriptor until the loop comes back to it (TERM, the arbiter's end).
 *
 * Threaded: each lane is a thread that serves as a synchronous worker does. The main thread serves nothing: it
 * alone takes signals, gives the signs of life and, when it is time to leave, waits for the others. */
#include "serve/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/cpus.h"
#include "serve/lane.h"

struct worker {
	const struct worker_post *post;
	int signal_fd;
	bool leaving;        /* the main thread's: no new request; those under way are finished */
	int64_t leave_by_ns; /* leaving: not later than this, whatever a client holds open */
	uint64_t noted;      /* synchronous: the connection whose beginning was a sign of life */
	_Atomic int64_t served; /* requests, of all lanes */
	int64_t most;           /* 0: no limit */
	struct server_thread *lanes;
	size_t n_lanes;
	/* threaded */
	_Atomic bool told_to_leave;
	int leave_fd; /* an eventfd, readable from then on */
	int left_fd;  /* an eventfd: a thread has left */
	_Atomic size_t there; /* threads that have not */
};

struct server_thread {
	struct worker *worker;
	struct lane lane;
	pthread_t thread;
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
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGUSR1);
	worker->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	blocked = wanted;
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	return worker->signal_fd >= 0;
}

/* ---- being told to leave -------------------------------------------------------------------- */

static bool is_threaded(const struct worker *worker)
{
	return worker->post->settings->worker_class == WORKER_GTHREAD;
}

/* By any thread. */
static void tell_threads_to_leave(struct worker *worker)
{
	atomic_store(&worker->told_to_leave, true);
	eventfd_write(worker->leave_fd, 1);
}

static void start_leaving(struct worker *worker)
{
	if (worker->leaving)
		return;
	worker->leaving = true;
	worker->leave_by_ns = clock_now_ns() + worker->post->settings->graceful_ns;
	if (is_threaded(worker))
		tell_threads_to_leave(worker);
	else
		http_server_quiesce(worker->lanes[0].lane.server);
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

/* Until there is work (synchronous) or a thread wants to leave or has left (threaded), a signal came, the
 * arbiter went, or the time is over. */
static void wait_at_most(struct worker *worker, int64_t ns)
{
	struct pollfd fds[] = {
		{.fd = is_threaded(worker) ? worker->left_fd : http_server_fd(worker->lanes[0].lane.server),
		 .events = POLLIN},
		{.fd = worker->signal_fd, .events = POLLIN},
		/* It stays readable: once seen, it would make of this wait a spin. */
		{.fd = worker->leaving ? -1 : worker->post->arbiter_fd, .events = POLLIN},
		{.fd = is_threaded(worker) && !worker->leaving ? worker->leave_fd : -1, .events = POLLIN},
	};
	const struct timespec limit = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	if (ppoll(fds, COUNT_OF(fds), &limit, NULL) <= 0)
		return;
	take_signals(worker);
	if (fds[2].revents != 0 || fds[3].revents != 0)
		start_leaving(worker);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* The time-out is one of the whole connection, as it is with a worker that blocks in its reads: a client
 * that sends a byte now and then must not hold a worker for ever. */
static void note_connection(struct worker *worker)
{
	const struct http_server *server = worker->lanes[0].lane.server;
	uint64_t accepted = http_server_accepted(server);

	if (http_server_connections(server) == 0)
		seat_beat(worker->post->seat, SEAT_IDLE);
	else if (accepted != worker->noted)
		seat_beat(worker->post->seat, SEAT_BUSY);
	worker->noted = accepted;
}

/* True: it was the last one. */
static bool count_request(struct worker *worker)
{
	int64_t served = atomic_fetch_add(&worker->served, 1) + 1;

	if (served != worker->most)
		return false;
	log_info("worker %zu has served its %lld requests: leaving", worker->post->slot + 1, (long long)served);
	return true;
}

static void handle(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct worker *worker = context;

	note_connection(worker);
	endpoint_handle(&worker->lanes[0].lane.endpoint, request, reply);
	if (count_request(worker))
		start_leaving(worker);
	/* What was said meanwhile counts before the next connection is taken, and before the access is told. */
	wait_at_most(worker, 0);
}

static void handle_in_thread(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct server_thread *mine = context;

	endpoint_handle(&mine->lane.endpoint, request, reply);
	if (count_request(mine->worker))
		tell_threads_to_leave(mine->worker);
	/* Before the reply is written: it says that the connection is closed. */
	if (atomic_load(&mine->worker->told_to_leave))
		http_server_quiesce(mine->lane.server);
}

static bool open_lanes(struct worker *worker)
{
	const struct worker_post *post = worker->post;
	bool ok = true;

	for (size_t i = 0; i < worker->n_lanes && ok; i++) {
		struct server_thread *one = &worker->lanes[i];
		one->worker = worker;
		ok = is_threaded(worker) ? lane_open(&one->lane, post, i, handle_in_thread, one)
		                         : lane_open(&one->lane, post, i, handle, worker);
	}
	/* The servers have descriptors of their own: one more would keep the port open after they closed theirs. */
	close(post->settings->listen_fd);
	return ok;
}

/* Before there are threads, which then have the same ones. */
static bool choose_cpus(const struct worker_post *post)
{
	struct err err = {0};
	bool ok = post->settings->cpus == 0 || cpus_keep_to(post->settings->cpus, &err);

	if (!ok)
		log_error("worker %zu cannot start: %s", post->slot + 1, err_text(&err));
	err_fini(&err);
	return ok;
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

/* ---- threads -------------------------------------------------------------------------------- */

static bool has_left(const struct server_thread *mine)
{
	return atomic_load(&mine->worker->told_to_leave) && http_server_connections(mine->lane.server) == 0;
}

static void wait_in_thread(const struct server_thread *mine, bool leaving)
{
	struct pollfd fds[] = {
		{.fd = http_server_fd(mine->lane.server), .events = POLLIN},
		/* It stays readable. */
		{.fd = leaving ? -1 : mine->worker->leave_fd, .events = POLLIN},
	};
	int64_t ns = http_server_wait_ns(mine->lane.server);
	const struct timespec limit = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	(void)ppoll(fds, COUNT_OF(fds), ns >= 0 ? &limit : NULL, NULL);
}

static void *serve_in_thread(void *context)
{
	struct server_thread *mine = context;

	while (!has_left(mine)) {
		bool leaving = atomic_load(&mine->worker->told_to_leave);
		if (leaving)
			http_server_quiesce(mine->lane.server);
		wait_in_thread(mine, leaving);
		http_server_run(mine->lane.server);
	}
	lane_close(&mine->lane);
	atomic_fetch_sub(&mine->worker->there, 1);
	eventfd_write(mine->worker->left_fd, 1);
	return NULL;
}

/* The signals stay the main thread's: whatever a thread is in must not be where one of them is noticed. */
static bool start_threads(struct worker *worker)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}; /* of what a thread itself did */
	sigset_t all, before;
	int why = 0;

	worker->leave_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	worker->left_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigfillset(&all);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < worker->n_lanes && why == 0; i++) {
		struct server_thread *one = &worker->lanes[i];
		atomic_fetch_add(&worker->there, 1);
		why = pthread_create(&one->thread, NULL, serve_in_thread, one);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (why != 0)
		log_error("worker %zu cannot start its threads: %s", worker->post->slot + 1, strerror(why));
	return why == 0;
}

/* ---- boot ----------------------------------------------------------------------------------- */

static bool boot(struct worker *worker)
{
	const struct worker_post *post = worker->post;

	if (!take_over_signals(worker)) {
		log_error("worker %zu cannot start: signalfd: %s", post->slot + 1, strerror(errno));
		return false;
	}
	worker->most = draw_most_requests(post);
	if (!choose_cpus(post) || !open_lanes(worker) || (is_threaded(worker) && !start_threads(worker)))
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
	int64_t server_ns = http_server_wait_ns(worker->lanes[0].lane.server);

	wait_at_most(worker, server_ns >= 0 && server_ns < ns ? server_ns : ns);
}

static bool may_leave(const struct worker *worker)
{
	return worker->leaving &&
	       (http_server_connections(worker->lanes[0].lane.server) == 0 || clock_now_ns() >= worker->leave_by_ns);
}

static void serve(struct worker *worker)
{
	struct lane *lane = &worker->lanes[0].lane;

	while (!may_leave(worker)) {
		note_connection(worker);
		wait_for_something(worker);
		http_server_run(lane->server);
	}
	lane_close(lane);
}

/* Its signs of life say nothing of the threads, as Gunicorn's do not. */
static void watch(struct worker *worker)
{
	while (atomic_load(&worker->there) > 0) {
		int64_t ns = beat_every_ns(worker->post->settings);
		eventfd_t left;

		seat_beat(worker->post->seat, SEAT_IDLE);
		if (worker->leaving && worker->leave_by_ns - clock_now_ns() < ns)
			ns = worker->leave_by_ns - clock_now_ns();
		wait_at_most(worker, ns > 0 ? ns : 0);
		eventfd_read(worker->left_fd, &left);
		if (worker->leaving && clock_now_ns() >= worker->leave_by_ns && atomic_load(&worker->there) > 0) {
			log_warning("worker %zu leaves %zu requests that did not finish in time",
			            worker->post->slot + 1, atomic_load(&worker->there));
			_exit(WORKER_LEFT);
		}
	}
	for (size_t i = 0; i < worker->n_lanes; i++)
		pthread_join(worker->lanes[i].thread, NULL);
}

size_t worker_lanes(const struct serve_settings *settings)
{
	return settings->worker_class == WORKER_GTHREAD && settings->threads > 1 ? (size_t)settings->threads : 1;
}

void worker_run(const struct worker_post *post)
{
	size_t n = worker_lanes(post->settings);
	struct worker worker = {.post = post, .n_lanes = n, .lanes = mem_new(n, sizeof(struct server_thread))};

	if (!boot(&worker))
		_exit(WORKER_BOOT_FAILED);
	if (is_threaded(&worker))
		watch(&worker);
	else
		serve(&worker);
	free(worker.lanes);
	_exit(WORKER_LEFT);
}
