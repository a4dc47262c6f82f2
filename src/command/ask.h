/* Questions to the person at the terminal. */
#ifndef COMMAND_ASK_H
#define COMMAND_ASK_H

#include <stdbool.h>

#include "base/attr.h"

/* Is there somebody to ask? */
bool ask_possible(void);
/* A line without its end, heap; NULL at the end of the input. The question goes to stderr, so that output stays
 * output. */
char *ask_line(const char *question) MUST_USE;
/* The same without an echo; the terminal is as it was afterwards, after Ctrl-C too. */
char *ask_secret(const char *question) MUST_USE;
/* "y" or "yes"; all else is no. */
bool ask_yes(const char *question);

#endif
