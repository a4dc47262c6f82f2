/* Which kind of workers, as options of every command that starts some. */
#ifndef COMMAND_WORKER_KIND_H
#define COMMAND_WORKER_KIND_H

#include "base/opt.h"
#include "serve/serve.h"

struct worker_kind {
	enum worker_class class;
	int64_t threads;
};

opt_parse_fn worker_kind_opt_class;

#define WORKER_KIND_OPTIONS(kind)                                                                          \
	{"worker-class", 'k', "CLASS", "sync: a process is one request at a time;\n"                       \
	 "gthread: it is as many as it has threads (sync)", worker_kind_opt_class, &(kind).class, 0, 0},   \
	{"threads", 0, "T", "of each worker, 1 to 256; more than 1 makes gthread\n"                        \
	 "workers of sync ones (1)", opt_number, &(kind).threads, 1, SERVE_MOST_THREADS}

/* Of what was asked for, what it comes to: several threads need gthread workers, as Gunicorn has it. */
enum worker_class worker_kind_class(const struct worker_kind *kind);
/* "3 synchronous workers", "1 gthread worker of 3 threads"; heap text. */
char *worker_kind_text(const struct worker_kind *kind, int64_t workers) MUST_USE;

#endif
