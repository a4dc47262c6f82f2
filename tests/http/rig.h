/* Worker processes with the real server on one inherited listening socket, and a client that writes
 * whatever bytes it likes. What the workers do is counted in shared memory, so that tests wait for
 * facts and never for time; a time limit only ends a hung test. */
#ifndef TESTS_HTTP_RIG_H
#define TESTS_HTTP_RIG_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

enum { RIG_MAX_WORKERS = 8, RIG_MAX_BODY = 64 * 1024, RIG_LARGE_REPLY = 4 * 1024 * 1024 };

struct rig_counters {
	_Atomic int handled, in_flight, most_in_flight;
	_Atomic size_t most_connections; /* of any one worker, whenever it looked */
	_Atomic bool gated;              /* the handler posts `arrived` and waits at `gate` */
	_Atomic bool quiesce;            /* the worker that runs a handler stops listening */
	sem_t arrived, gate;
};

struct rig {
	int listen_fd, port;
	int stop_fd; /* its closing ends the workers */
	int64_t idle_timeout_ns;
	size_t n;
	pid_t workers[RIG_MAX_WORKERS];
	struct rig_counters *counters;
};

/* Workers with an idle time-out so long that a test which needs it hangs; rig_start_impatient: with one
 * of a second. The handler answers 200 and tells what it was asked:
 * "METHOD path?query [content type] length: body". These paths do otherwise: /large (a large reply),
 * /none (204), /text (409 in words), /fail/header and /fail/status (replies that cannot be sent). */
void rig_start(struct rig *rig, size_t workers);
void rig_start_impatient(struct rig *rig, size_t workers);
/* Asserts that every worker is alive and ends well, and that none ever held two connections. */
void rig_stop(struct rig *rig);

int rig_connect(const struct rig *rig);
void rig_send(int fd, const char *bytes, size_t n);
/* False when the server took no more of it. */
bool rig_try_send(int fd, const char *bytes, size_t n);
/* Nothing more will be sent. */
void rig_end(int fd);
/* All that comes until the peer closes; closes. `reset`: whether it ended in a reset; may be NULL. */
void rig_receive(int fd, struct str *bytes, bool *reset);
/* A connection, these bytes, and all that comes back. */
void rig_ask(const struct rig *rig, const char *bytes, size_t n, struct str *reply);
/* The status of exactly one whole reply that closes the connection; 0 for no reply at all. Anything
 * else fails the test. `body` may be NULL. */
int rig_status(const struct str *reply, struct str *body);
/* Waits until one more handler has arrived at the gate. */
void rig_await_arrival(const struct rig *rig);
void rig_open_gate(const struct rig *rig, int times);
/* A well-formed request is answered. */
void rig_assert_serves(const struct rig *rig);

#endif
