#include "world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/sandbox_private.h"

const char *world_engine = "sqlite";

/* ---- a server that listens on TCP too ---------------------------------------------------------- */

/* Free just now; nobody else is given it as long as others are. */
static int free_port(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof name;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	close(fd);
	return ntohs(name.sin_port);
}

static struct sandbox *start_on_tcp(struct world *world, struct err *err)
{
	struct sandbox_engine engine = *sandbox_engine_find(world->engine, err);
	struct sandbox_plan plan;
	const char *words[40];
	size_t n = 0;

	world->port = free_port();
	char *port = mem_printf("--port=%d", world->port);
	char *socket = mem_printf(".s.PGSQL.%d", world->port);
	char *url = mem_printf("%s/%s", engine.url, socket);
	for (const char *const *word = engine.serve; *word != NULL; word++) {
		assert_true(n < COUNT_OF(words) - 2);
		words[n++] = text_equal(*word, "--skip-networking") ? "--bind-address=127.0.0.1"
		             : text_equal(*word, "listen_addresses=") ? "listen_addresses=127.0.0.1" : *word;
	}
	words[n++] = port;
	words[n] = NULL;
	engine.serve = words;
	if (world->is_postgres) {
		engine.socket = socket;
		engine.url = url;
	}
	struct sandbox *sandbox = NULL;
	if (sandbox_plan_init(&plan, &engine, err)) {
		sandbox = sandbox_start_plan(&plan, err);
		sandbox_plan_fini(&plan);
	}
	free(url);
	free(socket);
	free(port);
	return sandbox;
}

/* Its root is let in by the socket alone. */
static void let_in(const struct world *world)
{
	if (world->port != 0 && !world->is_postgres) {
		must(world->observer, DB_WRITE, "CREATE USER tcp@'127.0.0.1'", NULL);
		must(world->observer, DB_WRITE, "GRANT ALL ON *.* TO tcp@'127.0.0.1'", NULL);
	}
}

/* ---- the group ------------------------------------------------------------------------------- */

int world_setup(void **state)
{
	struct world *world = mem_new(1, sizeof *world);
	struct err err = {0};

	world->is_sqlite = text_equal(world_engine, "sqlite");
	world->is_postgres = text_starts_with(world_engine, "postgres");
	world->engine = world->is_sqlite ? "sqlite" : world->is_postgres ? "postgres" : "mariadb";
	world->long_text = world->is_postgres ? "text" : "longtext";
	*state = world;
	if (world->is_sqlite) {
		world->folder = mem_text("/tmp/racy-test-XXXXXX");
		return mkdtemp(world->folder) != NULL ? 0 : -1;
	}
	world->sandbox = strstr(world_engine, "/tcp") != NULL ? start_on_tcp(world, &err)
	                                                      : sandbox_start(world_engine, &err);
	if (world->sandbox != NULL && db_target_parse(sandbox_url(world->sandbox), &world->server, &err))
		world->observer = db_open(&world->server, &(struct db_settings){.iso = DB_ISO_DEFAULT}, &err);
	if (world->observer == NULL)
		print_error("%s\n", err_text(&err));
	else
		let_in(world);
	err_fini(&err);
	return world->observer != NULL ? 0 : -1;
}

static void remove_folder(const char *folder)
{
	DIR *entries = opendir(folder);

	for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
		char *path = mem_printf("%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.' && unlink(path) != 0)
			(void)rmdir(path);
		free(path);
	}
	if (entries != NULL)
		closedir(entries);
	(void)rmdir(folder);
}

int world_teardown(void **state)
{
	struct world *world = *state;

	if (world->folder != NULL)
		remove_folder(world->folder);
	db_close(world->observer);
	db_target_fini(&world->server);
	sandbox_stop(world->sandbox);
	free(world->folder);
	free(world);
	return 0;
}

/* ---- a case ---------------------------------------------------------------------------------- */

char *world_url(const struct world *world, const char *user, const char *name)
{
	const struct db_target *server = &world->server;

	if (world->port != 0 && user == NULL)
		return mem_printf("%s@127.0.0.1:%d/%s", world->is_postgres ? "postgresql://postgres" : "mysql://tcp",
		                  world->port, name);
	return mem_printf("%s://%s@/%s?socket=%s", world->is_postgres ? "postgresql" : "mysql",
	                  user != NULL ? user : server->user, name != NULL ? name : server->name, server->socket);
}

int world_fresh(void **state)
{
	struct world *world = *state;
	struct err err = {0};
	char *name = mem_printf("case_%d", ++world->cases);
	char *url = world->is_sqlite ? mem_printf("sqlite:%s/%s", world->folder, name)
	                             : world_url(world, NULL, name);
	bool ok = db_target_parse(url, &world->target, &err) && db_create(&world->target, &err);

	if (!ok)
		print_error("%s\n", err_text(&err));
	err_fini(&err);
	free(url);
	free(name);
	return ok ? 0 : -1;
}

int world_stale(void **state)
{
	struct world *world = *state;

	db_target_fini(&world->target);
	return 0;
}

struct db_session *world_open_with(const struct world *world, const struct db_settings *settings)
{
	struct err err = {0};
	struct db_session *session = db_open(&world->target, settings, &err);

	if (session == NULL)
		fail_msg("%s", err_text(&err));
	return session;
}

struct db_session *world_open(const struct world *world)
{
	return world_open_with(world, &(struct db_settings){.iso = DB_ISO_DEFAULT});
}

char *world_open_error(const struct db_target *target, const struct db_settings *settings)
{
	struct err err = {0};

	if (db_open(target, settings, &err) != NULL)
		fail_msg("%s was opened", db_target_text(target));
	char *text = mem_text(err_text(&err));
	err_fini(&err);
	return text;
}

char *world_address_error(const char *url)
{
	const struct db_settings settings = {.iso = DB_ISO_DEFAULT};
	struct db_target target;
	struct err err = {0};

	if (!db_target_parse(url, &target, &err))
		fail_msg("%s", err_text(&err));
	char *text = world_open_error(&target, &settings);
	db_target_fini(&target);
	return text;
}

/* ---- statements ------------------------------------------------------------------------------ */

struct db_outcome attempt(struct db_session *session, enum db_verb verb, const char *sql,
                          const struct db_value *args)
{
	struct db_call call = {.verb = verb, .sql = sql};
	struct db_outcome outcome;

	for (size_t i = 0; args != NULL && i < DB_MAX_ARGS && args[i].type != DB_END; i++)
		call.args[i] = args[i];
	enum db_err err = db_exec(session, &call, NULL, &outcome);
	assert_int_equal(err, outcome.err);
	return outcome;
}

struct db_outcome must(struct db_session *session, enum db_verb verb, const char *sql,
                       const struct db_value *args)
{
	struct db_outcome outcome = attempt(session, verb, sql, args);

	if (outcome.err != DB_OK)
		fail_msg("%s: %s (%s)", sql != NULL ? sql : db_verb_name(verb), outcome.message,
		         db_err_name(outcome.err));
	return outcome;
}

int64_t ask(struct db_session *session, const char *sql, const struct db_value *args)
{
	struct db_rows rows = {0};
	struct err err = {0};

	if (!db_run(session, DB_READ, sql, args, &rows, NULL, &err))
		fail_msg("%s: %s", sql, err_text(&err));
	if (rows.n_rows != 1 || rows.n_cols != 1 || db_cell(&rows, 0, 0)->type != DB_INT)
		fail_msg("%s: answers no whole number", sql);
	int64_t number = db_cell(&rows, 0, 0)->integer;
	db_rows_fini(&rows);
	return number;
}

enum db_tx tx_after_error(const struct world *world, const struct db_outcome *outcome)
{
	return world->is_postgres && outcome->sqlstate[0] != '\0' ? DB_TX_ABORTED : DB_TX_OPEN;
}

bool has_tx(const struct world *world, struct db_session *session)
{
	if (world->is_postgres) /* an aborted one answers nothing itself */
		return ask(world->observer,
		           "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = ? AND state <> 'idle'",
		           ARGS(db_int(db_identity(session)->connection))) != 0;
	if (!world->is_sqlite)
		return ask(session, "SELECT @@in_transaction", NULL) != 0;
	struct db_outcome outcome = attempt(session, DB_BEGIN, NULL, NULL);
	if (outcome.err == DB_OK) { /* SQLite has none within another */
		must(session, DB_ROLLBACK, NULL, NULL);
		return false;
	}
	assert_contains(outcome.message, "within a transaction");
	return true;
}

void await(struct db_session *session, const char *sql, int64_t number)
{
	while (ask(session, sql, NULL) != number)
		clock_pause_ns(NS_PER_MS);
}

void assert_contains_at(const char *text, const char *part, const char *file, int line)
{
	if (strstr(text, part) == NULL) {
		print_error("'%s' is not in: %s\n", part, text);
		_fail(file, line);
	}
}

/* ---- processes ------------------------------------------------------------------------------- */

int run_together(int n, int (*work)(const struct world *world, int number), const struct world *world)
{
	int gate[2], content = 0;
	pid_t children[16];

	assert_true(n <= 16);
	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < n; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			char byte;
			close(gate[1]);
			_exit(read(gate[0], &byte, 1) == 0 ? work(world, i) : 99);
		}
	}
	close(gate[0]);
	close(gate[1]); /* opens the gate for all of them */
	for (int i = 0; i < n; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			content++;
		else
			print_error("process %d ended with %d\n", i, status);
	}
	return content;
}
