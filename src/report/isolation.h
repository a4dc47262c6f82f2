/* Engines and levels against anomalies. */
#ifndef REPORT_ISOLATION_H
#define REPORT_ISOLATION_H

#include <stdio.h>

#include "explore/anomalies.h"
#include "report/report.h"

enum isolation_cell { CELL_UNKNOWN, CELL_POSSIBLE, CELL_PREVENTED };

struct isolation_result {
	enum isolation_cell cell;
	uint64_t orders;
	bool reduced;
	char *witness; /* heap; an order that shows it; NULL: none */
};

struct isolation_column {
	char engine[16], product[128]; /* "mariadb", "MariaDB 10.11.19" */
	const char *level;
	struct isolation_result results[ANOMALIES];
};

struct isolation {
	struct isolation_column *columns; /* heap; an engine's are together */
	size_t n;
};

/* `only`: the anomaly that was asked for; NULL: all. */
void isolation_text(FILE *to, const struct report_style *style, const struct isolation *isolation, const char *only);
/* {"mariadb": {"READ COMMITTED": {"G0": "prevented", ...}}}; a cell that could not be told is "unknown". */
void isolation_json(FILE *to, const struct isolation *isolation, const char *only);
void isolation_fini(struct isolation *isolation);

#endif
