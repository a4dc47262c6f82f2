/* Who depends on whom in a schedule that was run: the edges of Adya's serialization graph ("Weak Consistency", 1999),
 * as far as the evidence has them. A session is what he calls a transaction, also where its statements are
 * transactions of their own: it is what the serial orders are made of. An edge that is not certain is not there. */
#ifndef EXPLORE_DEPENDS_H
#define EXPLORE_DEPENDS_H

#include "explore/serial.h"

/* `to` comes after `from`: it wrote over what that wrote; it saw what that wrote; it wrote what that did not see. */
enum dependency_kind { DEPENDS_WW, DEPENDS_WR, DEPENDS_RW };

struct dependency {
	enum dependency_kind kind;
	size_t from, to;
	size_t step; /* of the schedule. WW: the later write, of `to`. WR, RW: what tells it, of `to` and of `from` */
	bool part;   /* WR, RW: it is neither from before the other session nor from after it */
};

/* A read of what was never to be seen. step: NEVER where there is none. */
struct dirty_read {
	size_t step, writer;
};

struct depends {
	struct dependency *items;
	size_t n, capacity;
	struct dirty_read aborted;      /* what its writer took back */
	struct dirty_read intermediate; /* what its writer wrote over */
};

/* Of a schedule that was run to its end. */
void depends_read(struct depends *depends, const struct schedule *schedule, const struct play *play,
                  const struct serial *serial);
bool depends_has(const struct depends *depends, enum dependency_kind kind, size_t from, size_t to);
void depends_add(struct depends *depends, const struct dependency *dependency);
/* True: one of the two may have written over what the other one wrote, without its being among the edges. */
bool depends_may_hide(const struct schedule *schedule, const struct serial *serial, size_t a, size_t b);
void depends_fini(struct depends *depends);

#endif
