/* The kinds of workers by the names that Gunicorn gives them. */
#include "base/str.h"
#include "serve/serve.h"

static const char *const names[] = {[WORKER_SYNC] = "sync", [WORKER_GTHREAD] = "gthread"};

const char *worker_class_name(enum worker_class class)
{
	return names[class];
}

bool worker_class_of_name(const char *name, enum worker_class *class)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_equal(names[i], name)) {
			*class = (enum worker_class)i;
			return true;
		}
	return false;
}
