/* What is expected of a variant where a session runs, as far as it was measured. */
#ifndef LAB_EXPECT_H
#define LAB_EXPECT_H

#include "lab/scenario.h"

/* By what was read back from the session: engine, level, innodb_snapshot_isolation. */
enum expectation expect_of(const struct variant *variant, const struct db_identity *identity,
                           enum tx_mode tx_mode);

#endif
