/* The listening socket: what --bind says becomes a socket that all workers inherit.
 * It is made before anything else, so that a port that is taken is told before a worker exists. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "serve/serve.h"

enum {
	BACKLOG = 2048, /* Gunicorn's; a short one makes clients wait for the kernel's retries */
	TRIES = 5, /* Gunicorn's too, a second apart */
};

struct address {
	char *host; /* NULL: every interface */
	char *port;
};

static void address_fini(struct address *address)
{
	free(address->host);
	free(address->port);
}

static bool address_parse(const char *bind, struct address *address, struct err *err)
{
	const char *host_end = strrchr(bind, ':');
	const char *port = host_end != NULL ? host_end + 1 : bind;
	const char *host = bind;
	int64_t number = 0;

	if (bind[0] == '[') {
		host = bind + 1;
		host_end = strchr(bind, ']');
		if (host_end == NULL || host_end == host || host_end[1] != ':')
			return err_set(err, "'%s' is not an address: write [::1]:PORT", bind);
		port = host_end + 2;
	} else if (host_end != NULL && memchr(bind, ':', (size_t)(host_end - bind)) != NULL) {
		return err_set(err, "'%s' is not an address: write an IPv6 address in brackets, [::1]:PORT",
		               bind);
	}
	if (!num_parse(port, 0, 65535, &number, NULL))
		return err_set(err, "'%s' is not an address: write HOST:PORT, [::1]:PORT, :PORT or PORT, with "
		               "a port from 0 (any free one) to 65535", bind);
	address->port = mem_text(port);
	if (host_end == NULL)
		address->host = mem_text("127.0.0.1");
	else if (host_end > host)
		address->host = mem_text_n(host, (size_t)(host_end - host));
	return true;
}

/* -1 with errno, the socket closed. */
static int give_up(int fd)
{
	int why = errno;

	close(fd);
	errno = why;
	return -1;
}

static int listen_on(const struct addrinfo *info, int backlog)
{
	int on = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Connections of a server that has just ended must not keep its port from the next one. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, backlog) < 0)
		return give_up(fd);
	return fd;
}

/* IPv4 first: "localhost" is both, and clients that were told 127.0.0.1 are the majority. */
static int listen_on_any(const struct addrinfo *list, int backlog)
{
	static const int families[] = {AF_INET, AF_INET6};
	int why = EADDRNOTAVAIL, taken = 0;

	for (size_t i = 0; i < COUNT_OF(families); i++)
		for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
			int fd = info->ai_family == families[i] ? listen_on(info, backlog) : -1;
			if (fd >= 0)
				return fd;
			if (info->ai_family == families[i])
				why = errno;
			/* Of what is wrong with several addresses, the one that may pass counts. */
			if (info->ai_family == families[i] && why == EADDRINUSE)
				taken = why;
		}
	errno = taken != 0 ? taken : why;
	return -1;
}

static int port_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;

	if (getsockname(fd, (struct sockaddr *)&name, &length) < 0)
		return 0;
	if (name.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&name)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&name)->sin_port);
}

static void tell_failure(const char *bind, struct err *err)
{
	if (errno == EADDRINUSE)
		err_set(err, "%s is in use by another program: stop that one, or choose another port "
		        "(port 0 takes a free one)", bind);
	else if (errno == EACCES)
		err_set(err, "%s needs more rights than this user has: choose a port from 1024 on", bind);
	else
		err_set(err, "cannot listen at %s: %s", bind, strerror(errno));
}

enum obstacle { OBSTACLE_NONE, OBSTACLE_MALFORMED, OBSTACLE_IN_USE, OBSTACLE_OTHER };

/* Once; -1 and an error, and `obstacle` says of what kind it is. */
static int try_to_listen(const char *bind, int backlog, int *port, enum obstacle *obstacle, struct err *err)
{
	struct address address = {0};
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list = NULL;
	int fd = -1;

	*obstacle = OBSTACLE_MALFORMED;
	if (!address_parse(bind, &address, err))
		return -1;
	*obstacle = OBSTACLE_OTHER;
	int code = getaddrinfo(address.host, address.port, &hints, &list);
	if (code != 0) {
		err_set(err, "the host of %s is not known: %s", bind, gai_strerror(code));
	} else {
		fd = listen_on_any(list, backlog);
		*obstacle = fd >= 0 ? OBSTACLE_NONE : errno == EADDRINUSE ? OBSTACLE_IN_USE : OBSTACLE_OTHER;
		if (fd >= 0)
			*port = port_of(fd);
		else
			tell_failure(bind, err);
		freeaddrinfo(list);
	}
	address_fini(&address);
	return fd;
}

int serve_listen(const char *bind, int *port, bool *malformed, struct err *err)
{
	enum obstacle obstacle;
	int fd = try_to_listen(bind, BACKLOG, port, &obstacle, err);

	if (malformed != NULL)
		*malformed = obstacle == OBSTACLE_MALFORMED;
	return fd;
}

int serve_listen_patiently(const char *bind, int backlog, int *port, bool *malformed, struct err *err)
{
	enum obstacle obstacle;
	int fd = try_to_listen(bind, backlog, port, &obstacle, err);

	for (int again = 1; again <= TRIES && fd < 0 && obstacle == OBSTACLE_IN_USE; again++) {
		log_warning("%s is in use by another program: trying again in a second (%d of %d)", bind, again,
		            TRIES);
		clock_pause_ns(NS_PER_S);
		fd = try_to_listen(bind, backlog, port, &obstacle, err);
	}
	*malformed = obstacle == OBSTACLE_MALFORMED;
	return fd;
}
