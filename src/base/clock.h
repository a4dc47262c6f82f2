/* Time. Nanoseconds of CLOCK_MONOTONIC are the laboratory's time: the same for every process of
 * one machine, so that events of different workers can be compared. The wall clock is only for
 * log lines and for the timestamps that deposits record. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_now_ns(void);

/* Microseconds since 1970, UTC. */
int64_t clock_wall_us(void);

/* Sleeps the whole time, whatever signals arrive meanwhile. */
void clock_pause_ns(int64_t ns);

enum { CLOCK_STAMP_SIZE = 27 };
/* "2026-11-23 18:22:01.123456", UTC, as the tables keep it. */
void clock_stamp(int64_t wall_us, char stamp[static CLOCK_STAMP_SIZE]);

/* "300us", "20ms", "1.5s", or a bare number of seconds; never negative, at most a day. */
bool duration_parse(const char *text, int64_t *ns, struct err *err) MUST_USE;
/* "0.5s..1s", or one duration for both; MIN may equal MAX. */
bool duration_range_parse(const char *text, int64_t *min_ns, int64_t *max_ns, struct err *err) MUST_USE;
/* With a unit and no more digits than matter: "93 us", "2.5 ms", "1 s", "0 s". Heap text. */
char *duration_text(int64_t ns) MUST_USE;

#endif
