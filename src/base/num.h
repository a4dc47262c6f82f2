/* Whole numbers out of texts: all of the text or nothing. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Decimal digits with an optional minus, within min..max. */
bool num_parse(const char *text, int64_t min, int64_t max, int64_t *number, struct err *err) MUST_USE;

enum num_python { NUM_PYTHON_OK, NUM_PYTHON_NOT_A_NUMBER, NUM_PYTHON_TOO_LARGE };
/* As Python's int() reads UTF-8 text: surrounding white space, a sign, single underscores between
 * digits, leading zeros, Unicode decimal digits (general category Nd; tables of Unicode 14, as
 * Python 3.11 has them). TOO_LARGE: a number, beyond 64 bits; *number is then INT64_MIN or _MAX. */
enum num_python num_parse_python(const char *text, size_t length, int64_t *number) MUST_USE;

#endif
