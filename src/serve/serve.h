/* The subject: pre-forked workers under an arbiter, as Gunicorn's users know them: synchronous or threaded. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "db/db.h"
#include "lab/fault.h"
#include "lab/retry.h"
#include "serve/logs.h"
#include "trace/ring.h"

enum { SERVE_MOST_WORKERS = 1000, SERVE_MOST_THREADS = 256 };

enum worker_class {
	WORKER_SYNC,    /* one request at a time, a connection each */
	WORKER_GTHREAD, /* as many at a time as it has threads, kept connections */
};
const char *worker_class_name(enum worker_class class); /* "sync", "gthread" */
bool worker_class_of_name(const char *name, enum worker_class *class);

struct companion;

struct serve_settings {
	int listen_fd;            /* from serve_listen; of no more use once serving ended */
	bool listen_inherited;    /* from serve_inherit: another process has it too, and it must go on listening */
	int workers;              /* processes */
	enum worker_class worker_class;
	int threads;              /* of each gthread worker; 0 counts as 1 */
	int64_t keep_alive_ns;    /* gthread: how long a thread waits for another request on its connection, unless
	                           * others wait for the thread; 0: the connection is closed after each */
	int cpus;                 /* the workers share so many processors; 0: all there are */
	/* A worker that is silent for longer, or busy with one connection, from its coming on, is killed and
	 * replaced; 0: never. A gthread worker's requests are not bounded by it, only how long they may take to
	 * arrive. */
	int64_t timeout_ns;
	int64_t graceful_ns;      /* how long TERM waits for requests under way */
	int64_t max_requests;     /* a worker, of all its threads, leaves after so many and is replaced; 0: never */
	int64_t max_requests_jitter; /* each process adds 0 to so many, drawn by seed, seat and generation */
	int64_t delay_min_ns, delay_max_ns; /* what a pause lasts, drawn anew for each request */
	uint64_t seed;            /* with the request's number it gives the delay, whichever worker serves */
	const struct db_target *target;
	struct db_settings db;
	enum tx_mode tx_mode;
	struct retry_policy retry; /* max_tries 0 counts as 1 */
	struct fault fault;       /* on numbered and unnumbered requests alike; see endpoint.c */
	struct ring_set *rings;   /* a slot for each thread of each worker; NULL: nothing is recorded */
	bool boots_only;          /* the rings get the workers' boots and nothing of their requests */
	const char *run;          /* the RUN in X-Racy-Request: RUN/i; NULL: such headers are ignored */
	int ready_fd;             /* one byte is written here when every worker is at its post; -1: none */
	bool quiet;               /* warnings and errors only */
	struct logs *logs;        /* NULL: no accesses, log lines on stderr; changed by a reload only */
	const char *pid_file;     /* NULL: none */
	const struct companion *companion; /* a process beside the workers, see companion.h; NULL: none */
	/* HUP: the settings as they are now said, on top of those that are in force (`settings` comes as these).
	 * False: the error, and nothing changes. NULL: the workers are replaced, with the number and
	 * settings of the start. */
	bool (*reload)(void *context, struct serve_settings *settings, struct err *err);
	void *reload_context;
};

/* "HOST:PORT", "[::1]:PORT", ":PORT" (every IPv4 interface), "PORT" (127.0.0.1 only); port 0 takes a free
 * one. Returns a listening socket or -1 and an error; `port` gets the port that it became. `malformed`
 * tells a text that is no address from an address that cannot be had (taken, say); may be NULL. */
int serve_listen(const char *bind, int *port, bool *malformed, struct err *err) MUST_USE;
/* As that, with a queue for so many connections that no worker has taken yet. An address that is in use is
 * tried again, five times a second apart, each told in the log. */
int serve_listen_patiently(const char *bind, int backlog, int *port, bool *malformed, struct err *err) MUST_USE;
/* The listening socket that whoever started this process passes by LISTEN_PID and LISTEN_FDS (sd_listen_fds(3));
 * they are taken out of the environment. `given` false: there is none, and -1 without an error. Given and of no
 * use: -1 and an error. `bind` (heap) and `port` get its address, as --bind would name it. */
int serve_inherit(bool *given, char **bind, int *port, struct err *err) MUST_USE;

enum serve_end {
	SERVE_ENDED,       /* by TERM, INT or QUIT */
	SERVE_BOOT_FAILED, /* it could not start: no database, a pid file of one that lives; the log says why */
};
/* The arbiter: runs in the calling process until a signal ends it. The process must have no threads.
 * TERM finishes the requests under way, INT and QUIT stop at once, TTIN and TTOU add and take a worker
 * (the oldest; never the last), HUP reloads and replaces all, USR1 opens the logs anew, USR2 is answered in
 * the log only. They stay blocked after it: the process is to clean up and end. The workers of an experiment
 * (`rings`) are as many as they are: TTIN, TTOU and HUP change nothing there. */
enum serve_end serve_run(const struct serve_settings *settings) MUST_USE;

/* The subject of an experiment, in a process of its own and out of reach of the terminal's Ctrl-C. It
 * ends when the process that started it ends, in whatever way. */
struct subject {
	pid_t arbiter; /* 0: none */
	int64_t graceful_ns;
};
/* Forks the arbiter and waits until every worker is at its post. The listening socket stays the
 * caller's: to be closed after this, or clients of a subject that died would wait for ever. */
bool subject_start(const struct serve_settings *settings, struct subject *subject, struct err *err) MUST_USE;
/* TERM: requests under way are finished; returns when the arbiter and so every worker is gone. */
void subject_stop(struct subject *subject);

#endif
