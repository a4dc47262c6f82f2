/* Form fields out of a whole request body: application/x-www-form-urlencoded and multipart/form-data.
 *
 * Own code since libmicrohttpd's decoder refuses legal multipart boundaries, lets broken escapes,
 * NUL and bad UTF-8 through and hands values over in pieces. Every byte is foreign: fuzzed.
 *
 * What is a field is what Django takes for one. Urlencoded: only '&' separates, '+' is a space, an
 * escape that is none (%zz) stands for itself. Multipart: a part with a file name is a file and no
 * field, a part without a name is nothing. Stricter than Django in one thing: a multipart body
 * without its end boundary was cut off, and is malformed. Values are bytes: NUL and bad UTF-8 pass. */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct form_field {
	const char *name, *value; /* NUL-terminated, but may contain NUL themselves: use the lengths */
	size_t name_length, value_length;
};

struct form {
	struct form_field *fields; /* in the order of the body */
	size_t n;
	struct arena arena;
};

enum { FORM_MAX_FIELDS = 1000 }; /* as Django's DATA_UPLOAD_MAX_NUMBER_FIELDS; files count too */

enum form_result {
	FORM_OK,
	FORM_NOT_A_FORM, /* another content type, or none */
	FORM_MALFORMED,  /* no boundary, an unfinished part, too many fields */
};
/* The content type decides, in any letter case, parameters allowed; NULL: none was sent. Start with
 * `struct form form = {0};` and end with form_fini whatever the result was. The fields do not point
 * into the body. */
enum form_result form_decode(const char *content_type, const char *body, size_t length,
                             struct form *form) MUST_USE;
/* The last field of this name, as Django takes it; NULL if there is none. */
const struct form_field *form_get(const struct form *form, const char *name);
void form_fini(struct form *form);

#endif
