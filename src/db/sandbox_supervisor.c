/* The process that owns a throw-away server: it becomes the server's user, prepares the data
 * directory, starts the server, and when racy ends or asks (TERM) stops it and removes its folder.
 *
 * It holds nothing of racy's: own session (Ctrl-C goes by), no inherited descriptor, own name (so
 * that killing everything called racy leaves it to clean up). If it is killed itself, the kernel kills
 * its children; the next start removes the folder. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/sandbox_private.h"

/* These only end what hangs: the usual times are a second, a tenth of it, and less. */
#define MAKE_LIMIT_NS (120 * NS_PER_S)
#define READY_LIMIT_NS (60 * NS_PER_S)
#define STOP_LIMIT_NS (10 * NS_PER_S)
/* Between two tries to connect to a server that is not there yet. */
#define RETRY_NS (2 * NS_PER_MS)
enum { TAIL_BYTES = 1500 };
static const char no_input[] = "/dev/null";

struct supervisor {
	const struct sandbox_plan *plan;
	int racy;    /* pidfd of who started us */
	int signals; /* signalfd: asked to stop */
	char *home, *folder, *data, *log;
	int home_fd, lock;
	pid_t child; /* 0: none; leads a process group */
	int child_fd;
};

enum wake { WAKE_STOP, WAKE_CHILD, WAKE_READABLE, WAKE_TIME };

/* Whatever comes first; `readable` may be -1. To stop beats all else. */
static enum wake wait_for(const struct supervisor *self, int readable, int64_t until_ns)
{
	struct pollfd fds[] = {
		{.fd = self->racy, .events = POLLIN},
		{.fd = self->signals, .events = POLLIN},
		{.fd = self->child_fd, .events = POLLIN},
		{.fd = readable, .events = POLLIN},
	};
	int n;

	do {
		int64_t left = until_ns - clock_now_ns();
		struct timespec limit = {.tv_sec = left > 0 ? left / NS_PER_S : 0,
		                         .tv_nsec = left > 0 ? left % NS_PER_S : 0};
		n = ppoll(fds, COUNT_OF(fds), until_ns == INT64_MAX ? NULL : &limit, NULL);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return WAKE_TIME;
	if (fds[0].revents != 0 || fds[1].revents != 0)
		return WAKE_STOP;
	return fds[2].revents != 0 ? WAKE_CHILD : WAKE_READABLE;
}

/* ---- children ------------------------------------------------------------------------------- */

static char *replace(const char *text, const char *token, const char *value)
{
	struct str out = {0};
	const char *found;

	while ((found = strstr(text, token)) != NULL) {
		str_add_n(&out, text, (size_t)(found - text));
		str_add(&out, value);
		text = found + strlen(token);
	}
	str_add(&out, text);
	return str_take(&out);
}

static void child_exec(const struct supervisor *self, pid_t parent, const char *program,
                       const char *const *words, const char *data, const char *input)
{
	char *argv[32] = {0};
	sigset_t none;

	/* Set after the change of user, which clears it. Whoever's parent died before that leaves at once. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || setpgid(0, 0) != 0)
		_exit(127);
	argv[0] = mem_text(program); /* PostgreSQL's look for one another beside it */
	for (size_t i = 1; words[i] != NULL && i + 1 < COUNT_OF(argv); i++) {
		char *word = replace(words[i], "{folder}", self->folder);
		argv[i] = replace(word, "{data}", data);
		free(word);
	}
	int log = open(self->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int in = open(input, O_RDONLY | O_CLOEXEC);
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 || in < 0 ||
	    dup2(in, STDIN_FILENO) < 0)
		_exit(127);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(program, argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", program, strerror(errno));
	_exit(127);
}

static bool child_start(struct supervisor *self, const char *program, const char *const *words,
                        const char *data, const char *input, struct err *err)
{
	pid_t parent = getpid();

	self->child = fork();
	if (self->child == 0)
		child_exec(self, parent, program, words, data, input);
	if (self->child < 0) {
		self->child = 0;
		return err_set(err, "cannot start %s: %s", words[0], strerror(errno));
	}
	self->child_fd = pidfd_open(self->child, 0);
	return true;
}

/* Answers the status as waitpid has it. */
static int child_reap(struct supervisor *self)
{
	int status = -1;

	while (waitpid(self->child, &status, 0) < 0 && errno == EINTR)
		;
	if (self->child_fd >= 0)
		close(self->child_fd);
	self->child = 0;
	self->child_fd = -1;
	return status;
}

static void child_end(struct supervisor *self, int number)
{
	struct pollfd ended = {.fd = self->child_fd, .events = POLLIN};

	if (self->child == 0)
		return;
	kill(self->child, number);
	if (self->child_fd < 0 || poll(&ended, 1, (int)(STOP_LIMIT_NS / NS_PER_MS)) <= 0)
		kill(self->child, SIGKILL);
	/* A shell's own children too: they would write into the folder while it is removed. */
	kill(-self->child, SIGKILL);
	child_reap(self);
}

/* "what; its log ends: ..." */
static bool fail_with_log(const struct supervisor *self, struct err *err, const char *what)
{
	char tail[TAIL_BYTES + 1] = {0};
	int fd = open(self->log, O_RDONLY | O_CLOEXEC);
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;

	if (fd < 0 || pread(fd, tail, TAIL_BYTES, from) <= 0)
		err_set(err, "%s; it left no log", what);
	else {
		const char *line = from > 0 ? strchr(tail, '\n') : NULL;
		err_set(err, "%s; its log ends:\n%s", what, line != NULL ? line + 1 : tail);
	}
	if (fd >= 0)
		close(fd);
	return false;
}

/* Runs a program to its end. `input`: a file for its standard input. */
static bool run(struct supervisor *self, const char *program, const char *const *words, const char *data,
                const char *input, struct err *err)
{
	if (!child_start(self, program, words, data, input, err))
		return false;
	if (wait_for(self, -1, clock_now_ns() + MAKE_LIMIT_NS) != WAKE_CHILD) {
		child_end(self, SIGKILL);
		return err_set(err, "%s was stopped before its end", words[0]);
	}
	int status = child_reap(self);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	char *what = mem_printf("%s failed", words[0]);
	fail_with_log(self, err, what);
	free(what);
	return false;
}

/* ---- the data directory --------------------------------------------------------------------- */

static bool write_file(const char *path, const char *text, struct err *err)
{
	FILE *file = fopen(path, "we");
	bool ok = file != NULL && fputs(text, file) >= 0;

	if (file != NULL && fclose(file) != 0)
		ok = false;
	return ok || err_set(err, "cannot write %s: %s", path, strerror(errno));
}

static uint64_t hash(uint64_t so_far, const char *text)
{
	/* FNV-1a; the NUL counts, so that "ab","c" is not "a","bc". */
	do
		so_far = (so_far ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	while (*text++ != '\0');
	return so_far;
}

/* Another build of the server or another way to prepare it has a template of its own. */
static char *template_path(const struct supervisor *self)
{
	const struct sandbox_plan *plan = self->plan;
	struct stat server = {0};
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	(void)!stat(plan->serve, &server);
	char *build = mem_printf("%s %" PRId64 " %" PRId64 ".%09ld", plan->serve, (int64_t)server.st_size,
	                         (int64_t)server.st_mtim.tv_sec, server.st_mtim.tv_nsec);
	key = hash(hash(key, build), plan->engine->make_sql);
	for (size_t i = 0; plan->engine->make[i] != NULL; i++)
		key = hash(key, plan->engine->make[i]);
	for (size_t i = 0; plan->engine->fill != NULL && plan->engine->fill[i] != NULL; i++)
		key = hash(key, plan->engine->fill[i]);
	free(build);
	return mem_printf("%s/%s-template-%016" PRIx64, self->home, plan->engine->name, key);
}

/* Half of a template (a cleaner of old files was there) must not become a server. */
static bool template_is_whole(const char *template)
{
	char line[80] = {0};
	char *data = mem_printf("%s/data", template);
	char *note = mem_printf("%s/complete", template);
	char *found = sandbox_measure(data);
	FILE *file = fopen(note, "re");
	bool whole = found != NULL && file != NULL && fgets(line, sizeof(line), file) != NULL &&
	             text_equal(line, found);

	if (file != NULL)
		fclose(file);
	free(found);
	free(note);
	free(data);
	return whole;
}

/* Made in our own folder and renamed: there is never half of one, unless somebody else removed files. */
static bool template_make(struct supervisor *self, const char *template, struct err *err)
{
	char *fresh = mem_printf("%s/template", self->folder);
	char *data = mem_printf("%s/data", fresh);
	char *sql = mem_printf("%s/make.sql", self->folder);
	char *old = mem_printf("%s/old", self->folder);
	char *note = mem_printf("%s/complete", fresh);
	char *measured = NULL;

	bool ok = (rename(template, old) == 0 || errno == ENOENT) && mkdir(fresh, 0700) == 0;
	if (!ok)
		err_set(err, "cannot replace %s: %s", template, strerror(errno));
	ok = ok && write_file(sql, self->plan->engine->make_sql, err) &&
	     run(self, self->plan->make, self->plan->engine->make, data, no_input, err) &&
	     (self->plan->fill == NULL ||
	      run(self, self->plan->fill, self->plan->engine->fill, data, sql, err));
	if (ok) {
		measured = sandbox_measure(data);
		ok = write_file(note, measured != NULL ? measured : "", err);
	}
	if (ok && rename(fresh, template) != 0)
		ok = err_set(err, "cannot keep %s: %s", template, strerror(errno));
	free(measured);
	free(note);
	free(old);
	free(sql);
	free(data);
	free(fresh);
	return ok;
}

static bool data_make(struct supervisor *self, struct err *err)
{
	char *template = template_path(self);
	char *from = mem_printf("%s/data", template);
	const char *const copy[] = {"cp", "-a", "--reflink=auto", "--", from, "{data}", NULL};

	bool ok = template_is_whole(template) || template_make(self, template, err);
	ok = ok && run(self, "cp", copy, self->data, no_input, err);
	free(from);
	free(template);
	return ok;
}

/* ---- the server ----------------------------------------------------------------------------- */

/* A connection to the server's socket; -1: not yet. */
static int try_connect(const struct supervisor *self)
{
	const struct sandbox_engine *engine = self->plan->engine;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", self->folder,
	               engine->socket != NULL ? engine->socket : "socket");
	if (fd >= 0 && (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	                (engine->hello != NULL && write(fd, engine->hello, engine->hello_length) !=
	                                                  (ssize_t)engine->hello_length))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Does what came say that it serves? Else it still starts up, or hung up since it did not know us yet. */
static bool is_welcome(const struct supervisor *self, int fd)
{
	const struct sandbox_engine *engine = self->plan->engine;
	char first;

	return read(fd, &first, 1) == 1 && (engine->hello == NULL || first != engine->not_yet);
}

/* The server says something when it is ready to serve; the socket is there a little earlier. */
static bool await_answer(struct supervisor *self, struct err *err)
{
	int64_t until = clock_now_ns() + READY_LIMIT_NS;
	int fd = -1;
	enum wake wake = WAKE_TIME;

	while (wake == WAKE_TIME && clock_now_ns() < until) {
		if (fd < 0)
			fd = try_connect(self);
		wake = wait_for(self, fd, fd >= 0 ? until : clock_now_ns() + RETRY_NS);
		if (wake == WAKE_READABLE && !is_welcome(self, fd)) {
			close(fd);
			fd = -1;
			wake = wait_for(self, -1, clock_now_ns() + RETRY_NS);
		}
	}
	if (fd >= 0)
		close(fd);
	switch (wake) {
	case WAKE_READABLE:
		return true;
	case WAKE_STOP:
		return err_set(err, "stopped while the server was starting");
	case WAKE_CHILD:
		return fail_with_log(self, err, "the server ended at its start");
	case WAKE_TIME:
		break;
	}
	return fail_with_log(self, err, "the server did not answer in time");
}

static bool server_start(struct supervisor *self, struct err *err)
{
	const struct sandbox_plan *plan = self->plan;

	self->home = sandbox_home_open(plan->parent, &self->home_fd, err);
	if (self->home == NULL)
		return false;
	self->folder = sandbox_folder_new(self->home, &self->lock, err);
	if (self->folder == NULL)
		return false;
	self->data = mem_printf("%s/data", self->folder);
	self->log = mem_printf("%s/server.log", self->folder);
	if (!data_make(self, err))
		return false;
	close(self->home_fd); /* the next one may look for a template */
	if (!child_start(self, plan->serve, plan->engine->serve, self->data, no_input, err) ||
	    !await_answer(self, err))
		return false;
	if (plan->engine->settle != NULL)
		plan->engine->settle(self->data);
	return true;
}

/* ---- the process ---------------------------------------------------------------------------- */

/* All but two descriptors and the standard ones, which lead nowhere. */
static void leave_descriptors(int one, int other)
{
	unsigned low = (unsigned)(one < other ? one : other), high = (unsigned)(one < other ? other : one);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)!dup2(null, fd);
	if (low > 3)
		close_range(3, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

static bool become(const struct sandbox_plan *plan, struct err *err)
{
	if (plan->drop && (setgroups(1, &plan->gid) != 0 || setresgid(plan->gid, plan->gid, plan->gid) != 0 ||
	                   setresuid(plan->uid, plan->uid, plan->uid) != 0))
		return err_set(err, "cannot become the user '%s': %s", plan->engine->user, strerror(errno));
	/* Nothing of the caller's environment may steer the server (MYSQL_HOME, LD_PRELOAD, ...). */
	if (clearenv() != 0 || setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) != 0 ||
	    setenv("LC_ALL", "C.UTF-8", 1) != 0 || setenv("TZ", "UTC", 1) != 0 || chdir("/") != 0)
		return err_set(err, "cannot prepare the server's environment: %s", strerror(errno));
	return true;
}

static void tell(int report, char sign, const char *text)
{
	char *message = mem_printf("%c%s", sign, text);
	size_t length = strlen(message) + 1, sent = 0; /* the NUL ends it */

	while (sent < length) {
		ssize_t n = write(report, message + sent, length - sent);
		if (n <= 0)
			break; /* nobody listens any more */
		sent += (size_t)n;
	}
	free(message);
	close(report);
}

void sandbox_supervise(const struct sandbox_plan *plan, int racy, int report)
{
	struct supervisor self = {.plan = plan, .racy = racy, .home_fd = -1, .lock = -1, .child_fd = -1};
	struct err err = {0};
	sigset_t stop;

	/* All signals are blocked, SIGPIPE included; those that ask to stop are read from a descriptor. */
	setsid();
	prctl(PR_SET_NAME, "db-sandbox");
	umask(077);
	leave_descriptors(racy, report);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGHUP);
	self.signals = signalfd(-1, &stop, SFD_CLOEXEC);

	bool up = become(plan, &err) && server_start(&self, &err);
	if (up) {
		tell(report, '+', self.folder);
		/* A server that dies by itself ends this too: its users notice on their connections. */
		(void)wait_for(&self, -1, INT64_MAX);
	}
	child_end(&self, plan->engine->stop_signal);
	if (self.folder != NULL && !sandbox_remove(self.folder, up ? NULL : &err) && !up)
		err_prefix(&err, "after a failure");
	if (!up)
		tell(report, '-', err_text(&err));
	_exit(up ? 0 : 1);
}
