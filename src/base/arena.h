/* Memory with one lifetime: many small objects that are given back together.
 * `struct arena arena = {0};` is ready to use; arena_fini gives all of it back. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attr.h"

struct arena {
	struct arena_block *blocks; /* newest first */
};

/* Zeroed, aligned for any object. Never NULL (see base/mem.h). */
void *arena_new(struct arena *arena, size_t count, size_t size) MUST_USE;
char *arena_text(struct arena *arena, const char *text) MUST_USE;
char *arena_text_n(struct arena *arena, const char *text, size_t length) MUST_USE;
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;

/* Gives everything back; the arena may be used again. */
void arena_fini(struct arena *arena);

#endif
