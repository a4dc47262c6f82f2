/* Two hexadecimal digits as paths and forms escape a byte with. */
#ifndef HTTP_HEX_H
#define HTTP_HEX_H

#include <stddef.h>

/* The digit's value; -1 if it is none. */
int hex_digit(char c);
/* The byte that the first two of `n` characters name; -1 if they are not two digits. */
int hex_byte(const char *text, size_t n);

#endif
