/* The process beside the workers. */
#include "serve/companion.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* Not more often than that, so that a crash at every start does not eat the machine. */
static const int64_t START_INTERVAL_NS = NS_PER_S;
enum { END_LIMIT_MS = 2000 };

static void become(const struct companion *what, int arbiter_fd, const int *close_fds, size_t n)
{
	static const int plain[] = {SIGTERM, SIGINT, SIGQUIT, SIGCHLD, SIGHUP, SIGTTIN, SIGTTOU};
	sigset_t none;

	for (size_t i = 0; i < n; i++)
		if (close_fds[i] >= 0)
			close(close_fds[i]);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		signal(plain[i], SIG_DFL);
	/* Sent to the group now and then. */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(what->run(what->context, arbiter_fd));
}

static void reap(struct companion_seat *seat)
{
	int status;

	if (seat->pid == 0 || waitpid(seat->pid, &status, WNOHANG) != seat->pid)
		return;
	seat->pid = 0;
	if (WIFSIGNALED(status))
		log_warning("%s was ended by signal %d (%s); the workers go on", seat->what->name, WTERMSIG(status),
		            strsignal(WTERMSIG(status)));
	else
		log_warning("%s ended with code %d; the workers go on", seat->what->name, WEXITSTATUS(status));
}

static void start(struct companion_seat *seat, int arbiter_fd, const int *close_fds, size_t n)
{
	seat->may_start_ns = clock_now_ns() + START_INTERVAL_NS;
	pid_t pid = fork();
	if (pid == 0)
		become(seat->what, arbiter_fd, close_fds, n);
	if (pid > 0)
		seat->pid = pid;
	else
		log_error("cannot start %s: %s", seat->what->name, strerror(errno));
}

void companion_tend(struct companion_seat *seat, int arbiter_fd, const int *close_fds, size_t n)
{
	if (seat->what == NULL)
		return;
	reap(seat);
	if (seat->pid == 0 && clock_now_ns() >= seat->may_start_ns)
		start(seat, arbiter_fd, close_fds, n);
}

int64_t companion_due_ns(const struct companion_seat *seat)
{
	return seat->what != NULL && seat->pid == 0 ? seat->may_start_ns : INT64_MAX;
}

void companion_tell(const struct companion_seat *seat, int number)
{
	if (seat->pid != 0)
		kill(seat->pid, number);
}

void companion_end(struct companion_seat *seat)
{
	int status;

	if (seat->what == NULL || seat->pid == 0)
		return;
	struct pollfd end = {.fd = pidfd_open(seat->pid, 0), .events = POLLIN};
	kill(seat->pid, SIGTERM);
	if (end.fd < 0 || poll(&end, 1, END_LIMIT_MS) <= 0)
		kill(seat->pid, SIGKILL);
	if (end.fd >= 0)
		close(end.fd);
	while (waitpid(seat->pid, &status, 0) < 0 && errno == EINTR)
		;
	seat->pid = 0;
}
