/* SQL written once, for all engines: tokens in braces stand for the words that differ.
 *
 *   {for_update}    locks the rows read       {stamp}      type of a timestamp, microseconds, UTC
 *   {for_share}     the same, shared          {table_end}  what ends a CREATE TABLE
 *   {new_id}        an id that numbers itself {id}         type of a reference to one
 *   {new_index}     begins a CREATE INDEX that does nothing where there is one of that name: repeatable
 *   {named_lock}    takes a lock by number    {named_unlock} gives it back
 *   {returning_id}  ends an INSERT whose new id (a column `id`) is wanted: db_outcome.inserted_id
 *
 * Not every engine has all of them: the use of one that it lacks is an error (see enum db_ability).
 * In quotes, and in what all engines take for a comment (sql.h), a brace is a brace; elsewhere it can stand for nothing
 * else. */
#ifndef DB_DIALECT_H
#define DB_DIALECT_H

#include "db/driver.h"

/* Heap text, or NULL and an error that names the token that is unknown or that the engine lacks. */
char *dialect_expand(const struct dialect *dialect, const char *sql, struct err *err) MUST_USE;

#endif
