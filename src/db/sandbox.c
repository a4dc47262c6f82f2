/* racy's side of a throw-away server: starts its supervisor, hears how it went, and ends it. */
#include "db/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/sandbox_private.h"

/* The supervisor's own limits are shorter: whatever takes longer hangs. */
#define STOP_LIMIT_NS (30 * NS_PER_S)

struct sandbox {
	pid_t owner;
	int supervisor; /* pidfd */
	char *url;
	int64_t ready_ns;
};

bool sandbox_is_known(const char *engine)
{
	return sandbox_engine_find(engine, NULL) != NULL;
}

bool sandbox_possible(const char *name, struct err *err)
{
	const struct sandbox_engine *engine = sandbox_engine_find(name, err);
	struct sandbox_plan plan;

	if (engine == NULL || !sandbox_plan_init(&plan, engine, err))
		return false;
	sandbox_plan_fini(&plan);
	return true;
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct start {
	int racy;      /* pidfd of this process */
	int report[2]; /* the supervisor's words */
};

static bool start_open(struct start *start, struct err *err)
{
	*start = (struct start){.racy = -1, .report = {-1, -1}};
	start->racy = pidfd_open(getpid(), 0);
	if (start->racy < 0 || pipe2(start->report, O_CLOEXEC) != 0)
		return err_set(err, "cannot watch a server's supervisor: %s", strerror(errno));
	return true;
}

static void start_close(struct start *start)
{
	close_if_open(&start->racy);
	close_if_open(&start->report[0]);
	close_if_open(&start->report[1]);
}

static ssize_t read_some(int fd, void *to, size_t size)
{
	ssize_t n;

	do
		n = read(fd, to, size);
	while (n < 0 && errno == EINTR);
	return n;
}

/* A pidfd of the supervisor; -1 and an error. */
static int start_supervisor(const struct sandbox_plan *plan, struct start *start, struct err *err)
{
	sigset_t all, before;

	/* No handler of racy's may run in the supervisor. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		sandbox_supervise(plan, start->racy, start->report[1]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close_if_open(&start->report[1]);
	int fd = pid > 0 ? pidfd_open(pid, 0) : -1;
	if (fd < 0)
		err_set(err, "cannot start a server's supervisor: %s", strerror(errno));
	return fd;
}

/* Its one message, up to the NUL; cut short when it was killed before it had said all. */
static char *hear(int fd)
{
	struct str text = {0};
	char part[512] = "";
	ssize_t n;

	/* Not up to the end: somebody forked meanwhile may hold the pipe open. */
	do {
		n = read_some(fd, part, sizeof(part));
		str_add_n(&text, part, n > 0 ? (size_t)n : 0);
	} while (n > 0 && part[n - 1] != '\0');
	return str_take(&text);
}

static char *url_of(const struct sandbox_engine *engine, const char *folder)
{
	static const char token[] = "{folder}";
	const char *at = strstr(engine->url, token);

	return mem_printf("%.*s%s%s", (int)(at - engine->url), engine->url, folder, at + strlen(token));
}

/* Reaps it too, unless somebody else did. False: it has not ended within the limit. */
static bool await_end(int pidfd, int64_t limit_ns)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	int64_t until = clock_now_ns() + limit_ns;
	siginfo_t info;
	int n;

	do {
		int64_t left = until - clock_now_ns();
		n = poll(&ended, 1, left > 0 ? (int)(left / NS_PER_MS) : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0 && (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) == 0 || errno == ECHILD);
}

static void supervisor_end(int *pidfd)
{
	/* It may have ended already; then the signal finds nobody, and nobody else gets it. */
	(void)pidfd_send_signal(*pidfd, SIGTERM, NULL, 0);
	if (!await_end(*pidfd, STOP_LIMIT_NS)) {
		(void)pidfd_send_signal(*pidfd, SIGKILL, NULL, 0);
		(void)await_end(*pidfd, STOP_LIMIT_NS);
	}
	close_if_open(pidfd);
}

struct sandbox *sandbox_start_plan(const struct sandbox_plan *plan, struct err *err)
{
	int64_t began = clock_now_ns();
	struct sandbox *sandbox = NULL;
	struct start start;
	int supervisor = -1;
	char *heard = NULL;

	if (!start_open(&start, err))
		goto out;
	supervisor = start_supervisor(plan, &start, err);
	if (supervisor < 0)
		goto out;
	heard = hear(start.report[0]);
	if (heard == NULL || heard[0] != '+') {
		err_set(err, "no %s server: %s", plan->engine->name,
		        heard != NULL && heard[0] == '-' ? heard + 1 : "its supervisor was killed");
		supervisor_end(&supervisor);
		goto out;
	}
	sandbox = mem_new(1, sizeof(*sandbox));
	*sandbox = (struct sandbox){.owner = getpid(), .supervisor = supervisor,
	                            .url = url_of(plan->engine, heard + 1),
	                            .ready_ns = clock_now_ns() - began};
out:
	free(heard);
	start_close(&start);
	return sandbox;
}

struct sandbox *sandbox_start(const char *name, struct err *err)
{
	const struct sandbox_engine *engine = sandbox_engine_find(name, err);
	struct sandbox_plan plan;

	if (engine == NULL || !sandbox_plan_init(&plan, engine, err))
		return NULL;
	struct sandbox *sandbox = sandbox_start_plan(&plan, err);
	sandbox_plan_fini(&plan);
	return sandbox;
}

const char *sandbox_url(const struct sandbox *sandbox)
{
	return sandbox->url;
}

int64_t sandbox_ready_ns(const struct sandbox *sandbox)
{
	return sandbox->ready_ns;
}

void sandbox_stop(struct sandbox *sandbox)
{
	if (sandbox == NULL || sandbox->owner != getpid())
		return;
	supervisor_end(&sandbox->supervisor);
	free(sandbox->url);
	free(sandbox);
}
