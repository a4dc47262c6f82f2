/* A reply means the same in one piece and in pieces: the first byte of the input says how large these
 * are, the rest is what the peer sent before it closed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_parse feed(struct http_response *response, const uint8_t *data, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		char *exact = malloc(n);
		if (exact == NULL)
			abort();
		memcpy(exact, data + at, n);
		enum http_parse result = http_response_feed(response, exact, n, false);
		free(exact);
		if (result == HTTP_PARSE_BAD)
			return result;
	}
	return http_response_feed(response, NULL, 0, true);
}

static void assert_same(const struct http_response *a, const struct http_response *b)
{
	if (a->status != b->status || a->body_length != b->body_length || a->body.length != b->body.length ||
	    !text_equal(str_text(&a->head), str_text(&b->head)))
		abort();
	if (a->body.length > 0 && memcmp(a->body.text, b->body.text, a->body.length) != 0)
		abort();
	if (a->status < 200 || a->status > 599 || a->body.length > HTTP_MAX_RESPONSE_BODY)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response whole = {0}, pieces = {0};

	if (size < 2)
		return 0;
	enum http_parse result = feed(&whole, data + 1, size - 1, size - 1);
	if (feed(&pieces, data + 1, size - 1, (size_t)data[0] % 64 + 1) != result)
		abort();
	if (result == HTTP_PARSE_DONE)
		assert_same(&whole, &pieces);
	char *value = http_response_header(&whole, "Content-Length");
	free(value);
	http_response_fini(&whole);
	http_response_fini(&pieces);
	return 0;
}
