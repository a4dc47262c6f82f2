/* Whole numbers out of texts: ours, strictly, and Python's as int() reads them. */
#include "base/num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

bool num_parse(const char *text, int64_t min, int64_t max, int64_t *number, struct err *err)
{
	const char *digits = text[0] == '-' ? text + 1 : text;

	if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
		return err_set(err, "'%s' is not a whole number", text);
	errno = 0;
	long long value = strtoll(text, NULL, 10);
	if (errno != 0 || value < min || value > max)
		return err_set(err, "%s is outside of %lld to %lld", text, (long long)min, (long long)max);
	*number = value;
	return true;
}

/* Where each run of ten decimal digits outside of ASCII begins (category Nd of Unicode 14). */
static const uint32_t zeros[] = {
	0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66,
	0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810,
	0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0,
	0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0,
	0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950,
	0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC,
	0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
};

/* White space as int() has it: U+001C to U+001F are none here, although str.isspace takes them. */
static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
	       c == 0x3000;
}

static int digit_value(uint32_t c)
{
	if (c >= '0' && c <= '9')
		return (int)(c - '0');
	for (size_t i = 0; i < COUNT_OF(zeros); i++)
		if (c >= zeros[i] && c - zeros[i] < 10)
			return (int)(c - zeros[i]);
	return -1;
}

struct reader {
	const unsigned char *at, *end;
};

enum { BAD_UTF8 = 0xFFFD };

/* The next code point; BAD_UTF8 for a byte that is none, which no number contains. */
static uint32_t next_code_point(struct reader *reader)
{
	static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
	unsigned char first = *reader->at++;
	size_t more = first < 0x80 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;

	if (more == 0)
		return first;
	if (first < 0xC2 || first > 0xF4 || (size_t)(reader->end - reader->at) < more)
		return BAD_UTF8;
	uint32_t c = first & (0x3FU >> more);
	for (size_t i = 0; i < more; i++) {
		if ((reader->at[i] & 0xC0) != 0x80)
			return BAD_UTF8;
		c = c << 6 | (reader->at[i] & 0x3FU);
	}
	reader->at += more;
	return c < smallest[more] ? BAD_UTF8 : c;
}

/* The number so far, whether it still fits, and how the text before it ended. */
struct python_number {
	int64_t value; /* collected as a negative number: INT64_MIN has no positive one */
	size_t digits;
	bool negative, too_large, after_digit;
};

static void add_digit(struct python_number *number, int digit)
{
	if (__builtin_mul_overflow(number->value, 10, &number->value) ||
	    __builtin_sub_overflow(number->value, digit, &number->value)) {
		number->too_large = true;
		number->value = 0;
	}
	number->digits++;
	number->after_digit = true;
}

static enum num_python finish(const struct python_number *number, int64_t *result)
{
	enum { PYTHON_MAX_DIGITS = 4300 }; /* int() refuses longer texts since Python 3.11 */

	if (number->digits == 0 || number->digits > PYTHON_MAX_DIGITS)
		return NUM_PYTHON_NOT_A_NUMBER;
	if (number->too_large || (!number->negative && number->value == INT64_MIN)) {
		*result = number->negative ? INT64_MIN : INT64_MAX;
		return NUM_PYTHON_TOO_LARGE;
	}
	*result = number->negative ? number->value : -number->value;
	return NUM_PYTHON_OK;
}

enum num_python num_parse_python(const char *text, size_t length, int64_t *result)
{
	struct reader reader = {(const unsigned char *)text, (const unsigned char *)text + length};
	struct python_number number = {0};
	enum { BEFORE, SIGNED, DIGITS, AFTER } where = BEFORE;

	while (reader.at < reader.end) {
		uint32_t c = next_code_point(&reader);
		int digit = digit_value(c);

		if (digit >= 0 && where != AFTER) {
			add_digit(&number, digit);
			where = DIGITS;
		} else if (c == '_' && where == DIGITS && number.after_digit) {
			number.after_digit = false;
		} else if ((c == '+' || c == '-') && where == BEFORE) {
			number.negative = c == '-';
			where = SIGNED;
		} else if (is_space(c) && where != SIGNED && (where != DIGITS || number.after_digit)) {
			where = where == BEFORE ? BEFORE : AFTER;
		} else {
			return NUM_PYTHON_NOT_A_NUMBER;
		}
	}
	if (where == DIGITS && !number.after_digit)
		return NUM_PYTHON_NOT_A_NUMBER;
	return finish(&number, result);
}
