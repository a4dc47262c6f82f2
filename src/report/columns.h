/* Inside the room: the steps of a schedule as columns of its sessions, and the server that they ran on. */
#ifndef REPORT_COLUMNS_H
#define REPORT_COLUMNS_H

#include "explore/schedule.h"
#include "report/explored.h"
#include "report/style.h"

/* "MariaDB 10.11.19 READ COMMITTED (innodb_snapshot_isolation OFF)" */
void str_server(struct str *text, const struct db_identity *identity);
/* What was explored and where, and what was set for it; an empty line. `found` is not asked for. */
void str_explored(struct str *text, const struct explored *explored);

/* A line a step, in its session's column: what it read, what it was refused, whom it waited for. `ends`: below
 * each column how the session ended; NULL: it has not; none has: there is no such line. Columns that are too wide
 * for the place run into the next one's, which is empty there. */
void str_columns(struct str *text, const struct report_style *style, const struct schedule *schedule,
                 size_t sessions, const char *const *ends);

#endif
