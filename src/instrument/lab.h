/* The instrument as a process beside the subject: pages and API on a port of their own. It shares nothing with the
 * workers but the database. */
#ifndef INSTRUMENT_LAB_H
#define INSTRUMENT_LAB_H

#include "db/db.h"
#include "serve/logs.h"

enum { LAB_MOST_NAMES = 16 };

struct lab_settings {
	int listen_fd;         /* opened before the fork, so that a port that is taken is noticed at the start */
	const char *bind_host; /* of its address; a Host by that name is ours */
	const char *hosts[LAB_MOST_NAMES]; /* further names (--lab-host); "*": all */
	size_t n_hosts;
	const char *proxies[LAB_MOST_NAMES]; /* whose X-Forwarded-For and -Proto are believed; "*": everybody's */
	size_t n_proxies;
	const char *static_dir; /* static files are read from there; NULL: those in the program */
	const char *state_folder;
	const struct db_target *target; /* its tables are there */
	struct db_settings db;
	struct logs *logs; /* opened anew on USR1; NULL: stderr */
};

/* For struct companion; the context is a struct lab_settings. Answers an exit code. */
int lab_run(void *context, int arbiter_fd);

/* Everybody on this host and nobody else? */
bool lab_is_loopback(const char *host);

#endif
