/* Pages or API, after what holds for both: whose host it is, and where the request came from. */
#include "instrument/lab.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/pool.h"
#include "instrument/api.h"
#include "instrument/pages.h"

enum { THREADS = 4, MOST_CONNECTIONS = 256, MOST_BODY = 1024 * 1024, IDLE_S = 30 };

struct lab {
	const struct lab_settings *settings;
	struct api *api;
	struct pages *pages;
	pthread_key_t session; /* of each thread: its own */
};

/* No script and no style but our own files, in no frame, and nobody guesses what a file is. */
static const struct http_header_line headers[] = {
	{"Content-Security-Policy",
	 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
	 "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{0},
};

/* ---- sessions of the database -------------------------------------------------------------------------------- */

static void close_session(void *session)
{
	db_close(session);
}

static struct db_session *session_of_thread(struct lab *lab, struct err *err)
{
	struct db_session *session = pthread_getspecific(lab->session);

	if (session != NULL)
		return session;
	session = db_open(lab->settings->target, &lab->settings->db, err);
	if (session != NULL)
		pthread_setspecific(lab->session, session);
	return session;
}

/* One that failed may be broken: the next request gets a new one. */
static void drop_session(struct lab *lab)
{
	db_close(pthread_getspecific(lab->session));
	pthread_setspecific(lab->session, NULL);
}

/* ---- hosts --------------------------------------------------------------------------------------------------- */

/* Without its port and brackets; heap. */
static char *bare_host(const char *host)
{
	if (*host == '[') {
		size_t length = strcspn(host + 1, "]");
		return mem_text_n(host + 1, length);
	}
	const char *colon = strchr(host, ':');
	/* More than one: an address of IPv6 without brackets, which has no port. */
	size_t length = colon != NULL && strchr(colon + 1, ':') == NULL ? (size_t)(colon - host) : strlen(host);
	return mem_text_n(host, length);
}

static bool is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

bool lab_is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcasecmp(host, "localhost") == 0;
}

/* A page of somebody else's can make a browser send for a name that he lets point to us; it cannot for an address. */
static bool is_our_host(const struct lab_settings *settings, const char *header)
{
	char *host = bare_host(header);
	bool ours = is_address(host) || strcasecmp(host, "localhost") == 0 || strcasecmp(host,
	                                                                                 settings->bind_host) == 0;

	for (size_t i = 0; i < settings->n_hosts && !ours; i++)
		ours = text_equal(settings->hosts[i], "*") || strcasecmp(settings->hosts[i], host) == 0;
	free(host);
	return ours;
}

/* ---- where it came from -------------------------------------------------------------------------------------- */

static void peer_text(const struct sockaddr *peer, char text[static 64])
{
	const void *address = NULL;

	text[0] = '\0';
	if (peer != NULL && peer->sa_family == AF_INET)
		address = &((const struct sockaddr_in *)peer)->sin_addr;
	else if (peer != NULL && peer->sa_family == AF_INET6)
		address = &((const struct sockaddr_in6 *)peer)->sin6_addr;
	if (address != NULL)
		(void)!inet_ntop(peer->sa_family, address, text, 64);
}

static bool is_believed(const struct lab_settings *settings, const char *address)
{
	for (size_t i = 0; i < settings->n_proxies; i++)
		if (text_equal(settings->proxies[i], "*") || text_equal(settings->proxies[i], address))
			return true;
	return false;
}

/* The last address in it is the one that the proxy saw; those before it are what the client claims. */
static void take_forwarded(const struct http_request *request, struct api_origin *origin)
{
	const char *line = http_header(request, "X-Forwarded-For");
	const char *proto = http_header(request, "X-Forwarded-Proto");

	origin->secure = proto != NULL && strcasecmp(proto, "https") == 0;
	if (line == NULL)
		return;
	const char *last = strrchr(line, ',') != NULL ? strrchr(line, ',') + 1 : line;
	last += strspn(last, " ");
	if (strlen(last) < sizeof origin->address && is_address(last))
		memcpy(origin->address, last, strlen(last) + 1);
}

static struct api_origin origin_of(const struct lab *lab, const struct http_request *request)
{
	struct api_origin origin = {0};

	peer_text(request->peer, origin.address);
	if (is_believed(lab->settings, origin.address))
		take_forwarded(request, &origin);
	return origin;
}

/* ---- a request ------------------------------------------------------------------------------------------------- */

static void refuse_host(const struct http_request *request, struct http_reply *reply)
{
	static const char what[] =
		"{\"error\":\"host\",\"message\":\"This host is not ours: start racy with --lab-host NAME.\"}";

	if (!text_starts_with(request->path, "/api/")) {
		http_reply_text(reply, 421, "This host is not ours. If it should be, start racy with --lab-host NAME.");
		return;
	}
	reply->status = 421;
	reply->content_type = "application/json";
	reply->body = mem_text(what);
	reply->body_length = sizeof what - 1;
}

static void handle_api(struct lab *lab, const struct http_request *request, struct http_reply *reply)
{
	const struct api_origin origin = origin_of(lab, request);
	struct err err = {0};
	struct db_session *session = session_of_thread(lab, &err);

	http_reply_header(reply, "Cache-Control", "no-store");
	if (session == NULL) {
		log_error("the database cannot be reached: %s", err_text(&err));
		http_reply_text(reply, 503, "the database cannot be reached");
		err_fini(&err);
		return;
	}
	api_handle(lab->api, session, &origin, request, reply);
	if (reply->status == 503)
		drop_session(lab);
}

static void handle(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct lab *lab = context;
	const char *host = http_header(request, "Host");

	if (host == NULL || !is_our_host(lab->settings, host))
		refuse_host(request, reply);
	else if (text_starts_with(request->path, "/api/"))
		handle_api(lab, request, reply);
	else
		pages_handle(lab->pages, request, reply);
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

static bool is_told_to_end(const struct lab *lab, int signal_fd)
{
	struct signalfd_siginfo told;

	if (read(signal_fd, &told, sizeof told) != (ssize_t)sizeof told)
		return false;
	if (told.ssi_signo == SIGUSR1 && lab->settings->logs != NULL)
		logs_reopen(lab->settings->logs);
	return told.ssi_signo != SIGUSR1;
}

/* Until TERM, INT or QUIT, or until the arbiter is gone. */
static void wait_for_end(const struct lab *lab, int arbiter_fd, int signal_fd)
{
	struct pollfd fds[] = {{.fd = arbiter_fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0 || (fds[0].revents == 0 && !is_told_to_end(lab, signal_fd)))
		;
}

static int serve(struct lab *lab, int arbiter_fd, int signal_fd, struct err *err)
{
	const struct http_pool_settings settings = {
		.listen_fd = lab->settings->listen_fd,
		.threads = THREADS,
		.max_connections = MOST_CONNECTIONS,
		.max_body = MOST_BODY,
		.idle_timeout_ns = IDLE_S * NS_PER_S,
		.headers = headers,
		.handler = handle,
		.context = lab,
	};
	struct http_pool *pool = http_pool_open(&settings, err);

	if (pool == NULL)
		return 1;
	wait_for_end(lab, arbiter_fd, signal_fd);
	http_pool_close(pool);
	return 0;
}

int lab_run(void *context, int arbiter_fd)
{
	struct lab lab = {.settings = context};
	const struct api_settings settings = {lab.settings->target, &lab.settings->db, lab.settings->state_folder};
	struct err err = {0};
	sigset_t wanted;
	int code = 1;

	/* Blocked before there are threads, all of which inherit that. */
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGQUIT);
	sigaddset(&wanted, SIGUSR1);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	signal(SIGUSR1, SIG_DFL);
	int signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC);
	pthread_key_create(&lab.session, close_session);
	lab.api = api_open(&settings, &err);
	lab.pages = lab.api != NULL ? pages_open(lab.settings->static_dir, &err) : NULL;
	if (lab.pages != NULL && signal_fd >= 0)
		code = serve(&lab, arbiter_fd, signal_fd, &err);
	if (code != 0)
		log_error("the instrument cannot start: %s", err_text(&err));
	pages_close(lab.pages);
	api_close(lab.api);
	err_fini(&err);
	if (signal_fd >= 0)
		close(signal_fd);
	return code;
}
