/* The volley while it flies: shared by what prepares it and what flies it, and by nobody else. */
#ifndef LOAD_FIRING_H
#define LOAD_FIRING_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "http/client.h"
#include "load/fire.h"

enum stage {
	STAGE_PLANNED,
	STAGE_CONNECTING,
	STAGE_HELD, /* connected, before its gate */
	STAGE_SENDING,
	STAGE_RECEIVING,
	STAGE_ENDED,
};

struct flight {
	enum stage stage;
	int fd;
	size_t group;
	size_t first_address, tried; /* how many addresses have refused it */
	char *request;
	size_t length, sent, received;
	struct http_response response;
};

struct group {
	size_t first, n;
	size_t unconnected; /* planned or connecting */
	int64_t opens_ns;   /* at the latest; 0: not launched yet */
	bool open;
};

struct firing {
	struct volley *volley;
	struct rlimit files_before; /* the limit of open files; raised while the volley flies */
	bool files_raised;
	struct addrinfo *resolved;
	const struct addrinfo **addresses;
	size_t n_addresses;
	size_t good_address; /* the one that answered last: further shots begin there */
	int epoll;
	struct flight *flights;
	struct group *groups;
	size_t n_groups, n_launched;
	size_t first_closed; /* the groups before it are open */
	size_t oldest;       /* the flights before it have ended */
	size_t *ended;       /* in this order; on_end is called when no reply waits to be read */
	size_t n_ended, n_told;
	int64_t next_tick_ns;
	bool stopped;
};

/* Makes flights, groups and requests, finds the host's addresses and raises the limit of open files.
 * firing_fini is due whatever the result was. */
bool firing_prepare(struct firing *firing, struct volley *volley, struct err *err) MUST_USE;
void firing_fini(struct firing *firing);

#endif
