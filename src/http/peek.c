/* A look at what a client has sent. What is not certain here counts as not modest, which costs time and nothing
 * else; the judgement on the head is made later, by those who read it. */
#include "http/peek.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Who connects in order to ask has mostly done so by then; who has not is no common client. */
enum { PATIENCE_MS = 1 };

static size_t count_marks(const char *bytes, size_t n)
{
	size_t marks = 0;

	for (size_t i = 0; i < n; i++)
		marks += bytes[i] == '\n' || bytes[i] == '&' || bytes[i] == ';' || bytes[i] == ',';
	return marks;
}

bool peek_is_modest(const char *bytes, size_t n)
{
	char head[PEEK_MAX_BYTES + 1];
	const char *end = memmem(bytes, n, "\r\n\r\n", 4);

	if (end == NULL || (size_t)(end - bytes) + 4 > PEEK_MAX_BYTES)
		return false;
	n = (size_t)(end - bytes) + 4;
	if (memchr(bytes, '\0', n) != NULL || count_marks(bytes, n) > PEEK_MAX_MARKS)
		return false;
	memcpy(head, bytes, n);
	head[n] = '\0';
	return strcasestr(head, "transfer-encoding") == NULL;
}

bool peek_socket_is_modest(int fd)
{
	struct pollfd client = {.fd = fd, .events = POLLIN};
	char bytes[PEEK_MAX_BYTES];
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && poll(&client, 1, PATIENCE_MS) > 0)
		n = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
	return n > 0 && peek_is_modest(bytes, (size_t)n);
}
