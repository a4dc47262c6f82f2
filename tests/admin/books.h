/* A database with the original's tables for the tests of the ledger: those that racy makes, or those that Django's
 * migrations make, word for word but for the names of their keys. */
#ifndef TESTS_ADMIN_BOOKS_H
#define TESTS_ADMIN_BOOKS_H

#include "world.h"

#include "admin/ledger.h"

/* For main(): reads "ENGINE" or "ENGINE/django", and runs the tests. Answers what main() ends with. */
int books_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n);

/* A session on the case's database, whose tables are there after the first; it waits for locks. */
struct db_session *books_open(const struct world *world);

/* The two tables alone, as Django's migrations make them. */
void books_make_as_django(const struct world *world, struct db_session *session);

int64_t add_account(struct db_session *session, int64_t balance);
/* `time` as a column takes it. `account` 0: none. */
int64_t add_transaction(struct db_session *session, int64_t account, int64_t amount, const char *time);
/* So many of them, with the amounts 1, 2, .. , 7, 1, ...; quickly. */
void add_many(struct db_session *session, int64_t account, int64_t n);

struct account account_of(struct db_session *session, int64_t id);
bool account_is_there(struct db_session *session, int64_t id);
/* Lives in the arena. */
struct ledger_transaction transaction_of(struct db_session *session, int64_t id, struct arena *arena);

/* How many notes of this kind the history has; `changes` NULL: whatever they say. */
int64_t notes(struct db_session *session, const char *action, const char *object, int64_t id, const char *changes);

/* The list of conflicts is this; given away. */
void assert_conflicts(json_t *take, const char *json);

#endif
