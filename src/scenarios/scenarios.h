/* The list of scenarios. How to add one: docs/HOWTO-scenario.md. */
#ifndef SCENARIOS_SCENARIOS_H
#define SCENARIOS_SCENARIOS_H

#include "lab/scenario.h"

extern const struct scenario scenario_deposit;

extern const struct scenario *const scenarios[];
extern const size_t scenarios_count;

#endif
