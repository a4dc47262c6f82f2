/* An error for a person: one sentence that says what is wrong and what to do.
 *
 * A function that can fail for a reason worth telling takes a `struct err *`, which may be NULL
 * when nobody listens, and returns false, NULL or a code. Start with `struct err err = {0};`,
 * end with err_fini. What a machine must tell apart is an enum beside it, never this text. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/attr.h"

struct err {
	char *text; /* owned; NULL: no error */
};

/* Sets the text, replacing an earlier one. Returns false, so that `return err_set(...)` fails. */
bool err_set(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "what: " before the text that is there. */
void err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The text, or "unknown error"; never NULL. */
const char *err_text(const struct err *err);

void err_fini(struct err *err);

#endif
