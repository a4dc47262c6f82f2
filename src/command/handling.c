/* How requests are run at the workers, from options to what the rooms below take. */
#include "command/handling.h"

#include <stdlib.h>

#include "base/mem.h"

struct handling handling_default(void)
{
	return (struct handling){.max_tries = retry_default.max_tries};
}

bool handling_opt_fault(const struct opt *opt, const char *text, struct err *err)
{
	struct handling *handling = opt->target;

	handling->fault_text = text;
	return fault_parse(text, &handling->fault, err);
}

bool handling_check(const struct handling *handling, struct err *err)
{
	if (handling->no_transaction && handling->fault.how != FAULT_NONE && handling->fault.call == 0)
		return err_set(err, "--fault %s waits for a COMMIT, and --no-transaction leaves all of them out",
		               handling->fault_text);
	return true;
}

enum tx_mode handling_tx_mode(const struct handling *handling)
{
	return handling->no_transaction ? TX_NONE : TX_AS_WRITTEN;
}

struct retry_policy handling_retry(const struct handling *handling)
{
	struct retry_policy policy = retry_default;

	policy.max_tries = (int)handling->max_tries;
	return policy;
}

char *handling_obstacle(const struct variant *variant, const struct fault *fault, const struct db_target *target,
                        const char *product)
{
	bool breaks = fault->how == FAULT_CUT || fault->how == FAULT_LOSE;
	unsigned needs = (variant != NULL ? variant->needs : 0) | (breaks ? DB_HAS_CONNECTIONS : 0);
	const char *lacking = db_lacking(target, needs);

	return lacking != NULL ? mem_printf("%s lacks %s", product, lacking) : NULL;
}

/* An address of that engine, which is not gone to, names its driver. */
static const struct {
	const char *product, *url;
} engines[ENGINES] = {
	[ENGINE_SQLITE] = {"SQLite", "sqlite:none"},
	[ENGINE_MARIADB] = {"MariaDB", "mariadb://none@none/none"},
	[ENGINE_POSTGRES] = {"PostgreSQL", "postgresql://none@none/none"},
};

const char *engine_product(enum engine engine)
{
	return engines[engine].product;
}

char *handling_lack(const struct variant *variant, enum engine engine)
{
	struct db_target target;

	if (!db_target_parse(engines[engine].url, &target, NULL))
		abort();
	char *lack = handling_obstacle(variant, &(struct fault){0}, &target, engines[engine].product);
	db_target_fini(&target);
	return lack;
}
