/* A text that grows. `struct str text = {0};` is the empty text; it is never cut. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct str {
	char *text;      /* NUL-terminated once anything was added; see str_text */
	size_t length;   /* without the NUL */
	size_t capacity; /* bytes allocated */
};

void str_add(struct str *str, const char *text);
void str_add_n(struct str *str, const char *bytes, size_t length);
void str_add_char(struct str *str, char c);
void str_repeat(struct str *str, const char *text, size_t times);
void str_printf(struct str *str, const char *format, ...) PRINTF_LIKE(2, 3);

/* Never NULL. Valid until the next change. */
const char *str_text(const struct str *str);
void str_clear(struct str *str);
/* Hands the heap text over to the caller and leaves the empty text. */
char *str_take(struct str *str) MUST_USE;
void str_fini(struct str *str);

bool text_equal(const char *a, const char *b);
bool text_starts_with(const char *text, const char *prefix);
/* Columns on a terminal: counts UTF-8 code points, as all that racy prints is one column wide. */
size_t text_columns(const char *text);

#endif
