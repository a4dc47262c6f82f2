/* The life of throw-away servers: real ones, started, raced and killed. Run as root, the servers run as
 * their package's user; else as whoever runs this. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "servers.h"

/* ---- life ----------------------------------------------------------------------------------- */

static void a_server_starts_and_answers(void **state)
{
	struct sandbox *sandbox = start();
	struct seen seen = look(sandbox);
	struct stat info;

	(void)state;
	assert_true(sandbox_ready_ns(sandbox) > 0);
	for (size_t i = 0; i < COUNT_OF(product->facts); i++)
		assert_answer(sandbox, product->facts[i].sql, product->facts[i].answer);
	assert_int_equal(stat(seen.folder, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	assert_int_equal(lasting_segments(seen.server), 0);
	/* Started by root, it does not run as root. */
	assert_int_not_equal(info.st_uid, 0);
	sandbox_stop(sandbox);
}

static void our_environment_does_not_steer_it(void **state)
{
	char environment[4096] = "";

	(void)state;
	setenv("RACY_TEST_MARK", "1", 1);
	setenv("TZ", "Asia/Tokyo", 1);
	struct sandbox *sandbox = start();
	unsetenv("TZ");
	char *path = mem_printf("/proc/%d/environ", (int)look(sandbox).server);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, environment, sizeof(environment));
	assert_true(length > 0);
	assert_null(memmem(environment, (size_t)length, "RACY_TEST_MARK", strlen("RACY_TEST_MARK")));
	assert_non_null(memmem(environment, (size_t)length, "TZ=UTC", strlen("TZ=UTC") + 1));
	close(fd);
	free(path);
	sandbox_stop(sandbox);
}

static void a_stopped_server_leaves_nothing(void **state)
{
	struct sandbox *sandbox = start();
	struct seen seen = look(sandbox);
	int server = watch(seen.server), supervisor = watch(seen.supervisor);

	(void)state;
	assert_true(exists(seen.folder));
	sandbox_stop(sandbox);
	assert_true(has_ended(server));
	assert_true(has_ended(supervisor));
	assert_false(exists(seen.folder));
	/* Not even as a zombie. */
	assert_int_equal(kill(seen.supervisor, 0), -1);
	close(server);
	close(supervisor);
	sandbox_stop(NULL);
}

static void the_public_door_uses_var_tmp(void **state)
{
	struct err err = {0};

	(void)state;
	assert_true(sandbox_possible(product->engine, &err));
	struct sandbox *sandbox = sandbox_start(product->engine, &err);
	if (sandbox == NULL)
		fail_msg("%s", err_text(&err));
	struct seen seen = look(sandbox);
	assert_true(text_starts_with(seen.folder, "/var/tmp/racy-"));
	assert_serves(sandbox);
	sandbox_stop(sandbox);
	assert_false(exists(seen.folder));
}

static void two_at_once_do_not_meet(void **state)
{
	struct sandbox *one = start(), *other = start();
	char *made = ask(one, DB_WRITE, "CREATE TABLE only_here (id INT)");

	(void)state;
	assert_non_null(made);
	free(made);
	assert_answer(one, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'only_here'", "1");
	assert_answer(other, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'only_here'", "0");
	sandbox_stop(one);
	assert_serves(other);
	sandbox_stop(other);
}

static void a_forked_child_cannot_stop_it(void **state)
{
	struct sandbox *sandbox = start();
	int status = 0;
	pid_t child = fork_child();

	(void)state;
	if (child == 0) {
		sandbox_stop(sandbox);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_serves(sandbox);
	sandbox_stop(sandbox);
}

/* So that neither Ctrl-C nor `killall racy` hits who is to clean up. */
static void the_supervisor_stands_apart(void **state)
{
	struct sandbox *sandbox = start();
	struct seen seen = look(sandbox);
	char *path = mem_printf("/proc/%d/comm", (int)seen.supervisor), name[32] = "";
	FILE *file = fopen(path, "re");

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(name, sizeof(name), file));
	fclose(file);
	assert_string_equal(name, "db-sandbox\n");
	assert_int_not_equal(getpgid(seen.supervisor), getpgrp());
	assert_int_not_equal(getsid(seen.supervisor), getsid(0));
	free(path);
	sandbox_stop(sandbox);
}

static void it_holds_no_descriptor_of_ours(void **state)
{
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	struct sandbox *sandbox = start();
	close(ends[1]);
	/* Hangs if the supervisor or the server kept the writing end. */
	struct pollfd end = {.fd = ends[0], .events = POLLIN};
	assert_int_equal(poll(&end, 1, HUNG_MS), 1);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	sandbox_stop(sandbox);
}

/* ---- killed --------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* A process in the place of racy: starts a server and a worker that inherits all there is, tells
 * about them, and waits for a signal. */
static void be_racy(int tell)
{
	struct {
		struct seen seen;
		pid_t worker;
	} about;
	sigset_t set;

	setpgid(0, 0);
	sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct sandbox *sandbox = start();
	about.seen = look(sandbox);
	about.worker = fork();
	if (about.worker == 0) {
		signal(SIGINT, SIG_IGN);
		alarm(HUNG_MS / 1000); /* it is to outlive racy, not a test that failed */
		for (;;)
			pause();
	}
	(void)!write(tell, &about, sizeof(about));
	sigemptyset(&set);
	while (!interrupted)
		sigsuspend(&set);
	kill(about.worker, SIGKILL);
	sandbox_stop(sandbox);
	_exit(exists(about.seen.folder) ? 1 : 0);
}

struct racy {
	pid_t pid, worker_pid;
	struct seen seen;
	int server, supervisor, worker; /* pidfds */
	int children[MAX_CHILDREN];     /* of the server */
	size_t n_children;
};

static struct racy start_racy(void)
{
	int ends[2];
	struct {
		struct seen seen;
		pid_t worker;
	} about;
	struct racy racy = {0};

	assert_int_equal(pipe(ends), 0);
	racy.pid = fork_child();
	if (racy.pid == 0)
		be_racy(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &about, sizeof(about)), sizeof(about));
	close(ends[0]);
	racy.seen = about.seen;
	racy.worker_pid = about.worker;
	racy.server = watch(about.seen.server);
	racy.supervisor = watch(about.seen.supervisor);
	racy.worker = watch(about.worker);
	for (size_t i = 0; about.seen.children[i] != 0; i++) {
		int child = pidfd_open(about.seen.children[i], 0);
		if (child >= 0) /* else it has ended by itself */
			racy.children[racy.n_children++] = child;
	}
	return racy;
}

/* However a server ended: what it had forked ends too. */
static void await_children(const struct racy *racy)
{
	for (size_t i = 0; i < racy->n_children; i++)
		await_end(racy->children[i]);
}

static void killed_hard_it_leaves_nothing(void **state)
{
	struct racy racy = start_racy();

	(void)state;
	kill(racy.pid, SIGKILL);
	assert_int_equal(waitpid(racy.pid, NULL, 0), racy.pid);
	await_end(racy.supervisor);
	assert_true(has_ended(racy.server));
	assert_false(exists(racy.seen.folder));
	await_children(&racy);
	/* A worker outlived it and kept nothing alive. */
	assert_false(has_ended(racy.worker));
	kill(racy.worker_pid, SIGKILL);
	close(racy.server);
	close(racy.worker);
}

static void interrupted_it_leaves_nothing(void **state)
{
	struct racy racy = start_racy();
	int status = -1;

	(void)state;
	/* As a terminal does: to the whole group. The supervisor must not be hit by it. */
	kill(-racy.pid, SIGINT);
	assert_int_equal(waitpid(racy.pid, &status, 0), racy.pid);
	assert_int_equal(status, 0);
	assert_true(has_ended(racy.supervisor));
	assert_true(has_ended(racy.server));
	assert_false(exists(racy.seen.folder));
	await_children(&racy);
	close(racy.server);
	close(racy.supervisor);
	close(racy.worker);
}

static void killed_while_starting_it_leaves_nothing(void **state)
{
	char events[4096] __attribute__((aligned(8)));
	glob_t home;

	(void)state;
	sandbox_stop(start()); /* the home is there */
	home = find("racy-*");
	assert_int_equal(home.gl_pathc, 1);
	int notify = inotify_init1(IN_CLOEXEC);
	assert_true(inotify_add_watch(notify, home.gl_pathv[0], IN_CREATE | IN_DELETE) >= 0);
	pid_t child = fork_child();
	if (child == 0) {
		(void)!start();
		for (;;)
			pause();
	}
	/* Its folder appears, long before the server answers; it goes although nobody is left to stop it. */
	assert_true(read(notify, events, sizeof(events)) > 0);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	while (count("racy-*/server-*") > 0) {
		struct pollfd changed = {.fd = notify, .events = POLLIN};
		assert_int_equal(poll(&changed, 1, HUNG_MS), 1);
		assert_true(read(notify, events, sizeof(events)) > 0);
	}
	close(notify);
	globfree(&home);
}

static void a_killed_supervisor_takes_the_server_along(void **state)
{
	struct racy racy = start_racy();

	(void)state;
	kill(racy.seen.supervisor, SIGKILL);
	await_end(racy.server);
	await_children(&racy);
	/* Nobody was there to remove the folder: the next start does. */
	assert_true(exists(racy.seen.folder));
	kill(racy.pid, SIGKILL);
	assert_int_equal(waitpid(racy.pid, NULL, 0), racy.pid);
	kill(racy.worker_pid, SIGKILL);
	struct sandbox *next = start();
	assert_false(exists(racy.seen.folder));
	sandbox_stop(next);
	close(racy.supervisor);
	close(racy.worker);
}

static void a_living_folder_is_not_swept(void **state)
{
	struct sandbox *one = start();
	struct seen seen = look(one);

	(void)state;
	sandbox_stop(start());
	assert_true(exists(seen.folder));
	assert_serves(one);
	sandbox_stop(one);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_starts_and_answers),
		cmocka_unit_test(our_environment_does_not_steer_it),
		cmocka_unit_test(a_stopped_server_leaves_nothing),
		cmocka_unit_test(the_public_door_uses_var_tmp),
		cmocka_unit_test(two_at_once_do_not_meet),
		cmocka_unit_test(a_forked_child_cannot_stop_it),
		cmocka_unit_test(the_supervisor_stands_apart),
		cmocka_unit_test(it_holds_no_descriptor_of_ours),
		cmocka_unit_test(killed_hard_it_leaves_nothing),
		cmocka_unit_test(interrupted_it_leaves_nothing),
		cmocka_unit_test(killed_while_starting_it_leaves_nothing),
		cmocka_unit_test(a_killed_supervisor_takes_the_server_along),
		cmocka_unit_test(a_living_folder_is_not_swept),
	};

	return servers_main(argc, argv, tests, COUNT_OF(tests));
}
