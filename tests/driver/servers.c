#include "servers.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static const struct product products[] = {
	{.engine = "mariadb", .package = "mariadb-server-core", .some_file = "ibdata1",
	 .facts = {{"SELECT DATABASE()", "racy"}, {"SELECT @@character_set_database", "utf8mb4"},
	           {"SELECT @@skip_networking", "1"}, {"SELECT @@innodb_flush_log_at_trx_commit", "1"}}},
	{.engine = "postgres", .package = "postgresql-15", .some_file = "global/pg_control",
	 .facts = {{"SELECT current_database()", "racy"}, {"SHOW server_encoding", "UTF8"},
	           {"SHOW listen_addresses", ""}, {"SHOW synchronous_commit", "on"}}},
};
const struct product *product = &products[0];

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

const struct sandbox_engine *the_engine(void)
{
	return sandbox_engine_find(product->engine, NULL);
}

const char **with_bad_option(const char *const *words)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	const char **more = mem_new(n + 2, sizeof(*more));
	memcpy(more, words, n * sizeof(*more));
	more[n] = "--no-such-option";
	return more;
}

struct sandbox *try_start(const struct sandbox_engine *engine, struct err *err)
{
	struct sandbox_plan plan = plan_for(engine);
	struct sandbox *sandbox = sandbox_start_plan(&plan, err);

	sandbox_plan_fini(&plan);
	return sandbox;
}

struct sandbox *start(void)
{
	struct err err = {0};
	struct sandbox *sandbox = try_start(the_engine(), &err);

	if (sandbox == NULL)
		fail_msg("%s", err_text(&err));
	return sandbox;
}

/* ---- what is there -------------------------------------------------------------------------- */

bool exists(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0;
}

static char *folder_of(const char *url)
{
	static const char socket[] = "/socket";
	const char *from = strstr(url, "socket=") + strlen("socket=");
	size_t length = strlen(from), more = strlen(socket);

	/* The socket itself, or the folder that it is in. */
	return mem_text_n(from, length > more && text_equal(from + length - more, socket) ? length - more : length);
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
pid_t fork_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	return pid;
}

static void look_for_children(struct seen *seen)
{
	char *path = mem_printf("/proc/%d/task/%d/children", (int)seen->server, (int)seen->server);
	FILE *file = fopen(path, "re");
	int pid;

	assert_non_null(file);
	for (size_t n = 0; n + 1 < MAX_CHILDREN && fscanf(file, "%d", &pid) == 1; n++)
		seen->children[n] = pid;
	fclose(file);
	free(path);
}

struct seen look(const struct sandbox *sandbox)
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
	look_for_children(&seen);
	return seen;
}

size_t lasting_segments(pid_t pid)
{
	enum { GOES_WITH_LAST_USER = 01000 }; /* SHM_DEST */
	FILE *file = fopen("/proc/sysvipc/shm", "re");
	char line[400];
	unsigned mode;
	long maker;
	size_t n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		n += sscanf(line, "%*d %*d %o %*u %ld", &mode, &maker) == 2 && maker == pid &&
		     (mode & GOES_WITH_LAST_USER) == 0;
	fclose(file);
	return n;
}

int watch(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	assert_true(fd >= 0);
	return fd;
}

void await_end(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	assert_int_equal(poll(&ended, 1, HUNG_MS), 1);
	close(pidfd);
}

bool has_ended(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	return poll(&ended, 1, 0) == 1;
}

/* Paths below our parent that match; the caller frees. */
glob_t find(const char *pattern)
{
	glob_t found = {0};
	char *path = mem_printf("%s/%s", parent, pattern);

	(void)!glob(path, 0, NULL, &found);
	free(path);
	return found;
}

size_t count(const char *pattern)
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
char *ask(const struct sandbox *sandbox, enum db_verb verb, const char *sql)
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

void assert_answer(const struct sandbox *sandbox, const char *sql, const char *expected)
{
	char *answer = ask(sandbox, DB_READ, sql);

	assert_non_null(answer);
	assert_string_equal(answer, expected);
	free(answer);
}

void assert_serves(const struct sandbox *sandbox)
{
	assert_answer(sandbox, "SELECT 1", "1");
}

void assert_mentions(struct err *err, const char *words)
{
	if (strstr(err_text(err), words) == NULL)
		fail_msg("'%s' is not in: %s", words, err_text(err));
	err_fini(err);
}

/* ---- the run -------------------------------------------------------------------------------- */

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

static bool become_nobody(void)
{
	const struct passwd *nobody = getpwnam("nobody");

	return nobody != NULL && setgroups(0, NULL) == 0 &&
	       setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) == 0 &&
	       setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) == 0;
}

int servers_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
	const char *which = argc == 2 ? argv[1] : "";
	size_t length = strcspn(which, "/");

	product = NULL;
	for (size_t i = 0; i < COUNT_OF(products); i++) {
		if (strlen(products[i].engine) == length && strncmp(products[i].engine, which, length) == 0)
			product = &products[i];
	}
	if (product == NULL) {
		fprintf(stderr, "usage: %s ENGINE[/nobody]\n", argv[0]);
		return 2;
	}
	if (which[length] == '/' && geteuid() == 0 && !become_nobody())
		return 1;
	return _cmocka_run_group_tests(argv[0], tests, n, make_parent, remove_parent);
}
