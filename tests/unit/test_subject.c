/* The subject as a set of processes: none is left behind, whoever dies, and it stays as it was started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "serve_world.h"

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
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_database_no_subject),
		cmocka_unit_test(the_subject_ends_with_whoever_started_it),
		cmocka_unit_test(ctrl_c_is_not_for_the_subject),
		cmocka_unit_test(the_workers_of_an_experiment_stay_as_they_are),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("subject", tests, NULL, NULL);
}
