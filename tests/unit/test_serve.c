/* The subject from inside: addresses, request numbers, the events that workers leave, delays that a seed
 * gives again, and processes that are never left behind. What HTTP sees is in tests/system. */
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

enum { HUNG_S = 60 }; /* only ends a test that hangs */

/* ---- a database, a client ------------------------------------------------------------------- */

struct world {
	char folder[64];
	struct db_target target;
	struct ring_set *rings;
	int port;
	struct serve_settings settings;
};

static void make_schema(struct world *world)
{
	struct err err = {0};
	int64_t id = 0;
	struct db_session *session = db_open(&world->target, &world->settings.db, &err);

	if (session == NULL ||
	    !db_migrate(session, "deposit", scenario_deposit.migrations, scenario_deposit.n_migrations, NULL,
	                &err) ||
	    !account_create(session, 0, &id, &err))
		fail_msg("%s", err_text(&err));
	assert_int_equal(id, 1);
	db_close(session);
}

static struct world *world_new(int workers)
{
	struct world *world = mem_new(1, sizeof *world);
	struct err err = {0};

	(void)snprintf(world->folder, sizeof world->folder, "/tmp/racy-test-serve-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	char *url = mem_printf("sqlite:%s/test.db", world->folder);
	assert_true(db_target_parse(url, &world->target, &err));
	free(url);
	world->rings = ring_set_new((size_t)workers, 1024, &err);
	assert_non_null(world->rings);
	world->settings = (struct serve_settings){
		.listen_fd = serve_listen("127.0.0.1:0", &world->port, NULL, &err),
		.workers = workers,
		.timeout_ns = HUNG_S * NS_PER_S,
		.graceful_ns = HUNG_S * NS_PER_S,
		.delay_min_ns = 1 * NS_PER_MS,
		.delay_max_ns = 20 * NS_PER_MS,
		.seed = 41,
		.target = &world->target,
		.db = {.lock_wait_ns = HUNG_S * NS_PER_S},
		.rings = world->rings,
		.run = "r7",
		.ready_fd = -1,
		.quiet = true,
	};
	assert_true(world->settings.listen_fd >= 0);
	registry_set(scenarios, scenarios_count);
	make_schema(world);
	return world;
}

static void world_free(struct world *world)
{
	char *remove = mem_printf("rm -r '%s'", world->folder);

	close(world->settings.listen_fd);
	ring_set_free(world->rings);
	db_target_fini(&world->target);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(world);
}

/* The status of the reply; 0: none came. `number`: what X-Racy-Request says. */
static int deposit_on(int port, const char *account, const char *variant, const char *number)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	char *request = mem_printf("POST /demo/%s/ HTTP/1.1\r\nHost: t\r\nX-Racy-Request: %s\r\n"
	                           "Content-Length: %zu\r\n"
	                           "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
	                           "account=%s&amount=100",
	                           variant, number, strlen("account=&amount=100") + strlen(account), account);
	char reply[512] = "";
	size_t length = 0;
	ssize_t n = 1;
	int status = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    write(fd, request, strlen(request)) == (ssize_t)strlen(request))
		for (; n > 0 && length < sizeof reply - 1; length += n > 0 ? (size_t)n : 0)
			n = read(fd, reply + length, sizeof reply - 1 - length);
	if (sscanf(reply, "HTTP/1.1 %d", &status) != 1)
		status = 0;
	close(fd);
	free(request);
	return status;
}

static int deposit(int port, const char *variant, const char *number)
{
	return deposit_on(port, "1", variant, number);
}

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

static size_t count_kind(const struct event_list *list, enum event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->items[i].kind == kind;
	return n;
}

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

/* ---- nothing is left behind ----------------------------------------------------------------- */

static void no_database_no_subject(void **state)
{
	struct world *world = world_new(3);
	struct db_target nowhere;
	struct subject subject;
	struct err err = {0};

	(void)state;
	assert_true(db_target_parse("sqlite:/nonexistent/folder/test.db", &nowhere, &err));
	world->settings.target = &nowhere;
	assert_false(subject_start(&world->settings, &subject, &err));
	assert_non_null(strstr(err_text(&err), "did not start"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	subject_stop(&subject); /* of one that never started: nothing to do */
	db_target_fini(&nowhere);
	err_fini(&err);
	world_free(world);
}

/* True when the process is gone. A zombie is: pidfds tell the death, not the reaping. */
static bool wait_gone(int pidfd)
{
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};

	return poll(&gone, 1, HUNG_S * 1000) == 1;
}

static void the_subject_ends_with_whoever_started_it(void **state)
{
	struct world *world = world_new(2);
	struct event_list list = {0};
	pid_t *arbiter = mmap(NULL, sizeof *arbiter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int started[2];
	int fds[3];
	char byte;

	(void)state;
	assert_int_equal(pipe(started), 0);
	pid_t owner = fork();
	if (owner == 0) {
		struct subject subject;
		if (!subject_start(&world->settings, &subject, NULL))
			_exit(1);
		*arbiter = subject.arbiter;
		if (write(started[1], "1", 1) == 1)
			pause();
		_exit(1);
	}
	close(started[1]);
	assert_int_equal(read(started[0], &byte, 1), 1);
	ring_drain(world->rings, &list);
	assert_int_equal(count_kind(&list, EVENT_WORKER_BOOT), 2);
	fds[0] = pidfd_open(*arbiter, 0);
	for (size_t i = 0, n = 1; i < list.n; i++)
		if (list.items[i].kind == EVENT_WORKER_BOOT)
			fds[n++] = pidfd_open((pid_t)list.items[i].value, 0);
	kill(owner, SIGKILL);
	waitpid(owner, NULL, 0);
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		assert_true(fds[i] >= 0);
		assert_true(wait_gone(fds[i]));
		close(fds[i]);
	}
	close(started[0]);
	munmap(arbiter, sizeof *arbiter);
	event_list_fini(&list);
	world_free(world);
}

static void ctrl_c_is_not_for_the_subject(void **state)
{
	struct world *world = world_new(2);
	int status = -1;

	(void)state;
	pid_t owner = fork();
	if (owner == 0) {
		struct subject subject;
		setpgid(0, 0);
		signal(SIGINT, SIG_IGN);
		if (!subject_start(&world->settings, &subject, NULL))
			_exit(1);
		kill(0, SIGINT);
		int answer_status = deposit(world->port, "atomic_no_delay", "r7/1");
		subject_stop(&subject);
		_exit(answer_status == 200 ? 0 : 2);
	}
	waitpid(owner, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	world_free(world);
}

/* No signal waits to be read by the process. */
static bool has_heard_all(pid_t pid)
{
	char *path = mem_printf("/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	unsigned long long pending = 1;
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, "ShdPnd:", 7) == 0)
			pending = strtoull(line + 7, NULL, 16);
	fclose(file);
	free(path);
	return pending == 0;
}

static void the_workers_of_an_experiment_stay_as_they_are(void **state)
{
	static const int numbers[] = {SIGTTIN, SIGTTOU, SIGHUP, SIGUSR1};
	struct world *world = world_new(2);
	struct event_list list = {0};
	struct subject subject;

	(void)state;
	assert_true(subject_start(&world->settings, &subject, NULL));
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		int64_t hung_ns = clock_now_ns() + HUNG_S * NS_PER_S;
		assert_int_equal(kill(subject.arbiter, numbers[i]), 0);
		while (!has_heard_all(subject.arbiter))
			assert_true(clock_now_ns() < hung_ns);
	}
	assert_int_equal(deposit(world->port, "atomic_no_delay", "r7/1"), 200);
	subject_stop(&subject);
	ring_drain(world->rings, &list);
	assert_int_equal(count_kind(&list, EVENT_WORKER_BOOT), 2);
	assert_int_equal(count_kind(&list, EVENT_WORKER_EXIT), 2);
	event_list_fini(&list);
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
	struct pollfd fds[] = {
		{.fd = http_server_fd(server), .events = POLLIN},
		{.fd = client_fd, .events = POLLIN},
	};

	while (fds[1].revents == 0) {
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
		cmocka_unit_test(no_database_no_subject),
		cmocka_unit_test(the_subject_ends_with_whoever_started_it),
		cmocka_unit_test(ctrl_c_is_not_for_the_subject),
		cmocka_unit_test(the_workers_of_an_experiment_stay_as_they_are),
		cmocka_unit_test(the_endpoint_leaks_nothing),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
