/* Folds events into requests. The events of one request come from one process and are in its order,
 * so they are gathered by request first and then read once; what does not fit is counted, never
 * guessed at. */
#include "audit/history.h"

#include <stdlib.h>
#include <string.h>

#include "audit/overlap.h"
#include "base/mem.h"

/* Events of one list: where two are of the same request, the list's own order. */
static int by_request(const void *left, const void *right)
{
	const struct event *a = *(const struct event *const *)left, *b = *(const struct event *const *)right;

	if (a->request != b->request)
		return a->request < b->request ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void add_connection(struct history *history, int64_t connection)
{
	for (size_t i = 0; i < history->n_connections; i++) {
		if (history->connections[i] == connection)
			return;
	}
	history->connections = mem_resize(history->connections, history->n_connections + 1,
	                                  sizeof *history->connections);
	history->connections[history->n_connections++] = connection;
}

/* The attempt that is under way: the last one, or none. */
static struct history_attempt *open_attempt(struct history_request *request)
{
	if (request->n_attempts == 0)
		return NULL;
	struct history_attempt *attempt = &request->attempts[request->n_attempts - 1];
	return attempt->end_ns == 0 ? attempt : NULL;
}

/* The step that is still open: the last one, or none. */
static struct history_step *open_step(struct history_attempt *attempt)
{
	if (attempt == NULL || attempt->n_steps == 0)
		return NULL;
	struct history_step *step = &attempt->steps[attempt->n_steps - 1];
	return step->end_ns == 0 ? step : NULL;
}

static bool begin_attempt(struct history_request *request, const struct event *event)
{
	if (open_attempt(request) != NULL)
		return false;
	request->attempts = mem_grow(request->attempts, &request->capacity, request->n_attempts + 1,
	                             sizeof *request->attempts);
	request->attempts[request->n_attempts++] = (struct history_attempt){
		.number = event->attempt, .begin_ns = event->t_ns,
	};
	return true;
}

static bool end_attempt(struct history_request *request, const struct event *event)
{
	struct history_attempt *attempt = open_attempt(request);

	if (attempt == NULL)
		return false;
	attempt->end_ns = event->t_ns;
	attempt->end = (enum op_end)event->value;
	attempt->err = (enum db_err)event->detail;
	return true;
}

static bool begin_step(struct history_attempt *attempt, const struct event *event)
{
	if (attempt == NULL || open_step(attempt) != NULL)
		return false;
	attempt->steps = mem_grow(attempt->steps, &attempt->capacity, attempt->n_steps + 1,
	                          sizeof *attempt->steps);
	struct history_step *step = &attempt->steps[attempt->n_steps++];
	*step = (struct history_step){
		.number = event->step, .pause = event->kind == EVENT_PAUSE_BEGIN, .key = event->key,
		.begin_ns = event->t_ns, .value = event->value, .traits = event->traits,
	};
	if (!step->pause)
		step->verb = (enum db_verb)event->detail;
	memcpy(step->label, event->label, sizeof step->label);
	memcpy(step->table, event->table, sizeof step->table);
	return true;
}

static bool end_step(struct history_attempt *attempt, const struct event *event)
{
	struct history_step *step = open_step(attempt);

	if (step == NULL || step->number != event->step)
		return false;
	step->end_ns = event->t_ns;
	if (step->pause)
		return true;
	step->err = (enum db_err)event->detail;
	step->tx = (enum db_tx)event->tx;
	step->native = event->native;
	if (step->verb == DB_READ)
		step->value = event->value;
	else
		step->result = event->value;
	return true;
}

/* False where the event does not fit what the request did until then. */
static bool fold(struct history_request *request, const struct event *event)
{
	switch (event->kind) {
	case EVENT_ATTEMPT_BEGIN:
		return begin_attempt(request, event);
	case EVENT_CALL_BEGIN:
	case EVENT_PAUSE_BEGIN:
		return begin_step(open_attempt(request), event);
	case EVENT_CALL_END:
	case EVENT_PAUSE_END:
		return end_step(open_attempt(request), event);
	case EVENT_CALL_WAITING:
		return open_step(open_attempt(request)) != NULL;
	case EVENT_ATTEMPT_END:
		return end_attempt(request, event);
	case EVENT_REQUEST_END:
		request->end_ns = event->t_ns;
		request->status = (int)event->value;
		return true;
	case EVENT_REQUEST_BEGIN: /* a second time */
	case EVENT_WORKER_BOOT:
	case EVENT_WORKER_EXIT:
	case EVENT_KINDS:
		return false;
	}
	return false;
}

static void show_last_attempt(struct history_request *request)
{
	if (request->n_attempts == 0)
		return;
	const struct history_attempt *last = &request->attempts[request->n_attempts - 1];
	request->end = last->end;
	request->err = last->err;
	request->steps = last->steps;
	request->n_steps = last->n_steps;
}

/* The events of one request; none of them NULL, all of the same number. */
static void build_request(struct history *history, const struct event *const *events, size_t n)
{
	if (events[0]->kind != EVENT_REQUEST_BEGIN) {
		history->strays += n;
		return;
	}
	struct history_request *request = &history->requests[history->n++];
	*request = (struct history_request){
		.request = events[0]->request, .slot = events[0]->slot, .generation = events[0]->generation,
		.amount = events[0]->value, .begin_ns = events[0]->t_ns, .last_ns = events[0]->t_ns,
	};
	memcpy(request->op, events[0]->op, sizeof request->op);
	for (size_t i = 1; i < n; i++) {
		bool of_its_worker = events[i]->slot == request->slot &&
		                     events[i]->generation == request->generation;
		if (!of_its_worker || request->end_ns != 0 || !fold(request, events[i]))
			history->strays++;
		else
			request->last_ns = events[i]->t_ns;
	}
	show_last_attempt(request);
}

static void count_overlap(struct history *history)
{
	struct span *spans = mem_new(history->n, sizeof *spans);

	for (size_t i = 0; i < history->n; i++)
		spans[i] = (struct span){history->requests[i].begin_ns, history->requests[i].last_ns};
	overlap_count(spans, history->n, &history->max_in_flight, &history->pairs_overlapped);
	free(spans);
}

void history_build(struct history *history, const struct event_list *events)
{
	const struct event **of_requests = mem_new(events->n, sizeof *of_requests);
	size_t n = 0;

	*history = (struct history){0};
	for (size_t i = 0; i < events->n; i++) {
		const struct event *event = &events->items[i];
		bool of_worker = event->kind == EVENT_WORKER_BOOT || event->kind == EVENT_WORKER_EXIT;
		if (event->kind == EVENT_WORKER_BOOT && event->detail != 0)
			add_connection(history, event->detail);
		if (event->request != 0 && !of_worker) /* a worker may connect anew while it serves one */
			of_requests[n++] = event;
	}
	if (n > 0)
		qsort(of_requests, n, sizeof *of_requests, by_request);
	history->requests = mem_new(n, sizeof *history->requests);
	for (size_t i = 0, of_one; i < n; i += of_one) {
		for (of_one = 1; i + of_one < n; of_one++) {
			if (of_requests[i + of_one]->request != of_requests[i]->request)
				break;
		}
		build_request(history, of_requests + i, of_one);
	}
	history->requests = mem_resize(history->requests, history->n, sizeof *history->requests);
	free(of_requests);
	count_overlap(history);
}

const struct history_request *history_find(const struct history *history, uint32_t request)
{
	size_t low = 0, high = history->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (history->requests[middle].request < request)
			low = middle + 1;
		else
			high = middle;
	}
	return low < history->n && history->requests[low].request == request ? &history->requests[low] : NULL;
}

void history_fini(struct history *history)
{
	for (size_t i = 0; i < history->n; i++) {
		struct history_request *request = &history->requests[i];
		for (size_t a = 0; a < request->n_attempts; a++)
			free(request->attempts[a].steps);
		free(request->attempts);
	}
	free(history->requests);
	free(history->connections);
	*history = (struct history){0};
}
