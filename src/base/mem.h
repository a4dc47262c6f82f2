/* Heap memory that is there or the program ends: racy has no plan for running out of memory,
 * and half a plan would hide errors. All of it is given back with free(). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

/* Zeroed memory for `count` objects of `size` bytes; the product is checked. */
void *mem_new(size_t count, size_t size) MUST_USE;

/* As realloc, for `count` objects of `size` bytes; what is added is not zeroed. */
void *mem_resize(void *old, size_t count, size_t size) MUST_USE;

/* A copy of the text; NULL gives NULL. */
char *mem_text(const char *text) MUST_USE;
char *mem_text_n(const char *text, size_t length) MUST_USE;

char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2) MUST_USE;
char *mem_vprintf(const char *format, va_list args) PRINTF_LIKE(1, 0) MUST_USE;

/* For a list that grows by one: room for at least `needed` objects, doubling. */
void *mem_grow(void *old, size_t *capacity, size_t needed, size_t size) MUST_USE;

#endif
