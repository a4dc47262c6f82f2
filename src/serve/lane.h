/* One request at a time: a server on the shared port, a database session, a recorder. A synchronous worker is
 * one lane in its process; a threaded one has a lane for each thread, and they share nothing else. */
#ifndef SERVE_LANE_H
#define SERVE_LANE_H

#include "serve/endpoint.h"
#include "serve/worker.h"

struct lane {
	struct ring_writer writer;
	struct recorder recorder;
	struct endpoint endpoint;
	struct http_server *server;
};

/* For the worker's thread `thread`, from 0; `lane` stays where it is until lane_close. Everything that has a
 * process-wide beginning (a database's library) begins here: open the lanes one after the other, before there
 * are threads. The handler and its context are the http_server's. False: it has logged why. */
bool lane_open(struct lane *lane, const struct worker_post *post, size_t thread, http_handler *handler,
               void *context) MUST_USE;
/* Also of one that is not open. */
void lane_close(struct lane *lane);

#endif
