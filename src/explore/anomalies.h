/* The histories of docs/isolation, as they are installed: the anomalies of Adya ("Weak Consistency", 1999) as Hermitage
 * (Kleppmann, 2014) tries them, in words of our own, and two that Jepsen found in MySQL 8.0 (Kingsbury, 2023). */
#ifndef EXPLORE_ANOMALIES_H
#define EXPLORE_ANOMALIES_H

#include <stddef.h>

struct anomaly {
	const char *name; /* "G-single" */
	const char *sql;  /* a file for script_parse; all have the same schema */
};

enum { ANOMALIES = 16 };
extern const struct anomaly anomalies[ANOMALIES];

#endif
