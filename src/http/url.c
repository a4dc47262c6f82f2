/* URLs as a person types them for a client that speaks plain HTTP: what it cannot do is told in a
 * sentence, and a character that would break the request line never gets into one. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "http/client.h"

enum { DEFAULT_PORT = 80, MAX_HOST = 253 };

static const char in_a_name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

static bool is_visible_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

/* Where the authority begins; NULL and an error if this is no URL for us. */
static const char *skip_scheme(const char *text, struct err *err)
{
	if (strncasecmp(text, "http://", 7) == 0)
		return text + 7;
	if (strncasecmp(text, "https://", 8) == 0)
		err_set(err, "'%s': https is not spoken here, give the http:// address of the server itself",
		        text);
	else
		err_set(err, "'%s' is not an http:// URL such as http://localhost:8000", text);
	return NULL;
}

static bool is_host(const char *host, bool bracketed)
{
	struct in6_addr address;
	size_t n = strlen(host);

	if (bracketed)
		return inet_pton(AF_INET6, host, &address) == 1;
	return n > 0 && n <= MAX_HOST && strspn(host, in_a_name) == n;
}

static bool is_port(const char *text, int *port)
{
	int64_t number;

	if (text[0] == '-' || !num_parse(text, 1, 65535, &number, NULL))
		return false;
	*port = (int)number;
	return true;
}

/* Cuts the authority (it is the caller's copy) into host and port. */
static bool parse_authority(char *authority, struct http_url *url)
{
	bool bracketed = authority[0] == '[';
	char *host = bracketed ? authority + 1 : authority;
	char *end = host + strcspn(host, bracketed ? "]" : ":");

	if (bracketed && *end != ']')
		return false;
	char *rest = bracketed ? end + 1 : end;
	bool has_port = *rest == ':';
	if (!has_port && *rest != '\0')
		return false;
	*end = '\0';
	url->port = DEFAULT_PORT;
	if (!is_host(host, bracketed) || (has_port && !is_port(rest + 1, &url->port)))
		return false;
	url->host = mem_text(host);
	return true;
}

bool http_url_parse(const char *text, struct http_url *url, struct err *err)
{
	*url = (struct http_url){0};
	const char *begin = skip_scheme(text, err);

	if (begin == NULL)
		return false;
	if (!is_visible_ascii(text))
		return err_set(err, "'%s' has a space or another character that a URL writes as %%XX", text);
	size_t length = strcspn(begin, "/?#");
	char *authority = mem_text_n(begin, length);
	bool good = strchr(authority, '@') == NULL;
	if (!good)
		err_set(err, "'%s': a user name or password in the URL is not supported", text);
	else if (!(good = parse_authority(authority, url)))
		err_set(err, "'%s': '%.*s' is not HOST, HOST:PORT or [IPV6]:PORT with a port from 1 to 65535",
		        text, (int)length, begin);
	free(authority);
	if (!good)
		return false;
	const char *path = begin + length;
	url->path = mem_printf("%s%.*s", *path == '/' ? "" : "/", (int)strcspn(path, "#"), path);
	return true;
}

char *http_url_authority(const struct http_url *url)
{
	bool bracketed = strchr(url->host, ':') != NULL;

	return mem_printf(bracketed ? "[%s]:%d" : "%s:%d", url->host, url->port);
}

void http_url_fini(struct http_url *url)
{
	free(url->host);
	free(url->path);
	*url = (struct http_url){0};
}
