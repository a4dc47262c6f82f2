/* Where each balance came from: the versions of the account's row, what is sure about their order, which
 * version each read may have seen, and so whose deposits are in which balance.
 *
 * Between processes there is no total order, so nothing here guesses one. What is kept is what holds in
 * every order that the intervals and the values allow ("sure"), and what holds in some ("may"). All
 * claims are made from these two, so that a claim that is made is true:
 *
 * - A version is written at one moment of its write call, and seen by others from one moment of its commit
 *   call on (a lone write: of the write call itself). Whoever writes the row next waits for that moment. So
 *   j can be before k only if j's commit began before k's write ended; where one order alone is possible,
 *   it is sure.
 * - A read saw the version that was the last to be seen at one moment of the read: one that holds the value
 *   read, whose commit began before the read ended, and that was not surely followed by another one that
 *   was there before the read began.
 * - A version that adds to what is there holds an unknown balance. What it stands on is a base, a balance
 *   that was written as a whole: a read saw a base and what was added on top of it, which together hold the
 *   value read (added.h). Where no version adds, what was seen is the base alone.
 * - Who locked what it read wrote directly over that: others were before or after both.
 * - Where a read can have seen one version only, that version existed (even if its writer was killed before
 *   the answer came), was there before the read ended, and all that was there before the read began is
 *   before it. Where one version only can be the last, it existed, and is after all others. This sharpens
 *   orders and reads until nothing changes. */
#ifndef AUDIT_LINEAGE_H
#define AUDIT_LINEAGE_H

#include "audit/bits.h"
#include "audit/deposits.h"

/* A balance that was put there. Number 0 is the start balance; the others are in the order in which
 * their commits began. */
struct version {
	const struct deposit *deposit; /* NULL: the start */
	bool sure;                     /* it existed; else it may have */
	bool never;                    /* it surely did not */
	bool adds;                     /* it is no base: it adds `puts` to what is there */
	bool locked;                   /* it was written directly over what its reading saw */
	int64_t puts;
	int64_t write_from, write_to;  /* its write took place in here; locked: its lock was taken before the end */
	int64_t commit_from;           /* its lock was held at least until here */
	int64_t seen_from, seen_to;    /* others saw it from one moment in here on */
};

struct reading {
	uint32_t request;
	int64_t value, from, to;
	size_t version; /* what its attempt wrote then; 0: nothing */
};

/* How many deposits there are in a balance, at least and at most; and of how much, which is the same
 * whichever they are, unless somebody wrote another sum than what was read and the amount. */
struct size {
	size_t min, max;
	int64_t amount;
};

struct lineage {
	struct version *versions;
	size_t n;
	struct reading *readings;
	size_t n_readings;
	struct reading end;        /* as if somebody had read the final balance */
	size_t *reading_of;        /* a base's; not for 0 */
	struct bits before, after; /* by version: those surely before it, and after it, if both existed */
	struct bits sources;       /* by reading: the bases of what it may have seen */
	uint64_t *existing;        /* the versions that are sure */
	uint64_t *bases, *adders;  /* those that are, and are not, a base */
	size_t n_adders;
	uint64_t *finals;          /* the bases that may be the last */
	/* Whose deposits (by number of their version) are surely, and may be, in a base; those too that nobody
	 * would miss. */
	struct bits must, may;
	uint64_t *must_final, *may_final; /* the same of the final balance */
	struct size final;                /* of those in the final balance that would be missed */
};

/* Doubts: a read or a final balance that no version explains, two writes that cannot have been in
 * either order. */
void lineage_build(struct lineage *lineage, const struct deposits *deposits, const struct audit_input *input,
                   struct findings *findings);
void lineage_fini(struct lineage *lineage);

/* A deposit that would be missed: one of something, and on record. */
bool version_counts(const struct version *version);
/* None of `between` that is sure stands in the way of `version` being before `by`: with all versions, of its
 * being written over by that one; with the bases, of its being the base of what that one wrote over. */
bool lineage_may_precede(const struct lineage *lineage, const uint64_t *between, size_t version, size_t by);

#endif
