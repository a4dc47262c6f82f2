/* A subject to be: a database of its own with one account, rings for its workers, a port, and a client. */
#ifndef TESTS_SERVE_WORLD_H
#define TESTS_SERVE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lab/registry.h"
#include "scenarios/accounts.h"
#include "scenarios/scenarios.h"
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

static size_t count_kind(const struct event_list *list, enum event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->items[i].kind == kind;
	return n;
}

#endif
