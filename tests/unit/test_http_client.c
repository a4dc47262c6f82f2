/* The client's half of HTTP: URLs with their refusals in words, and replies that mean the same in
 * whatever pieces they arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/client.h"

/* A literal with its length, so that it may contain NUL. */
#define BYTES(literal) literal, sizeof(literal) - 1

static void urls_that_are_taken(void **state)
{
	static const struct {
		const char *text, *host;
		int port;
		const char *path, *authority;
	} good[] = {
		{"http://localhost", "localhost", 80, "/", "localhost:80"},
		{"http://localhost:8000", "localhost", 8000, "/", "localhost:8000"},
		{"HTTP://Example.org/", "Example.org", 80, "/", "Example.org:80"},
		{"http://127.0.0.1:1/a/b?c=d&e#f", "127.0.0.1", 1, "/a/b?c=d&e", "127.0.0.1:1"},
		{"http://h?q", "h", 80, "/?q", "h:80"},
		{"http://h#f", "h", 80, "/", "h:80"},
		{"http://[::1]:65535/x", "::1", 65535, "/x", "[::1]:65535"},
		{"http://[fe80::1:2]", "fe80::1:2", 80, "/", "[fe80::1:2]:80"},
		{"http://a_b-c.d:080/%20@:[]", "a_b-c.d", 80, "/%20@:[]", "a_b-c.d:80"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct http_url url;
		assert_true(http_url_parse(good[i].text, &url, NULL));
		assert_string_equal(url.host, good[i].host);
		assert_int_equal(url.port, good[i].port);
		assert_string_equal(url.path, good[i].path);
		char *authority = http_url_authority(&url);
		assert_string_equal(authority, good[i].authority);
		free(authority);
		http_url_fini(&url);
	}
}

static void urls_that_are_refused_in_words(void **state)
{
	static const struct {
		const char *text, *because;
	} bad[] = {
		{"https://localhost", "https is not spoken"}, {"HTTPS://h", "https is not spoken"},
		{"", "not an http:// URL"}, {"localhost:8000", "not an http:// URL"},
		{"http:/h", "not an http:// URL"}, {"ftp://h", "not an http:// URL"},
		{" http://h", "not an http:// URL"}, {"//h/", "not an http:// URL"},
		{"http://", "is not HOST"}, {"http:///path", "is not HOST"}, {"http://:80", "is not HOST"},
		{"http://h:", "is not HOST"}, {"http://h:0", "from 1 to 65535"},
		{"http://h:65536", "from 1 to 65535"},
		{"http://h:-1", "is not HOST"}, {"http://h:+1", "is not HOST"}, {"http://h:8o", "is not HOST"},
		{"http://h:1:2", "is not HOST"}, {"http://::1", "is not HOST"}, {"http://[::1", "is not HOST"},
		{"http://[::1]x", "is not HOST"}, {"http://[::1]80", "is not HOST"}, {"http://[]", "is not HOST"},
		{"http://[h]", "is not HOST"}, {"http://[127.0.0.1]", "is not HOST"},
		{"http://[fe80::1%eth0]", "is not HOST"},
		{"http://a%20b", "is not HOST"}, {"http://a,b", "is not HOST"}, {"http://h\\x", "is not HOST"},
		{"http://user@h", "user name or password"}, {"http://u:p@h:1/", "user name or password"},
		{"http://h/a b", "a space"}, {"http://h/a\nb", "a space"}, {"http://h/\x7f", "a space"},
		{"http://h/\xc3\xa4", "a space"}, {"http://h ", "a space"}, {"http://h\r\nX: y", "a space"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct http_url url;
		struct err err = {0};
		if (http_url_parse(bad[i].text, &url, &err))
			fail_msg("'%s' was taken", bad[i].text);
		if (strstr(err_text(&err), bad[i].because) == NULL || strstr(err_text(&err), bad[i].text) == NULL)
			fail_msg("'%s' was refused with: %s", bad[i].text, err_text(&err));
		err_fini(&err);
	}
}

static void a_very_long_host_is_refused(void **state)
{
	struct str text = {0};
	struct http_url url;

	(void)state;
	str_add(&text, "http://");
	str_repeat(&text, "h", 254);
	assert_false(http_url_parse(str_text(&text), &url, NULL));
	text.text[--text.length] = '\0';
	assert_true(http_url_parse(str_text(&text), &url, NULL));
	http_url_fini(&url);
	str_fini(&text);
}

/* ---- replies ---------------------------------------------------------------------------------- */

struct sample {
	const char *bytes;
	size_t n;
	enum http_parse result; /* after the peer closed */
	int status;             /* where DONE */
	const char *body;
};

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct sample samples[] = {
	/* a length */
	{BYTES(OK "Content-Length: 3\r\n\r\n200"), HTTP_PARSE_DONE, 200, "200"},
	{BYTES(OK "content-LENGTH:\t003 \r\n\r\n200"), HTTP_PARSE_DONE, 200, "200"},
	{BYTES("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"), HTTP_PARSE_DONE, 404, ""},
	{BYTES("HTTP/1.1 503\r\nContent-Length: 1\r\n\r\nx"), HTTP_PARSE_DONE, 503, "x"},
	{BYTES("HTTP/1.1 503 \r\nContent-Length: 1\r\n\r\nx"), HTTP_PARSE_DONE, 503, "x"},
	{BYTES(OK "Content-Length: 3\r\n\r\n200HTTP/1.1 400 Bad"), HTTP_PARSE_DONE, 200, "200"},
	{BYTES("HTTP/1.1 200 OK\nContent-Length: 2\n\n\n\n"), HTTP_PARSE_DONE, 200, "\n\n"},
	{BYTES(OK "Content-Length: 4\r\n\r\n200"), HTTP_PARSE_MORE, 0, NULL},
	{BYTES(OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\n200"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Content-Length: 3, 3\r\n\r\n200"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Content-Length: -1\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Content-Length: \r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Content-Length: 0x1\r\n\r\n1"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Content-Length: 18446744073709551617\r\n\r\n1"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"), HTTP_PARSE_BAD, 0, NULL},
	/* until the peer closes */
	{BYTES(OK "\r\nall of it\r\n"), HTTP_PARSE_DONE, 200, "all of it\r\n"},
	{BYTES(OK "\r\n"), HTTP_PARSE_DONE, 200, ""},
	{BYTES(OK "Content: 1\r\nContent-Lengths: 2\r\n\r\nall"), HTTP_PARSE_DONE, 200, "all"},
	/* chunks */
	{BYTES(CHUNKED "3\r\n200\r\n0\r\n\r\n"), HTTP_PARSE_DONE, 200, "200"},
	{BYTES(CHUNKED "A\r\n0123456789\r\n1;ext=\"1\"\r\na\r\n01 ; x\r\nb\r\n000\r\n\r\n"), HTTP_PARSE_DONE, 200,
	 "0123456789ab"},
	{BYTES(CHUNKED "2\r\n\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\nmore"), HTTP_PARSE_DONE, 200, "\r\n"},
	{BYTES(OK "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"), HTTP_PARSE_DONE, 200, ""},
	{BYTES(CHUNKED "3\r\n200\r\n0\r\n"), HTTP_PARSE_MORE, 0, NULL},
	{BYTES(CHUNKED "3\r\n200"), HTTP_PARSE_MORE, 0, NULL},
	{BYTES(CHUNKED "3\r\n2000\r\n0\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED "\r\n200\r\n0\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED "\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED ";x\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED "g\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED "1 1\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED " 1\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED "-1\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED "10000000000000001\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(CHUNKED "0\r\nno trailer\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	 HTTP_PARSE_BAD, 0, NULL},
	/* replies without a body */
	{BYTES("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nxxxxx"), HTTP_PARSE_DONE, 204, ""},
	{BYTES("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_PARSE_DONE, 304, ""},
	/* interim replies */
	{BYTES("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx"), HTTP_PARSE_DONE, 200, "x"},
	{BYTES("HTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\nHTTP/1.1 100 \r\n\r\n" OK
	       "Content-Length: 1\r\n\r\nx"),
	 HTTP_PARSE_DONE, 200, "x"},
	{BYTES("HTTP/1.1 100 Continue\r\n\r\n"), HTTP_PARSE_MORE, 0, NULL},
	{BYTES("HTTP/1.1 101 Switching Protocols\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	/* no reply */
	{BYTES(""), HTTP_PARSE_MORE, 0, NULL},
	{BYTES("HTTP/1.1 200 OK"), HTTP_PARSE_MORE, 0, NULL},
	{BYTES(OK "Content-Length: 0\r\n"), HTTP_PARSE_MORE, 0, NULL},
	{BYTES("SSH-2.0-x\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("\r\n" OK "\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/2 200 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/2.0 200 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1x200 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1 2:0 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1  200 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1 20 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1 2000 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1 099 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1 600 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1 2x0 OK\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES("HTTP/1.1 200 O\0K\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "no colon\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK ": no name\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "space : x\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "A: b\r\n folded\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "A: b\rContent-Length: 5\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
	{BYTES(OK "A: \0\r\n\r\n"), HTTP_PARSE_BAD, 0, NULL},
};

/* A piece in a block of exactly its size, so that the sanitizer sees a read beyond it. */
static enum http_parse feed(struct http_response *response, const char *bytes, size_t n, bool end)
{
	char *exact = malloc(n > 0 ? n : 1);

	if (n > 0)
		memcpy(exact, bytes, n);
	enum http_parse result = http_response_feed(response, exact, n, end);
	free(exact);
	return result;
}

static void assert_parsed(const struct sample *sample, struct http_response *response, enum http_parse result)
{
	if (result != sample->result)
		fail_msg("%s\ngives %d, not %d", sample->bytes, (int)result, (int)sample->result);
	if (result == HTTP_PARSE_DONE) {
		assert_int_equal(response->status, sample->status);
		assert_int_equal(response->body.length, strlen(sample->body));
		assert_int_equal(response->body_length, strlen(sample->body));
		assert_string_equal(str_text(&response->body), sample->body);
	}
	http_response_fini(response);
}

static void replies_in_one_piece_and_in_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		const struct sample *sample = &samples[i];
		struct http_response whole = {0}, bytes = {0};
		assert_parsed(sample, &whole, feed(&whole, sample->bytes, sample->n, true));
		for (size_t at = 0; at < sample->n; at++)
			(void)feed(&bytes, sample->bytes + at, 1, false);
		assert_parsed(sample, &bytes, feed(&bytes, NULL, 0, true));
	}
}

static void replies_in_two_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		const struct sample *sample = &samples[i];
		for (size_t at = 0; at <= sample->n; at++) {
			struct http_response response = {0};
			(void)feed(&response, sample->bytes, at, false);
			assert_parsed(sample, &response, feed(&response, sample->bytes + at, sample->n - at, true));
		}
	}
}

/* A reply with a length or with chunks is done at its last byte: nobody has to wait for the close. */
static void done_at_the_last_byte(void **state)
{
	static const struct sample ends[] = {
		{BYTES(OK "Content-Length: 3\r\n\r\n200"), HTTP_PARSE_DONE, 200, "200"},
		{BYTES(OK "Content-Length: 0\r\n\r\n"), HTTP_PARSE_DONE, 200, ""},
		{BYTES(CHUNKED "3\r\n200\r\n0\r\nA: b\r\n\r\n"), HTTP_PARSE_DONE, 200, "200"},
		{BYTES("HTTP/1.1 204 \r\n\r\n"), HTTP_PARSE_DONE, 204, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct http_response response = {0};
		for (size_t at = 0; at + 1 < ends[i].n; at++)
			assert_int_equal(feed(&response, ends[i].bytes + at, 1, false), HTTP_PARSE_MORE);
		assert_int_equal(feed(&response, ends[i].bytes + ends[i].n - 1, 1, false), HTTP_PARSE_DONE);
		assert_int_equal(feed(&response, "more\r\n", 6, true), HTTP_PARSE_DONE);
		assert_parsed(&ends[i], &response, HTTP_PARSE_DONE);
	}
}

static void headers_are_found(void **state)
{
	static const struct {
		const char *name, *value;
	} found[] = {
		{"Retry-After", "1"}, {"RETRY-after", "1"}, {"x-racy-refused", "deadlock"}, {"Empty", ""},
		{"Twice", "first"},
	};
	static const char bytes[] = "HTTP/1.1 100 Continue\r\nInterim: x\r\n\r\n"
	                            "HTTP/1.1 503 No\r\nRetry-After: 1\r\nX-Racy-Refused: \t deadlock \t\r\n"
	                            "Empty:\r\nTwice: first\r\nTwice: second\r\nContent-Length: 0\r\n\r\n";
	struct http_response response = {0};

	(void)state;
	assert_int_equal(feed(&response, bytes, strlen(bytes), false), HTTP_PARSE_DONE);
	for (size_t i = 0; i < COUNT_OF(found); i++) {
		char *value = http_response_header(&response, found[i].name);
		assert_non_null(value);
		assert_string_equal(value, found[i].value);
		free(value);
	}
	assert_null(http_response_header(&response, "Interim"));
	assert_null(http_response_header(&response, "Retry"));
	assert_null(http_response_header(&response, "HTTP/1.1 503 No"));
	assert_int_equal(strncmp(response.head.text, "Retry-After: 1\n", 15), 0);
	http_response_fini(&response);
	assert_null(http_response_header(&response, "Retry-After"));
}

static void a_large_body_is_counted_beyond_what_is_kept(void **state)
{
	enum { PIECE = 64 * 1024, PIECES = HTTP_MAX_RESPONSE_BODY / PIECE + 3 };
	static const char *const heads[] = {OK "\r\n", OK "Content-Length: 1245184\r\n\r\n",
	                                    CHUNKED "130000\r\n"};
	char *piece = malloc(PIECE);

	(void)state;
	memset(piece, 'x', PIECE);
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		struct http_response response = {0};
		assert_int_equal(feed(&response, heads[i], strlen(heads[i]), false), HTTP_PARSE_MORE);
		for (int j = 0; j < PIECES; j++)
			assert_int_not_equal(http_response_feed(&response, piece, PIECE, false), HTTP_PARSE_BAD);
		assert_int_equal(feed(&response, BYTES("\r\n0\r\n\r\n") - (i != 2 ? 7 : 0), true), HTTP_PARSE_DONE);
		assert_int_equal(response.body.length, HTTP_MAX_RESPONSE_BODY);
		assert_int_equal(response.body_length, (size_t)PIECE * PIECES);
		http_response_fini(&response);
	}
	free(piece);
}

/* Feeds `times` times the same text and asserts that the limit was noticed exactly there. */
static void assert_limited(const char *before, const char *again, size_t limit)
{
	struct http_response response = {0};
	size_t fed = 0;

	assert_int_equal(feed(&response, before, strlen(before), false), HTTP_PARSE_MORE);
	while (feed(&response, again, strlen(again), false) == HTTP_PARSE_MORE && fed < 2 * limit)
		fed += strlen(again);
	assert_in_range(fed, limit - strlen(again) - strlen(before), limit);
	assert_int_equal(feed(&response, "\r\n\r\n", 4, true), HTTP_PARSE_BAD);
	http_response_fini(&response);
}

static void endless_heads_are_bad(void **state)
{
	(void)state;
	assert_limited("", "x", HTTP_MAX_RESPONSE_HEAD);
	assert_limited(OK, "A: b\r\n", HTTP_MAX_RESPONSE_HEAD);
	assert_limited(OK "A: ", "b", HTTP_MAX_RESPONSE_HEAD);
	assert_limited("", "HTTP/1.1 100 Continue\r\n\r\n", HTTP_MAX_RESPONSE_HEAD);
	assert_limited(CHUNKED, "0", HTTP_MAX_RESPONSE_HEAD);
	assert_limited(CHUNKED "0\r\n", "A: b\r\n", HTTP_MAX_RESPONSE_HEAD);
}

/* The limit is one of heads: a body may come in any number of chunks. */
static void many_chunks_are_good(void **state)
{
	struct http_response response = {0};

	(void)state;
	assert_int_equal(feed(&response, BYTES(CHUNKED), false), HTTP_PARSE_MORE);
	for (size_t i = 0; i < HTTP_MAX_RESPONSE_HEAD; i++)
		assert_int_equal(http_response_feed(&response, BYTES("1;x\r\ny\r\n"), false), HTTP_PARSE_MORE);
	assert_int_equal(feed(&response, BYTES("0\r\n\r\n"), false), HTTP_PARSE_DONE);
	assert_int_equal(response.body.length, HTTP_MAX_RESPONSE_HEAD);
	http_response_fini(&response);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_that_are_taken),
		cmocka_unit_test(urls_that_are_refused_in_words),
		cmocka_unit_test(a_very_long_host_is_refused),
		cmocka_unit_test(replies_in_one_piece_and_in_bytes),
		cmocka_unit_test(replies_in_two_pieces),
		cmocka_unit_test(done_at_the_last_byte),
		cmocka_unit_test(headers_are_found),
		cmocka_unit_test(a_large_body_is_counted_beyond_what_is_kept),
		cmocka_unit_test(endless_heads_are_bad),
		cmocka_unit_test(many_chunks_are_good),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
