/* Throw-away servers: real ones, started, raced and killed. Run as root, the servers run as the
 * package's user; with the argument `as-user`, all of it runs as `nobody`.
 *
 * A process is known to have ended by its pidfd, a folder to have gone by its owner's end. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"
#include "db/sandbox.h"
#include "db/sandbox_private.h"

/* Only ends a hung test. */
enum { HUNG_MS = 120 * 1000 };

/* A folder of homes of our own: other tests may be starting servers meanwhile. */
static char parent[] = "/var/tmp/racy-test-XXXXXX";

static struct sandbox_plan plan_for(const struct sandbox_engine *engine)
{
	struct sandbox_plan plan;
	struct err err = {0};

	if (!sandbox_plan_init(&plan, engine, &err))
		fail_msg("%s", err_text(&err));
	plan.parent = parent;
	return plan;
}

static const struct sandbox_engine *mariadb(void)
{
	return sandbox_engine_find("mariadb", NULL);
}

static struct sandbox *try_start(const struct sandbox_engine *engine, struct err *err)
{
	struct sandbox_plan plan = plan_for(engine);
	struct sandbox *sandbox = sandbox_start_plan(&plan, err);

	sandbox_plan_fini(&plan);
	return sandbox;
}

static struct sandbox *start(void)
{
	struct err err = {0};
	struct sandbox *sandbox = try_start(mariadb(), &err);

	if (sandbox == NULL)
		fail_msg("%s", err_text(&err));
	return sandbox;
}

/* ---- what is there -------------------------------------------------------------------------- */

static bool exists(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0;
}

static char *folder_of(const char *url)
{
	const char *from = strstr(url, "socket=") + strlen("socket=");

	return mem_text_n(from, (size_t)(strrchr(from, '/') - from));
}

static long read_number(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	long number = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, format, &number), 1);
	fclose(file);
	return number;
}

/* A failed assertion in a forked child must end the child, not go on with the next test there. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	return pid;
}

struct seen {
	char folder[200];
	pid_t server, supervisor;
};

static struct seen look(const struct sandbox *sandbox)
{
	struct seen seen = {0};
	char *folder = folder_of(sandbox_url(sandbox));
	char *file = mem_printf("%s/pid", folder);

	(void)snprintf(seen.folder, sizeof(seen.folder), "%s", folder);
	seen.server = (pid_t)read_number(file, "%ld");
	free(file);
	file = mem_printf("/proc/%d/stat", (int)seen.server);
	seen.supervisor = (pid_t)read_number(file, "%*d %*s %*s %ld");
	free(file);
	free(folder);
	return seen;
}

static int watch(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	assert_true(fd >= 0);
	return fd;
}

static void await_end(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	assert_int_equal(poll(&ended, 1, HUNG_MS), 1);
	close(pidfd);
}

static bool has_ended(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	return poll(&ended, 1, 0) == 1;
}

/* Paths below our parent that match; the caller frees. */
static glob_t find(const char *pattern)
{
	glob_t found = {0};
	char *path = mem_printf("%s/%s", parent, pattern);

	(void)!glob(path, 0, NULL, &found);
	free(path);
	return found;
}

static size_t count(const char *pattern)
{
	glob_t found = find(pattern);
	size_t n = found.gl_pathc;

	globfree(&found);
	return n;
}

static struct db_session *open_session(const struct sandbox *sandbox)
{
	struct db_target target;
	struct err err = {0};

	if (!db_target_parse(sandbox_url(sandbox), &target, &err))
		fail_msg("%s", err_text(&err));
	struct db_session *session = db_open(&target, &(struct db_settings){0}, &err);
	if (session == NULL)
		fail_msg("%s", err_text(&err));
	db_target_fini(&target);
	return session;
}

/* The one cell of a query's answer, heap; NULL where the server refuses it. */
static char *ask(const struct sandbox *sandbox, enum db_verb verb, const char *sql)
{
	struct db_session *session = open_session(sandbox);
	struct db_rows rows = {0};
	struct db_outcome outcome = {0};
	struct db_value none[] = {{.type = DB_END}};
	char *text = NULL;

	if (db_run(session, verb, sql, none, &rows, &outcome, NULL)) {
		const struct db_value *cell = rows.n_rows > 0 ? db_cell(&rows, 0, 0) : NULL;
		text = cell == NULL ? mem_text("") : cell->type == DB_TEXT ? mem_text(cell->text)
		                                   : mem_printf("%lld", (long long)cell->integer);
	}
	db_rows_fini(&rows);
	db_close(session);
	return text;
}

static void assert_answer(const struct sandbox *sandbox, const char *sql, const char *expected)
{
	char *answer = ask(sandbox, DB_READ, sql);

	assert_non_null(answer);
	assert_string_equal(answer, expected);
	free(answer);
}

static void assert_mentions(struct err *err, const char *words)
{
	if (strstr(err_text(err), words) == NULL)
		fail_msg("'%s' is not in: %s", words, err_text(err));
	err_fini(err);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void a_server_starts_and_answers(void **state)
{
	struct sandbox *sandbox = start();
	struct seen seen = look(sandbox);
	struct stat info;

	(void)state;
	assert_true(sandbox_ready_ns(sandbox) > 0);
	assert_answer(sandbox, "SELECT DATABASE()", "racy");
	assert_answer(sandbox, "SELECT @@character_set_database", "utf8mb4");
	assert_answer(sandbox, "SELECT @@skip_networking", "1");
	assert_answer(sandbox, "SELECT @@innodb_flush_log_at_trx_commit", "1");
	assert_int_equal(stat(seen.folder, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
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
	assert_answer(sandbox, "SELECT @@system_time_zone", "UTC");
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
	assert_true(sandbox_possible("mariadb", &err));
	struct sandbox *sandbox = sandbox_start("mariadb", &err);
	if (sandbox == NULL)
		fail_msg("%s", err_text(&err));
	struct seen seen = look(sandbox);
	assert_true(text_starts_with(seen.folder, "/var/tmp/racy-"));
	assert_answer(sandbox, "SELECT DATABASE()", "racy");
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
	assert_answer(other, "SELECT DATABASE()", "racy");
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
	assert_answer(sandbox, "SELECT DATABASE()", "racy");
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
	return racy;
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
	assert_answer(one, "SELECT DATABASE()", "racy");
	sandbox_stop(one);
}

/* ---- templates ------------------------------------------------------------------------------ */

static ino_t template_number(char path[static PATH_MAX])
{
	glob_t found = find("racy-*/mariadb-template-*/data");
	struct stat info;

	assert_int_equal(found.gl_pathc, 1);
	(void)snprintf(path, PATH_MAX, "%s", found.gl_pathv[0]);
	globfree(&found);
	assert_int_equal(stat(path, &info), 0);
	return info.st_ino;
}

static void a_template_is_made_once(void **state)
{
	char path[PATH_MAX];

	(void)state;
	sandbox_stop(start());
	ino_t first = template_number(path);
	sandbox_stop(start());
	assert_int_equal(template_number(path), first);
}

static void half_a_template_is_made_anew(void **state)
{
	char path[PATH_MAX];

	(void)state;
	sandbox_stop(start());
	ino_t first = template_number(path);
	char *file = mem_printf("%s/ibdata1", path);
	assert_int_equal(truncate(file, 4096), 0);
	struct sandbox *sandbox = start();
	assert_answer(sandbox, "SELECT DATABASE()", "racy");
	sandbox_stop(sandbox);
	assert_int_not_equal(template_number(path), first);
	free(file);
}

static void two_make_a_template_at_once(void **state)
{
	pid_t children[2];
	int status;

	(void)state;
	glob_t found = find("racy-*/mariadb-template-*");
	for (size_t i = 0; i < found.gl_pathc; i++)
		assert_true(sandbox_remove(found.gl_pathv[i], NULL));
	globfree(&found);
	for (size_t i = 0; i < 2; i++) {
		children[i] = fork_child();
		if (children[i] == 0) {
			sandbox_stop(start());
			_exit(0);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count("racy-*/mariadb-template-*"), 1);
	assert_int_equal(count("racy-*/server-*"), 0);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void a_planted_home_is_refused(void **state)
{
	char folder[] = "/var/tmp/racy-test-XXXXXX", elsewhere[] = "/var/tmp/racy-test-XXXXXX";
	struct err err = {0};
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_non_null(mkdtemp(elsewhere));
	char *home = mem_printf("%s/racy-%u", folder, (unsigned)geteuid());
	/* It leads to a folder that would do: ours, and closed to others. */
	assert_int_equal(symlink(elsewhere, home), 0);
	assert_null(sandbox_home_open(folder, &fd, &err));
	assert_mentions(&err, home);
	assert_int_equal(unlink(home), 0);
	assert_int_equal(rmdir(elsewhere), 0);

	assert_int_equal(mkdir(home, 0700), 0);
	assert_int_equal(chmod(home, 0750), 0);
	assert_null(sandbox_home_open(folder, &fd, &err));
	assert_mentions(&err, "others may enter");

	assert_int_equal(chmod(home, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(home, 65534, 65534), 0);
		assert_null(sandbox_home_open(folder, &fd, &err));
		assert_mentions(&err, "belongs to user 65534");
		assert_int_equal(chown(home, 0, 0), 0);
	}
	char *same = sandbox_home_open(folder, &fd, &err);
	assert_string_equal(same, home);
	close(fd);
	free(same);
	free(home);
	assert_true(sandbox_remove(folder, NULL));
}

static void removing_does_not_follow_links(void **state)
{
	char folder[] = "/var/tmp/racy-test-XXXXXX", elsewhere[] = "/var/tmp/racy-test-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_non_null(mkdtemp(elsewhere));
	char *kept = mem_printf("%s/kept", elsewhere), *link = mem_printf("%s/link", folder);
	assert_int_equal(mkdir(kept, 0700), 0);
	assert_int_equal(symlink(elsewhere, link), 0);
	assert_true(sandbox_remove(folder, NULL));
	assert_false(exists(folder));
	assert_true(exists(kept));
	assert_true(sandbox_remove(elsewhere, NULL));
	assert_true(sandbox_remove(elsewhere, NULL)); /* not there: fine */
	free(kept);
	free(link);
}

static void what_is_missing_is_told(void **state)
{
	static const char *const missing[] = {"no-such-server", NULL};
	struct sandbox_engine engine = *mariadb();
	struct sandbox_plan plan;
	struct err err = {0};

	(void)state;
	assert_false(sandbox_possible("oracle", &err));
	assert_mentions(&err, "choose from mariadb");
	engine.serve = missing;
	assert_false(sandbox_plan_init(&plan, &engine, &err));
	assert_non_null(strstr(err_text(&err), "no-such-server is not installed"));
	assert_non_null(strstr(err_text(&err), "script/bootstrap"));
	assert_mentions(&err, "apt-get install mariadb-server-core");
	if (geteuid() == 0) {
		engine = *mariadb();
		engine.user = "no-such-user";
		assert_false(sandbox_plan_init(&plan, &engine, &err));
		assert_mentions(&err, "useradd --system");
	}
}

static void a_server_that_ends_at_once_shows_its_log(void **state)
{
	static const char *const serve[] = {"mariadbd", "--no-defaults", "--datadir={data}",
	                                    "--no-such-option", NULL};
	struct sandbox_engine engine = *mariadb();
	struct err err = {0};

	(void)state;
	engine.serve = serve;
	assert_null(try_start(&engine, &err));
	assert_mentions(&err, "unknown option '--no-such-option'");
	assert_int_equal(count("racy-*/server-*"), 0);
}

static void a_template_that_fails_shows_its_log(void **state)
{
	static const char *const make[] = {"mariadb-install-db", "--no-defaults", "--no-such-option",
	                                   "--datadir={data}", NULL};
	struct sandbox_engine engine = *mariadb();
	struct err err = {0};

	(void)state;
	engine.make = make;
	assert_null(try_start(&engine, &err));
	assert_mentions(&err, "mariadb-install-db failed; its log ends");
	assert_int_equal(count("racy-*/server-*"), 0);
}

static int make_parent(void **state)
{
	(void)state;
	return mkdtemp(parent) == NULL || chmod(parent, 01777) != 0;
}

static int remove_parent(void **state)
{
	(void)state;
	return !sandbox_remove(parent, NULL);
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
		cmocka_unit_test(a_template_is_made_once),
		cmocka_unit_test(half_a_template_is_made_anew),
		cmocka_unit_test(two_make_a_template_at_once),
		cmocka_unit_test(a_planted_home_is_refused),
		cmocka_unit_test(removing_does_not_follow_links),
		cmocka_unit_test(what_is_missing_is_told),
		cmocka_unit_test(a_server_that_ends_at_once_shows_its_log),
		cmocka_unit_test(a_template_that_fails_shows_its_log),
	};

	if (argc > 1 && text_equal(argv[1], "as-user") && geteuid() == 0) {
		const struct passwd *nobody = getpwnam("nobody");
		if (nobody == NULL || setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) != 0 ||
		    setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) != 0)
			return 1;
	}
	return cmocka_run_group_tests(tests, make_parent, remove_parent);
}
