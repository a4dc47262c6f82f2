/* Files that are appended to by several processes, a line in one write: the kernel then keeps lines whole. */
#include "serve/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- the files ------------------------------------------------------------------------------ */

/* -1 and an error: it cannot be opened. */
static int open_log(const char *path, int standard, struct err *err)
{
	if (text_equal(path, "-"))
		return standard;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0644);
	if (fd < 0)
		err_set(err, "the log file %s cannot be opened: %s", path, strerror(errno));
	return fd;
}

static void close_log(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

bool logs_open(struct logs *logs, const char *access_path, const char *error_path, struct err *err)
{
	int access_fd = access_path != NULL ? open_log(access_path, STDOUT_FILENO, err) : -1;

	if (access_path != NULL && access_fd < 0)
		return false;
	int error_fd = open_log(error_path != NULL ? error_path : "-", STDERR_FILENO, err);
	if (error_fd < 0) {
		close_log(access_fd);
		return false;
	}
	*logs = (struct logs){mem_text(access_path), mem_text(error_path), access_fd, error_fd};
	log_to(error_fd);
	return true;
}

void logs_close(struct logs *logs)
{
	log_to(STDERR_FILENO);
	close_log(logs->access_fd);
	close_log(logs->error_fd);
	free(logs->access_path);
	free(logs->error_path);
	*logs = (struct logs){NULL, NULL, -1, STDERR_FILENO};
}

bool logs_change(struct logs *logs, const char *access_path, const char *error_path, struct err *err)
{
	struct logs fresh;

	if (!logs_open(&fresh, access_path, error_path, err))
		return false;
	logs_close(logs);
	*logs = fresh;
	log_to(logs->error_fd);
	return true;
}

/* Under the old number, so that nobody needs to be told of a new one. */
static void reopen(const char *path, int fd)
{
	struct err err = {0};

	if (fd <= STDERR_FILENO)
		return;
	int fresh = open_log(path, fd, &err);
	if (fresh < 0 || dup3(fresh, fd, O_CLOEXEC) < 0)
		log_error("%s: the old file stays in use", err_text(&err));
	close_log(fresh);
	err_fini(&err);
}

void logs_reopen(struct logs *logs)
{
	reopen(logs->error_path, logs->error_fd);
	reopen(logs->access_path, logs->access_fd);
}

/* ---- an access ------------------------------------------------------------------------------ */

static void add_peer(struct str *line, const struct sockaddr *peer)
{
	char host[NI_MAXHOST];
	socklen_t length = peer != NULL && peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
	                                                               : sizeof(struct sockaddr_in);

	if (peer != NULL && getnameinfo(peer, length, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0)
		str_add(line, host);
	else
		str_add_char(line, '-');
}

/* What a client sent must neither end a field nor a line, nor reach a terminal as an escape. */
static void add_foreign(struct str *line, const char *text)
{
	for (const char *c = text != NULL ? text : "-"; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;
		if (byte == '"' || byte == '\\')
			str_add_char(line, '\\');
		if (byte < ' ' || byte == 127)
			str_printf(line, "\\x%02x", byte);
		else
			str_add_char(line, *c);
	}
}

char *logs_access_line(const struct http_record *record, const char *when)
{
	struct str line = {0};

	add_peer(&line, record->peer);
	str_printf(&line, " - - [%s] \"", when);
	add_foreign(&line, record->method);
	str_add_char(&line, ' ');
	add_foreign(&line, record->target);
	str_add_char(&line, ' ');
	add_foreign(&line, record->version);
	str_printf(&line, "\" %d %zu \"", record->status, record->body_length);
	add_foreign(&line, record->referer);
	str_add(&line, "\" \"");
	add_foreign(&line, record->agent);
	str_add_char(&line, '"');
	return str_take(&line);
}

void logs_access(const struct logs *logs, const struct http_record *record)
{
	time_t now = time(NULL);
	struct tm parts;
	char when[64] = "";

	if (logs == NULL || logs->access_fd < 0)
		return;
	if (localtime_r(&now, &parts) != NULL && strftime(when, sizeof when, "%d/%b/%Y:%T %z", &parts) == 0)
		when[0] = '\0';
	char *text = logs_access_line(record, when);
	char *line = mem_printf("%s\n", text);
	if (write(logs->access_fd, line, strlen(line)) < 0)
		log_warning("the access log cannot be written: %s", strerror(errno));
	free(line);
	free(text);
}
