/* The server's two log files: the log lines of all its processes, and a line for each request. */
#ifndef SERVE_LOGS_H
#define SERVE_LOGS_H

#include <stdbool.h>

#include "base/err.h"
#include "http/server.h"

struct logs {
	/* "-" is stdout for accesses and stderr for log lines; NULL: no accesses, and stderr. */
	char *access_path, *error_path;
	int access_fd; /* -1: none */
	int error_fd;
};

/* Opens both for appending; log lines go to theirs from now on. False: nothing has changed. */
bool logs_open(struct logs *logs, const char *access_path, const char *error_path, struct err *err) MUST_USE;
/* Other names, or the same. False: nothing has changed. */
bool logs_change(struct logs *logs, const char *access_path, const char *error_path, struct err *err) MUST_USE;
/* The same names once more, after the files were moved away. Each process does it for itself. A file that
 * cannot be opened is told and the old one stays in use. */
void logs_reopen(struct logs *logs);
/* Log lines go to stderr again. */
void logs_close(struct logs *logs);

/* Gunicorn's line: peer, time, request line, status, length, referer, agent. One write(2). */
void logs_access(const struct logs *logs, const struct http_record *record);
/* That line, without an end; heap text. */
char *logs_access_line(const struct http_record *record, const char *when) MUST_USE;

#endif
