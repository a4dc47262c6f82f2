/* Which heads a small buffer will do for, up to the last byte and mark; and that looking takes nothing away. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "http/peek.h"

static const char deposit[] = "POST /demo/atomic_no_delay/ HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n"
                              "account=1&amount=100";

static bool is_modest(const char *text)
{
	return peek_is_modest(text, strlen(text));
}

/* A head of n bytes. */
static bool is_modest_with(size_t n)
{
	struct str head = {0};

	str_add(&head, "GET / HTTP/1.1\r\nX: ");
	while (head.length < n - 4)
		str_add(&head, "v");
	str_add(&head, "\r\n\r\n");
	bool modest = is_modest(str_text(&head));
	str_fini(&head);
	return modest;
}

static bool is_modest_with_marks(char mark, size_t n)
{
	struct str head = {0};

	str_add(&head, "GET /?");
	for (size_t i = 0; i < n - 3; i++)
		str_add_n(&head, &mark, 1);
	str_add(&head, " HTTP/1.1\r\nHost: h\r\n\r\n"); /* three line ends */
	bool modest = is_modest(str_text(&head));
	str_fini(&head);
	return modest;
}

static void whole_heads_are(void **state)
{
	(void)state;
	assert_true(is_modest(deposit));
	assert_true(is_modest("GET / HTTP/1.0\r\n\r\n"));
	/* A body may be longer than the head may: it is read in pieces. */
	char bytes[4 * PEEK_MAX_BYTES];
	memset(bytes, '&', sizeof bytes);
	memcpy(bytes, deposit, sizeof deposit - 1);
	assert_true(peek_is_modest(bytes, sizeof bytes));
}

static void unfinished_heads_are_not(void **state)
{
	(void)state;
	assert_false(is_modest(""));
	for (size_t n = 1; n < (size_t)(strstr(deposit, "\r\n\r\n") - deposit) + 4; n++)
		assert_false(peek_is_modest(deposit, n));
}

static void the_limits_and_one_more(void **state)
{
	static const char marks[] = "&;,\n";

	(void)state;
	assert_true(is_modest_with(PEEK_MAX_BYTES));
	assert_false(is_modest_with(PEEK_MAX_BYTES + 1));
	for (const char *mark = marks; *mark != '\0'; mark++) {
		assert_true(is_modest_with_marks(*mark, PEEK_MAX_MARKS));
		assert_false(is_modest_with_marks(*mark, PEEK_MAX_MARKS + 1));
	}
}

static void chunks_and_nul_are_not(void **state)
{
	static const char nul[] = "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n";

	(void)state;
	assert_false(is_modest("POST / HTTP/1.1\r\ntransfer-Encoding: chunked\r\n\r\n"));
	assert_false(peek_is_modest(nul, sizeof nul - 1));
}

static void the_bytes_stay(void **state)
{
	char bytes[sizeof deposit];
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_false(peek_socket_is_modest(ends[0])); /* nothing there */
	assert_int_equal(write(ends[1], deposit, sizeof deposit - 1), sizeof deposit - 1);
	assert_true(peek_socket_is_modest(ends[0]));
	assert_int_equal(read(ends[0], bytes, sizeof bytes), sizeof deposit - 1);
	assert_memory_equal(bytes, deposit, sizeof deposit - 1);
	close(ends[1]);
	assert_false(peek_socket_is_modest(ends[0])); /* gone */
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_heads_are),
		cmocka_unit_test(unfinished_heads_are_not),
		cmocka_unit_test(the_limits_and_one_more),
		cmocka_unit_test(chunks_and_nul_are_not),
		cmocka_unit_test(the_bytes_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
