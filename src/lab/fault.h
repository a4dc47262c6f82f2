/* Failing a call on purpose: the n-th call of a request's first attempt, or its COMMIT.
 *
 * Nothing is pretended. REFUSE: a hook stops the call before it reaches the server. CUT: the connection is shut
 * down before the call, which does not arrive. LOSE: the call arrives and is carried out, and its answer does
 * not come back. */
#ifndef LAB_FAULT_H
#define LAB_FAULT_H

#include "lab/scenario.h"

enum fault_how { FAULT_NONE, FAULT_REFUSE, FAULT_CUT, FAULT_LOSE };

struct fault {
	enum fault_how how;
	uint32_t call;  /* from 1; 0: its COMMIT, if it makes one */
	uint32_t every; /* of every n-th request, by number; 1: of all */
};

/* "CALL:HOW" or "CALL:HOW/EVERY": CALL is a number from 1 or "commit"; HOW refuse, cut or lose. */
bool fault_parse(const char *text, struct fault *fault, struct err *err) MUST_USE;
/* Its inverse; heap text. */
char *fault_text(const struct fault *fault) MUST_USE;

/* Watches one session for it, and another one after that. */
struct fault_watch {
	struct fault fault;
	struct db_session *session;
	uint32_t unnumbered; /* requests without a number are counted here */
	uint32_t calls;      /* of this attempt */
	bool armed;          /* this attempt is one to be hit */
	struct db_hook hook;
};
void fault_init(struct fault_watch *watch, const struct fault *fault);
/* The watch must live as long as the session. Called after the recorder's: a refused call is an event too. */
void fault_watch(struct fault_watch *watch, struct db_session *session);
/* Before each attempt; `request` 0: it has no number. */
void fault_arm(struct fault_watch *watch, uint32_t request, uint32_t attempt);

#endif
