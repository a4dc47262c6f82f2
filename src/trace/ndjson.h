/* Events as lines of JSON, one object a line: what --trace writes, and reading it back. */
#ifndef TRACE_NDJSON_H
#define TRACE_NDJSON_H

#include <stdio.h>

#include "base/err.h"
#include "trace/event.h"

/* False when the file refuses a byte (disk full). */
bool ndjson_write(FILE *file, const struct event *event) MUST_USE;

/* One line. False and an error that says what is wrong with it. */
bool ndjson_read(const char *line, size_t length, struct event *event, struct err *err) MUST_USE;

#endif
