/* Firing at servers that cut, mumble, keep silent or are not there. */
#include "volley_script.h"

#include <time.h>

/* ---- what may go wrong ------------------------------------------------------------------------- */

static void close_without_reply(int listener)
{
	answer(accept_one(listener), "");
}

static void reset(int listener)
{
	int fd = accept_one(listener);

	free(read_request(fd));
	EXPECT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)) == 0);
	close(fd);
}

static void cut_in_the_head(int listener)
{
	answer(accept_one(listener), "HTTP/1.1 200 OK\r\nContent-Le");
}

static void cut_in_the_body(int listener)
{
	answer(accept_one(listener), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n200");
}

static void talk_ssh(int listener)
{
	answer(accept_one(listener), "SSH-2.0-OpenSSH_9.2p1\r\n");
}

static void answer_until_close(int listener)
{
	answer(accept_one(listener), "HTTP/1.0 200 OK\r\n\r\n200");
}

static void answer_bytewise(int listener)
{
	int fd = accept_one(listener);

	free(read_request(fd));
	for (const char *c = ok_reply; *c != '\0'; c++)
		say(fd, (char[]){*c, '\0'});
	close(fd);
}

static void replies_that_are_none(void **state)
{
	(void)state;
	one_shot_ends(close_without_reply, SHOT_CUT, "the connection was closed without a reply");
	one_shot_ends(reset, SHOT_CUT, strerror(ECONNRESET));
	one_shot_ends(cut_in_the_head, SHOT_CUT, "the connection was closed in the middle of the reply");
	one_shot_ends(cut_in_the_body, SHOT_CUT, "the connection was closed in the middle of the reply");
	one_shot_ends(talk_ssh, SHOT_CUT, "the reply is not HTTP");
}

static void replies_in_other_shapes(void **state)
{
	(void)state;
	one_shot_ends(answer_until_close, SHOT_ANSWERED, "");
	one_shot_ends(answer_bytewise, SHOT_ANSWERED, "");
}

/* A reply that comes unasked, before the gate is open, must not be lost or wake the loop for ever. */
static void answer_unasked(int listener)
{
	int fds[3];

	for (int k = 0; k < 3; k++) {
		fds[k] = accept_one(listener);
		say(fds[k], "HTTP/1.1 431 Go\r\nContent-Length: 0\r\n\r\n");
	}
	for (int k = 0; k < 3; k++) {
		free(read_request(fds[k]));
		wait_for_close(fds[k]);
	}
}

static void replies_that_come_too_early(void **state)
{
	struct server server = serve(answer_unasked);
	struct volley volley = plan(server.port, 3, 0);

	(void)state;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	assert_int_equal(volley.shots[1].status, 431);
	volley_fini(&volley);
}

/* Closes while the client may still be connecting others: either end is right, by what was sent. */
static void close_at_once(int listener)
{
	for (int k = 0; k < 20; k++)
		close(accept_one(listener));
}

static void a_server_that_hangs_up(void **state)
{
	struct server server = serve(close_at_once);
	struct volley volley = plan(server.port, 20, 0);

	(void)state;
	fire(&volley);
	served_as_expected(server);
	for (size_t i = 0; i < volley.n; i++) {
		check_shot(&volley, &volley.shots[i]);
		assert_int_not_equal(volley.shots[i].end, SHOT_ANSWERED);
	}
	assert_int_equal(volley_summarise(&volley).unanswered, 20);
	volley_fini(&volley);
}

static void never_answer_the_second(int listener)
{
	int fds[2];

	for (int k = 0; k < 2; k++)
		fds[k] = accept_one(listener);
	for (int k = 0; k < 2; k++) {
		char *text = read_request(fds[k]);
		if (strstr(text, "t/1\r\n") != NULL)
			say(fds[k], ok_reply);
		free(text);
	}
	for (int k = 0; k < 2; k++)
		wait_for_close(fds[k]);
}

static void a_limit_ends_who_waits(void **state)
{
	struct server server = serve(never_answer_the_second);
	struct volley volley = plan(server.port, 2, 0);

	(void)state;
	volley.run = "t";
	volley.timeout_ns = 400 * NS_PER_MS;
	fire(&volley);
	served_as_expected(server);
	assert_int_equal(volley.shots[0].end, SHOT_ANSWERED);
	check_shot(&volley, &volley.shots[1]);
	assert_int_equal(volley.shots[1].end, SHOT_TIMEOUT);
	assert_string_equal(volley.shots[1].error, "no whole reply within 400 ms");
	assert_true(volley.shots[1].ended_ns - volley.started_ns >= volley.timeout_ns);
	assert_int_equal(volley_summarise(&volley).unanswered, 1);
	volley_fini(&volley);
}

static int64_t used_cpu_ns(void)
{
	struct timespec used;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
	return used.tv_sec * NS_PER_S + used.tv_nsec;
}

static void a_limit_ends_who_is_not_connected(void **state)
{
	int port;
	int listener = listen_at("127.0.0.1", 0, &port); /* nobody accepts */
	struct volley volley = plan(port, 4, 0);
	size_t timed_out = 0, failed = 0;
	int64_t used_before = used_cpu_ns();

	(void)state;
	volley.timeout_ns = 2 * NS_PER_S;
	fire(&volley);
	for (size_t i = 0; i < volley.n; i++) {
		const struct shot *shot = &volley.shots[i];
		check_shot(&volley, shot);
		timed_out += shot->end == SHOT_TIMEOUT;
		failed += shot->end == SHOT_FAILED;
		if (shot->end == SHOT_FAILED)
			assert_string_equal(shot->error, "no connection within 2 s");
		else /* the one in the backlog did not wait for the others until its own time was over */
			assert_true(shot->sent_ns < volley.started_ns + volley.timeout_ns);
	}
	assert_true(timed_out >= 1);
	assert_int_equal(timed_out + failed, 4);
	/* Neither the one that was held nor those without a connection kept the loop running. */
	assert_true(used_cpu_ns() - used_before < 200 * NS_PER_MS);
	close(listener);
	volley_fini(&volley);
}

static void a_short_limit_opens_the_gate_before_it_ends(void **state)
{
	int port;
	int listener = listen_at("127.0.0.1", 0, &port);
	struct volley volley = plan(port, 4, 0);

	(void)state;
	volley.timeout_ns = 300 * NS_PER_MS;
	fire(&volley);
	assert_int_equal(volley.shots[0].end, SHOT_TIMEOUT);
	assert_int_equal(volley.shots[3].end, SHOT_FAILED);
	close(listener);
	volley_fini(&volley);
}

static int port_without_a_server(void)
{
	int port;
	int fd = listen_at("127.0.0.1", 1, &port);

	close(fd);
	return port;
}

static void answer_3_together(int listener)
{
	answer_when_all_are_there(listener, 3);
}

static void nobody_is_there(struct volley *volley)
{
	volley->port = port_without_a_server();
	fire(volley);
	for (size_t i = 0; i < volley->n; i++) {
		check_shot(volley, &volley->shots[i]);
		assert_int_equal(volley->shots[i].end, SHOT_FAILED);
		assert_string_equal(volley->shots[i].error, strerror(ECONNREFUSED));
		assert_int_equal(volley->shots[i].connected_ns, 0);
	}
	struct volley_summary summary = volley_summarise(volley);
	assert_int_equal(summary.unanswered, volley->n);
	assert_int_equal(summary.max_in_flight, 0);
	assert_int_equal(summary.max_ns, 0);
}

static void refused_connections_fail_alone(void **state)
{
	struct volley volley = plan(0, 3, NS_PER_MS);

	(void)state;
	nobody_is_there(&volley);
	/* The same volley again, and again: nothing of the time before stays behind. */
	struct server server = serve(answer_3_together);
	volley.port = server.port;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	nobody_is_there(&volley);
	volley_fini(&volley);
}

static void an_unknown_host_is_an_error(void **state)
{
	struct volley volley = plan(80, 1, 0);
	struct err err = {0};

	(void)state;
	volley.host = "no such host";
	assert_false(volley_fire(&volley, &err));
	assert_non_null(strstr(err_text(&err), "the host 'no such host' was not found: "));
	err_fini(&err);
	volley_fini(&volley);
}

static void refuse_with_reasons(int listener)
{
	static const char *const reasons[] = {"deadlock", "two words", "\xe2\x80\xaekcoldaed",
	                                      "a-reason-that-is-longer-than-the-room-for-it", NULL};

	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		char *line = reasons[i] != NULL ? mem_printf("x-racy-refused: %s\r\n", reasons[i]) : mem_text("");
		char *reply = mem_printf("HTTP/1.1 503 No\r\n%sContent-Length: 0\r\n\r\n", line);
		answer(accept_one(listener), reply);
		free(reply);
		free(line);
	}
}

static void refusals_tell_their_reason_in_a_word(void **state)
{
	struct server server = serve(refuse_with_reasons);
	struct volley volley = plan(server.port, 5, 1);

	(void)state;
	fire(&volley);
	served_as_expected(server);
	all_answered(&volley);
	assert_string_equal(volley.shots[0].reason, "deadlock");
	for (size_t i = 1; i < volley.n; i++)
		assert_string_equal(volley.shots[i].reason, "");
	assert_int_equal(volley_summarise(&volley).refused, 5);
	volley_fini(&volley);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_that_are_none),
		cmocka_unit_test(replies_in_other_shapes),
		cmocka_unit_test(replies_that_come_too_early),
		cmocka_unit_test(a_server_that_hangs_up),
		cmocka_unit_test(a_limit_ends_who_waits),
		cmocka_unit_test(a_limit_ends_who_is_not_connected),
		cmocka_unit_test(a_short_limit_opens_the_gate_before_it_ends),
		cmocka_unit_test(refused_connections_fail_alone),
		cmocka_unit_test(an_unknown_host_is_an_error),
		cmocka_unit_test(refusals_tell_their_reason_in_a_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
