/* What a volley needs before its first shot: all that would take time between the shots. */
#include "load/firing.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { SPARE_FILES = 64 }; /* for all that the process has open beside the volley */

static bool resolve(struct firing *firing, struct err *err)
{
	const struct volley *volley = firing->volley;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char *port = mem_printf("%d", volley->port);
	int code = getaddrinfo(volley->host, port, &hints, &firing->resolved);
	size_t n = 0;

	free(port);
	if (code != 0)
		return err_set(err, "the host '%s' was not found: %s", volley->host,
		               code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
	for (const struct addrinfo *a = firing->resolved; a != NULL; a = a->ai_next)
		n++;
	firing->addresses = mem_new(n, sizeof *firing->addresses);
	for (const struct addrinfo *a = firing->resolved; a != NULL; a = a->ai_next)
		firing->addresses[firing->n_addresses++] = a;
	return true;
}

static size_t largest_group(const struct firing *firing)
{
	size_t largest = 0;

	for (size_t i = 0; i < firing->n_groups; i++)
		if (firing->groups[i].n > largest)
			largest = firing->groups[i].n;
	return largest;
}

/* All of the volley may be in flight at once; the largest group certainly is. */
static bool raise_file_limit(struct firing *firing, struct err *err)
{
	rlim_t wanted = firing->volley->n + SPARE_FILES, needed = largest_group(firing) + SPARE_FILES;

	if (getrlimit(RLIMIT_NOFILE, &firing->files_before) != 0)
		return err_set(err, "the limit of open files is not known: %s", strerror(errno));
	struct rlimit raised = firing->files_before;
	if (needed > raised.rlim_max)
		return err_set(err,
		               "%zu requests at once need %llu open files, and this process may have %llu: "
		               "fire fewer at once, or raise the hard limit (ulimit -Hn)",
		               largest_group(firing), (unsigned long long)needed,
		               (unsigned long long)raised.rlim_max);
	if (wanted <= raised.rlim_cur)
		return true;
	raised.rlim_cur = wanted < raised.rlim_max ? wanted : raised.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &raised) != 0)
		return err_set(err, "the limit of open files cannot be raised: %s", strerror(errno));
	firing->files_raised = true;
	return true;
}

static char *request_text(const struct volley *volley, size_t i, const char *authority)
{
	const struct shot *shot = &volley->shots[i];
	char *body = mem_printf("account=%lld&amount=%lld", (long long)shot->account, (long long)shot->amount);
	char *mark = volley->run != NULL ? mem_printf("X-Racy-Request: %s/%zu\r\n", volley->run, i + 1)
	                                 : mem_text("");
	char *text = mem_printf("POST %s HTTP/1.1\r\n"
	                        "Host: %s\r\n"
	                        "Content-Type: application/x-www-form-urlencoded\r\n"
	                        "Content-Length: %zu\r\n"
	                        "Connection: close\r\n"
	                        "%s\r\n%s",
	                        shot->path, authority, strlen(body), mark, body);

	free(body);
	free(mark);
	return text;
}

static void prepare_flights(struct firing *firing)
{
	struct volley *volley = firing->volley;
	char *host = mem_text(volley->host);
	char *authority = http_url_authority(&(struct http_url){.host = host, .port = volley->port});

	firing->flights = mem_new(volley->n, sizeof *firing->flights);
	for (size_t i = 0; i < volley->n; i++) {
		struct flight *flight = &firing->flights[i];
		flight->fd = -1;
		flight->request = request_text(volley, i, authority);
		flight->length = strlen(flight->request);
	}
	free(authority);
	free(host);
}

static void prepare_groups(struct firing *firing)
{
	const struct volley *volley = firing->volley;

	firing->groups = mem_new(volley->n, sizeof *firing->groups);
	for (size_t i = 0; i < volley->n; i++) {
		if (i == 0 || volley->shots[i].at_ns != volley->shots[i - 1].at_ns)
			firing->groups[firing->n_groups++].first = i;
		firing->groups[firing->n_groups - 1].n++;
		firing->groups[firing->n_groups - 1].unconnected++;
		firing->flights[i].group = firing->n_groups - 1;
	}
}

static void forget_outcomes(struct volley *volley)
{
	for (size_t i = 0; i < volley->n; i++) {
		const struct shot *old = &volley->shots[i];
		volley->shots[i] = (struct shot){
			.at_ns = old->at_ns, .path = old->path, .account = old->account, .amount = old->amount};
	}
}

bool firing_prepare(struct firing *firing, struct volley *volley, struct err *err)
{
	*firing = (struct firing){.volley = volley, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	forget_outcomes(volley);
	firing->ended = mem_new(volley->n, sizeof *firing->ended);
	prepare_flights(firing);
	prepare_groups(firing);
	if (firing->epoll < 0)
		return err_set(err, "no connection can be watched: %s", strerror(errno));
	return resolve(firing, err) && raise_file_limit(firing, err);
}

void firing_fini(struct firing *firing)
{
	for (size_t i = 0; i < firing->volley->n; i++)
		free(firing->flights[i].request);
	free(firing->flights);
	free(firing->groups);
	free(firing->ended);
	free(firing->addresses);
	if (firing->resolved != NULL)
		freeaddrinfo(firing->resolved);
	if (firing->epoll >= 0)
		close(firing->epoll);
	if (firing->files_raised)
		(void)setrlimit(RLIMIT_NOFILE, &firing->files_before);
}
