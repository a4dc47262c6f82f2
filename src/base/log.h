/* Log lines as Gunicorn's users know them: time, pid, level, text. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Lines below this level are dropped; LOG_INFO at the start of the program. */
void log_set_level(enum log_level level);

/* Where they go from now on: a descriptor that the caller keeps open; stderr at the start of the program. */
void log_to(int fd);

/* One line, written in one write(2) so that lines of several processes never mix. */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
