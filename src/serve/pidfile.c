/* Of two servers that find the same stale file at the same time one must lose: looking and replacing are
 * one thing under a lock of the file's folder, which needs no file of its own to be left behind. */
#include "serve/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"

/* 0: there is none, or it names none. */
static pid_t read_pid(const char *path)
{
	char text[32] = "";
	int64_t pid = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return 0;
	if (fgets(text, sizeof text, file) != NULL)
		text[strcspn(text, "\r\n")] = '\0';
	fclose(file);
	return num_parse(text, 1, 1 << 22, &pid, NULL) ? (pid_t)pid : 0;
}

static bool is_alive(pid_t pid)
{
	return pid > 0 && pid != getpid() && (kill(pid, 0) == 0 || errno == EPERM);
}

static int lock_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL ? mem_text_n(path, (size_t)(slash - path) + 1) : mem_text(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(folder);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}

static bool write_pid(const char *path)
{
	char text[32];
	int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	bool ok = write(fd, text, (size_t)length) == length;
	return close(fd) == 0 && ok;
}

static bool replace(const char *path, struct err *err)
{
	char *fresh = mem_printf("%s.%d", path, (int)getpid());
	bool ok = write_pid(fresh) && rename(fresh, path) == 0;

	if (!ok) {
		err_set(err, "the pid file %s cannot be written: %s", path, strerror(errno));
		unlink(fresh);
	}
	free(fresh);
	return ok;
}

bool pidfile_take(const char *path, struct err *err)
{
	int folder = lock_folder_of(path);

	if (folder < 0)
		return err_set(err, "the pid file %s cannot be written: %s", path, strerror(errno));
	pid_t other = read_pid(path);
	bool ok = false;
	if (is_alive(other))
		err_set(err, "the pid file %s names a process that is alive, pid %d: stop that one, or choose "
		        "another file", path, (int)other);
	else
		ok = replace(path, err);
	close(folder);
	return ok;
}

void pidfile_remove(const char *path)
{
	int folder = lock_folder_of(path);

	if (read_pid(path) == getpid())
		unlink(path);
	if (folder >= 0)
		close(folder);
}
