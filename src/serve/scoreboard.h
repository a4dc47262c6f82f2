/* What the arbiter can see of its workers: a seat each, in memory shared before the fork. The worker in
 * the seat writes, the arbiter reads; single atomics, so that a worker that dies leaves no lock behind. */
#ifndef SERVE_SCOREBOARD_H
#define SERVE_SCOREBOARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* BOOTING until the worker has all that it needs; BUSY while a request is served, which blocks a
 * synchronous worker. */
enum seat_phase { SEAT_BOOTING, SEAT_IDLE, SEAT_BUSY };

struct seat {
	alignas(64) _Atomic int64_t heartbeat_ns; /* when the worker last showed that it is alive */
	_Atomic enum seat_phase phase;
};

/* NULL and an error when the kernel gives no memory. */
struct seat *scoreboard_new(size_t seats, struct err *err) MUST_USE;
void scoreboard_free(struct seat *seats, size_t n);

/* A sign of life. The time since the last one is what --timeout bounds. */
void seat_beat(struct seat *seat, enum seat_phase phase);

#endif
