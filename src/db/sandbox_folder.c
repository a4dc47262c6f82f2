/* Where throw-away servers live: one home per user under a folder that everybody may write to, one
 * folder in it per server, locked by its supervisor as long as that lives. The lock is on the
 * directory itself: systemd-tmpfiles leaves a locked directory alone too, however old its files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/sandbox_private.h"

#define SERVER_PREFIX "server-"

static bool home_is_ours(const char *path, int fd, struct err *err)
{
	struct stat info;

	if (fd < 0 || fstat(fd, &info) != 0)
		return err_set(err, "cannot use %s as a folder of our own: %s; remove it", path, strerror(errno));
	if (info.st_uid != geteuid())
		return err_set(err, "%s belongs to user %u, not to %u: remove it", path, (unsigned)info.st_uid,
		               (unsigned)geteuid());
	if ((info.st_mode & 077) != 0)
		return err_set(err, "others may enter %s: chmod 700 it, or remove it", path);
	return true;
}

char *sandbox_home_open(const char *parent, int *fd, struct err *err)
{
	char *path = mem_printf("%s/racy-%u", parent, (unsigned)geteuid());

	*fd = -1;
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		err_set(err, "cannot make the folder %s: %s", path, strerror(errno));
		free(path);
		return NULL;
	}
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (home_is_ours(path, *fd, err)) {
		if (flock(*fd, LOCK_EX) == 0)
			return path;
		err_set(err, "cannot lock %s: %s", path, strerror(errno));
	}
	if (*fd >= 0)
		close(*fd);
	free(path);
	return NULL;
}

static int lock_folder(const char *path, int how)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, how) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A supervisor that was killed hard left its folder behind, and nobody holds the lock any more. */
static void sweep(const char *home)
{
	DIR *entries = opendir(home);
	const struct dirent *entry;

	while (entries != NULL && (entry = readdir(entries)) != NULL) {
		if (!text_starts_with(entry->d_name, SERVER_PREFIX))
			continue;
		char *path = mem_printf("%s/%s", home, entry->d_name);
		int lock = lock_folder(path, LOCK_EX | LOCK_NB);
		if (lock >= 0) {
			/* What cannot be removed now is tried again next time. */
			(void)!sandbox_remove(path, NULL);
			close(lock);
		}
		free(path);
	}
	if (entries != NULL)
		closedir(entries);
}

char *sandbox_folder_new(const char *home, int *lock, struct err *err)
{
	char *path = mem_printf("%s/" SERVER_PREFIX "XXXXXX", home);

	sweep(home);
	*lock = mkdtemp(path) != NULL ? lock_folder(path, LOCK_EX) : -1;
	if (*lock >= 0)
		return path;
	err_set(err, "cannot make a folder in %s: %s", home, strerror(errno));
	free(path);
	return NULL;
}

static FTS *walk(const char *path)
{
	char *copy = mem_text(path);
	char *roots[] = {copy, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	free(copy);
	return tree;
}

bool sandbox_remove(const char *path, struct err *err)
{
	FTS *tree = walk(path);
	const FTSENT *entry;
	int failure = tree == NULL ? errno : 0;

	while (tree != NULL && (entry = fts_read(tree)) != NULL) {
		bool folder = entry->fts_info == FTS_DP || entry->fts_info == FTS_DNR;
		if (entry->fts_info == FTS_D)
			continue;
		if ((folder ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath)) != 0 && errno != ENOENT)
			failure = errno;
	}
	if (tree != NULL)
		fts_close(tree);
	return failure == 0 || err_set(err, "cannot remove %s: %s", path, strerror(failure));
}

char *sandbox_measure(const char *path)
{
	FTS *tree = walk(path);
	const FTSENT *entry;
	int64_t files = 0, bytes = 0;

	while (tree != NULL && (entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_F) {
			files++;
			bytes += entry->fts_statp->st_size;
		}
	}
	if (tree != NULL)
		fts_close(tree);
	return files > 0 ? mem_printf("%" PRId64 " files, %" PRId64 " bytes\n", files, bytes) : NULL;
}
