/* A synchronous worker's HTTP on libmicrohttpd, with epoll, a connection limit of one, and no thread of its
 * own. Connections are accepted here, one when there is none, and given to it: so that nothing is dropped or
 * hoarded when several processes share a listening socket, and so that there is a choice of who gets one.
 *
 * For the library's memory of a connection is made anew for each, and half of it filled with zeros before each
 * reply. What the largest heads need is then most of what a request costs. So there are two daemons: one for
 * heads that were seen to be small, one with room for all others and for connections that are kept, on which a
 * large one may follow.
 * What a request is and how it is answered: exchange.c. */
#include "http/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/peek.h"

/* Up to this the library takes it from the heap, which gives back what it had before, rather than from the
 * kernel. A modest head (http/peek.h), its records and its reply fit into half of it. */
enum { MODEST_MEMORY = 32 * 1024 };

/* Who waits for less may be on its way to a server that has nothing to do. */
static const int64_t PATIENCE_NS = 50 * NS_PER_MS;

struct http_server {
	struct http_settings settings;
	struct exchange_rules rules;
	struct MHD_Daemon *roomy, *modest; /* the latter NULL where connections are kept */
	struct MHD_Daemon *daemon; /* the one of these that has the connection, or had the last one */
	int listen_fd;
	bool quiesced;
	uint64_t accepted;
	/* of the connection that is open */
	int connection_fd; /* -1: none */
	bool end_noticed;
	int64_t until_ns; /* it is cut off then; 0: never */
	bool kept;        /* it waits for another request */
	bool cut;         /* nothing more of it is served */
	int64_t others_since_ns; /* whenever it was looked since then, another one waited to be accepted; 0: none */
	unsigned fruitless_runs; /* one after the other: more was to be done at once, and no callback came */
};

/* ---- a request -------------------------------------------------------------------------------- */

/* From now on; 0: never. */
static void cut_after(struct http_server *server, int64_t ns)
{
	server->until_ns = ns > 0 ? clock_now_ns() + ns : 0;
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
	struct http_server *server = context;

	(void)connection;
	if (server->kept)
		cut_after(server, server->settings.arrival_ns);
	server->kept = false;
	return exchange_new(&server->rules, target);
}

static void tell(const struct http_server *server, struct MHD_Connection *connection,
                 const struct exchange *exchange)
{
	if (server->settings.tell == NULL || exchange->status == 0)
		return;
	const struct http_record record = exchange_record(exchange, connection);
	server->settings.tell(server->settings.tell_context, &record);
}

static void on_end(void *context, struct MHD_Connection *connection, void **own,
                   enum MHD_RequestTerminationCode code)
{
	struct http_server *server = context;
	struct exchange *exchange = *own;

	if (exchange == NULL)
		return;
	server->kept = code == MHD_REQUEST_TERMINATED_COMPLETED_OK && server->settings.keep_alive_ns > 0;
	if (server->kept)
		cut_after(server, server->settings.keep_alive_ns);
	tell(server, connection, exchange);
	exchange_free(exchange);
	*own = NULL;
}

/* Others have waited for so long that a connection which may be kept is not. */
static bool others_wait(struct http_server *server)
{
	struct pollfd port = {.fd = server->listen_fd, .events = POLLIN};

	if (server->quiesced || poll(&port, 1, 0) <= 0) {
		server->others_since_ns = 0;
		return false;
	}
	int64_t now_ns = clock_now_ns();
	if (server->others_since_ns == 0)
		server->others_since_ns = now_ns;
	return now_ns - server->others_since_ns >= PATIENCE_NS;
}

static enum MHD_Result serve(struct http_server *server, struct exchange *exchange,
                             struct MHD_Connection *connection, const char *method)
{
	const struct http_request request = exchange_request(exchange, connection, method);
	struct http_reply reply = {0};

	server->settings.handler(server->settings.context, &request, &reply);
	bool last = server->settings.keep_alive_ns == 0 || server->quiesced || others_wait(server);
	return exchange_reply(exchange, connection, &reply, last);
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *bytes, size_t *n,
                                 void **own)
{
	struct http_server *server = context;
	struct exchange *exchange = *own;

	server->fruitless_runs = 0;
	if (server->cut)
		return MHD_NO;
	(void)url; /* it ends at a %00: the target is decoded instead */
	switch (exchange_step(exchange, connection, method, version, bytes, n)) {
	case EXCHANGE_GOES_ON: return MHD_YES;
	case EXCHANGE_REFUSED: return exchange_refuse(exchange, connection);
	case EXCHANGE_ARRIVED:
		/* How long it takes from now on is not its client's doing. */
		server->until_ns = 0;
		return serve(server, exchange, connection, method);
	case EXCHANGE_CUT: break;
	}
	return MHD_NO;
}

/* ---- the server ------------------------------------------------------------------------------- */

static void on_connection(void *context, struct MHD_Connection *connection, void **own,
                          enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;

	(void)own;
	server->connection_fd = -1;
	server->end_noticed = false;
	server->kept = server->cut = false;
	server->until_ns = server->others_since_ns = 0;
	server->fruitless_runs = 0;
	if (code != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	server->accepted++;
	cut_after(server, server->settings.arrival_ns);
	server->connection_fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* When the last bytes of half a request and the end of the connection arrive together, the library
 * reads the bytes and then waits for an edge that never comes, and holds the worker until the idle
 * time-out. A shutdown of the side that has ended anyway is that edge. */
static void notice_end(struct http_server *server)
{
	char byte;

	if (server->connection_fd < 0 || server->end_noticed ||
	    recv(server->connection_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
		return;
	server->end_noticed = true;
	shutdown(server->connection_fd, SHUT_RD);
}

static unsigned whole_seconds(int64_t ns)
{
	return (unsigned)((ns + NS_PER_S - 1) / NS_PER_S);
}

static struct MHD_Daemon *start_daemon(struct http_server *server, size_t memory)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_access, server,
		MHD_OPTION_CONNECTION_LIMIT, 1U,
		MHD_OPTION_STRICT_FOR_CLIENT, HEAD_STRICTNESS,
		MHD_OPTION_CONNECTION_TIMEOUT, whole_seconds(server->settings.idle_timeout_ns),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_END);
}

static bool start_daemons(struct http_server *server)
{
	bool kept = server->settings.keep_alive_ns > 0;

	server->roomy = start_daemon(server, EXCHANGE_MEMORY);
	server->modest = kept ? NULL : start_daemon(server, MODEST_MEMORY);
	server->daemon = server->roomy;
	return server->roomy != NULL && (kept || server->modest != NULL);
}

static void stop_daemons(struct http_server *server)
{
	if (server->modest != NULL)
		MHD_stop_daemon(server->modest);
	if (server->roomy != NULL)
		MHD_stop_daemon(server->roomy);
}

/* A descriptor of its own, which it closes when it listens no longer. */
static bool start_listening(struct http_server *server)
{
	int fd = fcntl(server->settings.listen_fd, F_DUPFD_CLOEXEC, 0);
	int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;

	server->listen_fd = fd;
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

struct http_server *http_server_open(const struct http_settings *settings, struct err *err)
{
	struct http_server *server = mem_new(1, sizeof *server);

	assert(settings->max_body <= HTTP_MAX_DROPPED);
	server->settings = *settings;
	server->rules = (struct exchange_rules){.max_body = settings->max_body, .remember = settings->tell != NULL};
	server->connection_fd = -1;
	if (start_listening(server) && start_daemons(server))
		return server;
	stop_daemons(server);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	free(server);
	err_set(err, "the HTTP server cannot be started on descriptor %d", settings->listen_fd);
	return NULL;
}

/* The next connection, where there is none. */
static void accept_one(struct http_server *server)
{
	static const int64_t rest_ns = 10 * NS_PER_MS;
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;

	if (server->quiesced || http_server_connections(server) > 0)
		return;
	int fd = accept4(server->listen_fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		/* It stays where it is, and whoever waits for it is woken again at once. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			clock_pause_ns(rest_ns);
		return;
	}
	bool modest = server->modest != NULL && peek_socket_is_modest(fd);
	server->daemon = modest ? server->modest : server->roomy;
	/* It closes what it does not take. */
	if (MHD_add_connection(server->daemon, fd, (struct sockaddr *)&peer, length) != MHD_YES)
		log_warning("a connection could not be taken");
}

int http_server_fd(const struct http_server *server)
{
	if (!server->quiesced && http_server_connections(server) == 0)
		return server->listen_fd;
	return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int64_t http_server_wait_ns(const struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG ms;
	int64_t ns = MHD_get_timeout(server->daemon, &ms) == MHD_YES ? (int64_t)ms * NS_PER_MS : -1;

	if (server->until_ns == 0 || server->cut)
		return ns;
	int64_t left_ns = server->until_ns - clock_now_ns();
	left_ns = left_ns > 0 ? left_ns : 0;
	if (server->kept && !server->quiesced && left_ns > PATIENCE_NS)
		left_ns = PATIENCE_NS; /* to look whether others wait */
	return ns >= 0 && ns < left_ns ? ns : left_ns;
}

/* A client that asks again at once is told with its reply instead: what it sends would meet a closed connection. */
static bool is_idle_before_others(struct http_server *server)
{
	int64_t kept_ns = server->settings.keep_alive_ns - (server->until_ns - clock_now_ns());

	return server->kept && kept_ns >= PATIENCE_NS && others_wait(server);
}

/* What was read before its time was over has been served; what comes after that never is. */
static void notice_time(struct http_server *server)
{
	if (server->connection_fd < 0 || server->until_ns == 0 || server->cut)
		return;
	if (clock_now_ns() < server->until_ns && !is_idle_before_others(server))
		return;
	server->cut = true;
	shutdown(server->connection_fd, SHUT_RDWR);
}

/* A chunk's size line that never ends fills the library's buffer, and the library then asks to be run
 * again and again in vain until the idle time-out. */
static void notice_standstill(struct http_server *server)
{
	enum { ENOUGH = 100 };

	server->fruitless_runs = http_server_wait_ns(server) == 0 ? server->fruitless_runs + 1 : 0;
	if (server->fruitless_runs > ENOUGH && server->connection_fd >= 0)
		shutdown(server->connection_fd, SHUT_RDWR);
}

void http_server_run(struct http_server *server)
{
	accept_one(server);
	(void)MHD_run(server->daemon);
	notice_end(server);
	notice_time(server);
	notice_standstill(server);
}

void http_server_quiesce(struct http_server *server)
{
	if (server->quiesced)
		return;
	server->quiesced = true;
	if (server->kept)
		server->until_ns = clock_now_ns();
	close(server->listen_fd);
	server->listen_fd = -1;
}

size_t http_server_connections(const struct http_server *server)
{
	return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

uint64_t http_server_accepted(const struct http_server *server)
{
	return server->accepted;
}

void http_server_close(struct http_server *server)
{
	http_server_quiesce(server);
	stop_daemons(server);
	free(server);
}
