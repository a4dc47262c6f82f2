/* Inside the room: what each lane has to show, before anybody decides in which column. */
#ifndef REPORT_LANES_H
#define REPORT_LANES_H

#include "base/arena.h"
#include "base/str.h"
#include "report/report.h"

enum mark_kind {
	MARK_READ,
	MARK_RECORD,    /* the insert; shown only where the story does not end with the write */
	MARK_WRITE,     /* to what was read before: the balance */
	MARK_COMMIT,
	MARK_REFUSED,
	MARK_UNKNOWN,   /* begun and never ended: whether it was done, the rows decide */
	MARK_ANSWERED,  /* as the client saw it, where the worker's own story is not known */
	MARK_NO_ANSWER,
};

/* How much a mark says: "W 100" and "C"; where columns are dear "WC 100", which is as true and moves
 * the other lanes less; at last "W" and "C". */
enum mark_text { MARK_FULL, MARK_TIGHT, MARK_BRIEF, MARK_TEXTS };

/* Something that happened at a time. Calls are marked where they end: what was read or written is
 * certain then. */
struct mark {
	enum mark_kind kind;
	int64_t t_ns;
	char text[MARK_TEXTS][64];
	bool glued;              /* tight: it follows the mark before it without a gap */
	size_t lane;             /* its index */
	size_t column;           /* set by the layout */
};

enum fill {
	FILL_NONE,
	FILL_QUEUED, /* sent, and no worker has begun it */
	FILL_PAUSE,
	FILL_WAIT,   /* a call that takes much longer than the run's calls do */
	FILL_AWAY,   /* between sent and answered; where nothing else is known */
};

/* What passed the time between marks. */
struct segment {
	enum fill fill;
	int64_t begin_ns, end_ns;
};

struct lane {
	uint32_t request;
	char letter;                       /* 'a' or 'b' in a mixed run: which variant; else 0 */
	const struct history_request *at;  /* at the worker; NULL: not known to have begun there */
	const struct audit_reply *reply;   /* at the client; NULL: not ours */
	struct mark *marks;                /* by time */
	struct segment *segments;
	size_t n_marks, n_segments;
	const char *note, *short_note; /* "erases request 2 or 5", "2 or 5"; NULL: it erases nobody */
};

struct lanes {
	struct arena arena;
	struct lane *items; /* in the order in which they began; those that never did at the end */
	size_t n;
};

/* Until 0: all. */
void lanes_read(struct lanes *lanes, const struct report_style *style, const struct run_result *result,
                int64_t until_ns);
void lanes_fini(struct lanes *lanes);

void read_note(struct lanes *lanes, struct lane *lane, const struct run_result *result);

/* "1", "1 and 2", "1, 2 and 5"; `last` is "and" or "or". */
void str_numbers(struct str *str, const uint32_t *numbers, size_t n, const char *last);

/* What kinds of marks and fills a drawing came to contain: for who explains them beside it. */
struct lanes_shown {
	bool marks[MARK_NO_ANSWER + 1], fills[FILL_AWAY + 1];
};
void str_lanes(struct str *str, const struct report_style *style, const struct run_result *result,
               int64_t until_ns, struct lanes_shown *shown);

/* Whether the client can say nothing of what became of it: no whole reply, or a gateway's word. */
bool reply_is_missing(const struct audit_reply *reply);
/* Whether its deposit is on record, as far as its own events tell. */
enum done { DONE_NO, DONE_MAYBE, DONE_YES };
enum done request_done(const struct history_request *at, const struct audit_reply *reply);

#endif
