/* The tables of the instrument: users, their sessions, the history. They stand beside the scenarios' in the same
 * database, so that whoever reaches the one reaches the other; all of them are racy's own. */
#ifndef ADMIN_SCHEMA_H
#define ADMIN_SCHEMA_H

#include "db/db.h"

/* As db_migrate, in a scope of its own. */
bool admin_migrate(struct db_session *session, size_t *applied, struct err *err) MUST_USE;

#endif
