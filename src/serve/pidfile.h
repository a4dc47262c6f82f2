/* The file that tells the arbiter's pid to whoever sends it signals. */
#ifndef SERVE_PIDFILE_H
#define SERVE_PIDFILE_H

#include <stdbool.h>

#include "base/err.h"

/* Writes this process's pid; the file is never seen half written. One that names a living process is an
 * error, one that names none (or this one: pids begin anew in a container) is replaced. */
bool pidfile_take(const char *path, struct err *err) MUST_USE;
/* Removes it if it still is this process's. */
void pidfile_remove(const char *path);

#endif
