/* Firing at real servers: what goes over the wire, that it goes together, to which address, and how
 * it is ended. */
#include "volley_script.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* ---- what goes over the wire ------------------------------------------------------------------- */

static void check_bytes(int listener)
{
	struct sockaddr_in self;
	socklen_t size = sizeof self;

	EXPECT(getsockname(listener, (struct sockaddr *)&self, &size) == 0);
	for (int i = 1; i <= 2; i++) {
		int fd = accept_one(listener);
		char *text = read_request(fd);
		char *expected = mem_printf("POST /demo/%s/ HTTP/1.1\r\n"
		                            "Host: 127.0.0.1:%d\r\n"
		                            "Content-Type: application/x-www-form-urlencoded\r\n"
		                            "Content-Length: %d\r\n"
		                            "Connection: close\r\n"
		                            "X-Racy-Request: r-7/%d\r\n"
		                            "\r\n"
		                            "account=%s&amount=%s",
		                            i == 1 ? "one" : "two", ntohs(self.sin_port), i == 1 ? 20 : 45,
		                            i, i == 1 ? "1" : "-9223372036854775808",
		                            i == 1 ? "100" : "500000000");
		EXPECT(text_equal(text, expected));
		free(expected);
		free(text);
		say(fd, ok_reply);
		close(fd);
	}
}

static void the_request_is_a_form(void **state)
{
	struct server server = serve(check_bytes);
	struct volley volley = plan(server.port, 2, 1);

	(void)state;
	volley.run = "r-7";
	free(volley.shots[0].path);
	volley.shots[0].path = mem_text("/demo/one/");
	free(volley.shots[1].path);
	volley.shots[1].path = mem_text("/demo/two/");
	volley.shots[1].account = INT64_MIN;
	volley.shots[1].amount = 500000000;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	assert_int_equal(volley.shots[0].status, 200);
	volley_fini(&volley);
}

static void check_no_mark(int listener)
{
	int fd = accept_one(listener);
	char *text = read_request(fd);

	EXPECT(strstr(text, "X-Racy") == NULL);
	free(text);
	say(fd, ok_reply);
	close(fd);
}

static void without_a_run_there_is_no_mark(void **state)
{
	(void)state;
	one_shot_ends(check_no_mark, SHOT_ANSWERED, "");
}

enum { LARGE_PATH = 32 * 1024 * 1024 }; /* more than the socket's buffers take at once */

static void check_large(int listener)
{
	static const char begin[] = "POST //", end[] = "/ HTTP/1.1\r\nHost: 127.0.0.1:00000\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n"
		"Connection: close\r\n\r\naccount=1&amount=100";
	enum { WHOLE = LARGE_PATH + 5 + sizeof end - 2 };
	int fd = accept_one(listener);
	char *text = mem_new(WHOLE + 1, 1);

	/* Ports have five digits here: the kernel's range for them begins far above 9999. */
	EXPECT(recv(fd, text, WHOLE, MSG_WAITALL) == WHOLE);
	EXPECT(text_starts_with(text, begin) && text_equal(text + WHOLE - 20, end + sizeof end - 21));
	EXPECT(strspn(text + 5, "/") == LARGE_PATH);
	free(text);
	say(fd, ok_reply);
	wait_for_close(fd);
}

static void a_request_may_leave_in_pieces(void **state)
{
	struct server server = serve(check_large);
	struct volley volley = plan(server.port, 1, 0);

	(void)state;
	free(volley.shots[0].path);
	volley.shots[0].path = mem_new(LARGE_PATH + 1, 1);
	memset(volley.shots[0].path, '/', LARGE_PATH);
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	volley_fini(&volley);
}

/* ---- together, and apart ----------------------------------------------------------------------- */

enum { TOGETHER = 50, MANY = 2000 };

static void answer_50_together(int listener)
{
	answer_when_all_are_there(listener, TOGETHER);
}

static void shots_fly_together(void **state)
{
	struct server server = serve(answer_50_together);
	struct volley volley = plan(server.port, TOGETHER, 0);

	(void)state;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	for (size_t i = 0; i < volley.n; i++)
		for (size_t k = 0; k < volley.n; k++)
			assert_true(volley.shots[i].connected_ns <= volley.shots[k].sent_ns);
	struct volley_summary summary = volley_summarise(&volley);
	assert_int_equal(summary.answered_200, TOGETHER);
	assert_int_equal(summary.max_in_flight, TOGETHER);
	assert_int_equal(summary.pairs_overlapped, TOGETHER * (TOGETHER - 1) / 2);
	volley_fini(&volley);
}

static void answer_3_together(int listener)
{
	answer_when_all_are_there(listener, 3);
}

static void the_next_shot_does_not_wait_for_an_answer(void **state)
{
	struct server server = serve(answer_3_together);
	struct volley volley = plan(server.port, 3, 30 * NS_PER_MS);

	(void)state;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	struct volley_summary summary = volley_summarise(&volley);
	assert_int_equal(summary.max_in_flight, 3);
	/* From the plan: the first waited at least until the last was there. */
	assert_true(summary.max_ns >= 60 * NS_PER_MS);
	volley_fini(&volley);
}

static void answer_2000_together(int listener)
{
	struct rlimit files;

	EXPECT(getrlimit(RLIMIT_NOFILE, &files) == 0);
	files.rlim_cur = files.rlim_max;
	EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0);
	answer_when_all_are_there(listener, MANY);
}

static void count_end(void *context, size_t i, const struct shot *shot)
{
	unsigned char *times = context;

	assert_int_not_equal(shot->ended_ns, 0);
	times[i]++;
}

static void none_of_2000_is_lost(void **state)
{
	struct rlimit files;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_max < MANY + 100)
		skip();
	unsigned char *times = mem_new(MANY, 1);
	struct server server = serve(answer_2000_together);
	struct volley volley = plan(server.port, MANY, 0);
	volley.on_end = count_end;
	volley.context = times;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(times[i], 1);
	struct volley_summary summary = volley_summarise(&volley);
	assert_int_equal(summary.answered_200, MANY);
	assert_int_equal(summary.pairs_overlapped, MANY * (MANY - 1) / 2);
	volley_fini(&volley);
	free(times);
}

/* Answers the last request first, each only when the one before is seen to be closed. */
static void answer_backwards(int listener)
{
	int fds[3] = {-1, -1, -1};

	for (int k = 0; k < 3; k++) {
		int fd = accept_one(listener);
		char *text = read_request(fd);
		const char *mark = strstr(text, "X-Racy-Request: b/");
		EXPECT(mark != NULL && mark[18] >= '1' && mark[18] <= '3');
		fds[mark[18] - '1'] = fd;
		free(text);
	}
	for (int k = 2; k >= 0; k--) {
		EXPECT(fds[k] >= 0);
		say(fds[k], ok_reply);
		wait_for_close(fds[k]);
	}
}

struct order {
	size_t of[3], n;
};

static void note_end(void *context, size_t i, const struct shot *shot)
{
	struct order *order = context;

	(void)shot;
	assert_true(order->n < 3);
	order->of[order->n++] = i;
}

static void ends_are_told_as_they_come(void **state)
{
	struct server server = serve(answer_backwards);
	struct volley volley = plan(server.port, 3, 0);
	struct order order = {0};

	(void)state;
	volley.run = "b";
	volley.on_end = note_end;
	volley.context = &order;
	fire(&volley);
	served_as_expected(server);
	assert_int_equal(order.n, 3);
	for (size_t k = 0; k < 3; k++)
		assert_int_equal(order.of[k], 2 - k);
	volley_fini(&volley);
}

static int go[2]; /* a byte: somebody was sent */

/* With a backlog of 0, one is connected, and the others only when that one was accepted. */
static void answer_3_one_by_one(int listener)
{
	char byte;

	EXPECT(read(go[0], &byte, 1) == 1);
	for (int k = 0; k < 3; k++)
		answer(accept_one(listener), ok_reply);
}

static bool tell_when_one_is_sent(void *context)
{
	const struct volley *volley = context;

	for (size_t i = 0; i < volley->n; i++)
		if (volley->shots[i].sent_ns != 0)
			assert_int_equal(write(go[1], "!", 1), 1);
	return false;
}

static void the_gate_does_not_wait_for_ever(void **state)
{
	assert_int_equal(pipe(go), 0);
	struct server server = serve_at("127.0.0.1", 0, answer_3_one_by_one);
	struct volley volley = plan(server.port, 3, 0);

	(void)state;
	volley.on_tick = tell_when_one_is_sent;
	volley.context = &volley;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	close(go[0]);
	close(go[1]);
	volley_fini(&volley);
}

/* ---- addresses --------------------------------------------------------------------------------- */

static void answer_ipv6(int listener)
{
	int fd = accept_one(listener);
	char *text = read_request(fd);

	EXPECT(strstr(text, "\r\nHost: [::1]:") != NULL);
	free(text);
	say(fd, ok_reply);
	close(fd);
}

static void an_ipv6_address(void **state)
{
	struct server server = serve_at("::1", BACKLOG, answer_ipv6);
	struct volley volley = plan(server.port, 1, 0);

	(void)state;
	volley.host = "::1";
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	volley_fini(&volley);
}

/* A name of two addresses, in a mount namespace of its own; false where that is not allowed. */
static bool name_two_addresses(void)
{
	char path[] = "/tmp/racy-hosts-XXXXXX";
	static const char hosts[] = "::1 twins\n127.0.0.1 twins\n";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, hosts, sizeof hosts - 1), sizeof hosts - 1);
	close(fd);
	bool done = (geteuid() == 0 ? unshare(CLONE_NEWNS) : unshare(CLONE_NEWUSER | CLONE_NEWNS)) == 0 &&
	            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	            mount(path, "/etc/hosts", NULL, MS_BIND, NULL) == 0;
	unlink(path);
	return done;
}

enum { NOT_ALLOWED = 77 };

static void fire_at_twins(int port)
{
	struct volley volley = plan(port, 3, 0);

	if (!name_two_addresses())
		_exit(NOT_ALLOWED);
	alarm(HUNG_AFTER_S);
	volley.host = "twins";
	EXPECT(volley_fire(&volley, NULL));
	EXPECT(volley_summarise(&volley).answered_200 == 3);
	volley_fini(&volley);
	_exit(0);
}

static void the_next_address_is_tried(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "::1"};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(hosts); k++) {
		struct server server = serve_at(hosts[k], BACKLOG, answer_3_together);
		int status = -1;
		pid_t pid = fork();
		if (pid == 0)
			fire_at_twins(server.port);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ALLOWED) {
			kill(server.pid, SIGKILL);
			waitpid(server.pid, NULL, 0);
			skip();
		}
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		served_as_expected(server);
	}
}

/* ---- limits and ends --------------------------------------------------------------------------- */

static void fire_50_with_files(int port, rlim_t soft, rlim_t hard)
{
	struct rlimit files = {soft, hard}, after;
	struct volley volley = plan(port, TOGETHER, 0);
	struct err err = {0};

	alarm(HUNG_AFTER_S);
	EXPECT(setrlimit(RLIMIT_NOFILE, &files) == 0);
	bool fired = volley_fire(&volley, &err);
	EXPECT(getrlimit(RLIMIT_NOFILE, &after) == 0 && after.rlim_cur == soft && after.rlim_max == hard);
	EXPECT(fired == (port != 1));
	if (fired)
		EXPECT(volley_summarise(&volley).answered_200 == TOGETHER);
	else
		EXPECT(strstr(err_text(&err), "50 requests at once need 114 open files, and this process may "
		                              "have 100: fire fewer at once, or raise") != NULL);
	err_fini(&err);
	volley_fini(&volley);
	_exit(0);
}

static void in_a_child(int port, rlim_t soft, rlim_t hard)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		fire_50_with_files(port, soft, hard);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_limit_of_open_files(void **state)
{
	struct server server = serve(answer_50_together);

	(void)state;
	in_a_child(server.port, 40, 200);
	served_as_expected(server);
	in_a_child(1, 40, 100);
}

static int seen[2];

static void tell_what_was_seen(int listener)
{
	int fd = accept_one(listener);

	free(read_request(fd));
	EXPECT(write(seen[1], "!", 1) == 1);
	wait_for_close(fd);
}

static bool stop_when_seen(void *context)
{
	struct pollfd poll_seen = {.fd = seen[0], .events = POLLIN};

	(*(size_t *)context)++;
	return poll(&poll_seen, 1, 0) == 1;
}

static void a_tick_may_end_it(void **state)
{
	assert_int_equal(pipe(seen), 0);
	struct server server = serve(tell_what_was_seen);
	struct volley volley = plan(server.port, 3, 3600 * NS_PER_S);
	size_t ticks = 0;

	(void)state;
	volley.on_tick = stop_when_seen;
	volley.context = &ticks;
	fire(&volley);
	served_as_expected(server);
	assert_true(ticks >= 1);
	assert_int_equal(volley.shots[0].end, SHOT_CUT);
	for (size_t i = 0; i < volley.n; i++)
		check_shot(&volley, &volley.shots[i]);
	assert_int_equal(volley.shots[2].end, SHOT_FAILED);
	assert_string_equal(volley.shots[2].error, "the volley was ended before");
	close(seen[0]);
	close(seen[1]);
	volley_fini(&volley);
}

static bool stop_at_once(void *context)
{
	(void)context;
	return true;
}

/* Stopped between two connections of a group, nothing may leave any more. */
static void nothing_leaves_after_the_end(void **state)
{
	int port;
	int listener = listen_at("127.0.0.1", BACKLOG, &port);
	struct volley volley = plan(port, 5, 0);

	(void)state;
	volley.on_tick = stop_at_once;
	fire(&volley);
	for (size_t i = 0; i < volley.n; i++) {
		check_shot(&volley, &volley.shots[i]);
		assert_int_equal(volley.shots[i].end, SHOT_FAILED);
	}
	assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	int first = accept(listener, NULL, NULL);
	assert_true(first >= 0);
	assert_int_equal(accept(listener, NULL, NULL), -1); /* the others were not even tried */
	close(first);
	close(listener);
	volley_fini(&volley);
}

static void an_empty_volley(void **state)
{
	struct volley volley = plan(1, 0, 0);

	(void)state;
	fire(&volley);
	struct volley_summary summary = volley_summarise(&volley);
	assert_int_equal(summary.unanswered + summary.answered_200 + summary.max_in_flight, 0);
	volley_fini(&volley);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_a_form),
		cmocka_unit_test(without_a_run_there_is_no_mark),
		cmocka_unit_test(a_request_may_leave_in_pieces),
		cmocka_unit_test(shots_fly_together),
		cmocka_unit_test(the_next_shot_does_not_wait_for_an_answer),
		cmocka_unit_test(none_of_2000_is_lost),
		cmocka_unit_test(ends_are_told_as_they_come),
		cmocka_unit_test(the_gate_does_not_wait_for_ever),
		cmocka_unit_test(an_ipv6_address),
		cmocka_unit_test(the_next_address_is_tried),
		cmocka_unit_test(the_limit_of_open_files),
		cmocka_unit_test(a_tick_may_end_it),
		cmocka_unit_test(nothing_leaves_after_the_end),
		cmocka_unit_test(an_empty_volley),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
