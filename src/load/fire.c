/* One thread and one epoll instance fire a whole volley: two threads do not bring the bytes closer
 * together on a small machine, and one has no locks that would spread them.
 *
 * A flight is one shot under way. Flights that are due together form a group with a gate: each gets
 * its connection first and is held, and when the last one has its own, the requests leave in one
 * tight loop. The gate also opens when the rest does not come: a server with a short backlog makes
 * no further connection before it has answered those that are waiting here for the others. */
#include "load/firing.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define GATE_NS (500 * NS_PER_MS)
#define TICK_NS (10 * NS_PER_MS)
enum { READ_SIZE = 16 * 1024, EVENTS = 256 };

/* ---- a flight --------------------------------------------------------------------------------- */

static void open_gate(struct firing *firing, struct group *group);

static void one_less_to_wait_for(struct firing *firing, struct group *group)
{
	if (--group->unconnected == 0 && !group->open)
		open_gate(firing, group);
}

static void end_flight(struct firing *firing, size_t i, enum shot_end end, const char *format, ...)
	PRINTF_LIKE(4, 5);

static void end_flight(struct firing *firing, size_t i, enum shot_end end, const char *format, ...)
{
	struct flight *flight = &firing->flights[i];
	struct shot *shot = &firing->volley->shots[i];
	bool unconnected = flight->stage == STAGE_PLANNED || flight->stage == STAGE_CONNECTING;
	va_list args;

	shot->ended_ns = clock_now_ns();
	shot->end = end;
	va_start(args, format);
	(void)vsnprintf(shot->error, sizeof shot->error, format, args);
	va_end(args);
	if (flight->fd >= 0)
		close(flight->fd);
	flight->fd = -1;
	free(flight->request);
	flight->request = NULL;
	http_response_fini(&flight->response);
	flight->response = (struct http_response){0};
	flight->stage = STAGE_ENDED;
	firing->ended[firing->n_ended++] = i;
	if (unconnected)
		one_less_to_wait_for(firing, &firing->groups[flight->group]);
}

/* What a shot that will not be answered comes to. */
static enum shot_end lost(const struct firing *firing, size_t i)
{
	return firing->volley->shots[i].sent_ns != 0 ? SHOT_CUT : SHOT_FAILED;
}

/* Each event is told once and then waits to be asked for again: a held connection that its server
 * closes would otherwise wake the loop without an end. */
static bool watch(struct firing *firing, size_t i, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = i};

	return epoll_ctl(firing->epoll, operation, firing->flights[i].fd, &event) == 0;
}

static bool begin_connecting(struct firing *firing, size_t i, const struct addrinfo *address)
{
	struct flight *flight = &firing->flights[i];

	flight->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (flight->fd < 0)
		return false;
	if ((connect(flight->fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS) &&
	    watch(firing, i, EPOLL_CTL_ADD, EPOLLOUT))
		return true;
	int why = errno;
	close(flight->fd);
	flight->fd = -1;
	errno = why;
	return false;
}

/* Goes on with the addresses that were not tried yet. `why`: what the last one said. */
static void connect_flight(struct firing *firing, size_t i, int why)
{
	struct flight *flight = &firing->flights[i];

	flight->stage = STAGE_CONNECTING;
	for (; flight->tried < firing->n_addresses; flight->tried++) {
		size_t at = (flight->first_address + flight->tried) % firing->n_addresses;
		if (begin_connecting(firing, i, firing->addresses[at]))
			return;
		why = errno;
	}
	end_flight(firing, i, SHOT_FAILED, "%s", strerror(why));
}

static void connecting_went_on(struct firing *firing, size_t i)
{
	struct flight *flight = &firing->flights[i];
	struct group *group = &firing->groups[flight->group];
	int why = 0;
	socklen_t size = sizeof why;

	if (getsockopt(flight->fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
		why = errno;
	if (why != 0) {
		close(flight->fd);
		flight->fd = -1;
		flight->tried++;
		connect_flight(firing, i, why);
		return;
	}
	firing->volley->shots[i].connected_ns = clock_now_ns();
	firing->good_address = (flight->first_address + flight->tried) % firing->n_addresses;
	flight->stage = STAGE_HELD;
	bool late = group->open;
	one_less_to_wait_for(firing, group);
	if (late) {
		struct group alone = {.first = i, .n = 1};
		open_gate(firing, &alone);
	}
}

/* A connection that cannot be written to tells why, and what its server said before, when it is
 * read: so errors are left for that. */
static void send_request(struct firing *firing, size_t i)
{
	struct flight *flight = &firing->flights[i];
	struct shot *shot = &firing->volley->shots[i];
	ssize_t n = send(flight->fd, flight->request + flight->sent, flight->length - flight->sent, MSG_NOSIGNAL);

	if (n > 0) {
		if (shot->sent_ns == 0)
			shot->sent_ns = clock_now_ns();
		flight->sent += (size_t)n;
	}
	bool later = n >= 0 || errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
	flight->stage = later && flight->sent < flight->length ? STAGE_SENDING : STAGE_RECEIVING;
}

static void watch_for_reply(struct firing *firing, size_t i)
{
	uint32_t events = firing->flights[i].stage == STAGE_SENDING ? EPOLLIN | EPOLLOUT : EPOLLIN;

	if (!watch(firing, i, EPOLL_CTL_MOD, events))
		end_flight(firing, i, lost(firing, i), "%s", strerror(errno));
}

/* The first loop is all that lies between the first and the last request. Once the volley is stopped
 * nothing leaves any more, although the gate has nobody to wait for then. */
static void open_gate(struct firing *firing, struct group *group)
{
	size_t end = group->first + group->n;

	group->open = true;
	if (firing->stopped)
		return;
	for (size_t i = group->first; i < end; i++)
		if (firing->flights[i].stage == STAGE_HELD)
			send_request(firing, i);
	for (size_t i = group->first; i < end; i++) {
		enum stage stage = firing->flights[i].stage;
		if (stage == STAGE_SENDING || stage == STAGE_RECEIVING)
			watch_for_reply(firing, i);
	}
}

/* The reason is foreign text that ends up on a terminal: one word of printable letters, or nothing. */
static void note_reason(struct shot *shot, const struct http_response *response)
{
	char *reason = http_response_header(response, "X-Racy-Refused");
	size_t length = reason != NULL ? strlen(reason) : 0;
	bool word = length < sizeof shot->reason;

	for (size_t i = 0; i < length; i++)
		word = word && reason[i] > ' ' && reason[i] <= '~';
	if (length > 0 && word)
		memcpy(shot->reason, reason, length + 1);
	free(reason);
}

static void answered(struct firing *firing, size_t i)
{
	struct shot *shot = &firing->volley->shots[i];
	const struct http_response *response = &firing->flights[i].response;

	shot->status = response->status;
	if (shot->status == 503)
		note_reason(shot, response);
	end_flight(firing, i, SHOT_ANSWERED, "%s", "");
}

static void receive(struct firing *firing, size_t i)
{
	struct flight *flight = &firing->flights[i];
	char bytes[READ_SIZE];
	ssize_t n = recv(flight->fd, bytes, sizeof bytes, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		watch_for_reply(firing, i);
		return;
	}
	if (n < 0) {
		end_flight(firing, i, lost(firing, i), "%s", strerror(errno));
		return;
	}
	flight->received += (size_t)n;
	switch (http_response_feed(&flight->response, bytes, (size_t)n, n == 0)) {
	case HTTP_PARSE_DONE:
		answered(firing, i);
		break;
	case HTTP_PARSE_BAD:
		end_flight(firing, i, lost(firing, i), "the reply is not HTTP");
		break;
	case HTTP_PARSE_MORE:
		if (n == 0)
			end_flight(firing, i, lost(firing, i), "the connection was closed %s",
			           flight->received > 0 ? "in the middle of the reply" : "without a reply");
		else
			watch_for_reply(firing, i);
		break;
	}
}

/* ---- the volley ------------------------------------------------------------------------------- */

static void tick(struct firing *firing)
{
	const struct volley *volley = firing->volley;

	if (volley->on_tick == NULL || clock_now_ns() < firing->next_tick_ns)
		return;
	firing->stopped = volley->on_tick(volley->context);
	firing->next_tick_ns = clock_now_ns() + TICK_NS;
}

static int64_t grace_ns(const struct volley *volley)
{
	int64_t half = volley->timeout_ns / 2;

	return half > 0 && half < GATE_NS ? half : GATE_NS;
}

static int64_t due_ns(const struct firing *firing, size_t i)
{
	return firing->volley->started_ns + firing->volley->shots[i].at_ns;
}

static void launch(struct firing *firing, int64_t now)
{
	while (firing->n_launched < firing->n_groups && !firing->stopped) {
		struct group *group = &firing->groups[firing->n_launched];
		if (due_ns(firing, group->first) > now)
			break;
		firing->n_launched++;
		for (size_t i = group->first; i < group->first + group->n && !firing->stopped; i++) {
			firing->flights[i].first_address = firing->good_address;
			connect_flight(firing, i, 0);
			tick(firing);
		}
		group->opens_ns = clock_now_ns() + grace_ns(firing->volley);
	}
}

static void open_late_gates(struct firing *firing, int64_t now)
{
	for (; firing->first_closed < firing->n_launched; firing->first_closed++) {
		struct group *group = &firing->groups[firing->first_closed];
		if (!group->open && group->opens_ns > now)
			break;
		if (!group->open)
			open_gate(firing, group);
	}
}

static void end_late_flight(struct firing *firing, size_t i)
{
	char *limit = duration_text(firing->volley->timeout_ns);

	if (firing->volley->shots[i].sent_ns != 0)
		end_flight(firing, i, SHOT_TIMEOUT, "no whole reply within %s", limit);
	else
		end_flight(firing, i, SHOT_FAILED, "no connection within %s", limit);
	free(limit);
}

static void end_late_flights(struct firing *firing, int64_t now)
{
	const struct volley *volley = firing->volley;

	for (; volley->timeout_ns > 0 && firing->oldest < volley->n; firing->oldest++) {
		if (firing->flights[firing->oldest].stage == STAGE_ENDED)
			continue;
		if (due_ns(firing, firing->oldest) + volley->timeout_ns > now)
			break;
		end_late_flight(firing, firing->oldest);
	}
}

static void tell(struct firing *firing)
{
	const struct volley *volley = firing->volley;

	for (; firing->n_told < firing->n_ended; firing->n_told++) {
		size_t i = firing->ended[firing->n_told];
		if (volley->on_end != NULL)
			volley->on_end(volley->context, i, &volley->shots[i]);
	}
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_wake_ns(const struct firing *firing)
{
	const struct volley *volley = firing->volley;
	int64_t next = INT64_MAX;

	if (firing->n_launched < firing->n_groups)
		next = sooner(next, due_ns(firing, firing->groups[firing->n_launched].first));
	if (firing->first_closed < firing->n_launched)
		next = sooner(next, firing->groups[firing->first_closed].opens_ns);
	if (volley->timeout_ns > 0 && firing->oldest < volley->n)
		next = sooner(next, due_ns(firing, firing->oldest) + volley->timeout_ns);
	if (volley->on_tick != NULL)
		next = sooner(next, firing->next_tick_ns);
	return next;
}

static void handle(struct firing *firing, const struct epoll_event *event)
{
	size_t i = (size_t)event->data.u64;
	enum stage stage = firing->flights[i].stage;

	if (stage == STAGE_CONNECTING)
		connecting_went_on(firing, i);
	if (stage == STAGE_SENDING && (event->events & EPOLLOUT) != 0)
		send_request(firing, i);
	if (stage == STAGE_SENDING || stage == STAGE_RECEIVING)
		receive(firing, i);
}

/* ppoll waits to the microsecond, where epoll_wait counts in milliseconds. */
static void wait_and_handle(struct firing *firing)
{
	struct epoll_event events[EVENTS];
	struct pollfd poll_epoll = {.fd = firing->epoll, .events = POLLIN};
	int64_t next = next_wake_ns(firing), now = clock_now_ns();
	int64_t pause = next > now ? next - now : 0;
	struct timespec timeout = {.tv_sec = (time_t)(pause / NS_PER_S), .tv_nsec = (long)(pause % NS_PER_S)};

	if (ppoll(&poll_epoll, 1, next < INT64_MAX ? &timeout : NULL, NULL) <= 0)
		return;
	int n = epoll_wait(firing->epoll, events, EVENTS, 0);
	for (int k = 0; k < n; k++)
		handle(firing, &events[k]);
}

static void fly(struct firing *firing)
{
	size_t n = firing->volley->n;

	while (firing->n_ended < n && !firing->stopped) {
		int64_t now = clock_now_ns();
		launch(firing, now);
		open_late_gates(firing, now);
		end_late_flights(firing, now);
		tell(firing);
		tick(firing);
		if (firing->n_ended < n && !firing->stopped)
			wait_and_handle(firing);
	}
	for (size_t i = 0; i < n; i++)
		if (firing->flights[i].stage != STAGE_ENDED)
			end_flight(firing, i, lost(firing, i), "the volley was ended before");
	tell(firing);
}

bool volley_fire(struct volley *volley, struct err *err)
{
	struct firing firing;
	bool ready = firing_prepare(&firing, volley, err);

	if (ready) {
		volley->started_ns = clock_now_ns();
		fly(&firing);
	}
	firing_fini(&firing);
	return ready;
}

void volley_fini(struct volley *volley)
{
	for (size_t i = 0; i < volley->n; i++)
		free(volley->shots[i].path);
	free(volley->shots);
	volley->shots = NULL;
	volley->n = 0;
}
