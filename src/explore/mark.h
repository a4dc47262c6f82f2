/* One number for a text or a list of them, by which equal things are found: FNV-1a (Fowler, Noll, Vo 1991). */
#ifndef EXPLORE_MARK_H
#define EXPLORE_MARK_H

#include <stddef.h>
#include <stdint.h>

#define MARK_SEED UINT64_C(14695981039346656037)

static inline uint64_t mark_of_bytes(uint64_t mark, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		mark = (mark ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
	return mark;
}

/* With its end, so that "a", "b" differs from "ab". */
static inline uint64_t mark_of_text(uint64_t mark, const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return mark_of_bytes(mark, text, length + 1);
}

#endif
