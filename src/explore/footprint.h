/* What a step touches, as far as orders are concerned: two steps whose footprints do not meet come to the same in
 * either order. Whole tables, and too much rather than too little: gap locks, foreign keys, unique checks, cascades and
 * queues for locks all stay within the tables that a statement names, or, where these are not known, within all. */
#ifndef EXPLORE_FOOTPRINT_H
#define EXPLORE_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/* A set of tables, a bit each; the last bit: any other. */
typedef uint64_t table_set;
#define ALL_TABLES UINT64_MAX

struct footprint {
	table_set reads; /* without a lock: it sees what was committed, or at READ UNCOMMITTED what was written */
	table_set locks; /* reads with a lock, writes */
	table_set ends;  /* what a transaction that ends here had locked or written */
	bool sees;       /* a statement: it may take a snapshot, or use one */
	bool dirty;      /* it sees what is not committed */
	bool latest;     /* a plain read sees what is committed by then, not a snapshot from before */
};

/* Of a statement that has not been sent, in a session at this level (db_identity.isolation). `tables`: the names that
 * the SQL may have; none: nobody knows what it touches. */
struct footprint footprint_of_call(const struct db_call *call, const char *isolation, const char *const *tables,
                                   size_t n_tables);
struct footprint footprint_union(struct footprint a, struct footprint b);
bool footprints_meet(struct footprint a, struct footprint b);

#endif
