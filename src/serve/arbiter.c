/* The arbiter: keeps as many workers as are wanted. It forks, reaps, replaces, looks once a second for
 * workers that gave no sign of life, and ends them all when it is told to. It serves nothing itself and
 * opens no database, so that nothing but a signal and its children can ever hold it up.
 *
 * A worker that was told to leave keeps its seat until it is gone, and another one is started on a seat
 * that is free: so there are more seats than workers, but for an experiment, whose recorder has a slot a worker.
 *
 * Only its own workers are waited for: the process may have other children (a throw-away server). */
#include "serve/arbiter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "serve/companion.h"
#include "serve/pidfile.h"
#include "serve/worker.h"

/* Not more than four workers a second in the place of one that failed, so that a crash at every start does
 * not eat the machine. */
static const int64_t START_INTERVAL_NS = 250 * NS_PER_MS;
static const int64_t LOOK_INTERVAL_NS = NS_PER_S;

struct child {
	pid_t pid; /* 0: the seat is empty */
	uint32_t generation;
	uint64_t age;         /* the lower, the older */
	bool leaving;         /* it was told to: no longer one of those that are wanted */
	bool aborted;         /* its time was over: it got ABRT */
	int64_t may_start_ns; /* empty: another one takes its place then */
};

struct arbiter {
	struct serve_settings settings; /* as the last reload left them */
	size_t n;      /* seats */
	size_t wanted; /* workers */
	uint64_t started;
	bool reload_wanted;
	char *pid_file; /* NULL: none, or not ours */
	struct seat *seats;
	struct child *children;
	struct companion_seat companion;
	int signal_fd, boot_fd, self_fd, parent_fd;
	enum { STARTING, SERVING, DRAINING, STOPPING } stage;
	enum serve_end end;
	int64_t next_look_ns;
	int64_t drained_by_ns;
};

/* ---- starting ------------------------------------------------------------------------------- */

static void become_worker(const struct arbiter *arbiter, size_t slot)
{
	const struct worker_post post = {
		.settings = &arbiter->settings,
		.slot = slot,
		.generation = arbiter->children[slot].generation,
		.seat = &arbiter->seats[slot],
		.arbiter_fd = arbiter->self_fd,
		.boot_fd = arbiter->boot_fd,
		.database_needed = arbiter->stage == STARTING,
	};

	close(arbiter->signal_fd);
	if (arbiter->parent_fd >= 0)
		close(arbiter->parent_fd);
	/* Held open by a worker, it would keep the one who waits for the arbiter from seeing its death. */
	if (arbiter->settings.ready_fd >= 0)
		close(arbiter->settings.ready_fd);
	worker_run(&post);
}

/* Neither the workers nor what is told of them is its matter. */
static void tend_companion(struct arbiter *arbiter)
{
	const int not_its[] = {arbiter->signal_fd, arbiter->boot_fd, arbiter->parent_fd, arbiter->settings.ready_fd,
	                       arbiter->settings.listen_fd};

	if (arbiter->stage <= SERVING)
		companion_tend(&arbiter->companion, arbiter->self_fd, not_its, COUNT_OF(not_its));
}

static void kill_all(const struct arbiter *arbiter, int number)
{
	for (size_t i = 0; i < arbiter->n; i++)
		if (arbiter->children[i].pid != 0)
			kill(arbiter->children[i].pid, number);
}

static void stop_at_once(struct arbiter *arbiter)
{
	arbiter->stage = STOPPING;
	kill_all(arbiter, SIGKILL);
}

static void fail_to_boot(struct arbiter *arbiter)
{
	log_error("the workers do not start: stopping");
	arbiter->end = SERVE_BOOT_FAILED;
	stop_at_once(arbiter);
}

static void start_worker(struct arbiter *arbiter, size_t slot)
{
	struct child *child = &arbiter->children[slot];

	*child = (struct child){
		.generation = child->generation + 1,
		.age = ++arbiter->started,
		.may_start_ns = clock_now_ns() + START_INTERVAL_NS,
	};
	seat_beat(&arbiter->seats[slot], SEAT_BOOTING);
	pid_t pid = fork();
	if (pid == 0)
		become_worker(arbiter, slot);
	if (pid > 0) {
		child->pid = pid;
		return;
	}
	log_error("cannot start worker %zu: %s", slot + 1, strerror(errno));
	if (arbiter->stage == STARTING)
		fail_to_boot(arbiter);
}

static size_t count_workers(const struct arbiter *arbiter)
{
	size_t n = 0;

	for (size_t i = 0; i < arbiter->n; i++)
		n += arbiter->children[i].pid != 0;
	return n;
}

/* Those that stay, and the places of those that failed a moment ago. */
static size_t count_taken(const struct arbiter *arbiter)
{
	int64_t now_ns = clock_now_ns();
	size_t n = 0;

	for (size_t i = 0; i < arbiter->n; i++) {
		const struct child *child = &arbiter->children[i];
		n += child->pid != 0 ? !child->leaving : child->may_start_ns > now_ns;
	}
	return n;
}

static struct child *find_oldest(const struct arbiter *arbiter)
{
	struct child *oldest = NULL;

	for (size_t i = 0; i < arbiter->n; i++) {
		struct child *child = &arbiter->children[i];
		if (child->pid != 0 && !child->leaving && (oldest == NULL || child->age < oldest->age))
			oldest = child;
	}
	return oldest;
}

static void dismiss(struct child *child)
{
	child->leaving = true;
	kill(child->pid, SIGTERM);
}

static void dismiss_surplus(struct arbiter *arbiter)
{
	size_t staying = 0;

	for (size_t i = 0; i < arbiter->n; i++)
		staying += arbiter->children[i].pid != 0 && !arbiter->children[i].leaving;
	for (; staying > arbiter->wanted; staying--)
		dismiss(find_oldest(arbiter));
}

static void keep_number(struct arbiter *arbiter)
{
	size_t taken = count_taken(arbiter);
	int64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < arbiter->n && taken < arbiter->wanted && arbiter->stage <= SERVING; i++)
		if (arbiter->children[i].pid == 0 && arbiter->children[i].may_start_ns <= now_ns) {
			start_worker(arbiter, i);
			taken++;
		}
	if (arbiter->stage <= SERVING)
		dismiss_surplus(arbiter);
}

static bool everybody_is_at_work(const struct arbiter *arbiter)
{
	size_t n = 0;

	for (size_t i = 0; i < arbiter->n; i++)
		n += arbiter->children[i].pid != 0 && atomic_load(&arbiter->seats[i].phase) != SEAT_BOOTING;
	return n >= arbiter->wanted;
}

static void notice_boots(struct arbiter *arbiter)
{
	eventfd_t boots;

	eventfd_read(arbiter->boot_fd, &boots);
	if (arbiter->stage != STARTING || !everybody_is_at_work(arbiter))
		return;
	arbiter->stage = SERVING;
	if (arbiter->settings.ready_fd >= 0 && write(arbiter->settings.ready_fd, "1", 1) != 1)
		log_warning("nobody is there to be told that the workers are ready");
}

/* ---- ends of workers ------------------------------------------------------------------------ */

static void tell_end(const struct arbiter *arbiter, const struct child *child, int status)
{
	if (arbiter->stage >= DRAINING)
		return;
	if (WIFSIGNALED(status))
		log_warning("the worker with pid %d was ended by signal %d (%s)", (int)child->pid,
		            WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_line(WEXITSTATUS(status) == WORKER_LEFT ? LOG_INFO : LOG_WARNING,
		         "the worker with pid %d ended with code %d", (int)child->pid, WEXITSTATUS(status));
}

static void reap(struct arbiter *arbiter)
{
	for (size_t i = 0; i < arbiter->n; i++) {
		struct child *child = &arbiter->children[i];
		int status;

		if (child->pid == 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
			continue;
		tell_end(arbiter, child, status);
		child->pid = 0;
		/* Who left as it should, or had left anyway, is replaced at once or not at all. */
		if (child->leaving || (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_LEFT))
			child->may_start_ns = 0;
		if (arbiter->stage == STARTING && atomic_load(&arbiter->seats[i].phase) == SEAT_BOOTING)
			fail_to_boot(arbiter);
	}
}

static void end_if_silent(const struct arbiter *arbiter, size_t slot, int64_t now_ns)
{
	struct child *child = &arbiter->children[slot];
	int64_t silent_ns = now_ns - atomic_load(&arbiter->seats[slot].heartbeat_ns);

	if (child->pid == 0 || silent_ns <= arbiter->settings.timeout_ns)
		return;
	char *limit = duration_text(arbiter->settings.timeout_ns);
	bool busy = atomic_load(&arbiter->seats[slot].phase) == SEAT_BUSY;
	log_error("the worker with pid %d %s for more than %s: %s", (int)child->pid,
	          busy ? "was busy" : "gave no sign of life", limit,
	          child->aborted ? "still there, killed" : busy ? "ended, its client gets no answer" : "ended");
	free(limit);
	kill(child->pid, child->aborted ? SIGKILL : SIGABRT);
	child->aborted = true;
}

static void look(struct arbiter *arbiter)
{
	int64_t now_ns = clock_now_ns();

	if (arbiter->settings.timeout_ns <= 0 || arbiter->stage == STOPPING || now_ns < arbiter->next_look_ns)
		return;
	/* Stopped (Ctrl-Z) or starved ourselves, we cannot tell whose silence it was. */
	bool late = now_ns - arbiter->next_look_ns > LOOK_INTERVAL_NS;
	arbiter->next_look_ns = now_ns + LOOK_INTERVAL_NS;
	for (size_t i = 0; i < arbiter->n && !late; i++)
		end_if_silent(arbiter, i, now_ns);
}

/* ---- being told to end ---------------------------------------------------------------------- */

static void drain(struct arbiter *arbiter)
{
	log_info("told to stop (TERM): finishing the requests under way");
	arbiter->stage = DRAINING;
	arbiter->drained_by_ns = clock_now_ns() + arbiter->settings.graceful_ns;
	kill_all(arbiter, SIGTERM);
	/* For every process that has the socket: new clients are refused now, instead of waiting in vain. One that
	 * was passed to us goes on: its clients wait for our successor. */
	if (!arbiter->settings.listen_inherited)
		shutdown(arbiter->settings.listen_fd, SHUT_RD);
}

static void want(struct arbiter *arbiter, size_t wanted)
{
	if (wanted < 1 || wanted > SERVE_MOST_WORKERS) {
		log_warning("told to have a worker %s: it stays at %zu", wanted < 1 ? "less (TTOU)" : "more (TTIN)",
		            arbiter->wanted);
		return;
	}
	log_info("told to have a worker %s: %zu from now on",
	         wanted > arbiter->wanted ? "more (TTIN)" : "less (TTOU)", wanted);
	arbiter->wanted = wanted;
}

/* All who are there leave when they are done, and as many as are wanted now start beside them. */
static void replace_all(struct arbiter *arbiter)
{
	for (size_t i = 0; i < arbiter->n; i++) {
		struct child *child = &arbiter->children[i];
		if (child->pid == 0)
			child->may_start_ns = 0;
		else if (!child->leaving)
			dismiss(child);
	}
}

static void reload(struct arbiter *arbiter)
{
	const struct serve_settings *settings = &arbiter->settings;
	struct err err = {0};

	arbiter->reload_wanted = false;
	if (settings->reload != NULL && !settings->reload(settings->reload_context, &arbiter->settings, &err)) {
		log_error("told to reload (HUP), and everything stays as it is: %s", err_text(&err));
	} else {
		arbiter->wanted = (size_t)settings->workers;
		log_info("told to reload (HUP): %zu new worker%s", arbiter->wanted, arbiter->wanted > 1 ? "s" : "");
		replace_all(arbiter);
	}
	err_fini(&err);
}

static void reopen_logs(struct arbiter *arbiter)
{
	if (arbiter->settings.logs != NULL)
		logs_reopen(arbiter->settings.logs);
	log_info("told to open the logs anew (USR1)");
	kill_all(arbiter, SIGUSR1);
	companion_tell(&arbiter->companion, SIGUSR1);
}

static void take_order(struct arbiter *arbiter, int number)
{
	if (number == SIGUSR1) {
		reopen_logs(arbiter);
		return;
	}
	/* Not heard, it would end us, and whoever sends it wants the opposite. */
	if (number == SIGUSR2) {
		log_warning("told by USR2 to start another program beside this one: racy does not do that, everything "
		            "stays as it is");
		return;
	}
	if (arbiter->settings.rings != NULL) {
		log_warning("told by %s: the workers of an experiment stay as they are", sigabbrev_np(number));
		return;
	}
	if (number == SIGTTIN)
		want(arbiter, arbiter->wanted + 1);
	else if (number == SIGTTOU)
		want(arbiter, arbiter->wanted - 1);
	else
		arbiter->reload_wanted = true;
}

static void take_signals(struct arbiter *arbiter)
{
	struct signalfd_siginfo info;

	while (read(arbiter->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		int number = (int)info.ssi_signo;
		if (number == SIGCHLD)
			continue; /* only wakes: who ended is asked of each worker */
		if (number == SIGTERM && arbiter->stage < DRAINING) {
			drain(arbiter);
		} else if (number == SIGTERM || number == SIGINT || number == SIGQUIT) {
			if (arbiter->stage == STOPPING)
				continue;
			log_info("told to stop (%s): at once", sigabbrev_np(number));
			stop_at_once(arbiter);
		} else if (arbiter->stage < DRAINING || number == SIGUSR1) {
			take_order(arbiter, number);
		}
	}
}

static void end_overdue_drain(struct arbiter *arbiter)
{
	if (arbiter->stage != DRAINING || clock_now_ns() < arbiter->drained_by_ns)
		return;
	size_t n = count_workers(arbiter);
	log_warning("%zu worker%s did not finish in time: ended without an answer", n, n > 1 ? "s" : "");
	stop_at_once(arbiter);
}

static void follow_parent(struct arbiter *arbiter, bool gone)
{
	if (gone && arbiter->stage != STOPPING)
		stop_at_once(arbiter);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_duty_ns(const struct arbiter *arbiter)
{
	int64_t when = arbiter->stage <= SERVING ? companion_due_ns(&arbiter->companion) : INT64_MAX;

	/* Nobody is looked at any more when all were killed. */
	if (arbiter->settings.timeout_ns > 0 && arbiter->stage != STOPPING)
		when = earlier(when, arbiter->next_look_ns);
	if (arbiter->stage == DRAINING)
		when = earlier(when, arbiter->drained_by_ns);
	for (size_t i = 0; i < arbiter->n && arbiter->stage <= SERVING; i++)
		if (arbiter->children[i].pid == 0 && arbiter->children[i].may_start_ns > clock_now_ns())
			when = earlier(when, arbiter->children[i].may_start_ns);
	return when;
}

static void wait_for_something(struct arbiter *arbiter)
{
	struct pollfd fds[] = {
		{.fd = arbiter->signal_fd, .events = POLLIN},
		{.fd = arbiter->boot_fd, .events = POLLIN},
		/* A pidfd stays readable: once seen, it would make of this wait a spin. */
		{.fd = arbiter->stage == STOPPING ? -1 : arbiter->parent_fd, .events = POLLIN},
	};
	int64_t when = next_duty_ns(arbiter), now = clock_now_ns();
	int64_t ns = when > now ? when - now : 0;
	const struct timespec limit = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	if (ppoll(fds, COUNT_OF(fds), when == INT64_MAX ? NULL : &limit, NULL) <= 0)
		return;
	follow_parent(arbiter, fds[2].revents != 0);
	take_signals(arbiter);
	notice_boots(arbiter);
}

static void run(struct arbiter *arbiter)
{
	arbiter->next_look_ns = clock_now_ns() + LOOK_INTERVAL_NS;
	keep_number(arbiter);
	tend_companion(arbiter);
	while (arbiter->stage <= SERVING || count_workers(arbiter) > 0) {
		wait_for_something(arbiter);
		reap(arbiter);
		look(arbiter);
		end_overdue_drain(arbiter);
		/* The first workers must have started: what is to be replaced has to be there. */
		if (arbiter->reload_wanted && arbiter->stage == SERVING)
			reload(arbiter);
		keep_number(arbiter);
		tend_companion(arbiter);
	}
	companion_end(&arbiter->companion);
}

static bool init(struct arbiter *arbiter, const sigset_t *signals, struct err *err)
{
	arbiter->seats = scoreboard_new(arbiter->n, err);
	if (arbiter->seats == NULL)
		return false;
	arbiter->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	arbiter->boot_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	arbiter->self_fd = pidfd_open(getpid(), 0);
	if (arbiter->signal_fd < 0 || arbiter->boot_fd < 0 || arbiter->self_fd < 0)
		return err_set(err, "the arbiter cannot start: %s", strerror(errno));
	/* Last, when its signals are in hand: whoever reads the file may send them. */
	if (arbiter->settings.pid_file == NULL)
		return true;
	if (!pidfile_take(arbiter->settings.pid_file, err))
		return false;
	arbiter->pid_file = mem_text(arbiter->settings.pid_file);
	return true;
}

static void fini(struct arbiter *arbiter)
{
	const int fds[] = {arbiter->signal_fd, arbiter->boot_fd, arbiter->self_fd};

	for (size_t i = 0; i < COUNT_OF(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (arbiter->pid_file != NULL)
		pidfile_remove(arbiter->pid_file);
	free(arbiter->pid_file);
	scoreboard_free(arbiter->seats, arbiter->n);
	free(arbiter->children);
}

enum serve_end arbiter_run(const struct serve_settings *settings, int parent_fd)
{
	static const int heard[] = {SIGTERM, SIGINT, SIGQUIT, SIGCHLD,
	                            SIGHUP,  SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
	size_t n = settings->rings != NULL ? (size_t)settings->workers : 2 * (size_t)SERVE_MOST_WORKERS;
	struct arbiter arbiter = {
		.settings = *settings,
		.n = n,
		.wanted = (size_t)settings->workers,
		.children = mem_new(n, sizeof(struct child)),
		.companion = {.what = settings->companion},
		.signal_fd = -1,
		.boot_fd = -1,
		.self_fd = -1,
		.parent_fd = parent_fd,
		.stage = STARTING,
		.end = SERVE_ENDED,
	};
	struct err err = {0};
	sigset_t signals;

	if (settings->quiet)
		log_set_level(LOG_WARNING);
	/* Ignored by whoever started us, the ends of workers would never be told. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&signals);
	for (size_t i = 0; i < COUNT_OF(heard); i++)
		sigaddset(&signals, heard[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (init(&arbiter, &signals, &err)) {
		run(&arbiter);
	} else {
		log_error("%s", err_text(&err));
		arbiter.end = SERVE_BOOT_FAILED;
	}
	fini(&arbiter);
	err_fini(&err);
	/* The signals stay blocked: one more of them must not break off what the caller has to clean up. */
	return arbiter.end;
}

enum serve_end serve_run(const struct serve_settings *settings)
{
	return arbiter_run(settings, -1);
}
