/* The list of scenarios; a line here makes one known everywhere. */
#include "scenarios/scenarios.h"

const struct scenario *const scenarios[] = {
	&scenario_deposit,
};
const size_t scenarios_count = COUNT_OF(scenarios);
