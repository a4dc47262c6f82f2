/* From --db to a database that is ready: throw-away servers, the default file, the schema. */
#include "command/database.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/state.h"
#include "base/str.h"
#include "command/command.h"
#include "lab/registry.h"

bool database_opt_db(const struct opt *opt, const char *text, struct err *err)
{
	struct database_options *options = opt->target;

	if (options->n_urls == 1 && !options->several)
		return err_set(err, "given twice: only `racy run` and `racy demo` take several databases");
	if (options->n_urls == DATABASE_MOST)
		return err_set(err, "at most %d databases", DATABASE_MOST);
	options->urls[options->n_urls++] = text;
	return true;
}

bool database_opt_isolation(const struct opt *opt, const char *text, struct err *err)
{
	struct database_options *options = opt->target;

	return db_iso_parse(text, &options->iso, err);
}

bool database_opt_set(const struct opt *opt, const char *text, struct err *err)
{
	struct database_options *options = opt->target;
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text)
		return err_set(err, "'%s' is not NAME=VALUE", text);
	if (options->n_sets == DATABASE_MAX_SETS)
		return err_set(err, "at most %d settings", DATABASE_MAX_SETS);
	options->sets[options->n_sets++] = (struct db_setting){
		arena_text_n(&options->arena, text, (size_t)(equals - text)),
		arena_text(&options->arena, equals + 1),
	};
	return true;
}

void database_options_fini(struct database_options *options)
{
	arena_fini(&options->arena);
}

bool database_is_throw_away(const char *url)
{
	return sandbox_is_known(url);
}

static char *default_url(struct err *err)
{
	char *folder = state_folder(err), *url = NULL;

	if (folder != NULL)
		url = mem_printf("sqlite:%s/racy.db", folder);
	else
		err_prefix(err, "there is no place for the default database; name one with --db");
	free(folder);
	return url;
}

static bool take_target(const char *url, struct database *database, int *code, struct err *err)
{
	if (database_is_throw_away(url)) {
		database->sandbox = sandbox_start(url, err);
		if (database->sandbox == NULL) {
			*code = RACY_ENVIRONMENT;
			return false;
		}
		database->word = url;
		url = sandbox_url(database->sandbox);
	}
	*code = RACY_USAGE;
	return db_target_parse(url, &database->target, err);
}

static const char *url_of(const struct database_options *options, size_t i, const char *fallback)
{
	const char *said = getenv("RACY_DB");

	if (options->n_urls > 0)
		return options->urls[i];
	return said != NULL && said[0] != '\0' ? said : fallback;
}

static bool choose_target(const struct database_options *options, size_t i, const char *fallback,
                          struct database *database, int *code, struct err *err)
{
	const char *url = url_of(options, i, fallback);
	char *made = NULL;

	if (url == NULL) {
		database->by_default = true;
		url = made = default_url(err);
		*code = RACY_ENVIRONMENT;
	}
	bool ok = url != NULL && take_target(url, database, code, err);
	free(made);
	return ok;
}

/* Where a session with these settings cannot be had, but one without any can, it is the settings: a
 * level that the engine lacks, a variable that it does not know. */
static bool settings_are_wrong(const struct database *database)
{
	const struct db_settings none = {.iso = DB_ISO_SERVER};
	struct db_session *session = db_open(&database->target, &none, NULL);

	db_close(session);
	return session != NULL;
}

static struct db_session *try_session(struct database *database, int *code, struct err *err)
{
	struct db_session *session = NULL;

	*code = RACY_ENVIRONMENT;
	if (!db_create(&database->target, err))
		return NULL;
	session = db_open(&database->target, &database->settings, err);
	if (session == NULL && settings_are_wrong(database))
		*code = RACY_USAGE;
	return session;
}

/* A database in which Django keeps account of its migrations holds tables that Django made. */
static bool is_djangos(struct db_session *session, bool *answer, struct err *err)
{
	struct db_outcome outcome;
	struct err words = {0};
	bool ok = db_run(session, DB_READ, "SELECT 1 FROM django_migrations WHERE 1 = 0", NULL, NULL, &outcome, &words);

	*answer = ok;
	ok = ok || outcome.err == DB_BROKEN; /* there is no such table */
	if (!ok)
		err_set(err, "%s", err_text(&words));
	err_fini(&words);
	return ok;
}

static bool extend_schemas(struct db_session *session, size_t *applied, struct err *err)
{
	for (size_t i = 0; i < registry_count(); i++) {
		const struct scenario *scenario = registry_at(i);
		char *scope = mem_printf("%s, extended", scenario->name);
		size_t n = 0;
		bool ok = db_migrate(session, scope, scenario->extensions, scenario->n_extensions, &n, err);
		free(scope);
		if (!ok)
			return false;
		*applied += n;
	}
	return true;
}

bool database_migrate(struct db_session *session, bool extend, size_t *applied, struct err *err)
{
	bool adopted = false;

	*applied = 0;
	for (size_t i = 0; i < registry_count(); i++) {
		const struct scenario *scenario = registry_at(i);
		size_t n = 0;
		if (!db_migrate(session, scenario->name, scenario->migrations, scenario->n_migrations, &n, err))
			return false;
		*applied += n;
	}
	if (!extend && !is_djangos(session, &adopted, err))
		return false;
	return adopted || extend_schemas(session, applied, err);
}

int64_t database_patience_ns(int64_t timeout_ns)
{
	return timeout_ns > 0 ? timeout_ns : 86400 * NS_PER_S;
}

static bool open_one(const struct database_options *options, size_t i, const char *fallback, int64_t patience_ns,
                     struct database *database, int *code, struct err *err)
{
	size_t applied;

	*database = (struct database){
		.settings = {options->iso, options->sets, options->n_sets, 0},
	};
	if (!choose_target(options, i, fallback, database, code, err)) {
		database_close(database);
		return false;
	}
	if (!db_limits_lock_waits(&database->target))
		database->settings.lock_wait_ns = patience_ns;
	struct db_session *session = try_session(database, code, err);
	bool ok = session != NULL;
	if (ok) {
		database->identity = *db_identity(session);
		*code = RACY_ENVIRONMENT;
		ok = database_migrate(session, false, &applied, err);
		database->applied = applied;
	}
	db_close(session);
	if (!ok)
		database_close(database);
	return ok;
}

bool database_open(const struct database_options *options, const char *fallback, int64_t patience_ns,
                   struct database *database, int *code, struct err *err)
{
	return open_one(options, 0, fallback, patience_ns, database, code, err);
}

/* ---- several --------------------------------------------------------------------------------- */

/* Without starting or asking anything. */
static bool is_readable(const char *url, int *code, struct err *err)
{
	struct db_target target;

	if (database_is_throw_away(url)) {
		*code = RACY_ENVIRONMENT;
		return sandbox_possible(url, err);
	}
	*code = RACY_USAGE;
	if (!db_target_parse(url, &target, err))
		return false;
	db_target_fini(&target);
	return true;
}

static bool read_all(const struct database_options *options, int *code, struct err *err)
{
	for (size_t i = 0; i < options->n_urls; i++) {
		if (is_readable(options->urls[i], code, err))
			continue;
		if (options->n_urls > 1)
			err_prefix(err, "--db number %zu", i + 1);
		return false;
	}
	return true;
}

/* The address itself may hold a password: what is not a throw-away server is told by its number. */
static void tell_which(const struct database_options *options, size_t i, struct err *err)
{
	if (options->n_urls < 2)
		return;
	if (database_is_throw_away(options->urls[i]))
		err_prefix(err, "--db number %zu, %s", i + 1, options->urls[i]);
	else
		err_prefix(err, "--db number %zu", i + 1);
}

bool databases_open(const struct database_options *options, const char *fallback, int64_t patience_ns,
                    struct databases *databases, int *code, struct err *err)
{
	size_t n = options->n_urls > 0 ? options->n_urls : 1;

	*databases = (struct databases){0};
	if (!read_all(options, code, err))
		return false;
	databases->items = mem_new(n, sizeof *databases->items);
	while (databases->n < n) {
		struct database *next = &databases->items[databases->n];
		if (!open_one(options, databases->n, fallback, patience_ns, next, code, err)) {
			tell_which(options, databases->n, err);
			databases_close(databases);
			return false;
		}
		databases->n++;
	}
	return true;
}

void databases_blame(const struct databases *databases, size_t i, struct err *err)
{
	const struct db_identity *identity = &databases->items[i].identity;

	if (databases->n > 1)
		err_prefix(err, "%s %s (--db number %zu)", identity->product, identity->version, i + 1);
}

void databases_close(struct databases *databases)
{
	for (size_t i = 0; i < databases->n; i++)
		database_close(&databases->items[i]);
	free(databases->items);
	*databases = (struct databases){0};
}

const char *database_option(const struct database *database)
{
	if (database->by_default)
		return NULL;
	return database->word != NULL ? database->word : db_target_text(&database->target);
}

const char *database_text(const struct database *database)
{
	return database->sandbox != NULL ? "a throw-away server of our own" : db_target_text(&database->target);
}

void database_close(struct database *database)
{
	db_target_fini(&database->target);
	sandbox_stop(database->sandbox);
	database->sandbox = NULL;
}
