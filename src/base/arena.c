/* Blocks of memory, newest first; an object that does not fit gets a block of its own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK_BYTES = 4096 };

struct arena_block {
	struct arena_block *older;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct arena_block *block = mem_new(1, sizeof *block + size);

	block->size = size;
	block->older = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_new(struct arena *arena, size_t count, size_t size)
{
	const size_t unit = alignof(max_align_t);

	if (size != 0 && count > (SIZE_MAX / 2) / size)
		abort();
	size_t bytes = (count * size + unit - 1) / unit * unit;
	struct arena_block *block = arena->blocks;

	if (block == NULL || block->size - block->used < bytes)
		block = add_block(arena, bytes);
	void *object = block->bytes + block->used;
	block->used += bytes;
	return object;
}

char *arena_text_n(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_new(arena, length + 1, 1);

	if (length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_text_n(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = mem_vprintf(format, args);
	va_end(args);
	char *copy = arena_text(arena, text);
	free(text);
	return copy;
}

void arena_fini(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks, *older; block != NULL; block = older) {
		older = block->older;
		free(block);
	}
	arena->blocks = NULL;
}
