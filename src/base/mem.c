/* The heap, or the end of the program. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *memory)
{
	if (memory == NULL) {
		fputs("racy: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *mem_new(size_t count, size_t size)
{
	return or_die(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return or_die(NULL);
	size_t bytes = count * size;
	return or_die(realloc(old, bytes > 0 ? bytes : 1));
}

char *mem_text_n(const char *text, size_t length)
{
	char *copy = mem_new(length + 1, 1);

	if (length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *mem_text(const char *text)
{
	return text == NULL ? NULL : mem_text_n(text, strlen(text));
}

char *mem_vprintf(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return or_die(text);
}

char *mem_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = mem_vprintf(format, args);
	va_end(args);
	return text;
}

void *mem_grow(void *old, size_t *capacity, size_t needed, size_t size)
{
	if (needed <= *capacity)
		return old;
	size_t wanted = *capacity > 0 ? *capacity : 8;
	if (needed > SIZE_MAX / 2)
		return or_die(NULL); /* doubling would never get there */
	while (wanted < needed)
		wanted *= 2;
	*capacity = wanted;
	return mem_resize(old, wanted, size);
}
