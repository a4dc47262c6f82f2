/* The seats in shared memory, and the sign of life that a worker leaves in its own. */
#include "serve/scoreboard.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

struct seat *scoreboard_new(size_t seats, struct err *err)
{
	void *memory = mmap(NULL, seats * sizeof(struct seat), PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		err_set(err, "no shared memory for %zu workers: %s", seats, strerror(errno));
		return NULL;
	}
	return memory;
}

void scoreboard_free(struct seat *seats, size_t n)
{
	if (seats != NULL)
		munmap(seats, n * sizeof *seats);
}

void seat_beat(struct seat *seat, enum seat_phase phase)
{
	atomic_store(&seat->heartbeat_ns, clock_now_ns());
	atomic_store(&seat->phase, phase);
}
