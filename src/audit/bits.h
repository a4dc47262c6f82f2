/* Sets of small numbers, as rows of bits of one width: who is before whom, whose deposits are in a
 * balance. A row is a plain array of words; all rows of one struct have the same stride. */
#ifndef AUDIT_BITS_H
#define AUDIT_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bits {
	uint64_t *words;
	size_t n_rows, stride; /* stride: words a row */
};

/* `n_rows` empty sets of numbers below `n`. */
static inline struct bits bits_new(size_t n_rows, size_t n)
{
	size_t stride = n / 64 + 1;

	return (struct bits){mem_new(n_rows * stride, sizeof(uint64_t)), n_rows, stride};
}

static inline void bits_fini(struct bits *bits)
{
	free(bits->words);
	*bits = (struct bits){0};
}

static inline uint64_t *bits_row(const struct bits *bits, size_t row)
{
	return bits->words + row * bits->stride;
}

static inline bool bit_get(const uint64_t *row, size_t i)
{
	return (row[i / 64] >> (i % 64) & 1) != 0;
}

static inline void bit_set(uint64_t *row, size_t i)
{
	row[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void bit_clear(uint64_t *row, size_t i)
{
	row[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static inline void bits_clear(uint64_t *row, size_t stride)
{
	memset(row, 0, stride * sizeof *row);
}

static inline void bits_or(uint64_t *to, const uint64_t *from, size_t stride)
{
	for (size_t w = 0; w < stride; w++)
		to[w] |= from[w];
}

static inline void bits_and(uint64_t *to, const uint64_t *from, size_t stride)
{
	for (size_t w = 0; w < stride; w++)
		to[w] &= from[w];
}

static inline size_t bits_count(const uint64_t *row, size_t stride)
{
	size_t n = 0;

	for (size_t w = 0; w < stride; w++)
		n += (size_t)__builtin_popcountll(row[w]);
	return n;
}

/* The first number in the set that is not below `from`; SIZE_MAX if there is none. */
static inline size_t bits_next(const uint64_t *row, size_t stride, size_t from)
{
	for (size_t w = from / 64; w < stride; w++) {
		uint64_t word = w == from / 64 ? row[w] & ~UINT64_C(0) << (from % 64) : row[w];
		if (word != 0)
			return w * 64 + (size_t)__builtin_ctzll(word);
	}
	return SIZE_MAX;
}

/* Of one word: those whose number, of `n`, is at most, or at least, this one. */
static inline uint64_t bits_until(const int64_t *numbers, size_t n, size_t word, int64_t limit)
{
	size_t from = word * 64, left = n > from ? n - from : 0;
	uint64_t bits = 0;

	for (size_t i = 0; i < 64 && i < left; i++)
		bits |= (uint64_t)(numbers[from + i] <= limit) << i;
	return bits;
}

static inline uint64_t bits_from(const int64_t *numbers, size_t n, size_t word, int64_t limit)
{
	size_t from = word * 64, left = n > from ? n - from : 0;
	uint64_t bits = 0;

	for (size_t i = 0; i < 64 && i < left; i++)
		bits |= (uint64_t)(numbers[from + i] >= limit) << i;
	return bits;
}

/* The numbers in one word of a row. */
#define BITS_IN_WORD(i, word, bits) \
	(uint64_t left_##i = (bits), i = 0; \
	 left_##i != 0 && (i = (word) * 64 + (size_t)__builtin_ctzll(left_##i), true); left_##i &= left_##i - 1)

#define BITS_EACH(i, row, stride) \
	(size_t i = bits_next(row, stride, 0); i != SIZE_MAX; i = bits_next(row, stride, i + 1))

#endif
