/* Log lines, each in one write. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

static _Atomic enum log_level lowest = LOG_INFO;
static _Atomic int log_fd = STDERR_FILENO;

void log_set_level(enum log_level level)
{
	lowest = level;
}

void log_to(int fd)
{
	log_fd = fd;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG: return "DEBUG";
	case LOG_INFO: return "INFO";
	case LOG_WARNING: return "WARNING";
	case LOG_ERROR: return "ERROR";
	}
	return "?";
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;
	time_t now = time(NULL);
	struct tm parts;
	char stamp[64];

	if (level < lowest)
		return;
	if (localtime_r(&now, &parts) == NULL || strftime(stamp, sizeof stamp, "%F %T %z", &parts) == 0)
		stamp[0] = '\0';
	va_start(args, format);
	char *text = mem_vprintf(format, args);
	va_end(args);
	char *line = mem_printf("[%s] [%d] [%s] %s\n", stamp, (int)getpid(), level_name(level), text);
	/* Nobody is left to tell when it cannot be written. */
	if (write(log_fd, line, strlen(line)) < 0) {}
	free(line);
	free(text);
}
