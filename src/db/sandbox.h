/* A throw-away database server of our own: private data directory, unix socket only, gone when it
 * is stopped, when racy ends in whatever way, and when racy is killed hard.
 *
 * A supervisor process drops to the user that the server runs as, watches racy through a pidfd, and
 * stops the server and removes its folder when racy is gone. Started as root, the server runs as
 * the package's own user; else as whoever started racy. The folder lies under /var/tmp since the
 * package's user cannot read another's home. A prepared data directory is kept there, per user and
 * build of the server, and copied: a server is ready in 0.15 s (PostgreSQL: 0.3), the first one in a
 * second or two.
 *
 * The supervisor is a child of racy. It is told from others by a pidfd; who waits for *any* child
 * meets it, and may reap it. */
#ifndef DB_SANDBOX_H
#define DB_SANDBOX_H

#include <stdint.h>

#include "base/err.h"

struct sandbox;

/* Is there a throw-away server of this name? */
bool sandbox_is_known(const char *engine);
/* Is the server's program installed? Where not, the error says what to install. */
bool sandbox_possible(const char *engine, struct err *err) MUST_USE;

/* Starts a server of this engine ("mariadb", "postgres") and waits until it answers. NULL and an error
 * with the last lines of the server's own log when it does not come up. */
struct sandbox *sandbox_start(const char *engine, struct err *err) MUST_USE;

/* A URL of an empty database on it, for db_target_parse; lives as long as the sandbox. */
const char *sandbox_url(const struct sandbox *sandbox);
/* How long it took from start to first answer. */
int64_t sandbox_ready_ns(const struct sandbox *sandbox);

/* Stops the server, waits until it is gone and its folder removed. NULL is fine. Only the process
 * that started it stops it; in a forked child this does nothing. */
void sandbox_stop(struct sandbox *sandbox);

#endif
