/* How many of some intervals were open at the same time. */
#ifndef AUDIT_OVERLAP_H
#define AUDIT_OVERLAP_H

#include <stddef.h>
#include <stdint.h>

struct span {
	int64_t begin_ns, end_ns;
};

/* Most at the same time, and pairs with a moment in common. One that ends when another begins has
 * none with it. */
void overlap_count(const struct span *spans, size_t n, size_t *most, size_t *pairs);

#endif
