/* From what happens to events: the only place that turns a database call into an event. It watches a
 * session through a hook and is told of requests, attempts and pauses.
 *
 * One recorder belongs to one session and its thread. Recording can be left out altogether: every
 * function takes NULL for "nothing is recorded". */
#ifndef LAB_RECORDER_H
#define LAB_RECORDER_H

#include "lab/scenario.h"
#include "trace/event.h"

struct recorder {
	struct event_sink sink;
	struct event now; /* what the next event has in common with the last: request, attempt, op, step */
	int waits;        /* of the call under way */
	bool boots_only;  /* --no-trace: only who was there, not what they did */
	struct db_hook hook;
};

/* The sink's context must live as long as the recorder. */
void recorder_init(struct recorder *recorder, struct event_sink sink);
/* Watches this session from now on; the recorder must live as long as it. A worker that opens a new
 * session watches that too. */
void recorder_watch(struct recorder *recorder, struct db_session *session);

void recorder_boot(struct recorder *recorder, int64_t pid, int64_t connection);
void recorder_request_begin(struct recorder *recorder, uint32_t request, const char *op, int64_t amount);
void recorder_request_end(struct recorder *recorder, int status, enum db_err err);
void recorder_attempt_begin(struct recorder *recorder, uint32_t request, const char *op, uint32_t attempt);
void recorder_attempt_end(struct recorder *recorder, enum op_end end, enum db_err err);
void recorder_pause_begin(struct recorder *recorder, const char *label, int64_t ns);
void recorder_pause_end(struct recorder *recorder);

#endif
