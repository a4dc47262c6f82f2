/* From a session's identity to a cell of the variant's expectations. */
#include "lab/expect.h"

#include "base/str.h"

static const char *const engines[ENGINES] = {
	[ENGINE_SQLITE] = "sqlite", [ENGINE_MARIADB] = "mariadb", [ENGINE_POSTGRES] = "postgres"};
static const enum db_iso isos[LEVELS] = {
	[LEVEL_READ_UNCOMMITTED] = DB_READ_UNCOMMITTED, [LEVEL_READ_COMMITTED] = DB_READ_COMMITTED,
	[LEVEL_REPEATABLE_READ] = DB_REPEATABLE_READ, [LEVEL_SERIALIZABLE] = DB_SERIALIZABLE};

enum expectation expect_of(const struct variant *variant, const struct db_identity *identity,
                           enum tx_mode tx_mode)
{
	size_t engine = 0, level = 0;

	while (engine < ENGINES && !text_equal(engines[engine], identity->engine))
		engine++;
	while (level < LEVELS && !text_equal(db_iso_name(isos[level]), identity->isolation))
		level++;
	if (engine == ENGINES || level == LEVELS)
		return NOT_STATED;
	if (tx_mode == TX_NONE)
		return variant->bare[engine][level];
	enum expectation expected = variant->expected[engine][level];
	/* There a late writer's transaction is refused with error 1020; lone statements are not. */
	if (identity->snapshot_isolation == 1 && level == LEVEL_REPEATABLE_READ && variant->atomic &&
	    expected == LOSES)
		return REFUSES;
	return expected;
}

const char *expectation_name(enum expectation expectation)
{
	switch (expectation) {
	case NOT_STATED: return "not_stated";
	case LOSES: return "loses";
	case REFUSES: return "refuses";
	case HOLDS: return "holds";
	}
	return "?";
}
