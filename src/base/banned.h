/* Functions that cut, overflow, guess or hide state: their use is a compile error.
 * Included before every source file of the program by the build (see meson.build).
 * How to ban another: name it below, with what to call instead. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name, instead) banned_##name##_use_##instead

#undef strcpy
#define strcpy(to, from) BANNED(strcpy, str_h)
#undef strncpy
#define strncpy(to, from, n) BANNED(strncpy, str_h)
#undef strcat
#define strcat(to, from) BANNED(strcat, str_h)
#undef strncat
#define strncat(to, from, n) BANNED(strncat, str_h)
#undef strtok
#define strtok(text, separators) BANNED(strtok, strchr)
#undef sprintf
#define sprintf(...) BANNED(sprintf, str_h)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf, str_h)
#undef atoi
#define atoi(text) BANNED(atoi, num_h)
#undef atol
#define atol(text) BANNED(atol, num_h)
#undef atof
#define atof(text) BANNED(atof, num_h)
#undef rand
#define rand() BANNED(rand, rng_h)
#undef srand
#define srand(seed) BANNED(srand, rng_h)
#undef localtime
#define localtime(time) BANNED(localtime, clock_h)
#undef gmtime
#define gmtime(time) BANNED(gmtime, clock_h)

#endif
