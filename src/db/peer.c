/* Who is at the other end of a unix socket, and where the system lets him run. To hand a statement over to a server on
 * the same processor costs a tenth of what it costs to wake up another one. */
#include "db/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

pid_t db_peer(int socket)
{
	struct ucred peer = {0};
	socklen_t length = sizeof peer;

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0 ? peer.pid : 0;
}

int64_t db_process_number(int64_t process, const char *name)
{
	char *path = mem_printf("/proc/%lld/status", (long long)process), line[128];
	FILE *file = fopen(path, "re");
	const size_t length = strlen(name);
	long long number = -1;

	while (number < 0 && file != NULL && fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			number = strtoll(line + length + 1, NULL, 10);
	if (file != NULL)
		fclose(file);
	free(path);
	return number;
}

void db_peer_keep_to(pid_t peer, const char *relation, int64_t part, const cpu_set_t *cpus)
{
	if (peer > 0 && part > 0 && db_process_number(part, relation) == peer)
		(void)sched_setaffinity((pid_t)part, sizeof *cpus, cpus);
}

bool db_peer_is_ours(pid_t peer)
{
	const int64_t us = getpid();
	int64_t process = peer;

	if (us == 1)
		return false; /* orphans are nobody's, and yet our children */
	while (process > 1 && process != us)
		process = db_process_number(process, "PPid");
	return process == us;
}
