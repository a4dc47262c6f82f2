/* Texts for JSON. What comes from the command line, a file or a database may be any bytes, and one that was cut may end
 * within a letter; JSON is UTF-8 alone, and jansson makes nothing at all of an object with anything else in it. */
#ifndef REPORT_JSON_TEXT_H
#define REPORT_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"

/* The text; where it is not UTF-8, each of its bytes beyond ASCII is '?'. NULL: null. */
json_t *json_text(const char *text) MUST_USE;
/* Is `json` what json_text makes of it? What is not there is the empty text. */
bool json_text_is(const json_t *json, const char *text) MUST_USE;

#endif
