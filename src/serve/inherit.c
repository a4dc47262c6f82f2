/* The listening socket that somebody else made: systemd's socket units, or any starter that speaks their
 * protocol (sd_listen_fds(3)). Our own lines, since libsystemd would be a dependency for two variables. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "serve/serve.h"

enum { FIRST_FD = 3 }; /* SD_LISTEN_FDS_START */

static bool number_in(const char *variable, int64_t *number)
{
	const char *text = getenv(variable);

	return text != NULL && num_parse(text, 0, INT32_MAX, number, NULL);
}

static bool is_listening(int fd)
{
	int type = 0, listening = 0;
	socklen_t size = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

/* As --bind would have it. */
static bool name_of(int fd, char **bind, int *port)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	char host[NI_MAXHOST], service[NI_MAXSERV];
	int64_t number;

	if (getsockname(fd, (struct sockaddr *)&name, &length) < 0 ||
	    (name.ss_family != AF_INET && name.ss_family != AF_INET6) ||
	    getnameinfo((struct sockaddr *)&name, length, host, sizeof host, service, sizeof service,
	                NI_NUMERICHOST | NI_NUMERICSERV) != 0 || !num_parse(service, 0, 65535, &number, NULL))
		return false;
	*bind = mem_printf(name.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, service);
	*port = (int)number;
	return true;
}

/* Not for those that are started by us, and a worker that waits in accept() could not be told to leave. */
static bool keep_to_us(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int serve_inherit(bool *given, char **bind, int *port, struct err *err)
{
	int64_t pid, n;

	/* The pid: what was meant for the shell around us is not for us. */
	*given = number_in("LISTEN_PID", &pid) && pid == getpid() && number_in("LISTEN_FDS", &n) && n > 0;
	if (!*given)
		return -1;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (n > 1)
		err_set(err, "%lld sockets were passed (LISTEN_FDS), and racy serves one: leave one ListenStream= in "
		             "the socket unit", (long long)n);
	else if (!is_listening(FIRST_FD))
		err_set(err, "what was passed (LISTEN_FDS) is not a listening stream socket: give the socket unit "
		             "ListenStream=HOST:PORT and Accept=no");
	else if (!keep_to_us(FIRST_FD))
		err_set(err, "the socket that was passed (LISTEN_FDS) cannot be used: %s", strerror(errno));
	else if (!name_of(FIRST_FD, bind, port))
		err_set(err, "the socket that was passed (LISTEN_FDS) has no IPv4 or IPv6 address: give the socket "
		             "unit ListenStream=HOST:PORT");
	else
		return FIRST_FD;
	return -1;
}
