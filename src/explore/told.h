/* The sentence that tells an anomaly: sessions, what they did, and the values. */
#ifndef EXPLORE_TOLD_H
#define EXPLORE_TOLD_H

#include "explore/depends.h"

/* Each one's `to` is the next one's `from`. */
struct circle {
	const struct dependency *items[PLAY_MOST_SESSIONS];
	size_t n;
};

/* `name` is one of explore/name.h; nothing is added for "". The circle is not looked at where the name is of a read. */
void tell_anomaly(struct str *sentence, const char *name, const struct schedule *schedule,
                  const struct depends *depends, const struct circle *circle);

#endif
