/* The engines that can be started as throw-away servers, as a table, and where their programs are. */
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/sandbox_private.h"

/* Whoever passes the folder's 0700 is root there: authentication would protect nothing more.
 * The log file is small since it is copied for every server. All else is the product's default,
 * durability included: the laboratory shows the server that its users know. */
static const char *const mariadb_make[] = {
	"mariadb-install-db", "--no-defaults", "--datadir={data}", "--tmpdir={folder}",
	"--extra-file={folder}/make.sql", "--auth-root-authentication-method=normal", "--skip-test-db",
	"--skip-name-resolve", "--innodb-log-file-size=8M", "--character-set-server=utf8mb4", NULL,
};
static const char *const mariadb_serve[] = {
	"mariadbd", "--no-defaults", "--datadir={data}", "--socket={folder}/socket",
	"--pid-file={folder}/pid", "--log-error={folder}/server.log", "--tmpdir={folder}", "--skip-networking",
	"--skip-name-resolve", "--character-set-server=utf8mb4", "--innodb-log-file-size=8M",
	"--innodb-buffer-pool-size=64M", "--max-connections=500", NULL,
};

/* The write-ahead log's segments are small since they are copied for every server, which alone would
 * mean frequent checkpoints; its sizes are what they are with segments of the usual size. */
static const char *const postgres_make[] = {
	"initdb", "--pgdata={data}", "--username=postgres", "--auth=trust", "--encoding=UTF8",
	"--locale=C.UTF-8", "--wal-segsize=1", "--no-sync", NULL,
};
static const char *const postgres_fill[] = {"postgres", "--single", "-D", "{data}", "postgres", NULL};
static const char *const postgres_serve[] = {
	"postgres", "-D", "{data}", "-c", "listen_addresses=", "-c", "unix_socket_directories={folder}",
	"-c", "external_pid_file={folder}/pid", "-c", "max_wal_size=1GB", "-c", "min_wal_size=80MB",
	"-c", "max_connections=500", "-c", "dynamic_shared_memory_type=mmap", NULL,
};
/* A StartupMessage: its length, protocol 3.0, names and values; the literal's own NUL ends it. The
 * answer is an Error as long as the server starts up. */
static const char postgres_hello[] = "\0\0\0\x25\0\3\0\0user\0postgres\0database\0racy\0";

/* A small segment of shared memory tells another server that these data are in use. It outlives a server
 * that is killed hard, unless it is given back already: it then goes with its last user. */
static void postgres_settle(const char *data)
{
	char *path = mem_printf("%s/postmaster.pid", data);
	FILE *file = fopen(path, "re");
	int segment;

	for (int line = 1; file != NULL && line < 7; line++)
		(void)!fscanf(file, "%*[^\n]%*c");
	if (file != NULL && fscanf(file, "%*u %d", &segment) == 1)
		(void)shmctl(segment, IPC_RMID, NULL);
	if (file != NULL)
		fclose(file);
	free(path);
}

static const struct sandbox_engine engines[] = {
	{
		.name = "mariadb",
		.package = "mariadb-server-core",
		.user = "mysql",
		.make = mariadb_make,
		.make_sql = "CREATE DATABASE racy CHARACTER SET utf8mb4;\n",
		.serve = mariadb_serve,
		.url = "mysql://root@/racy?socket={folder}/socket",
		.stop_signal = SIGTERM,
	},
	{
		.name = "postgres",
		.package = "postgresql-15",
		.user = "postgres",
		.programs = "/usr/lib/postgresql/*/bin",
		.make = postgres_make,
		.fill = postgres_fill,
		.make_sql = "CREATE DATABASE racy\n",
		.serve = postgres_serve,
		.socket = ".s.PGSQL.5432",
		.hello = postgres_hello,
		.hello_length = sizeof(postgres_hello),
		.not_yet = 'E',
		.settle = postgres_settle,
		.url = "postgresql://postgres@/racy?socket={folder}",
		.stop_signal = SIGQUIT, /* at once, its children too */
	},
};

const struct sandbox_engine *sandbox_engine_find(const char *name, struct err *err)
{
	struct str names = {0};

	for (size_t i = 0; i < COUNT_OF(engines); i++) {
		if (text_equal(engines[i].name, name)) {
			str_fini(&names);
			return &engines[i];
		}
		str_printf(&names, "%s%s", i > 0 ? ", " : "", engines[i].name);
	}
	err_set(err, "there is no throw-away server of '%s': choose from %s", name, str_text(&names));
	str_fini(&names);
	return NULL;
}

/* Debian's servers live in sbin, which a user's PATH may lack. */
static const char *const program_folders[] = {"/usr/local/sbin", "/usr/sbin", "/usr/bin", "/usr/local/bin"};

static char *program_in(const char *folder, size_t length, const char *name)
{
	char *path = mem_printf("%.*s/%s", (int)length, folder, name);

	if (length > 0 && folder[0] == '/' && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *program_in_glob(const char *pattern, const char *name)
{
	glob_t found = {0};
	char *path = NULL;

	/* The highest version sorts last, as long as all have two digits. */
	if (pattern != NULL && glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = found.gl_pathc; path == NULL && i > 0; i--)
			path = program_in(found.gl_pathv[i - 1], strlen(found.gl_pathv[i - 1]), name);
	}
	globfree(&found);
	return path;
}

/* Heap text; NULL where it is not installed. */
static char *program_find(const struct sandbox_engine *engine, const char *name)
{
	const char *rest = getenv("PATH");
	char *path = NULL;

	while (path == NULL && rest != NULL && *rest != '\0') {
		size_t length = strcspn(rest, ":");
		path = program_in(rest, length, name);
		rest += length + (rest[length] == ':');
	}
	for (size_t i = 0; path == NULL && i < COUNT_OF(program_folders); i++)
		path = program_in(program_folders[i], strlen(program_folders[i]), name);
	return path != NULL ? path : program_in_glob(engine->programs, name);
}

static bool plan_user(struct sandbox_plan *plan, struct err *err)
{
	const char *name = plan->engine->user;

	plan->drop = geteuid() == 0;
	plan->uid = geteuid();
	plan->gid = getegid();
	if (!plan->drop)
		return true;
	const struct passwd *user = getpwnam(name);
	if (user == NULL || user->pw_uid == 0)
		return err_set(err, "there is no user '%s' for the server to run as (it refuses root): run "
		               "script/bootstrap, or: useradd --system --user-group --no-create-home "
		               "--home-dir /nonexistent --shell /bin/false %s", name, name);
	plan->uid = user->pw_uid;
	plan->gid = user->pw_gid;
	return true;
}

bool sandbox_plan_init(struct sandbox_plan *plan, const struct sandbox_engine *engine, struct err *err)
{
	*plan = (struct sandbox_plan){.engine = engine, .parent = "/var/tmp"};
	plan->make = program_find(engine, engine->make[0]);
	plan->serve = program_find(engine, engine->serve[0]);
	plan->fill = engine->fill != NULL ? program_find(engine, engine->fill[0]) : NULL;
	if (plan->make == NULL || plan->serve == NULL || (engine->fill != NULL && plan->fill == NULL))
		err_set(err, "%s is not installed: run script/bootstrap, or: apt-get install %s",
		        plan->serve == NULL ? engine->serve[0] : plan->make == NULL ? engine->make[0] : engine->fill[0],
		        engine->package);
	else if (plan_user(plan, err))
		return true;
	sandbox_plan_fini(plan);
	return false;
}

void sandbox_plan_fini(struct sandbox_plan *plan)
{
	free(plan->make);
	free(plan->fill);
	free(plan->serve);
	plan->make = plan->fill = plan->serve = NULL;
}
