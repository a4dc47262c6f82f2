/* Accounts and transactions as the pages list and change them. Each change is one database transaction together with
 * its notes in the history; an edit is a compare-and-set: it is made only where the rows still say what the form was
 * filled with. The tables are the original's; nothing is taken for granted that a database which Django made lacks
 * (see scenarios/accounts.h). */
#ifndef ADMIN_LEDGER_H
#define ADMIN_LEDGER_H

#include <jansson.h>

#include "db/db.h"
#include "scenarios/accounts.h"

enum ledger_end {
	LEDGER_OK,
	LEDGER_MISSING,    /* there is no such row */
	LEDGER_CHANGED,    /* rows have other values by now; nothing was written */
	LEDGER_NO_ACCOUNT, /* the account that a transaction is to belong to does not exist; nothing was written */
	LEDGER_BAD_PLACE,  /* `after` is not the `next` of such a list */
	LEDGER_FAILED,     /* the database; the error says what it said */
};

/* ---- lists: pages by key, so that a page far down costs what the first one does ------------ */

enum { LEDGER_MOST_ROWS = 100, LEDGER_MOST_COUNTED = 10000 };

enum ledger_sort { LEDGER_BY_ID, LEDGER_BY_ID_DOWN, LEDGER_BY_BALANCE, LEDGER_BY_BALANCE_DOWN };

/* What the pages of all lists have. */
struct ledger_page {
	size_t n;
	char *next; /* heap: the `after` of the page that follows; NULL: there is none */
	int64_t count;
	bool count_exact; /* false: more than LEDGER_MOST_COUNTED */
};

struct ledger_accounts_ask {
	enum ledger_sort sort;
	const int64_t *id; /* that account alone; NULL: all */
	const char *after; /* NULL: from the beginning */
	int limit;         /* 1 to LEDGER_MOST_ROWS */
};
struct ledger_accounts {
	struct ledger_page page;
	struct account items[LEDGER_MOST_ROWS];
};
enum ledger_end ledger_accounts(struct db_session *session, const struct ledger_accounts_ask *ask,
                                struct ledger_accounts *list, struct err *err) MUST_USE;

struct ledger_transaction {
	int64_t id, amount;
	int64_t account; /* 0: none */
	const char *time; /* "2026-11-24T09:30:00.000000Z" */
};

enum ledger_filter { LEDGER_ALL, LEDGER_OF_ACCOUNT, LEDGER_OF_NONE };

struct ledger_transactions_ask {
	enum ledger_filter filter;
	int64_t account;
	const char *day; /* "2026-11-24", UTC; NULL: any. Such a list is in the order of the times, and of the ids where
	                  * they are equal: by ids alone, each page would cost as much as the whole day. */
	enum ledger_sort sort; /* LEDGER_BY_ID: upwards; LEDGER_BY_ID_DOWN */
	const char *after;
	int limit;
};
struct ledger_transactions {
	struct ledger_page page;
	struct ledger_transaction items[LEDGER_MOST_ROWS];
	struct arena arena; /* owns their times */
};
/* BAD_PLACE too where the day is none. */
enum ledger_end ledger_transactions(struct db_session *session, const struct ledger_transactions_ask *ask,
                                    struct ledger_transactions *list, struct err *err) MUST_USE;

/* `= {0}` first; may be given back whatever the end was. */
void ledger_accounts_fini(struct ledger_accounts *list);
void ledger_transactions_fini(struct ledger_transactions *list);

enum ledger_end ledger_account(struct db_session *session, int64_t id, struct account *account,
                               struct err *err) MUST_USE;
/* Whether it is there; MISSING is not an end of it. */
enum ledger_end ledger_account_exists(struct db_session *session, int64_t id, bool *there, struct err *err) MUST_USE;
/* The time lives in the arena. */
enum ledger_end ledger_transaction(struct db_session *session, int64_t id, struct ledger_transaction *transaction,
                                   struct arena *arena, struct err *err) MUST_USE;

/* ---- changes ----------------------------------------------------------------------------------
 * `who->name` is who does it, for the history. What the database refuses (deadlock, serialization failure, busy)
 * is tried a few times again: nothing was committed. A COMMIT whose answer was lost is not, and the error says so.
 * Values are taken as they are: their ranges are the caller's matter. */

struct ledger_who {
	struct db_session *session;
	const char *name;
};

enum ledger_end ledger_account_add(const struct ledger_who *who, int64_t balance, int64_t *id,
                                   struct err *err) MUST_USE;

struct ledger_row_change {
	int64_t id;
	struct ledger_transaction loaded, values; /* their ids are not looked at */
};
/* An account with its transactions, in one save. A transaction is in one of the lists, and once. The accounts of their
 * values are not looked at: all belong to this one. */
struct ledger_account_edit {
	int64_t id, loaded_balance, balance;
	const struct ledger_transaction *add; /* without a time: now */
	size_t n_add;
	const struct ledger_row_change *change;
	size_t n_change;
	const struct ledger_row_change *remove; /* what is gone already is no conflict */
	size_t n_remove;
};
/* CHANGED: *conflicts is a new array of objects as docs/api.md tells them; else NULL. */
enum ledger_end ledger_account_change(const struct ledger_who *who, const struct ledger_account_edit *edit,
                                      json_t **conflicts, struct err *err) MUST_USE;

enum ledger_action {
	LEDGER_RESET,       /* balance 0, transactions deleted */
	LEDGER_DELETE,      /* the account and its transactions */
	LEDGER_DELETE_KEEP, /* its transactions stay, without an account */
};
/* What was done; what was not there is not counted. */
struct ledger_done {
	int64_t accounts;
	int64_t transactions; /* deleted */
};
/* All or none of them; ids may be in any order, and more than once. MISSING where none of them is there. */
enum ledger_end ledger_accounts_act(const struct ledger_who *who, enum ledger_action action, const int64_t *ids,
                                    size_t n, struct ledger_done *done, struct err *err) MUST_USE;

/* Without a time: now. No balance changes. */
enum ledger_end ledger_transaction_add(const struct ledger_who *who, const struct ledger_transaction *values,
                                       int64_t *id, struct err *err) MUST_USE;
enum ledger_end ledger_transaction_change(const struct ledger_who *who, const struct ledger_row_change *change,
                                          json_t **conflicts, struct err *err) MUST_USE;
/* As ledger_accounts_act. */
enum ledger_end ledger_transactions_delete(const struct ledger_who *who, const int64_t *ids, size_t n,
                                           struct ledger_done *done, struct err *err) MUST_USE;

#endif
