/* The time of a transaction, as it goes over the wire and as the tables keep it. Each engine writes a timestamp
 * out in its own way; here all of them become one text, so that two can be compared by their letters. */
#ifndef ADMIN_LEDGER_TIME_H
#define ADMIN_LEDGER_TIME_H

#include <stdbool.h>

#include "base/arena.h"
#include "db/db.h"

enum { LEDGER_TIME_SIZE = 28 }; /* "2026-11-24T09:30:00.000000Z", with its NUL */

/* What a client may write: "2026-11-24T09:30:00Z", with up to six digits of a second's fraction. The time is written
 * out in full. False where it is none, as 30 February. */
bool ledger_time_parse(const char *text, char time[static LEDGER_TIME_SIZE]) MUST_USE;

/* A timestamp's cell, in the arena. What is no time (SQLite keeps any text there) comes as it is, with '?' for what
 * is not printable ASCII. */
const char *ledger_time_of_cell(const struct db_value *cell, struct arena *arena);

/* A time as an engine writes it out: nothing that it could not compare with. */
bool ledger_time_is_column(const char *text);

/* What is written into a column, in the arena: "2026-11-24 09:30:00.000000". */
const char *ledger_time_column(const char *time, struct arena *arena);

/* The day after "2026-11-24"; false where the text is no day from 0001-01-01 to 9999-12-30. */
enum { LEDGER_DAY_SIZE = 11 };
bool ledger_day_after(const char *day, char next[static LEDGER_DAY_SIZE]) MUST_USE;

#endif
