/* A scenario's operation as something to explore: the very functions that workers run, one session a request. */
#ifndef INSTRUMENT_OPERATION_PLAY_H
#define INSTRUMENT_OPERATION_PLAY_H

#include "explore/script.h"
#include "lab/registry.h"
#include "lab/retry.h"

struct operation_play {
	struct play play; /* for the explorer; its context is this struct, which must not move */
	/* filled before operation_play_init */
	struct registry_entry entries[PLAY_MOST_SESSIONS]; /* what each session runs */
	size_t sessions;
	int64_t amount; /* of the first session, doubled for each further one, so that sums tell who is in them */
	enum tx_mode tx_mode;
	struct retry_policy retry; /* without its waits: they take no time here */
	/* its own */
	int64_t account;
};
void operation_play_init(struct operation_play *play);
/* The last schedule's world as a script's schema, setup and tables, for who runs its order elsewhere. To be given back
 * with script_fini. */
void operation_play_world(const struct operation_play *play, struct script *script);

#endif
