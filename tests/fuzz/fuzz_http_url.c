/* A URL that is taken can be written out again and means the same; none carries a character that
 * would break a request line; one that is not taken is refused in words. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_safe(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			abort();
}

static void assert_again(const struct http_url *url)
{
	struct http_url again;
	char *authority = http_url_authority(url);
	char *text = mem_printf("http://%s%s", authority, url->path);

	assert_safe(text);
	if (url->path[0] != '/' || strchr(url->path, '#') != NULL || url->port < 1 || url->port > 65535)
		abort();
	if (!http_url_parse(text, &again, NULL) || again.port != url->port ||
	    !text_equal(again.host, url->host) || !text_equal(again.path, url->path))
		abort();
	http_url_fini(&again);
	free(text);
	free(authority);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_text_n((const char *)data, size);
	struct http_url url;
	struct err err = {0};

	if (http_url_parse(text, &url, &err)) {
		assert_again(&url);
		http_url_fini(&url);
	} else if (err.text == NULL) {
		abort();
	}
	err_fini(&err);
	free(text);
	return 0;
}
