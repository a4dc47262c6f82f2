/* One further process beside the workers, which serves none of their requests: the instrument. The arbiter starts it,
 * starts it anew when it dies, and ends it with everything else; the workers do not notice either. */
#ifndef SERVE_COMPANION_H
#define SERVE_COMPANION_H

#include <stdint.h>
#include <sys/types.h>

/* What it is. `run` is called in the new process, with no signal blocked and a pidfd of the arbiter; it must end
 * when that one does, and on TERM, by itself; USR1 is ignored until it says otherwise. Its return is its exit code. */
struct companion {
	const char *name; /* for the log: "the instrument" */
	int (*run)(void *context, int arbiter_fd);
	void *context;
};

/* `{.what = ...}`; what NULL: there is none, and nothing below does anything. */
struct companion_seat {
	const struct companion *what;
	pid_t pid;            /* 0: it is not there */
	int64_t may_start_ns; /* not before */
};

/* Looks after it: reaps it, starts it when it is due. `close_fds` are closed in the new process (-1: none). */
void companion_tend(struct companion_seat *seat, int arbiter_fd, const int *close_fds, size_t n);
/* When companion_tend has something to do; INT64_MAX: nothing that time brings. */
int64_t companion_due_ns(const struct companion_seat *seat);
/* To open the logs anew. */
void companion_tell(const struct companion_seat *seat, int number);
/* TERM, and KILL where that is not enough within two seconds; waits until it is gone. */
void companion_end(struct companion_seat *seat);

#endif
