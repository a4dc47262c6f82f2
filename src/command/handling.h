/* The options that say how requests are run at the workers, for every command that has workers of its own:
 * --no-transaction, --max-tries, --fault. */
#ifndef COMMAND_HANDLING_H
#define COMMAND_HANDLING_H

#include "base/opt.h"
#include "lab/fault.h"
#include "lab/retry.h"

struct handling {
	bool no_transaction;
	int64_t max_tries;
	const char *fault_text; /* as it was given; NULL: none */
	struct fault fault;
};
/* Before the options are read. */
struct handling handling_default(void) MUST_USE;

/* Lines for a command's option table; `handling` is a struct handling. */
opt_parse_fn handling_opt_fault;
#define HANDLING_OPTIONS(handling)                                                                         \
	{"no-transaction", 0, NULL,                                                                        \
	 "leave BEGIN and COMMIT out of the very same code", opt_flag, &(handling).no_transaction, 0, 0},  \
	{"max-tries", 0, "N",                                                                              \
	 "try a request that the database refuses again, up to N\n"                                        \
	 "tries in all (1: none is)", opt_number, &(handling).max_tries, 1, 100},                          \
	{"fault", 0, "CALL:HOW[/EVERY]",                                                                   \
	 "fail the call with this number, or the \"commit\", of\n"                                         \
	 "every EVERY-th request's first try: refuse (it is not\n"                                         \
	 "sent), cut (the connection breaks before it), lose (it is\n"                                     \
	 "carried out and its answer is lost)", handling_opt_fault, &(handling), 0, 0}

/* Each option may be right, and yet together they ask for nothing. */
bool handling_check(const struct handling *handling, struct err *err) MUST_USE;
enum tx_mode handling_tx_mode(const struct handling *handling);
struct retry_policy handling_retry(const struct handling *handling);

/* Why these requests cannot be run on that engine, as a sentence without an end: "SQLite lacks locks by
 * name". Heap text; NULL: they can. `variant` may be NULL: whichever is asked for. */
char *handling_obstacle(const struct variant *variant, const struct fault *fault, const struct db_target *target,
                        const char *product) MUST_USE;
/* The same of a kind of engine, without a fault. */
char *handling_lack(const struct variant *variant, enum engine engine) MUST_USE;
const char *engine_product(enum engine engine); /* "SQLite", "MariaDB", "PostgreSQL" */

#endif
