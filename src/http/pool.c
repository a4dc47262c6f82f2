/* libmicrohttpd's thread pool: each thread has an epoll and connections of its own. */
#include "http/pool.h"

#include <assert.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/exchange.h"

struct http_pool {
	struct http_pool_settings settings;
	struct exchange_rules rules;
	struct MHD_Daemon *daemon;
};

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
	struct http_pool *pool = context;

	(void)connection;
	return exchange_new(&pool->rules, target);
}

static void on_end(void *context, struct MHD_Connection *connection, void **own,
                   enum MHD_RequestTerminationCode code)
{
	(void)context;
	(void)connection;
	(void)code;
	if (*own != NULL)
		exchange_free(*own);
	*own = NULL;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *bytes, size_t *n,
                                 void **own)
{
	struct http_pool *pool = context;
	struct exchange *exchange = *own;
	struct http_reply reply = {0};

	(void)url;
	switch (exchange_step(exchange, connection, method, version, bytes, n)) {
	case EXCHANGE_GOES_ON: return MHD_YES;
	case EXCHANGE_REFUSED: return exchange_refuse(exchange, connection);
	case EXCHANGE_ARRIVED: {
		const struct http_request request = exchange_request(exchange, connection, method);
		pool->settings.handler(pool->settings.context, &request, &reply);
		return exchange_reply(exchange, connection, &reply, false);
	}
	case EXCHANGE_CUT: break;
	}
	return MHD_NO;
}

static void start_daemon(struct http_pool *pool, int fd)
{
	const struct http_pool_settings *settings = &pool->settings;

	pool->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_access, pool,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
		MHD_OPTION_THREAD_POOL_SIZE, settings->threads,
		MHD_OPTION_CONNECTION_LIMIT, settings->max_connections,
		MHD_OPTION_STRICT_FOR_CLIENT, HEAD_STRICTNESS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((settings->idle_timeout_ns + NS_PER_S - 1) / NS_PER_S),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)EXCHANGE_MEMORY,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, pool,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, pool,
		MHD_OPTION_END);
}

struct http_pool *http_pool_open(const struct http_pool_settings *settings, struct err *err)
{
	/* The library closes the socket that it is given: it gets its own descriptor. */
	int fd = fcntl(settings->listen_fd, F_DUPFD_CLOEXEC, 0);
	struct http_pool *pool = mem_new(1, sizeof *pool);

	assert(settings->max_body <= HTTP_MAX_DROPPED);
	pool->settings = *settings;
	pool->rules = (struct exchange_rules){.max_body = settings->max_body, .headers = settings->headers};
	if (fd >= 0)
		start_daemon(pool, fd);
	if (pool->daemon != NULL)
		return pool;
	if (fd >= 0)
		close(fd);
	free(pool);
	err_set(err, "the HTTP server cannot be started on descriptor %d", settings->listen_fd);
	return NULL;
}

void http_pool_close(struct http_pool *pool)
{
	if (pool == NULL)
		return;
	MHD_stop_daemon(pool->daemon);
	free(pool);
}
