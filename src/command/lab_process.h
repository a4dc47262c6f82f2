/* `racy serve`'s instrument: its port, its settings, and what is said of it at the start. */
#ifndef COMMAND_LAB_PROCESS_H
#define COMMAND_LAB_PROCESS_H

#include "command/database.h"
#include "instrument/lab.h"
#include "serve/companion.h"

struct lab_order {
	const char *bind;       /* "off": none */
	const char *hosts;      /* with commas between them; NULL: no further ones */
	const char *proxies;    /* the same; "*": all */
	const char *static_dir; /* NULL: the files in the program */
};
/* Lines for the option table of `racy serve`; `lab` is a struct lab_order. */
opt_parse_fn lab_opt_bind;
#define LAB_OPTIONS(lab)                                                                                   \
	{"lab", 0, "ADDRESS",                                                                              \
	 "where the instrument listens: the pages at /admin/ and\n"                                        \
	 "the API; off: none. Default: 127.0.0.1:8080", lab_opt_bind, &(lab).bind, 0, 0},                  \
	{"lab-host", 0, "NAMES",                                                                           \
	 "further host names that the instrument answers to, with\n"                                       \
	 "commas between them; * for all (addresses and localhost)", opt_text, &(lab).hosts, 0, 0},        \
	{"forwarded-allow-ips", 0, "ADDRESSES",                                                            \
	 "whose X-Forwarded-For and X-Forwarded-Proto the\n"                                               \
	 "instrument believes; * for everybody's (127.0.0.1,::1)", opt_text, &(lab).proxies, 0, 0},        \
	{"static-dir", 0, "DIR",                                                                           \
	 "the instrument's static files, instead of those in the\n"                                        \
	 "program (which are installed to share/racy/static)", opt_text, &(lab).static_dir, 0, 0}

struct lab_process {
	struct lab_settings settings;
	struct companion companion;
	int port;
	char *state_folder, *host, *hosts, *proxies;
};
/* True: it may be started, with `companion` for struct serve_settings; companion.run is NULL where there is to be none
 * (off, or its port is taken, which is a warning). The process must not move. False: the error. */
bool lab_process_open(const struct lab_order *order, const struct database *database, struct logs *logs,
                      struct lab_process *process, struct err *err) MUST_USE;
void lab_process_close(struct lab_process *process);

#endif
