/* An engine that plays a script: each call that the funnel makes of it must be the script's next one, and
 * ends as is written there. What is not in the script fails the test; so does what is left of it. */
#ifndef TESTS_DRIVER_FAKE_H
#define TESTS_DRIVER_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "db/driver.h"

enum fake_slot { FAKE_PERFORM, FAKE_SET_LEVEL, FAKE_CUT, FAKE_CANCEL };

struct fake_step {
	enum fake_slot slot;
	/* What is expected. */
	enum db_verb verb;
	const char *sql;      /* as the engine gets it: without tokens */
	struct db_value args[DB_MAX_ARGS];
	enum db_tx tx_before;
	enum db_iso iso;
	enum db_cut cut;
	/* How it ends. */
	enum db_err err;
	enum db_tx tx;
	int64_t affected, inserted_id;
	size_t n_rows;     /* a READ's: of one column, 1, 2, 3, ... */
	const char *level; /* what SET_LEVEL reads back; NULL: it fails */
	bool lost;         /* SET_LEVEL: the connection broke */
};

struct fake {
	struct db_target target;
	struct db_session *session;
	struct str *notes; /* "perform " is added for each PERFORM; may be NULL */
	/* Its own. */
	struct db_driver driver;
	const struct fake_step *steps;
	size_t n_steps, at;
	int closed;
};

/* An engine that lacks all that may be lacking, opened at READ COMMITTED. */
struct fake *fake_open(void);
void fake_expect(struct fake *fake, const struct fake_step *steps, size_t n_steps);
/* Nothing of the script is left. */
void fake_assert_done(const struct fake *fake);
void fake_close(struct fake *fake);

#endif
