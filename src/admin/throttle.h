/* Log-ins that failed, so that nobody tries passwords by the thousand. They are counted by name *and* address, and by
 * address; never by name alone, or else anybody could lock out somebody else. In memory: who starts racy anew
 * forgets them. Safe between threads. */
#ifndef ADMIN_THROTTLE_H
#define ADMIN_THROTTLE_H

#include <stdint.h>

struct throttle;
struct throttle *throttle_new(void);
void throttle_free(struct throttle *throttle);

/* How many seconds this one has to wait; 0: he may try, and that counts as a failure until throttle_forget. `now_ns`:
 * CLOCK_MONOTONIC. */
int64_t throttle_ask(struct throttle *throttle, const char *name, const char *address, int64_t now_ns);
/* He got in: his failures under this name from this address are forgotten. */
void throttle_forget(struct throttle *throttle, const char *name, const char *address);

#endif
