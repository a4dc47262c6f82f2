/* The process at the other end of a unix socket, on this machine: for drivers. */
#ifndef DB_PEER_H
#define DB_PEER_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

/* Of the server that listens; 0: it cannot be seen from here (TCP, another machine, another PID namespace). */
pid_t db_peer(int socket) MUST_USE;
/* A whole number that /proc/PROCESS/status tells of a process or thread, as "PPid" or "Tgid"; -1: it cannot be read. */
int64_t db_process_number(int64_t process, const char *name) MUST_USE;
/* Where `part` (a process or thread) has the peer for its "PPid" or "Tgid", it runs on these processors from now on, as
 * far as the system lets us say so. */
void db_peer_keep_to(pid_t peer, const char *relation, int64_t part, const cpu_set_t *cpus);
/* Started by this process, or by one that was. */
bool db_peer_is_ours(pid_t peer) MUST_USE;

#endif
