/* For the tests that fire: real listening sockets, each served by a forked child that follows a script.
 *
 * A child checks what arrives and ends with 0 only if all was as its script expects. Whatever hangs
 * is ended by an alarm. */
#ifndef TESTS_VOLLEY_SCRIPT_H
#define TESTS_VOLLEY_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "load/fire.h"

enum { HUNG_AFTER_S = 90, BACKLOG = 2048 };

/* ---- the server's side ------------------------------------------------------------------------- */

#define EXPECT(condition)                                                                                  \
	do {                                                                                               \
		if (!(condition)) {                                                                        \
			fprintf(stderr, "# the server, line %d: not so: %s\n", __LINE__, #condition);      \
			_exit(1);                                                                          \
		}                                                                                          \
	} while (0)

typedef void script_fn(int listener);

struct server {
	pid_t pid;
	int port;
};

/* Listens before it answers, so that the first shot cannot come too early. */
static inline int listen_at(const char *host, int backlog, int *port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
	struct sockaddr *address = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = is_v4 ? sizeof v4 : sizeof v6;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*port = 0;

	if (!is_v4)
		assert_int_equal(inet_pton(AF_INET6, host, &v6.sin6_addr), 1);
	if (fd < 0 || bind(fd, address, size) != 0)
		return -1;
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, address, &size), 0);
	*port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
	return fd;
}

static inline struct server serve_at(const char *host, int backlog, script_fn *script)
{
	struct server server = {0};
	int listener = listen_at(host, backlog, &server.port);

	if (listener < 0)
		skip();
	server.pid = fork();
	assert_true(server.pid >= 0);
	if (server.pid == 0) {
		alarm(HUNG_AFTER_S);
		script(listener);
		_exit(0);
	}
	close(listener);
	return server;
}

static inline struct server serve(script_fn *script)
{
	return serve_at("127.0.0.1", BACKLOG, script);
}

static inline void served_as_expected(struct server server)
{
	int status = -1;

	assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline int accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL);

	EXPECT(fd >= 0);
	return fd;
}

/* Head and body, as its Content-Length has it. Heap text. */
static inline char *read_request(int fd)
{
	struct str text = {0};
	char bytes[64 * 1024];
	size_t whole = SIZE_MAX;

	while (text.length < whole) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		EXPECT(n > 0);
		str_add_n(&text, bytes, (size_t)n);
		const char *end = strstr(str_text(&text), "\r\n\r\n");
		const char *length = strstr(str_text(&text), "\r\nContent-Length: ");
		if (end != NULL) {
			EXPECT(length != NULL && length < end);
			whole = (size_t)(end + 4 - text.text) + strtoul(length + 18, NULL, 10);
		}
	}
	EXPECT(text.length == whole);
	return str_take(&text);
}

static inline void say(int fd, const char *text)
{
	EXPECT(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static const char ok_reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n200";

static inline void answer(int fd, const char *reply)
{
	free(read_request(fd));
	say(fd, reply);
	close(fd);
}

static inline void wait_for_close(int fd)
{
	char byte;

	EXPECT(recv(fd, &byte, 1, 0) == 0);
	close(fd);
}

/* Nobody is answered before all have wholly arrived: only requests that are in flight together pass. */
static inline void answer_when_all_are_there(int listener, size_t n)
{
	int *fds = mem_new(n, sizeof *fds);

	for (size_t i = 0; i < n; i++)
		fds[i] = accept_one(listener);
	for (size_t i = 0; i < n; i++)
		free(read_request(fds[i]));
	for (size_t i = 0; i < n; i++) {
		say(fds[i], ok_reply);
		close(fds[i]);
	}
	free(fds);
}

/* ---- the client's side ------------------------------------------------------------------------- */

static inline struct volley plan(int port, size_t n, int64_t wait_ns)
{
	struct volley volley = {.host = "127.0.0.1", .port = port, .n = n};

	volley.shots = mem_new(n, sizeof *volley.shots);
	for (size_t i = 0; i < n; i++)
		volley.shots[i] = (struct shot){.at_ns = (int64_t)i * wait_ns, .path = mem_text("/demo/x/"),
		                                .account = 1, .amount = 100};
	return volley;
}

static inline void fire(struct volley *volley)
{
	struct err err = {0};

	alarm(HUNG_AFTER_S);
	if (!volley_fire(volley, &err))
		fail_msg("not fired: %s", err_text(&err));
}

/* What must hold for every shot, however it ended. */
static inline void check_shot(const struct volley *volley, const struct shot *shot)
{
	assert_int_not_equal(shot->ended_ns, 0);
	assert_int_equal(shot->sent_ns == 0, shot->end == SHOT_FAILED);
	if (shot->end == SHOT_ANSWERED) {
		assert_string_equal(shot->error, "");
		assert_true(shot->status >= 200);
	} else {
		assert_string_not_equal(shot->error, "");
		assert_int_equal(shot->status, 0);
	}
	if (shot->sent_ns != 0) {
		assert_true(volley->started_ns + shot->at_ns <= shot->connected_ns);
		assert_true(shot->connected_ns <= shot->sent_ns && shot->sent_ns <= shot->ended_ns);
	}
}

static inline void all_answered(const struct volley *volley)
{
	for (size_t i = 0; i < volley->n; i++) {
		check_shot(volley, &volley->shots[i]);
		if (volley->shots[i].end != SHOT_ANSWERED)
			fail_msg("shot %zu: %s", i + 1, volley->shots[i].error);
	}
}

static inline void one_shot_ends(script_fn *script, enum shot_end end, const char *error)
{
	struct server server = serve(script);
	struct volley volley = plan(server.port, 1, 0);

	fire(&volley);
	check_shot(&volley, &volley.shots[0]);
	assert_string_equal(volley.shots[0].error, error);
	assert_int_equal(volley.shots[0].end, end);
	served_as_expected(server);
	volley_fini(&volley);
}

#endif
