/* Threads, and one mutex for all that is done one at a time. */
#include "explore/crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct crew {
	const struct crew_work *work;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t at_work;
	bool failed;
	struct err *err;
};

struct worker {
	struct crew *crew;
	size_t nth;
	pthread_t thread;
};

/* With the mutex held. */
static bool take(struct crew *crew, size_t nth)
{
	while (!crew->failed) {
		enum crew_take taken = crew->work->take(crew->work->context, nth, crew->at_work);
		if (taken != CREW_LATER || crew->at_work == 0)
			return taken == CREW_TAKEN;
		pthread_cond_wait(&crew->changed, &crew->mutex);
	}
	return false;
}

static void *serve(void *context)
{
	const struct worker *worker = context;
	struct crew *crew = worker->crew;
	struct err err = {0};

	pthread_mutex_lock(&crew->mutex);
	while (take(crew, worker->nth)) {
		crew->at_work++;
		pthread_mutex_unlock(&crew->mutex);
		bool ok = crew->work->run(crew->work->context, worker->nth, &err);
		pthread_mutex_lock(&crew->mutex);
		crew->at_work--;
		if (ok)
			crew->work->count(crew->work->context, worker->nth);
		else if (!crew->failed)
			crew->failed = !err_set(crew->err, "%s", err_text(&err));
		pthread_cond_broadcast(&crew->changed);
	}
	pthread_mutex_unlock(&crew->mutex);
	err_fini(&err);
	return NULL;
}

bool crew_run(size_t n, const struct crew_work *work, struct err *err)
{
	struct crew crew = {.work = work, .err = err};
	struct worker *workers = mem_new(n, sizeof *workers);
	size_t started = 1;

	pthread_mutex_init(&crew.mutex, NULL);
	pthread_cond_init(&crew.changed, NULL);
	for (size_t i = 0; i < n; i++)
		workers[i] = (struct worker){.crew = &crew, .nth = i};
	while (started < n && pthread_create(&workers[started].thread, NULL, serve, &workers[started]) == 0)
		started++;
	(void)serve(&workers[0]);
	while (--started > 0)
		pthread_join(workers[started].thread, NULL);
	free(workers);
	pthread_cond_destroy(&crew.changed);
	pthread_mutex_destroy(&crew.mutex);
	return !crew.failed;
}
