/* The options by which every command that needs a database is told which: --db, --isolation, --set. */
#ifndef COMMAND_DATABASE_H
#define COMMAND_DATABASE_H

#include "base/opt.h"
#include "db/db.h"
#include "db/sandbox.h"

enum { DATABASE_MAX_SETS = 32 };

struct database_options {
	const char *url; /* NULL: RACY_DB from the environment, else the command's default */
	enum db_iso iso;
	struct db_setting sets[DATABASE_MAX_SETS];
	size_t n_sets;
};

/* Lines for a command's option table; `options` is a struct database_options. */
opt_parse_fn database_opt_isolation;
opt_parse_fn database_opt_set;
#define DATABASE_OPTIONS(options)                                                                          \
	{"db", 0, "URL", DATABASE_DB_HELP, opt_text, &(options).url, 0, 0},                                \
	{"isolation", 0, "LEVEL", DATABASE_ISOLATION_HELP, database_opt_isolation, &(options), 0, 0},      \
	{"set", 0, "NAME=VALUE", DATABASE_SET_HELP, database_opt_set, &(options), 0, 0}

#define DATABASE_DB_HELP                                                                                   \
	"sqlite:FILE | mysql://user:password@host:port/name (or\n"                                         \
	"mysql://user@/name?socket=PATH) | mariadb: a throw-away\n"                                        \
	"server of our own. Also by the environment: RACY_DB"
#define DATABASE_ISOLATION_HELP                                                                            \
	"the sessions' level: read-uncommitted, read-committed,\n"                                         \
	"repeatable-read, serializable, or server (its own\n"                                              \
	"default); else as Django sets it"
#define DATABASE_SET_HELP "a session variable (SQLite: a pragma); may be repeated"

/* A database that is ready for work: its server runs, its schema is up to date. */
struct database {
	struct db_target target;
	struct db_settings settings;
	struct sandbox *sandbox; /* NULL: not a server of our own */
	bool by_default;         /* the default SQLite file, since nothing was named */
};

/* What --db was: a word for a throw-away server ("mariadb"), or else a URL. */
bool database_is_throw_away(const char *url);

/* Opens the way: starts the throw-away server, makes the database and the schema where they are
 * missing. `fallback`: what is taken when neither --db nor RACY_DB was given; NULL: the SQLite file
 * in the user's state directory. False: the error, with *code RACY_USAGE or RACY_ENVIRONMENT. */
bool database_open(const struct database_options *options, const char *fallback, int64_t lock_wait_ns,
                   struct database *database, int *code, struct err *err) MUST_USE;
/* The same without the schema. */
bool database_open_bare(const struct database_options *options, const char *fallback, int64_t lock_wait_ns,
                        struct database *database, int *code, struct err *err) MUST_USE;
/* "sqlite:/home/ann/.local/state/racy/racy.db", "a throw-away server of our own"; never a password. */
const char *database_text(struct database *database);
/* Stops the throw-away server. */
void database_close(struct database *database);

#endif
