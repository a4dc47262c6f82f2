/* The kind of workers, from options to words. */
#include "command/worker_kind.h"

#include "base/mem.h"

bool worker_kind_opt_class(const struct opt *opt, const char *text, struct err *err)
{
	enum worker_class *class = opt->target;

	return worker_class_of_name(text, class) ||
	       err_set(err, "'%s' is no kind of worker: sync or gthread", text);
}

enum worker_class worker_kind_class(const struct worker_kind *kind)
{
	return kind->threads > 1 ? WORKER_GTHREAD : kind->class;
}

char *worker_kind_text(const struct worker_kind *kind, int64_t workers)
{
	const char *s = workers > 1 ? "s" : "";

	if (worker_kind_class(kind) == WORKER_SYNC)
		return mem_printf("%lld synchronous worker%s", (long long)workers, s);
	return mem_printf("%lld gthread worker%s of %lld thread%s%s", (long long)workers, s,
	                  (long long)kind->threads, kind->threads > 1 ? "s" : "", workers > 1 ? " each" : "");
}
