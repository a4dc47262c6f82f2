/* Accounts and their transactions as rows: what scripts, runs and pages do with them outside of any
 * race. The tables are the original's; no default, ON DELETE or extra column is taken for granted,
 * since a database that Django made has none of them. */
#ifndef SCENARIOS_ACCOUNTS_H
#define SCENARIOS_ACCOUNTS_H

#include "lab/scenario.h"

enum { ACCOUNT_MAX_BALANCE = 2147483647 }; /* the column is a signed 32-bit integer */

struct account {
	int64_t id, balance;
	int64_t transactions; /* how many are recorded */
	int64_t recorded_sum; /* of their amounts */
};

struct account_row {
	int64_t id, amount;
};

enum account_result { ACCOUNT_OK, ACCOUNT_MISSING, ACCOUNT_ERROR };

bool accounts_count(struct db_session *session, int64_t *n, struct err *err) MUST_USE;
bool account_create(struct db_session *session, int64_t balance, int64_t *id, struct err *err) MUST_USE;
enum account_result account_show(struct db_session *session, int64_t id, struct account *account,
                                 struct err *err) MUST_USE;
/* By id. The list is heap memory. */
bool accounts_list(struct db_session *session, struct account **list, size_t *n, struct err *err) MUST_USE;
/* The recorded transactions of an account, by id. Heap memory. */
bool account_rows(struct db_session *session, int64_t id, struct account_row **rows, size_t *n,
                  struct err *err) MUST_USE;
/* Balance 0 and no transactions. */
enum account_result account_reset(struct db_session *session, int64_t id, struct err *err) MUST_USE;
/* The account goes; its transactions stay without one (as Django's on_delete=SET_NULL), unless
 * `with_transactions`. */
enum account_result account_delete(struct db_session *session, int64_t id, bool with_transactions,
                                   struct err *err) MUST_USE;

#endif
