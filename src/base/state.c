/* The state directory. */
#include "base/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

/* mkdir -p for a path that begins with '/'; what is new belongs to the user alone. */
static bool make_directories(const char *path, struct err *err)
{
	char *copy = mem_text(path);
	bool ok = true;

	for (char *slash = strchr(copy + 1, '/'); ok; slash = strchr(slash + 1, '/')) {
		if (slash != NULL)
			*slash = '\0';
		ok = mkdir(copy, 0700) == 0 || errno == EEXIST;
		if (!ok)
			err_set(err, "cannot make the directory %s: %s", copy, strerror(errno));
		if (slash == NULL)
			break;
		*slash = '/';
	}
	free(copy);
	return ok;
}

char *state_folder(struct err *err)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char *folder = NULL;

	if (state != NULL && state[0] == '/')
		folder = mem_printf("%s/racy", state);
	else if (home != NULL && home[0] == '/')
		folder = mem_printf("%s/.local/state/racy", home);
	else
		err_set(err, "HOME is not set");
	if (folder != NULL && !make_directories(folder, err)) {
		free(folder);
		folder = NULL;
	}
	return folder;
}
