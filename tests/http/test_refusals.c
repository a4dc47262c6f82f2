/* Requests that no two readers may understand differently, requests over Gunicorn's limits, and
 * noise: each is answered 4xx or closed without a word, never reaches the handler, and the same
 * worker serves the next one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "http/peek.h"
#include "rig.h"

/* A literal with its length, so that it may contain NUL. */
#define BYTES(literal) literal, sizeof(literal) - 1
#define END "\r\nHost: h\r\n\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n"

static void show(struct str *told, const struct str *bytes)
{
	for (size_t i = 0; i < bytes->length && i < 200; i++) {
		if (bytes->text[i] >= ' ' && bytes->text[i] <= '~')
			str_add_char(told, bytes->text[i]);
		else
			str_printf(told, "\\x%02x", (unsigned char)bytes->text[i]);
	}
}

static void assert_refused(const struct rig *rig, const char *bytes, size_t n, int status)
{
	int handled = rig->counters->handled;
	struct str reply = {0};

	rig_ask(rig, bytes, n, &reply);
	int got = rig_status(&reply, NULL);
	if (got != status || rig->counters->handled != handled) {
		struct str told = {0};
		show(&told, &(struct str){.text = (char *)bytes, .length = n});
		fail_msg("%s\ngives %d, not %d; handled: %d", str_text(&told), got, status,
		         rig->counters->handled - handled);
	}
	str_fini(&reply);
	rig_assert_serves(rig);
}

struct sample {
	const char *bytes;
	size_t n;
	int status; /* 0: closed without a word */
};

static void assert_all_refused(const struct sample *samples, size_t n)
{
	struct rig rig;

	rig_start(&rig, 1);
	for (size_t i = 0; i < n; i++)
		assert_refused(&rig, samples[i].bytes, samples[i].n, samples[i].status);
	rig_stop(&rig);
}

static void where_a_request_ends(void **state)
{
	static const struct sample samples[] = {
		{BYTES(POST "Content-Length: 3\r\nContent-Length: 3" END "abc"), 400},
		{BYTES(POST "Content-Length: 3\r\ncontent-length: 30" END "abc"), 400},
		{BYTES(POST "Content-Length: 3\r\nTransfer-Encoding: chunked" END "0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 3" END "0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 0" END "0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: gzip" END "abc"), 400},
		{BYTES(POST "Transfer-Encoding: identity" END), 400},
		{BYTES(POST "Transfer-Encoding: gzip, chunked" END "0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked, chunked" END "0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END "0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: \x0b" "chunked" END "0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding:" END "0\r\n\r\n"), 400},
		{BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
		{BYTES(POST "Content-Length : 3" END "abc"), 400},
		{BYTES(POST "Transfer-Encoding : chunked" END "0\r\n\r\n"), 400},
		/* chunks */
		{BYTES(POST "Transfer-Encoding: chunked" END "zz\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked" END "-1\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked" END "\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked" END "3\r\nabcd\r\n0\r\n\r\n"), 400},
		{BYTES(POST "Transfer-Encoding: chunked" END "11111111111111111\r\n"), 413},
		{BYTES(POST "Transfer-Encoding: chunked" END "0\r\nno trailer\r\n\r\n"), 400},
	};

	(void)state;
	assert_all_refused(samples, COUNT_OF(samples));
}

/* The library answers lengths that are no numbers by itself, before anybody is asked, and 0.9.75 sends
 * the head of its answer twice. A client sees the status and the end of the connection. */
static bool is_about_a_bad_length(const struct str *reply)
{
	return strncmp(str_text(reply), "HTTP/1.1 4", 10) == 0 &&
	       strstr(reply->text, "\r\nConnection: close\r\n") != NULL &&
	       strstr(reply->text, " value for <b>Content-Length</b> header.") != NULL;
}

static void lengths_that_are_no_numbers(void **state)
{
	static const char *const lengths[] = {" 3 3", " +3", " -3", " 0x3", " 3, 3", "", " three", " 3 ",
	                                      " 99999999999999999999"};
	struct str request = {0}, reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		int handled = rig.counters->handled;
		str_clear(&request);
		str_printf(&request, POST "Content-Length:%s" END "abc", lengths[i]);
		rig_ask(&rig, request.text, request.length, &reply);
		assert_true(is_about_a_bad_length(&reply));
		assert_int_equal(rig.counters->handled, handled);
		rig_assert_serves(&rig);
	}
	rig_stop(&rig);
	str_fini(&request);
	str_fini(&reply);
}

/* Bytes that the library drops or moves without a word. */
static void bytes_that_hide(void **state)
{
	static const struct sample samples[] = {
		{BYTES(GET "A: b\r\n folded" END), 400},
		{BYTES(GET "A: b\r\n\tfolded" END), 400},
		{BYTES(GET "Host: h\r\n \r\n\r\n"), 400},
		{BYTES(POST "Content-Length: 3\r\nTransfer-Encoding:\r\n chunked" END "abc"), 400},
		{BYTES(POST "Host: h\r\nContent-Length: 1\r\n 0\r\n\r\nabcdefghij"), 400},
		{BYTES(GET "A: b\0" "c" END), 400},
		{BYTES(GET "A: b\0" END), 400},
		{BYTES(POST "Content-Length: 3\0" "0" END "abc"), 400},
		{BYTES(GET "A\0: b" END), 400},
		{BYTES("GET /\0 HTTP/1.1" END), 400},
		{BYTES("GET /a\0b HTTP/1.1" END), 400},
		{BYTES("GE\0T / HTTP/1.1" END), 400},
		{BYTES("GET / HTTP/1.1\nHost: h\n\n"), 400},
		{BYTES(GET "A: b\nHost: h\r\n\r\n"), 400},
		{BYTES(GET "A: b" END "\n"), 200},
		{BYTES("GET  / HTTP/1.1" END), 400},
	};
	struct rig rig;
	struct str reply = {0};

	(void)state;
	rig_start(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		if (samples[i].status != 200) {
			assert_refused(&rig, samples[i].bytes, samples[i].n, samples[i].status);
			continue;
		}
		/* The control: the same field, whole. */
		rig_ask(&rig, samples[i].bytes, samples[i].n, &reply);
		assert_int_equal(rig_status(&reply, NULL), 200);
	}
	rig_stop(&rig);
	str_fini(&reply);
}

static void lines_paths_and_fields(void **state)
{
	static const struct sample samples[] = {
		/* no request line, or none that is understood */
		{BYTES("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), 0},
		{BYTES("hello\r\n\r\n"), 0},
		{BYTES("GET\r\n\r\n"), 0},
		{BYTES("GET /\r\n\r\n"), 400},
		{BYTES("GET / HTTP/1.1x" END), 400},
		{BYTES("GET / HTTP/11" END), 400},
		{BYTES("GET / http/1.1" END), 400},
		{BYTES("GET / FTP/1.1" END), 400},
		{BYTES("GET /a b HTTP/1.1" END), 400},
		{BYTES("G(T / HTTP/1.1" END), 400},
		{BYTES("G\tT / HTTP/1.1" END), 400},
		/* hosts */
		{BYTES(GET "\r\n"), 400},
		{BYTES(GET "A: b\r\n\r\n"), 400},
		{BYTES(GET "Host: h" END), 400},
		{BYTES("GET / HTTP/1.0\r\nHost: h" END), 400},
		/* targets */
		{BYTES("GET /%00 HTTP/1.1" END), 400},
		{BYTES("GET /a%00b HTTP/1.1" END), 400},
		{BYTES("GET /?a=%00 HTTP/1.1" END), 400},
		{BYTES("GET /%zz HTTP/1.1" END), 400},
		{BYTES("GET /% HTTP/1.1" END), 400},
		{BYTES("GET /%4 HTTP/1.1" END), 400},
		{BYTES("GET /%4?1 HTTP/1.1" END), 400},
		{BYTES("GET /\x01 HTTP/1.1" END), 400},
		{BYTES("GET /?\x7f HTTP/1.1" END), 400},
		{BYTES("GET /a\tb HTTP/1.1" END), 400},
		{BYTES("GET a HTTP/1.1" END), 400},
		{BYTES("GET ?a HTTP/1.1" END), 400},
		{BYTES("OPTIONS * HTTP/1.1" END), 400},
		{BYTES("CONNECT h:1 HTTP/1.1" END), 400},
		{BYTES("GET https://h/ HTTP/1.1" END), 400},
		/* fields */
		{BYTES(GET "no colon" END), 400},
		{BYTES(GET ": no name" END), 400},
		{BYTES(GET "a b: c" END), 400},
		{BYTES(GET "a\x01: c" END), 400},
		{BYTES(GET "A: b\x01" END), 400},
		{BYTES(GET "A: b\x7f" END), 400},
		{BYTES(GET "A: b\rc" END), 400},
	};

	(void)state;
	assert_all_refused(samples, COUNT_OF(samples));
}

static void versions_that_are_not_spoken(void **state)
{
	struct str reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	rig_ask(&rig, BYTES("GET / HTTP/2.0" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 505);
	rig_ask(&rig, BYTES("GET / HTTP/0.9" END), &reply);
	assert_int_equal(rig_status(&reply, NULL), 505);
	assert_int_equal(rig.counters->handled, 0);
	rig_assert_serves(&rig);
	rig_stop(&rig);
	str_fini(&reply);
}

/* ---- Gunicorn's limits ------------------------------------------------------------------------ */

/* A request whose line has `line` bytes, with `fields` fields besides Host of `field` bytes each. */
static void make_request(struct str *request, size_t line, size_t fields, size_t field)
{
	str_clear(request);
	str_add(request, "GET /");
	str_repeat(request, "p", line - strlen("GET / HTTP/1.1"));
	str_add(request, " HTTP/1.1\r\nHost: h\r\n");
	for (size_t i = 0; i < fields; i++) {
		str_add(request, "X: ");
		str_repeat(request, "v", field - strlen("X: \r\n"));
		str_add(request, "\r\n");
	}
	str_add(request, "\r\n");
}

static void the_limits_and_one_more(void **state)
{
	struct str request = {0}, reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	make_request(&request, 4094, 99, 8190);
	rig_ask(&rig, request.text, request.length, &reply);
	assert_int_equal(rig_status(&reply, NULL), 200);
	make_request(&request, 4095, 1, 10);
	assert_refused(&rig, request.text, request.length, 400);
	make_request(&request, 20, 100, 10);
	assert_refused(&rig, request.text, request.length, 400);
	make_request(&request, 20, 1, 8191);
	assert_refused(&rig, request.text, request.length, 400);
	rig_stop(&rig);
	str_fini(&request);
	str_fini(&reply);
}

/* As many arguments and cookies as fit into the limits: the library keeps a record of each. */
static void many_arguments_and_cookies(void **state)
{
	struct str request = {0}, reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	str_add(&request, "GET /?");
	str_repeat(&request, "&", 4094 - strlen("GET /? HTTP/1.1"));
	str_add(&request, " HTTP/1.1\r\nHost: h\r\nCookie: ");
	str_repeat(&request, "a;", (8190 - strlen("Cookie: \r\n")) / 2);
	for (int i = 0; i < 98; i++) {
		str_add(&request, "\r\nX: ");
		str_repeat(&request, "v", 8190 - strlen("X: \r\n"));
	}
	str_add(&request, "\r\n\r\n");
	rig_ask(&rig, request.text, request.length, &reply);
	assert_int_equal(rig_status(&reply, NULL), 200);
	rig_stop(&rig);
	str_fini(&request);
	str_fini(&reply);
}

/* What is served from the small buffer, at its largest: all bytes and marks that there may be, and a body longer
 * than the buffer. */
static void the_largest_modest_head(void **state)
{
	static const char marks[] = "&;,";
	struct str request = {0}, reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	for (const char *mark = marks; *mark != '\0'; mark++) {
		request.length = 0;
		str_add(&request, "POST /?");
		str_repeat(&request, *mark == '&' ? "&" : "a", PEEK_MAX_MARKS - 5);
		str_add(&request, " HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\nCookie: ");
		for (int i = 0; i < PEEK_MAX_MARKS - 5 && *mark != '&'; i++)
			str_printf(&request, "a%c", *mark);
		str_repeat(&request, "v", PEEK_MAX_BYTES - 4 - request.length);
		str_add(&request, "\r\n\r\n");
		assert_true(peek_is_modest(request.text, request.length));
		str_repeat(&request, "b", 60000);
		rig_ask(&rig, request.text, request.length, &reply);
		assert_int_equal(rig_status(&reply, NULL), 200);
	}
	rig_stop(&rig);
	str_fini(&request);
	str_fini(&reply);
}

/* Far beyond what the worker keeps of a head. The client sends all before it reads, so that the
 * answer may be lost in a reset: what counts is that nothing was handled and the worker goes on. */
static void heads_without_end(void **state)
{
	static const struct {
		const char *before, *again;
	} samples[] = {
		{"", "x"}, {"GET /", "p"}, {"GET /?", "a&"}, {"GET /?", "&"}, {GET "X: ", "v"}, {GET, "X: y\r\n"},
		{GET "Cookie: ", "a;"}, {GET "X: y", "\r\n z"}, {"", "\r\n"},
		{POST "Transfer-Encoding: chunked" END "0\r\n", "X: y\r\n"},
		{POST "Transfer-Encoding: chunked" END, "0"}, {POST "Transfer-Encoding: chunked" END "1;", "x"},
	};
	struct str piece = {0}, reply = {0};
	struct rig rig;

	(void)state;
	rig_start(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		int handled = rig.counters->handled;
		int fd = rig_connect(&rig);
		str_clear(&piece);
		str_repeat(&piece, samples[i].again, 1024 * 1024 / strlen(samples[i].again));
		rig_send(fd, samples[i].before, strlen(samples[i].before));
		for (int j = 0; j < 8 && rig_try_send(fd, piece.text, piece.length); j++) {}
		rig_end(fd);
		str_clear(&reply);
		rig_receive(fd, &reply, NULL);
		int status = rig_status(&reply, NULL);
		if (status != 0 && (status < 400 || status > 499))
			fail_msg("%s%s... gives %d", samples[i].before, samples[i].again, status);
		assert_int_equal(rig.counters->handled, handled);
		rig_assert_serves(&rig);
	}
	rig_stop(&rig);
	str_fini(&piece);
	str_fini(&reply);
}

/* ---- noise ------------------------------------------------------------------------------------ */

/* A good request with a few bytes changed, dropped or doubled. */
static void damage(struct str *request, struct rng *rng)
{
	static const char odd[] = {0, '\r', '\n', ' ', '\t', ':', '%', '/', ';', '0', '\x7f', '\xff'};

	for (int64_t times = rng_between(rng, 1, 3); times > 0; times--) {
		size_t at = (size_t)rng_between(rng, 0, (int64_t)request->length - 1);
		char c = odd[rng_between(rng, 0, sizeof odd - 1)];
		switch (rng_between(rng, 0, 2)) {
		case 0:
			request->text[at] = c;
			break;
		case 1:
			memmove(request->text + at, request->text + at + 1, request->length - at);
			request->length--;
			break;
		default:
			str_add_char(request, '\0');
			memmove(request->text + at + 1, request->text + at, request->length - at - 1);
			request->text[at] = c;
			break;
		}
	}
}

static void damaged_requests_are_at_most_one(void **state)
{
	static const char *const good[] = {
		"POST /p%20q?r HTTP/1.1\r\nHost: h\r\nContent-Length: 13\r\nX: y\r\n\r\nGET / HTTP/1.",
		"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n3;x\r\nabc\r\n0\r\nT: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
	};
	struct str request = {0}, reply = {0};
	struct rng rng;
	struct rig rig;

	(void)state;
	rng_init(&rng, 7);
	rig_start(&rig, 1);
	for (int i = 0; i < 600; i++) {
		int handled = rig.counters->handled;
		str_clear(&request);
		str_add(&request, good[i % (int)COUNT_OF(good)]);
		damage(&request, &rng);
		int fd = rig_connect(&rig);
		rig_send(fd, request.text, request.length);
		rig_end(fd);
		str_clear(&reply);
		rig_receive(fd, &reply, NULL);
		int status = is_about_a_bad_length(&reply) ? 400 : rig_status(&reply, NULL);
		assert_int_equal(rig.counters->handled - handled, status == 200 ? 1 : 0);
		if (status != 0 && status != 200 && status != 505 && (status < 400 || status > 499))
			fail_msg("status %d for damaged request %d", status, i);
	}
	rig_assert_serves(&rig);
	rig_stop(&rig);
	str_fini(&request);
	str_fini(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_a_request_ends),
		cmocka_unit_test(lengths_that_are_no_numbers),
		cmocka_unit_test(bytes_that_hide),
		cmocka_unit_test(lines_paths_and_fields),
		cmocka_unit_test(versions_that_are_not_spoken),
		cmocka_unit_test(the_limits_and_one_more),
		cmocka_unit_test(many_arguments_and_cookies),
		cmocka_unit_test(the_largest_modest_head),
		cmocka_unit_test(heads_without_end),
		cmocka_unit_test(damaged_requests_are_at_most_one),
	};

	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
