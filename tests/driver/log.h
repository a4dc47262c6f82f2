/* What the engine itself says of the statements that reached it: SQLite's trace, MariaDB's general log,
 * PostgreSQL's log of statements. */
#ifndef TESTS_DRIVER_LOG_H
#define TESTS_DRIVER_LOG_H

#include "actor.h"

struct log;

/* Before the sessions that are to be logged are opened, with these settings; to be closed after them. */
struct log *log_open(const struct world *world);
struct db_settings log_settings(struct log *log, const struct db_settings *settings);
/* The first word of each statement of this actor's session, from its first BEGIN on: "BEGIN UPDATE
 * COMMIT". To be freed. */
char *log_read(struct log *log, struct actor *actor);
void log_close(struct log *log);

#endif
