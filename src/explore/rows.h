/* Which rows a statement names, as far as its text tells: by a key, or by what its caller says. What searches for rows
 * names none. So two statements on the same row are known to meet, two on different rows of one key known not to, and
 * of all others nothing is known. */
#ifndef EXPLORE_ROWS_H
#define EXPLORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/* A column that alone names a row of its table. */
struct row_key {
	const char *table, *column;
};

struct named_rows {
	uint64_t row;    /* the one row that it may touch: equal for the same one; 0: not known, or several */
	uint64_t column; /* the key by which it is named: rows that are named by another one may be the same */
	bool by_key;     /* nothing but a key says which rows, one or several: it is no search */
	bool makes;      /* an INSERT that only adds rows */
	uint64_t asks;   /* the values in what it searches for: a read's all, of a write those after WHERE */
	uint64_t gives;  /* a write's: the values that it puts there, or adds */
};

struct named_rows rows_of_call(const struct db_call *call, const struct row_key *keys, size_t n);
/* A write that puts there what does not depend on what is there: numbers, and values that it is given. */
bool call_overwrites(const struct db_call *call);

#endif
