/* A synchronous worker's HTTP on libmicrohttpd, in the one mode of it that neither drops nor hoards
 * connections when several processes share a listening socket: epoll, a connection limit of one,
 * and no thread of its own.
 *
 * A request passes four callbacks: on_target (the line was read), on_access again and again (the
 * head is there; a piece of the body; all of it), on_end. A refused request takes the same way, so
 * that its body is out of the way before the answer leaves: a client that is still sending would
 * otherwise lose the answer to the reset of its connection. */
#include "http/server.h"

#include <assert.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/head.h"

/* For a head that is just within Gunicorn's limits: it and the library's records of up to 4,094
 * arguments and 4,095 cookies, while the read buffer takes half of what is free. */
enum { CONNECTION_MEMORY = 2 * 1024 * 1024 };

/* Who waits for less may be on its way to a server that has nothing to do. */
static const int64_t PATIENCE_NS = 50 * NS_PER_MS;

struct http_server {
	struct http_settings settings;
	struct MHD_Daemon *daemon;
	int listen_fd; /* the daemon's own */
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

/* One request and what is known of it so far. */
struct exchange {
	char *target; /* as it was on the wire */
	/* once the head is there */
	bool judged;
	struct head_judgement refusal; /* a status: the handler will not see this request */
	char *path;
	const char *query;
	/* while the body comes */
	uint64_t received;
	struct str body;
	/* once it is answered; kept only where somebody is told. The head is gone when the reply has left. */
	int status; /* 0: not answered */
	size_t reply_length;
	char *method, *version, *referer, *agent;
};

/* ---- replies ---------------------------------------------------------------------------------- */

void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
	va_list args;

	assert(reply->n_headers < HTTP_MAX_REPLY_HEADERS);
	va_start(args, format);
	reply->headers[reply->n_headers].name = name;
	reply->headers[reply->n_headers].value = mem_vprintf(format, args);
	reply->n_headers++;
	va_end(args);
}

void http_reply_text(struct http_reply *reply, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *line = mem_vprintf(format, args);
	va_end(args);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	free(reply->body);
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	reply->body = mem_printf("%s\n", line);
	reply->body_length = strlen(reply->body);
	free(line);
}

static void fini_reply(struct http_reply *reply)
{
	for (size_t i = 0; i < reply->n_headers; i++)
		free(reply->headers[i].value);
	free(reply->body);
	*reply = (struct http_reply){0};
}

static bool add_headers(struct MHD_Response *response, const struct http_reply *reply, bool last)
{
	bool good = !last || MHD_add_response_header(response, "Connection", "close") == MHD_YES;

	if (good && reply->content_type != NULL)
		good = MHD_add_response_header(response, "Content-Type", reply->content_type) == MHD_YES;
	for (size_t i = 0; good && i < reply->n_headers; i++)
		good = MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value) ==
		       MHD_YES;
	return good;
}

static struct MHD_Response *make_response(struct http_reply *reply, bool last)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(reply->body_length, reply->body, MHD_RESPMEM_MUST_FREE);

	if (response == NULL)
		return NULL;
	reply->body = NULL;
	if (add_headers(response, reply, last))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* For the record. */
static void keep(struct exchange *exchange, const struct http_reply *reply)
{
	exchange->status = reply->status;
	exchange->reply_length = reply->body_length;
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

/* Sends the reply, or a 500 for one that cannot be sent, and gives it back. */
static enum MHD_Result send_reply(struct http_server *server, struct MHD_Connection *connection,
                                  struct exchange *exchange, struct http_reply *reply)
{
	/* After a request that was refused nobody can be sure where the next one begins. */
	bool last = server->settings.keep_alive_ns == 0 || server->quiesced || exchange->refusal.status != 0 ||
	            others_wait(server);
	struct MHD_Response *response = NULL;

	keep(exchange, reply);

	if (reply->status >= 200 && reply->status <= 599)
		response = make_response(reply, last);
	if (response == NULL) {
		log_error("a reply with status %d cannot be sent as it is", reply->status);
		fini_reply(reply);
		http_reply_text(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "the reply cannot be sent");
		keep(exchange, reply);
		response = make_response(reply, true);
	}
	enum MHD_Result result = MHD_NO;
	if (response != NULL) {
		result = MHD_queue_response(connection, (unsigned)reply->status, response);
		MHD_destroy_response(response);
	}
	fini_reply(reply);
	return result;
}

/* ---- a request -------------------------------------------------------------------------------- */

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value((struct MHD_Connection *)request->headers, MHD_HEADER_KIND, name);
}

/* From now on; 0: never. */
static void cut_after(struct http_server *server, int64_t ns)
{
	server->until_ns = ns > 0 ? clock_now_ns() + ns : 0;
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
	struct http_server *server = context;
	struct exchange *exchange = mem_new(1, sizeof *exchange);

	(void)connection;
	if (server->kept)
		cut_after(server, server->settings.arrival_ns);
	server->kept = false;
	exchange->target = mem_text(target);
	return exchange;
}

static void remember_head(const struct http_server *server, struct exchange *exchange, const struct head *head)
{
	if (server->settings.tell == NULL)
		return;
	exchange->method = mem_text(head->method);
	exchange->version = mem_text(head->version);
	exchange->referer =
		mem_text(MHD_lookup_connection_value(head->connection, MHD_HEADER_KIND, "Referer"));
	exchange->agent =
		mem_text(MHD_lookup_connection_value(head->connection, MHD_HEADER_KIND, "User-Agent"));
}

static void tell(const struct http_server *server, struct MHD_Connection *connection,
                 const struct exchange *exchange)
{
	if (server->settings.tell == NULL || exchange->status == 0)
		return;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct http_record record = {
		.peer = info != NULL ? info->client_addr : NULL,
		.method = exchange->method,
		.target = exchange->target,
		.version = exchange->version,
		.referer = exchange->referer,
		.agent = exchange->agent,
		.status = exchange->status,
		.body_length = exchange->reply_length,
	};
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
	str_fini(&exchange->body);
	free(exchange->method);
	free(exchange->version);
	free(exchange->referer);
	free(exchange->agent);
	free(exchange->path);
	free(exchange->target);
	free(exchange);
	*own = NULL;
}

static void refuse(struct exchange *exchange, int status, const char *why, bool unframed)
{
	exchange->refusal = (struct head_judgement){status, why, unframed};
	str_fini(&exchange->body);
}

static enum MHD_Result answer_refusal(struct http_server *server, struct MHD_Connection *connection,
                                      struct exchange *exchange)
{
	struct http_reply reply = {0};

	log_line(LOG_DEBUG, "refused with %d: %s", exchange->refusal.status, exchange->refusal.why);
	http_reply_text(&reply, exchange->refusal.status, "%s", exchange->refusal.why);
	return send_reply(server, connection, exchange, &reply);
}

static void judge(const struct http_server *server, struct exchange *exchange, const struct head *head)
{
	static const char too_large[] = "the body is too large";

	exchange->judged = true;
	exchange->refusal = head_judge(head);
	if (exchange->refusal.status != 0)
		return;
	exchange->path = head_path(exchange->target, &exchange->query);
	if (exchange->path == NULL) {
		refuse(exchange, MHD_HTTP_BAD_REQUEST, "the path is malformed", false);
		return;
	}
	/* Digits only: the library has refused anything else. */
	const char *length = MHD_lookup_connection_value(head->connection, MHD_HEADER_KIND, "Content-Length");
	uint64_t n = length != NULL ? strtoull(length, NULL, 10) : 0;
	if (n > server->settings.max_body)
		refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, too_large, n > HTTP_MAX_DROPPED);
}

/* False: so much that the connection is cut. */
static bool take_body(const struct http_server *server, struct exchange *exchange, const char *bytes,
                      size_t n)
{
	exchange->received += n;
	if (exchange->received > HTTP_MAX_DROPPED)
		return false;
	if (exchange->refusal.status != 0)
		return true;
	if (exchange->received > server->settings.max_body)
		refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large", false);
	else
		str_add_n(&exchange->body, bytes, n);
	return true;
}

static enum MHD_Result serve(struct http_server *server, struct exchange *exchange,
                             struct MHD_Connection *connection, const char *method)
{
	struct http_request request = {
		.method = method,
		.path = exchange->path,
		.query = exchange->query,
		.body = str_text(&exchange->body),
		.body_length = exchange->body.length,
		.headers = connection,
	};
	struct http_reply reply = {0};

	request.content_type = http_header(&request, "Content-Type");
	server->settings.handler(server->settings.context, &request, &reply);
	return send_reply(server, connection, exchange, &reply);
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
	(void)url; /* it ends at a %00: the target is decoded here instead */
	if (!exchange->judged) {
		const struct head head = {connection, method, version, exchange->target};
		remember_head(server, exchange, &head);
		judge(server, exchange, &head);
		return exchange->refusal.unframed ? answer_refusal(server, connection, exchange) : MHD_YES;
	}
	if (*n > 0) {
		bool good = take_body(server, exchange, bytes, *n);
		*n = 0;
		return good ? MHD_YES : MHD_NO;
	}
	if (exchange->refusal.status != 0)
		return answer_refusal(server, connection, exchange);
	/* It has arrived: how long it takes from now on is not its client's doing. */
	server->until_ns = 0;
	return serve(server, exchange, connection, method);
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

static void start_daemon(struct http_server *server, int fd)
{
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_access, server,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
		MHD_OPTION_CONNECTION_LIMIT, 1U,
		MHD_OPTION_STRICT_FOR_CLIENT, HEAD_STRICTNESS,
		MHD_OPTION_CONNECTION_TIMEOUT, whole_seconds(server->settings.idle_timeout_ns),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_END);
}

struct http_server *http_server_open(const struct http_settings *settings, struct err *err)
{
	/* The library closes the socket that it is given, now and then: it gets its own descriptor. */
	int fd = fcntl(settings->listen_fd, F_DUPFD_CLOEXEC, 0);
	struct http_server *server = mem_new(1, sizeof *server);

	assert(settings->max_body <= HTTP_MAX_DROPPED);
	server->settings = *settings;
	server->listen_fd = fd;
	server->connection_fd = -1;
	if (fd >= 0)
		start_daemon(server, fd);
	if (server->daemon != NULL)
		return server;
	free(server);
	err_set(err, "the HTTP server cannot be started on descriptor %d", settings->listen_fd);
	return NULL;
}

int http_server_fd(const struct http_server *server)
{
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

/* The library listens again at the beginning of a run, not at the end of one in which its last
 * connection went away: without another run nothing would ever wake the loop. */
void http_server_run(struct http_server *server)
{
	size_t before;

	do {
		before = http_server_connections(server);
		(void)MHD_run(server->daemon);
		notice_end(server);
		notice_time(server);
		notice_standstill(server);
	} while (http_server_connections(server) < before);
}

void http_server_quiesce(struct http_server *server)
{
	if (server->quiesced)
		return;
	server->quiesced = true;
	if (server->kept)
		server->until_ns = clock_now_ns();
	MHD_socket fd = MHD_quiesce_daemon(server->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
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
	MHD_stop_daemon(server->daemon);
	free(server);
}
