/* The server as a synchronous worker: rounds, one connection at a time, nothing lost; what a
 * well-formed request gets; bodies that are too large; clients that stop in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

/* A literal with its length, so that it may contain NUL. */
#define BYTES(literal) literal, sizeof(literal) - 1
#define END "\r\nHost: h\r\n\r\n"

static void assert_answered(int fd, const char *body)
{
	struct str reply = {0}, got = {0};

	rig_receive(fd, &reply, NULL);
	assert_int_equal(rig_status(&reply, &got), 200);
	assert_string_equal(str_text(&got), body);
	str_fini(&reply);
	str_fini(&got);
}

/* ---- workers ---------------------------------------------------------------------------------- */

static int ask_for(const struct rig *rig, int number, struct str *expected)
{
	struct str request = {0};
	int fd = rig_connect(rig);

	str_printf(&request, "GET /%d HTTP/1.1" END, number);
	str_printf(expected, "GET /%d? [none] 0: ", number);
	rig_send(fd, request.text, request.length);
	str_fini(&request);
	return fd;
}

static void five_requests_on_three_workers_are_two_rounds(void **state)
{
	struct str expected[5] = {0};
	struct rig rig;
	int fds[5];

	(void)state;
	rig_start(&rig, 3);
	rig.counters->gated = true;
	for (int i = 0; i < 5; i++)
		fds[i] = ask_for(&rig, i, &expected[i]);
	for (int i = 0; i < 3; i++)
		rig_await_arrival(&rig);
	assert_int_equal(rig.counters->in_flight, 3);
	assert_int_equal(rig.counters->handled, 0);
	rig_open_gate(&rig, 3);
	/* A worker that had taken a second connection would now serve both of the second round alone, and
	 * the second of them would never arrive. */
	for (int i = 0; i < 2; i++)
		rig_await_arrival(&rig);
	rig_open_gate(&rig, 2);
	for (int i = 0; i < 5; i++) {
		assert_answered(fds[i], str_text(&expected[i]));
		str_fini(&expected[i]);
	}
	assert_int_equal(rig.counters->most_in_flight, 3);
	rig_stop(&rig);
}

static void thirty_requests_and_none_is_lost(void **state)
{
	enum { N = 30 };
	struct str expected[N] = {0};
	struct rig rig;
	int fds[N];

	(void)state;
	rig_start(&rig, 3);
	for (int i = 0; i < N; i++)
		fds[i] = ask_for(&rig, i, &expected[i]);
	for (int i = N - 1; i >= 0; i--) {
		assert_answered(fds[i], str_text(&expected[i]));
		str_fini(&expected[i]);
	}
	assert_int_equal(rig.counters->handled, N);
	rig_stop(&rig);
}

static void one_worker_serves_one_after_the_other(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	for (int i = 0; i < 10; i++)
		rig_assert_serves(&rig);
	assert_int_equal(rig.counters->handled, 10);
	assert_int_equal(rig.counters->most_connections, 1);
	rig_stop(&rig);
}

/* The request under way is answered; one that comes later waits in the backlog, which the worker
 * leaves alone and open. */
static void quiesce_finishes_what_is_there(void **state)
{
	struct str expected[2] = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig.counters->gated = true;
	rig.counters->quiesce = true;
	int first = ask_for(&rig, 1, &expected[0]);
	rig_await_arrival(&rig);
	int second = ask_for(&rig, 2, &expected[1]);
	rig_open_gate(&rig, 2);
	assert_answered(first, str_text(&expected[0]));
	rig_stop(&rig);
	assert_int_equal(recv(second, &(char){0}, 1, 0), -1); /* reset with the listening socket */
	close(second);
	str_fini(&expected[0]);
	str_fini(&expected[1]);
}

/* ---- what a request gets ---------------------------------------------------------------------- */

static void well_formed_requests(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *body;
	} samples[] = {
		{BYTES("GET / HTTP/1.1" END), "GET /? [none] 0: "},
		{BYTES("GET / HTTP/1.0\r\n\r\n"), "GET /? [none] 0: "},
		{BYTES("GET /a%2Fb%20c+%C3%A4?q=%2f HTTP/1.1" END), "GET /a/b c+\xC3\xA4?q=%2f [none] 0: "},
		{BYTES("GET http://other:1/x?y HTTP/1.1" END), "GET /x?y [none] 0: "},
		{BYTES("GET http://other?y HTTP/1.1" END), "GET /?y [none] 0: "},
		{BYTES("GET /?a%zz HTTP/1.1" END), "GET /?a%zz [none] 0: "},
		{BYTES("BREW /pot HTTP/1.1" END), "BREW /pot? [none] 0: "},
		{BYTES("GET / HTTP/1.1\r\nhOST:\th\t\r\nX:\r\n\r\n"), "GET /? [none] 0: "},
		{BYTES("\r\nGET / HTTP/1.1" END), "GET /? [none] 0: "},
		{BYTES("POST /p HTTP/1.1\r\nContent-Length: 5\r\nContent-Type: a/b; c=d" END "x=1&y"),
		 "POST /p? [a/b; c=d] 5: x=1&y"},
		{BYTES("POST /p HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"), "POST /p? [none] 3: abc"},
		{BYTES("POST /p HTTP/1.1\r\nContent-Length: 0" END), "POST /p? [none] 0: "},
		{BYTES("POST /p HTTP/1.1" END), "POST /p? [none] 0: "},
		{BYTES("POST /p HTTP/1.1\r\nTransfer-Encoding: Chunked" END
		       "3\r\nabc\r\n002;x=y\r\nde\r\n0\r\nT: x\r\n\r\n"),
		 "POST /p? [none] 5: abcde"},
		{BYTES("POST /p HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 61" END
		       "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\nmore"),
		 "POST /p? [multipart/form-data; boundary=b] 61: "
		 "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\nmore"},
	};
	struct str reply = {0}, body = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		rig_ask(&rig, samples[i].bytes, samples[i].n, &reply);
		if (rig_status(&reply, &body) != 200)
			fail_msg("%s\ngives %s", samples[i].bytes, str_text(&reply));
		assert_string_equal(str_text(&body), samples[i].body);
	}
	assert_int_equal(rig.counters->handled, COUNT_OF(samples));
	rig_stop(&rig);
	str_fini(&reply);
	str_fini(&body);
}

static void a_request_in_single_bytes(void **state)
{
	static const char request[] = "POST /p?q HTTP/1.1\r\nX-Mark: 7" END;
	static const char chunked[] = "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked" END
	                              "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	int fd = rig_connect(&rig);
	for (size_t i = 0; i + 1 < sizeof request; i++)
		rig_send(fd, request + i, 1);
	assert_answered(fd, "POST /p?q [none] 0: ");
	fd = rig_connect(&rig);
	for (size_t i = 0; i + 1 < sizeof chunked; i++)
		rig_send(fd, chunked + i, 1);
	assert_answered(fd, "POST /p? [none] 3: abc");
	rig_stop(&rig);
}

static void headers_go_both_ways(void **state)
{
	struct str reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig_ask(&rig, BYTES("GET / HTTP/1.1\r\nX-Mark: RUN/7\r\nX-Mark: 8" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 200);
	assert_non_null(strstr(reply.text, "\r\nX-Mark: RUN/7\r\n"));
	assert_non_null(strstr(reply.text, "\r\nX-Worker: "));
	rig_ask(&rig, BYTES("HEAD / HTTP/1.1" END), &reply);
	assert_non_null(strstr(reply.text, "HTTP/1.1 200 "));
	assert_non_null(strstr(reply.text, "\r\nContent-Length: 18\r\n"));
	assert_string_equal(reply.text + reply.length - 4, "\r\n\r\n");
	assert_null(strstr(reply.text, "[none]"));
	rig_ask(&rig, BYTES("GET /none HTTP/1.1" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 204);
	rig_stop(&rig);
	str_fini(&reply);
}

static void replies_in_words_and_replies_that_cannot_be_sent(void **state)
{
	struct str reply = {0}, body = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig_ask(&rig, BYTES("POST /text HTTP/1.1\r\nContent-Length: 2" END "ab"), &reply);
	assert_int_equal(rig_status(&reply, &body), 409);
	assert_string_equal(str_text(&body), "one  two ab\n");
	assert_non_null(strstr(reply.text, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	rig_ask(&rig, BYTES("GET /fail/header HTTP/1.1" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 500);
	assert_null(strstr(reply.text, "Smuggled"));
	rig_ask(&rig, BYTES("GET /fail/status HTTP/1.1" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 500);
	rig_stop(&rig);
	str_fini(&reply);
	str_fini(&body);
}

static void expect_100_continue(void **state)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char interim[sizeof go_on] = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	int fd = rig_connect(&rig);
	rig_send(fd, BYTES("POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3" END));
	assert_int_equal(recv(fd, interim, sizeof go_on - 1, MSG_WAITALL), sizeof go_on - 1);
	assert_string_equal(interim, go_on);
	assert_int_equal(rig.counters->handled, 0);
	rig_send(fd, "abc", 3);
	assert_answered(fd, "POST /p? [none] 3: abc");
	rig_stop(&rig);
}

static void two_requests_in_one_write_are_one(void **state)
{
	struct str reply = {0}, body = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig_ask(&rig, BYTES("GET /1 HTTP/1.1" END "GET /2 HTTP/1.1" END), &reply);
	assert_int_equal(rig_status(&reply, &body), 200);
	assert_string_equal(str_text(&body), "GET /1? [none] 0: ");
	rig_ask(&rig,
	        BYTES("POST /1 HTTP/1.1\r\nConnection: keep-alive\r\nContent-Length: 3" END
	              "abcGET /2 HTTP/1.1" END),
	        &reply);
	assert_int_equal(rig_status(&reply, &body), 200);
	assert_string_equal(str_text(&body), "POST /1? [none] 3: abc");
	rig_ask(&rig, BYTES("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n"), &reply);
	assert_int_equal(rig_status(&reply, &body), 200);
	assert_int_equal(rig.counters->handled, 3);
	rig_stop(&rig);
	str_fini(&reply);
	str_fini(&body);
}

/* ---- bodies ----------------------------------------------------------------------------------- */

static void add_chunks(struct str *request, size_t chunks)
{
	for (size_t i = 0; i < chunks; i++) {
		str_add(request, "10000\r\n");
		str_repeat(request, "0123456789abcdef", 0x10000 / 16);
		str_add(request, "\r\n");
	}
}

/* Everything is sent before anything is read, and far more than the sockets' buffers hold: a server
 * that answered before it had read all would reset the connection and take its answer along. */
static void a_body_that_is_too_large_is_answered_readably(void **state)
{
	enum { LARGE = 8 * 1024 * 1024 };
	struct str request = {0}, reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	str_printf(&request, "POST /p HTTP/1.1\r\nContent-Length: %d" END, LARGE);
	str_repeat(&request, "0123456789abcdef", LARGE / 16);
	rig_ask(&rig, request.text, request.length, &reply);
	assert_int_equal(rig_status(&reply, NULL), 413);
	str_clear(&request);
	str_add(&request, "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked" END);
	add_chunks(&request, LARGE / 0x10000);
	str_add(&request, "0\r\n\r\n");
	rig_ask(&rig, request.text, request.length, &reply);
	assert_int_equal(rig_status(&reply, NULL), 413);
	/* A refusal of another kind waits for the body as well. */
	str_clear(&request);
	str_printf(&request, "POST /%%zz HTTP/1.1\r\nContent-Length: %d" END, LARGE);
	str_repeat(&request, "0123456789abcdef", LARGE / 16);
	rig_ask(&rig, request.text, request.length, &reply);
	assert_int_equal(rig_status(&reply, NULL), 400);
	assert_int_equal(rig.counters->handled, 0);
	rig_assert_serves(&rig);
	rig_stop(&rig);
	str_fini(&request);
	str_fini(&reply);
}

static void the_largest_body_and_one_byte_more(void **state)
{
	static const char *const lengths[] = {"Content-Length: 65536", "Content-Length: 65537"};
	struct str request = {0}, reply = {0}, body = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	for (size_t extra = 0; extra < 2; extra++) {
		str_clear(&request);
		str_printf(&request, "POST / HTTP/1.1\r\n%s" END, lengths[extra]);
		str_repeat(&request, "x", RIG_MAX_BODY + extra);
		rig_ask(&rig, request.text, request.length, &reply);
		assert_int_equal(rig_status(&reply, &body), extra == 0 ? 200 : 413);
		if (extra == 0)
			assert_int_equal(body.length, RIG_MAX_BODY + strlen("POST /? [none] 65536: "));
		str_clear(&request);
		str_add(&request, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked" END);
		add_chunks(&request, 1);
		str_add(&request, extra == 0 ? "0\r\n\r\n" : "1\r\nx\r\n0\r\n\r\n");
		rig_ask(&rig, request.text, request.length, &reply);
		assert_int_equal(rig_status(&reply, NULL), extra == 0 ? 200 : 413);
	}
	assert_int_equal(rig.counters->handled, 2);
	rig_stop(&rig);
	str_fini(&request);
	str_fini(&reply);
	str_fini(&body);
}

static void beyond_what_is_dropped(void **state)
{
	struct str piece = {0}, reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig_ask(&rig, BYTES("POST / HTTP/1.1\r\nContent-Length: 67108865" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 413);
	rig_ask(&rig, BYTES("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 413);

	add_chunks(&piece, 16);
	int fd = rig_connect(&rig);
	rig_send(fd, BYTES("POST / HTTP/1.1\r\nTransfer-Encoding: chunked" END));
	/* 64 MiB are taken; how much of what follows is, the sockets' buffers decide. */
	int taken = 0;
	while (taken < 128 && rig_try_send(fd, piece.text, piece.length))
		taken++;
	assert_in_range(taken, 63, 127);
	str_clear(&reply);
	rig_receive(fd, &reply, NULL);
	assert_int_equal(rig_status(&reply, NULL), 0);
	assert_int_equal(rig.counters->handled, 0);
	rig_assert_serves(&rig);
	rig_stop(&rig);
	str_fini(&piece);
	str_fini(&reply);
}

/* ---- clients that stop ------------------------------------------------------------------------ */

/* Each holds the only worker until its time is up; the request behind it is then served. */
static void half_requests_are_freed(void **state)
{
	static const char *const halves[] = {
		"", "GET / HT", "GET / HTTP/1.1\r\nHost: h\r\n", "POST / HTTP/1.1\r\nContent-Length: 9" END "half",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked" END "9\r\nhalf",
	};
	struct str reply = {0};
	struct rig rig;

	(void)state;
	rig_start_impatient(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(halves); i++) {
		int fd = rig_connect(&rig);
		rig_send(fd, halves[i], strlen(halves[i]));
		rig_assert_serves(&rig);
		str_clear(&reply);
		rig_receive(fd, &reply, NULL);
		assert_int_equal(rig_status(&reply, NULL), 0);
	}
	assert_int_equal(rig.counters->handled, COUNT_OF(halves));
	rig_stop(&rig);
	str_fini(&reply);
}

/* Noticed at once: their worker does not wait for the time-out. */
static void clients_that_leave(void **state)
{
	static const char *const beginnings[] = {"", "GET", "POST / HTTP/1.1\r\nContent-Length: 9" END "half"};
	struct linger reset = {.l_onoff = 1};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
		for (int how = 0; how < 2; how++) {
			int fd = rig_connect(&rig);
			rig_send(fd, beginnings[i], strlen(beginnings[i]));
			if (how == 1)
				assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
			close(fd);
			rig_assert_serves(&rig);
		}
	}
	assert_int_equal(rig.counters->handled, 2 * COUNT_OF(beginnings));
	rig_stop(&rig);
}

static void a_client_that_only_listens_is_answered(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	int fd = rig_connect(&rig);
	rig_send(fd, BYTES("POST / HTTP/1.1\r\nContent-Length: 3" END "abc"));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_answered(fd, "POST /? [none] 3: abc");
	rig_stop(&rig);
}

/* Its operation is done all the same; the reply goes nowhere, and no signal ends the worker. */
static void a_client_that_leaves_during_its_operation(void **state)
{
	static const char *const paths[] = {"GET /small HTTP/1.1" END, "GET /large HTTP/1.1" END};
	struct linger reset = {.l_onoff = 1};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig.counters->gated = true;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		int fd = rig_connect(&rig);
		rig_send(fd, paths[i], strlen(paths[i]));
		rig_await_arrival(&rig);
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
		close(fd);
		rig_open_gate(&rig, 1);
	}
	rig_open_gate(&rig, 1);
	rig_assert_serves(&rig);
	assert_int_equal(rig.counters->handled, 3);
	rig_stop(&rig);
}

static void a_large_reply_arrives_whole(void **state)
{
	struct str reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig_ask(&rig, BYTES("GET /large HTTP/1.1" END), &reply);
	assert_true(reply.length > RIG_LARGE_REPLY);
	assert_non_null(strstr(reply.text, "\r\nContent-Length: 4194304\r\n"));
	const char *end = strstr(reply.text, "\r\n\r\n");
	assert_int_equal(reply.text + reply.length - (end + 4), RIG_LARGE_REPLY);
	rig_stop(&rig);
	str_fini(&reply);
}

/* The idle time-out is one of connections, not of operations. The pause is what is tested here. */
static void an_operation_may_take_longer_than_the_time_out(void **state)
{
	struct str expected = {0};
	struct rig rig;

	(void)state;
	rig_start_impatient(&rig, 1);
	rig.counters->gated = true;
	int fd = ask_for(&rig, 1, &expected);
	rig_await_arrival(&rig);
	sleep(2);
	rig_open_gate(&rig, 1);
	assert_answered(fd, str_text(&expected));
	rig_stop(&rig);
	str_fini(&expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_requests_on_three_workers_are_two_rounds),
		cmocka_unit_test(thirty_requests_and_none_is_lost),
		cmocka_unit_test(one_worker_serves_one_after_the_other),
		cmocka_unit_test(quiesce_finishes_what_is_there),
		cmocka_unit_test(well_formed_requests),
		cmocka_unit_test(a_request_in_single_bytes),
		cmocka_unit_test(headers_go_both_ways),
		cmocka_unit_test(replies_in_words_and_replies_that_cannot_be_sent),
		cmocka_unit_test(expect_100_continue),
		cmocka_unit_test(two_requests_in_one_write_are_one),
		cmocka_unit_test(a_body_that_is_too_large_is_answered_readably),
		cmocka_unit_test(the_largest_body_and_one_byte_more),
		cmocka_unit_test(beyond_what_is_dropped),
		cmocka_unit_test(half_requests_are_freed),
		cmocka_unit_test(clients_that_leave),
		cmocka_unit_test(a_client_that_only_listens_is_answered),
		cmocka_unit_test(a_client_that_leaves_during_its_operation),
		cmocka_unit_test(a_large_reply_arrives_whole),
		cmocka_unit_test(an_operation_may_take_longer_than_the_time_out),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
