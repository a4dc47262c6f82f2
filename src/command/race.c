/* Shared by the commands that race. */
#include "command/race.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

int race_exit_code(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_NONE_SEEN: return RACY_OK;
	case VERDICT_VIOLATED: return RACY_VIOLATED;
	case VERDICT_INCONCLUSIVE: break;
	}
	return RACY_INCONCLUSIVE;
}

void progress_start(struct progress *progress, const char *what)
{
	*progress = (struct progress){.what = what, .since_ns = clock_now_ns()};
}

void progress_show(void *context, size_t ended, size_t requests)
{
	struct progress *progress = context;
	int64_t now = clock_now_ns();

	if (!isatty(STDERR_FILENO) || now - progress->since_ns < NS_PER_S ||
	    now - progress->shown_ns < 200 * NS_PER_MS)
		return;
	fprintf(stderr, "\r%s: %zu of %zu answered, %lld s \033[K", progress->what, ended, requests,
	        (long long)((now - progress->since_ns) / NS_PER_S));
	fflush(stderr);
	progress->shown_ns = now;
	progress->visible = true;
}

void progress_clear(struct progress *progress)
{
	if (progress->visible)
		fputs("\r\033[K", stderr);
	progress->visible = false;
}
