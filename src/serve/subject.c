/* The subject of an experiment: the arbiter in a process of its own, started and stopped by whoever
 * runs the experiment, and never left behind by one that dies. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/arbiter.h"

NO_RETURN static void be_subject(const struct serve_settings *settings, int ready_fd, int parent_fd)
{
	struct serve_settings mine = *settings;

	/* Ctrl-C is for whoever runs the experiment: it ends the subject in its own time. */
	setpgid(0, 0);
	mine.ready_fd = ready_fd;
	_exit(arbiter_run(&mine, parent_fd) == SERVE_ENDED ? 0 : 1);
}

/* One byte: every worker is at its post. The end of the pipe: there is no arbiter any more. */
static bool wait_until_ready(int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* Until the process is gone or the time is over, whatever signals arrive meanwhile. */
static bool wait_until_gone(pid_t pid, int64_t limit_ns)
{
	struct pollfd gone = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	int64_t until_ns = clock_now_ns() + limit_ns;
	int n = -1;

	if (gone.fd < 0)
		return false;
	do {
		int64_t left_ns = until_ns - clock_now_ns();
		const struct timespec limit = {
			.tv_sec = (time_t)(left_ns / NS_PER_S),
			.tv_nsec = (long)(left_ns % NS_PER_S),
		};
		n = left_ns > 0 ? ppoll(&gone, 1, &limit, NULL) : 0;
	} while (n < 0 && errno == EINTR);
	close(gone.fd);
	return n > 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

bool subject_start(const struct serve_settings *settings, struct subject *subject, struct err *err)
{
	int ready[2] = {-1, -1};
	int self_fd = pidfd_open(getpid(), 0);

	if (self_fd < 0 || pipe2(ready, O_CLOEXEC) < 0) {
		err_set(err, "the workers cannot be started: %s", strerror(errno));
		close_all(&self_fd, 1);
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(ready[0]);
		be_subject(settings, ready[1], self_fd);
	}
	if (pid < 0)
		err_set(err, "the workers cannot be started: %s", strerror(errno));
	close_all((const int[]){self_fd, ready[1]}, 2);
	bool ok = pid > 0 && wait_until_ready(ready[0]);
	close(ready[0]);
	if (pid > 0 && !ok) {
		reap(pid);
		err_set(err, "the workers did not start; why is told above");
	}
	*subject = (struct subject){.arbiter = ok ? pid : 0, .graceful_ns = settings->graceful_ns};
	return ok;
}

void subject_stop(struct subject *subject)
{
	if (subject->arbiter == 0)
		return;
	kill(subject->arbiter, SIGTERM);
	/* The arbiter kills what is late itself, and needs a moment to reap it. */
	if (!wait_until_gone(subject->arbiter, subject->graceful_ns + 5 * NS_PER_S))
		kill(subject->arbiter, SIGKILL);
	reap(subject->arbiter);
	subject->arbiter = 0;
}
