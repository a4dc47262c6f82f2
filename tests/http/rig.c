/* The workers' loop is the real one in small: nothing but the server's descriptor and its time-out
 * wakes it, so that a server which forgets to listen again hangs a test. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/client.h"
#include "http/server.h"

/* LAST_RUNS: enough to serve what is still in the backlog, unless the server was quiesced. */
enum { HUNG_S = 60, BACKLOG = 2048, LAST_RUNS = 5 };

/* ---- the worker ------------------------------------------------------------------------------- */

struct worker {
	struct rig_counters *counters;
	struct http_server *server;
};

static void raise_to(_Atomic int *most, int value)
{
	int old = *most;

	while (old < value && !atomic_compare_exchange_weak(most, &old, value)) {}
}

static void note_connections(struct worker *worker)
{
	size_t now = http_server_connections(worker->server);
	size_t old = worker->counters->most_connections;

	while (old < now && !atomic_compare_exchange_weak(&worker->counters->most_connections, &old, now)) {}
}

static void wait_at_gate(struct rig_counters *counters)
{
	sem_post(&counters->arrived);
	while (sem_wait(&counters->gate) != 0 && errno == EINTR) {}
}

static void echo(const struct http_request *request, struct http_reply *reply)
{
	struct str text = {0};

	str_printf(&text, "%s %s?%s [%s] %zu: ", request->method, request->path, request->query,
	           request->content_type != NULL ? request->content_type : "none", request->body_length);
	str_add_n(&text, request->body, request->body_length);
	reply->status = 200;
	reply->body_length = text.length;
	reply->body = str_take(&text);
	http_reply_header(reply, "X-Worker", "%d", (int)getpid());
	const char *marked = http_header(request, "x-MARK");
	if (marked != NULL)
		http_reply_header(reply, "X-Mark", "%s", marked);
}

static void answer(const struct http_request *request, struct http_reply *reply)
{
	echo(request, reply);
	if (text_equal(request->path, "/large")) {
		free(reply->body);
		reply->body = mem_new(RIG_LARGE_REPLY, 1);
		reply->body_length = RIG_LARGE_REPLY;
	} else if (text_equal(request->path, "/none")) {
		reply->status = 204;
	} else if (text_equal(request->path, "/fail/header")) {
		http_reply_header(reply, "X-Split", "a\r\nX-Smuggled: b");
	} else if (text_equal(request->path, "/fail/status")) {
		reply->status = 0;
	} else if (text_equal(request->path, "/text")) {
		http_reply_text(reply, 409, "one\r\ntwo%c%s", 127, request->body);
	}
}

static void handle(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct worker *worker = context;
	struct rig_counters *counters = worker->counters;

	raise_to(&counters->most_in_flight, ++counters->in_flight);
	note_connections(worker);
	if (counters->quiesce)
		http_server_quiesce(worker->server);
	if (counters->gated)
		wait_at_gate(counters);
	note_connections(worker);
	answer(request, reply);
	counters->in_flight--;
	counters->handled++;
}

/* As a worker's loop has to be: it sleeps until the server's descriptor or time says otherwise. */
static void loop(struct worker *worker, int stop_fd)
{
	for (;;) {
		struct pollfd fds[] = {{http_server_fd(worker->server), POLLIN, 0}, {stop_fd, POLLIN, 0}};
		int64_t wait_ns = http_server_wait_ns(worker->server);
		struct timespec wait = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
		if (ppoll(fds, 2, wait_ns >= 0 ? &wait : NULL, NULL) < 0 && errno != EINTR)
			exit(2);
		bool stop = fds[1].revents != 0;
		for (int runs = stop ? LAST_RUNS : 1; runs > 0; runs--) {
			http_server_run(worker->server);
			note_connections(worker);
		}
		if (stop)
			return;
	}
}

static void be_worker(const struct rig *rig, int stop_fd)
{
	struct worker worker = {.counters = rig->counters};
	const struct http_settings settings = {
		.listen_fd = rig->listen_fd,
		.max_body = RIG_MAX_BODY,
		.idle_timeout_ns = rig->idle_timeout_ns,
		.handler = handle,
		.context = &worker,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(rig->stop_fd);
	worker.server = http_server_open(&settings, NULL);
	if (worker.server == NULL)
		exit(3);
	loop(&worker, stop_fd);
	http_server_close(worker.server);
	if (close(rig->listen_fd) != 0)
		exit(4); /* the server closed what is not its own */
	exit(0); /* not _exit: the sanitizers report here */
}

/* ---- the rig ---------------------------------------------------------------------------------- */

static void listen_on_a_free_port(struct rig *rig)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	rig->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(rig->listen_fd >= 0);
	assert_int_equal(bind(rig->listen_fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(rig->listen_fd, BACKLOG), 0);
	assert_int_equal(getsockname(rig->listen_fd, (struct sockaddr *)&address, &length), 0);
	rig->port = ntohs(address.sin_port);
}

static void start(struct rig *rig, size_t workers, int64_t idle_timeout_ns)
{
	int stop[2];

	assert_in_range(workers, 1, RIG_MAX_WORKERS);
	*rig = (struct rig){.n = workers, .idle_timeout_ns = idle_timeout_ns};
	rig->counters = mmap(NULL, sizeof *rig->counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                     -1, 0);
	assert_ptr_not_equal(rig->counters, MAP_FAILED);
	sem_init(&rig->counters->arrived, 1, 0);
	sem_init(&rig->counters->gate, 1, 0);
	listen_on_a_free_port(rig);
	assert_int_equal(pipe(stop), 0);
	rig->stop_fd = stop[1];
	fflush(NULL);
	for (size_t i = 0; i < workers; i++) {
		rig->workers[i] = fork();
		assert_true(rig->workers[i] >= 0);
		if (rig->workers[i] == 0)
			be_worker(rig, stop[0]);
	}
	close(stop[0]);
}

void rig_start(struct rig *rig, size_t workers)
{
	start(rig, workers, 3600 * NS_PER_S);
}

void rig_start_impatient(struct rig *rig, size_t workers)
{
	start(rig, workers, NS_PER_S - 1); /* rounded up, or it would be none */
}

void rig_stop(struct rig *rig)
{
	for (size_t i = 0; i < rig->n; i++)
		assert_int_equal(waitpid(rig->workers[i], NULL, WNOHANG), 0);
	close(rig->stop_fd);
	for (size_t i = 0; i < rig->n; i++) {
		int status;
		assert_int_equal(waitpid(rig->workers[i], &status, 0), rig->workers[i]);
		assert_int_equal(status, 0);
	}
	assert_in_range(rig->counters->most_connections, 0, 1);
	assert_int_equal(rig->counters->in_flight, 0);
	close(rig->listen_fd);
	munmap(rig->counters, sizeof *rig->counters);
}

/* ---- the client ------------------------------------------------------------------------------- */

int rig_connect(const struct rig *rig)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval hung = {.tv_sec = HUNG_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	address.sin_port = htons((uint16_t)rig->port);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &hung, sizeof hung), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &hung, sizeof hung), 0);
	return fd;
}

bool rig_try_send(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

void rig_send(int fd, const char *bytes, size_t n)
{
	if (!rig_try_send(fd, bytes, n))
		fail_msg("the server took no more: %s", strerror(errno));
}

void rig_end(int fd)
{
	/* The server may have closed already. */
	if (shutdown(fd, SHUT_WR) != 0)
		assert_int_equal(errno, ENOTCONN);
}

void rig_receive(int fd, struct str *bytes, bool *reset)
{
	static char piece[64 * 1024];
	ssize_t n;

	while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
		str_add_n(bytes, piece, (size_t)n);
	if (n < 0 && errno != ECONNRESET)
		fail_msg("no reply and no end of the connection: %s", strerror(errno));
	if (reset != NULL)
		*reset = n < 0;
	close(fd);
}

void rig_ask(const struct rig *rig, const char *bytes, size_t n, struct str *reply)
{
	int fd = rig_connect(rig);

	rig_send(fd, bytes, n);
	str_clear(reply);
	rig_receive(fd, reply, NULL);
}

int rig_status(const struct str *reply, struct str *body)
{
	struct http_response response = {0};

	if (reply->length == 0)
		return 0;
	for (size_t i = 0; i < reply->length; i++) {
		enum http_parse parsed = http_response_feed(&response, reply->text + i, 1, false);
		if (parsed != (i + 1 < reply->length ? HTTP_PARSE_MORE : HTTP_PARSE_DONE))
			fail_msg("not one whole reply: %s", reply->text);
	}
	char *connection = http_response_header(&response, "Connection");
	if (connection == NULL || !text_equal(connection, "close"))
		fail_msg("does not say that it closes: %s", reply->text);
	free(connection);
	if (body != NULL) {
		str_clear(body);
		str_add_n(body, str_text(&response.body), response.body.length);
	}
	int status = response.status;
	http_response_fini(&response);
	return status;
}

void rig_await_arrival(const struct rig *rig)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HUNG_S;
	while (sem_timedwait(&rig->counters->arrived, &until) != 0)
		if (errno != EINTR)
			fail_msg("no request arrived: %d handled, %d in flight", rig->counters->handled,
			         rig->counters->in_flight);
}

void rig_open_gate(const struct rig *rig, int times)
{
	for (int i = 0; i < times; i++)
		sem_post(&rig->counters->gate);
}

void rig_assert_serves(const struct rig *rig)
{
	static const char request[] = "GET /alive HTTP/1.1\r\nHost: h\r\n\r\n";
	struct str reply = {0}, body = {0};

	rig_ask(rig, request, sizeof request - 1, &reply);
	assert_int_equal(rig_status(&reply, &body), 200);
	assert_string_equal(str_text(&body), "GET /alive? [none] 0: ");
	str_fini(&reply);
	str_fini(&body);
}
