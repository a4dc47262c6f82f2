/* The subject from inside: addresses, request numbers, the events that workers leave, delays that a seed
 * gives again. What HTTP sees is in tests/system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "lab/registry.h"
#include "scenarios/accounts.h"
#include "scenarios/scenarios.h"
#include "serve/endpoint.h"
#include "serve/serve.h"
#include "serve_world.h"

/* ---- addresses ------------------------------------------------------------------------------ */

static void addresses_become_sockets(void **state)
{
	static const char *const good[] = {"127.0.0.1:0", "localhost:0", ":0", "0"};
	static const char *const bad[] = {"", ":", "x", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:80",
	                                  "[::1]", "[::1]80", "[]:80", "[::1:80", "127.0.0.1:-1", ":80 "};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		int port = 0;
		bool malformed = true;
		int fd = serve_listen(good[i], &port, &malformed, NULL);
		assert_true(fd >= 0);
		assert_false(malformed);
		assert_true(port > 0);
		close(fd);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int port = 0;
		bool malformed = false;
		struct err err = {0};
		if (serve_listen(bad[i], &port, &malformed, &err) >= 0 || !malformed)
			fail_msg("'%s' was taken for an address", bad[i]);
		assert_non_null(strstr(err_text(&err), "write "));
		err_fini(&err);
	}
}

static void an_address_in_use_is_told(void **state)
{
	int port = 0, other = 0;
	bool malformed = true;
	struct err err = {0};
	int fd = serve_listen("127.0.0.1:0", &port, NULL, NULL);
	char *same = mem_printf("127.0.0.1:%d", port);

	(void)state;
	assert_int_equal(serve_listen(same, &other, &malformed, &err), -1);
	assert_false(malformed);
	assert_non_null(strstr(err_text(&err), same));
	assert_non_null(strstr(err_text(&err), "in use by another program"));
	close(fd);
	fd = serve_listen(same, &other, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(other, port);
	close(fd);
	free(same);
	err_fini(&err);
}

static uint32_t bound_to(int fd)
{
	struct sockaddr_in name = {0};
	socklen_t length = sizeof name;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	assert_int_equal(name.sin_family, AF_INET);
	return ntohl(name.sin_addr.s_addr);
}

static void a_port_alone_is_for_this_machine(void **state)
{
	int port, fd;

	(void)state;
	fd = serve_listen("0", &port, NULL, NULL);
	assert_int_equal(bound_to(fd), INADDR_LOOPBACK);
	close(fd);
	fd = serve_listen(":0", &port, NULL, NULL);
	assert_int_equal(bound_to(fd), INADDR_ANY);
	close(fd);
}

/* ---- request numbers ------------------------------------------------------------------------ */

static void request_numbers_are_those_of_the_run(void **state)
{
	static const struct {
		const char *header, *run;
		uint32_t number;
	} cases[] = {
		{"r7/1", "r7", 1}, {"r7/2147483648", "r7", 2147483648U}, {"r7/10", "r7", 10},
		{"r7/0", "r7", 0}, {"r7/-1", "r7", 0}, {"r7/2147483649", "r7", 0}, {"r7/", "r7", 0}, {"r7", "r7", 0},
		{"r77/1", "r7", 0}, {"r/1", "r7", 0}, {"R7/1", "r7", 0}, {"r7/1x", "r7", 0}, {"r7/ 1", "r7", 0},
		{"r7/99999999999999999999", "r7", 0}, {"", "r7", 0}, {NULL, "r7", 0}, {"r7/1", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(endpoint_request_number(cases[i].header, cases[i].run), cases[i].number);
}

/* ---- what workers leave --------------------------------------------------------------------- */

static const struct event *find_event(const struct event_list *list, enum event_kind kind, uint32_t request)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].kind == kind && list->items[i].request == request)
			return &list->items[i];
	fail_msg("there is no %s of request %u", event_kind_name(kind), request);
	return NULL;
}

/* Starts the subject, sends, stops it: then all its events are there. */
static struct event_list run_subject(struct world *world, const char *variant, const char *const *numbers,
                                     int status)
{
	struct subject subject;
	struct event_list list = {0};
	struct err err = {0};

	if (!subject_start(&world->settings, &subject, &err))
		fail_msg("%s", err_text(&err));
	for (; *numbers != NULL; numbers++)
		assert_int_equal(deposit(world->port, variant, *numbers), status);
	subject_stop(&subject);
	ring_drain(world->rings, &list);
	assert_int_equal(list.missing, 0);
	return list;
}

static void requests_are_recorded_under_their_numbers(void **state)
{
	struct world *world = world_new(2);
	static const char *const numbers[] = {"r7/5", "other/6", NULL};
	struct event_list list = run_subject(world, "atomic_no_delay", numbers, 200);

	(void)state;
	assert_int_equal(count_kind(&list, EVENT_WORKER_BOOT), 2);
	assert_int_equal(count_kind(&list, EVENT_WORKER_EXIT), 2);
	assert_int_equal(count_kind(&list, EVENT_REQUEST_BEGIN), 2);
	const struct event *begin = find_event(&list, EVENT_REQUEST_BEGIN, 5);
	const struct event *end = find_event(&list, EVENT_REQUEST_END, 5);
	assert_int_equal(begin->value, 100);
	assert_string_equal(begin->op, "atomic_no_delay");
	assert_int_equal(end->value, 200);
	assert_int_equal(end->detail, DB_OK);
	/* What its session did is known too. */
	assert_int_equal(find_event(&list, EVENT_CALL_BEGIN, 5)->detail, DB_BEGIN);
	/* A foreign run's request is served like any other, under no number. */
	assert_int_equal(find_event(&list, EVENT_REQUEST_END, 0)->value, 200);
	event_list_fini(&list);
	world_free(world);
}

static void boots_tell_the_worker_behind_each_slot(void **state)
{
	struct world *world = world_new(3);
	static const char *const none[] = {NULL};
	struct event_list list = run_subject(world, "atomic_no_delay", none, 200);
	bool seen[3] = {false};

	(void)state;
	for (size_t i = 0; i < list.n; i++)
		if (list.items[i].kind == EVENT_WORKER_BOOT) {
			assert_false(seen[list.items[i].slot]);
			seen[list.items[i].slot] = true;
			assert_int_equal(list.items[i].generation, 1);
			assert_true(list.items[i].value > 1);
			assert_int_not_equal(list.items[i].value, getpid());
		}
	assert_true(seen[0] && seen[1] && seen[2]);
	event_list_fini(&list);
	world_free(world);
}

static const char *const nine[] = {"r7/1", "r7/2", "r7/3", "r7/4", "r7/5",
                                   "r7/6", "r7/7", "r7/8", "r7/9", NULL};

static void pauses_of(int workers, uint64_t seed, const char *const *numbers, int64_t pauses[static 10])
{
	struct world *world = world_new(workers);

	world->settings.seed = seed;
	struct event_list list = run_subject(world, "non_atomic_long_delay", numbers, 200);
	for (uint32_t i = 1; i <= 9; i++) {
		pauses[i] = find_event(&list, EVENT_PAUSE_BEGIN, i)->value;
		assert_in_range(pauses[i], NS_PER_MS, 20 * NS_PER_MS);
		/* What was promised was slept. */
		assert_true(find_event(&list, EVENT_PAUSE_END, i)->t_ns -
		            find_event(&list, EVENT_PAUSE_BEGIN, i)->t_ns >= pauses[i]);
	}
	event_list_fini(&list);
	world_free(world);
}

static void a_seed_gives_its_delays_again(void **state)
{
	static const char *const backwards[] = {"r7/9", "r7/8", "r7/7", "r7/6", "r7/5",
	                                        "r7/4", "r7/3", "r7/2", "r7/1", NULL};
	int64_t one[10], three[10], other[10];

	(void)state;
	pauses_of(1, 41, nine, one);
	pauses_of(3, 41, backwards, three);
	pauses_of(1, 42, nine, other);
	for (size_t i = 1; i <= 9; i++) {
		assert_int_equal(one[i], three[i]);
		assert_int_not_equal(one[i], other[i]);
		for (size_t j = 1; j < i; j++)
			assert_int_not_equal(one[i], one[j]);
	}
}

/* ---- the row goes while a request pauses ---------------------------------------------------- */

static void wait_for_event(struct world *world, struct event_list *list, enum event_kind kind)
{
	int64_t hung_ns = clock_now_ns() + HUNG_S * NS_PER_S;

	while (count_kind(list, kind) == 0) {
		assert_true(clock_now_ns() < hung_ns);
		ring_drain(world->rings, list);
	}
}

static void delete_account(struct world *world)
{
	struct err err = {0};
	struct db_session *session = db_open(&world->target, &world->settings.db, &err);

	assert_non_null(session);
	assert_int_equal(account_delete(session, 1, false, &err), ACCOUNT_OK);
	db_close(session);
}

/* What the client gets when its account is deleted between the read and the writes. */
static int status_of_the_surprised(const struct db_setting *sets, size_t n_sets)
{
	struct world *world = world_new(1);
	struct event_list list = {0};
	struct subject subject;
	int status = -1;

	world->settings.delay_min_ns = world->settings.delay_max_ns = 2 * NS_PER_S;
	world->settings.db.sets = sets;
	world->settings.db.n_sets = n_sets;
	assert_true(subject_start(&world->settings, &subject, NULL));
	pid_t client = fork();
	if (client == 0)
		_exit(deposit(world->port, "non_atomic_long_delay", "r7/1") - 300);
	wait_for_event(world, &list, EVENT_PAUSE_BEGIN);
	delete_account(world);
	waitpid(client, &status, 0);
	subject_stop(&subject);
	ring_drain(world->rings, &list);
	assert_int_equal(find_event(&list, EVENT_REQUEST_END, 1)->value, WEXITSTATUS(status) + 300);
	event_list_fini(&list);
	world_free(world);
	return WEXITSTATUS(status) + 300;
}

static void a_row_that_went_is_missed_or_a_conflict(void **state)
{
	static const struct db_setting no_foreign_keys = {"foreign_keys", "off"};

	(void)state;
	/* The record has nothing to refer to: no such account. Without that rule, the balance has no row to go to. */
	assert_int_equal(status_of_the_surprised(NULL, 0), 404);
	assert_int_equal(status_of_the_surprised(&no_foreign_keys, 1), 503);
}

static void an_account_beyond_64_bits_is_not_the_last_one(void **state)
{
	struct world *world = world_new(1);
	struct db_session *session = db_open(&world->target, &world->settings.db, NULL);
	struct subject subject;

	(void)state;
	assert_true(db_run(session, DB_WRITE,
	                   "INSERT INTO demo_account (id, balance) VALUES (9223372036854775807, 0)", NULL, NULL,
	                   NULL, NULL));
	db_close(session);
	assert_true(subject_start(&world->settings, &subject, NULL));
	assert_int_equal(deposit_on(world->port, "9223372036854775807", "atomic_no_delay", ""), 200);
	assert_int_equal(deposit_on(world->port, "9223372036854775808", "atomic_no_delay", ""), 404);
	subject_stop(&subject);
	world_free(world);
}

/* ---- the endpoint in this process, where a leak shows --------------------------------------- */

static void answer(void *context, const struct http_request *request, struct http_reply *reply)
{
	endpoint_handle(context, request, reply);
}

/* Serves until the client is gone. */
static void serve_client(struct http_server *server, int client_fd)
{
	struct pollfd fds[] = {{.events = POLLIN}, {.fd = client_fd, .events = POLLIN}};

	while (fds[1].revents == 0) {
		fds[0].fd = http_server_fd(server);
		assert_true(poll(fds, COUNT_OF(fds), HUNG_S * 1000) > 0);
		http_server_run(server);
	}
}

static void the_endpoint_leaks_nothing(void **state)
{
	struct world *world = world_new(1);
	struct endpoint endpoint = {.settings = &world->settings};
	struct err err = {0};
	const struct http_settings settings = {
		.listen_fd = world->settings.listen_fd,
		.max_body = 1000,
		.handler = answer,
		.context = &endpoint,
	};
	int status = -1;

	(void)state;
	pid_t client = fork();
	if (client == 0)
		_exit(deposit(world->port, "non_atomic_long_delay", "r7/1") != 200 ||
		      deposit(world->port, "atomic_no_delay", "r7/2") != 200 ||
		      deposit(world->port, "unheard_of", "r7/3") != 404);
	int client_fd = pidfd_open(client, 0);
	/* No session yet: the first request opens it. */
	struct http_server *server = http_server_open(&settings, &err);
	assert_non_null(server);
	serve_client(server, client_fd);
	waitpid(client, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	http_server_close(server);
	endpoint_close(&endpoint);
	close(client_fd);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_become_sockets),
		cmocka_unit_test(an_address_in_use_is_told),
		cmocka_unit_test(a_port_alone_is_for_this_machine),
		cmocka_unit_test(request_numbers_are_those_of_the_run),
		cmocka_unit_test(requests_are_recorded_under_their_numbers),
		cmocka_unit_test(boots_tell_the_worker_behind_each_slot),
		cmocka_unit_test(a_seed_gives_its_delays_again),
		cmocka_unit_test(a_row_that_went_is_missed_or_a_conflict),
		cmocka_unit_test(an_account_beyond_64_bits_is_not_the_last_one),
		cmocka_unit_test(the_endpoint_leaks_nothing),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
