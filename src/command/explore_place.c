/* A database by another name, made and dropped. */
#include "command/explore_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "command/command.h"

/* The engine ends a deadlock, not our patience; this only ends what hangs. */
static const int64_t PATIENCE_NS = 600 * NS_PER_S;

static bool make_file(struct explore_place *place, struct err *err)
{
	const char *base = getenv("TMPDIR");
	char *folder = mem_printf("%s/racy-explore-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");

	if (mkdtemp(folder) == NULL) {
		err_set(err, "no folder can be made for the database (%s): %s", folder, strerror(errno));
		free(folder);
		return false;
	}
	place->folder = folder;
	place->url = mem_printf("sqlite:%s/explore.db", folder);
	return true;
}

/* The same address with another name at its end. */
static char *with_name(const char *url, const char *name)
{
	const char *authority = strstr(url, "://");
	const char *from = authority != NULL ? authority + 3 : url;
	size_t host = strcspn(from, "/?");
	const char *tail = strchr(from, '?');

	return mem_printf("%.*s/%s%s", (int)(from - url + (ptrdiff_t)host), url, name, tail != NULL ? tail : "");
}

static bool make_schema(struct explore_place *place, const char *url, size_t nth, struct err *err)
{
	struct db_target target;

	/* What is wrong with it is told of it, not of ours. */
	if (!db_target_parse(url, &target, err))
		return false;
	db_target_fini(&target);
	/* Nobody else's, also where several machines or containers share the server. */
	char *name = mem_printf("racy_explore_%ld_%llu_%zu", (long)getpid(), (unsigned long long)rng_fresh_seed(), nth);
	place->named = mem_text(url);
	place->url = with_name(url, name);
	place->name = name;
	return true;
}

static void set_unless_said(struct database_options *options, const char *name, const char *value)
{
	for (size_t i = 0; i < options->n_sets; i++)
		if (strcasecmp(options->sets[i].name, name) == 0)
			return;
	if (options->n_sets < DATABASE_MAX_SETS)
		options->sets[options->n_sets++] = (struct db_setting){name, value};
}

/* Nobody needs what a crash would take: of PostgreSQL's each session may say so for itself. On a server of our own:
 * that a deadlock is found after 10 ms and not after a second, which only a superuser may say; and that MariaDB does
 * not wait for its disk. */
static void suit_server(struct explore_place *place, const char *address, bool ours)
{
	const bool is_postgres = strncmp(address, "postgres", strlen("postgres")) == 0;

	place->relaxed = ours && !is_postgres;
	if (is_postgres && ours)
		set_unless_said(place->options, "deadlock_timeout", "10ms");
	if (is_postgres)
		set_unless_said(place->options, "synchronous_commit", "off");
}

static bool choose(struct explore_place *place, size_t nth, struct err *err)
{
	struct database_options *options = place->options;
	const char *said = options->n_urls > 0 ? options->urls[0] : getenv("RACY_DB");

	if (said == NULL || said[0] == '\0' || strncmp(said, "sqlite:", 7) == 0) {
		/* Nobody needs the file after a crash. */
		set_unless_said(options, "synchronous", "off");
		/* Among the sessions of one process SQLite keeps its locks by itself. What it asks of the system beside
		 * that is against other processes, and there are none. */
		set_unless_said(options, "vfs", "unix-excl");
		return make_file(place, err);
	}
	suit_server(place, said, database_is_throw_away(said) || options->own_server);
	if (!database_is_throw_away(said))
		return make_schema(place, said, nth, err);
	place->url = mem_text(said);
	return true;
}

/* MariaDB has this for the whole server only: ours alone. */
static bool relax(const struct explore_place *place, struct err *err)
{
	const struct db_settings settings = {.iso = DB_ISO_SERVER};

	if (!place->relaxed)
		return true;
	struct db_session *session = db_open(&place->database.target, &settings, err);
	bool ok = session != NULL && db_run(session, DB_WRITE, "SET GLOBAL innodb_flush_log_at_trx_commit = 0", NULL,
	                                    NULL, NULL, err);
	db_close(session);
	return ok;
}

const char *explore_place_server_setting(const struct explore_place *place)
{
	return place->relaxed ? "innodb_flush_log_at_trx_commit = 0" : NULL;
}

static void remove_file(struct explore_place *place)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char *path = mem_printf("%s/explore.db%s", place->folder, ends[i]);
		(void)unlink(path);
		free(path);
	}
	(void)rmdir(place->folder);
}

static void forget(struct explore_place *place)
{
	place->options->urls[0] = place->said;
	place->options->n_urls = place->n_said;
	place->options->n_sets = place->n_sets;
	free(place->named);
	free(place->name);
	free(place->url);
	free(place->folder);
	*place = (struct explore_place){0};
}

/* From the database that was named: nobody can drop the one that he is in. */
static bool drop(const struct explore_place *place, struct err *err)
{
	const struct db_settings settings = {.iso = DB_ISO_SERVER};
	const char *name = place->name;
	bool is_postgres = strncmp(place->named, "postgres", strlen("postgres")) == 0;
	char *sql = mem_printf("DROP DATABASE IF EXISTS %s%s", name, is_postgres ? " WITH (FORCE)" : "");
	struct db_session *session = NULL;
	struct db_target target;
	bool ok = db_target_parse(place->named, &target, err);

	if (ok) {
		session = db_open(&target, &settings, err);
		ok = session != NULL && db_run(session, DB_WRITE, sql, NULL, NULL, NULL, err);
		db_close(session);
		db_target_fini(&target);
	}
	if (!ok)
		err_prefix(err, "the database %s could not be removed", name);
	free(sql);
	return ok;
}

bool explore_place_open(struct database_options *options, size_t nth, struct explore_place *place, int *code,
                        struct err *err)
{
	*place = (struct explore_place){.options = options, .said = options->urls[0], .n_said = options->n_urls,
	                                .n_sets = options->n_sets};
	*code = RACY_USAGE;
	bool ok = choose(place, nth, err);
	if (ok) {
		options->urls[0] = place->url;
		options->n_urls = 1;
		ok = place->open = database_open(options, NULL, PATIENCE_NS, &place->database, code, err);
	}
	if (ok && !relax(place, err)) {
		database_close(&place->database);
		*code = RACY_ENVIRONMENT;
		ok = false;
	}
	if (!ok) {
		struct err other = {0};
		/* It may have been made before what went wrong, which is what is told. */
		if (place->named != NULL)
			(void)!drop(place, &other);
		err_fini(&other);
		if (place->folder != NULL)
			remove_file(place);
		forget(place);
	}
	return ok;
}

bool explore_place_close(struct explore_place *place, struct err *err)
{
	bool ok = !place->open || place->named == NULL || drop(place, err);

	if (place->open)
		database_close(&place->database);
	if (place->folder != NULL)
		remove_file(place);
	forget(place);
	return ok;
}

size_t explore_place_asked(const struct explore_place *place)
{
	return place->n_sets;
}

const char *explore_place_text(const struct explore_place *place)
{
	return place->folder != NULL ? "a file of its own" : database_text(&place->database);
}
