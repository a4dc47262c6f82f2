/* Own code of a few lines: strtol would take a sign and white space for digits. */
#include "http/hex.h"

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int hex_byte(const char *text, size_t n)
{
	if (n < 2 || hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
		return -1;
	return hex_digit(text[0]) * 16 + hex_digit(text[1]);
}
