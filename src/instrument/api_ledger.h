/* Within the room: what accounts and transactions share. */
#ifndef INSTRUMENT_API_LEDGER_H
#define INSTRUMENT_API_LEDGER_H

#include "admin/ledger.h"
#include "instrument/api.h"

enum { API_MOST_IDS = 1000, API_MOST_INLINE = 10000 };

struct ledger_who api_who(const struct api_call *call);

/* Answers for all ends but OK; `what` and `id` are what is not there. `conflicts` is given away, and may be NULL. */
bool api_ledger_answered(struct api_call *call, enum ledger_end end, const char *what, int64_t id,
                         json_t *conflicts, struct err *err) MUST_USE;

json_t *api_transaction_json(const struct ledger_transaction *transaction);
/* The page that the query asks for, of all transactions or of an account's. */
void api_list_transactions(struct api_call *call, struct ledger_transactions_ask *ask);

/* ---- reading. Faults are noted, as api_take_* does. ------------------------------------------------------ */

bool api_take_balance(struct api_call *call, json_t *object, int64_t *balance);
bool api_take_amount(struct api_call *call, json_t *object, int64_t *amount);
/* `loaded`'s: any number, since it is compared and not written. */
bool api_take_loaded(struct api_call *call, json_t *object, const char *name, int64_t *number);
/* An id or null, which is 0. */
bool api_take_account(struct api_call *call, json_t *object, int64_t *account);
/* Into the arena. Missing: NULL where it is not needed. One that is no time is taken where it is `loaded`: what
 * was there before and stays. */
bool api_take_time(struct api_call *call, json_t *object, const char *loaded, bool needed, struct arena *arena,
                   const char **time);
/* Of `loaded`: as it was told, whatever it is. */
bool api_take_loaded_time(struct api_call *call, json_t *object, const char **time);
bool api_take_id(struct api_call *call, json_t *object, int64_t *id);
/* "ids" of an action; heap, NULL where there is a fault. */
int64_t *api_take_ids(struct api_call *call, json_t *object, size_t *n);

#endif
