/* One change of the ledger: a transaction for writing, its statements, its notes, and the tries that what the database
 * refused is worth. Within src/admin. */
#ifndef ADMIN_LEDGER_CHANGE_H
#define ADMIN_LEDGER_CHANGE_H

#include "admin/history.h"
#include "admin/ledger.h"

struct ledger_change {
	const struct ledger_who *who;
	struct err *err;
	bool refused;  /* the statement that failed is one that the database may accept next time */
	json_t *conflicts; /* an array */
	struct arena arena; /* emptied before each try */
};

/* What is done within the transaction; any end but OK undoes it. It may be called several times and begins anew. */
typedef enum ledger_end ledger_work(struct ledger_change *change, void *context);
/* *conflicts (may be NULL): see ledger_account_change. */
enum ledger_end ledger_make(const struct ledger_who *who, ledger_work *work, void *context, json_t **conflicts,
                            struct err *err) MUST_USE;

/* One statement. `affected` may be NULL. False: LEDGER_FAILED is the end. */
bool ledger_write(struct ledger_change *change, const char *sql, const struct db_value *args,
                  int64_t *affected) MUST_USE;
/* With {returning_id}. */
bool ledger_insert(struct ledger_change *change, const char *sql, const struct db_value *args,
                   int64_t *id) MUST_USE;

/* `take`, which is given away, tells what changed; NULL: nothing to tell. */
bool ledger_note(struct ledger_change *change, enum history_action action, enum history_object object, int64_t id,
                 json_t *take) MUST_USE;

/* The row, locked until the end. OK, MISSING or FAILED. */
enum ledger_end ledger_lock_account(struct ledger_change *change, int64_t id, int64_t *balance) MUST_USE;
enum ledger_end ledger_lock_transaction(struct ledger_change *change, int64_t id,
                                        struct ledger_transaction *now) MUST_USE;

/* Deposits that compare versions see by it that the balance was written. To be called before the account is locked,
 * the order in which they do it. */
bool ledger_take_version(struct ledger_change *change, int64_t account) MUST_USE;

/* One more conflict: a field's values, given away. NULL stands for null. */
void ledger_conflict(struct ledger_change *change, enum history_object object, int64_t id, const char *field,
                     json_t *loaded, json_t *now, json_t *yours);
void ledger_conflict_deleted(struct ledger_change *change, enum history_object object, int64_t id);

json_t *ledger_json_account(int64_t account); /* an id, or null */

/* Rows of transactions, with their notes. */
enum ledger_end ledger_put_transaction(struct ledger_change *change, const struct ledger_transaction *values,
                                       int64_t *id) MUST_USE;
enum ledger_end ledger_write_transaction(struct ledger_change *change, const struct ledger_row_change *row) MUST_USE;
enum ledger_end ledger_erase_transaction(struct ledger_change *change,
                                         const struct ledger_transaction *now) MUST_USE;
/* Each field that is not as it was loaded. `yours` NULL: it was to be deleted. */
void ledger_compare(struct ledger_change *change, const struct ledger_transaction *now,
                    const struct ledger_transaction *loaded, const struct ledger_transaction *yours);

#endif
