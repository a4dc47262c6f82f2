/* The options by which every command that needs a database is told which: --db, --isolation, --set. */
#ifndef COMMAND_DATABASE_H
#define COMMAND_DATABASE_H

#include "base/arena.h"
#include "base/opt.h"
#include "db/db.h"
#include "db/sandbox.h"

enum { DATABASE_MAX_SETS = 32, DATABASE_MOST = 16 };

/* `= {0}` is "nothing was said"; given back with database_options_fini, after the database. */
struct database_options {
	const char *urls[DATABASE_MOST];
	size_t n_urls; /* 0: RACY_DB from the environment, else the command's default */
	bool several;  /* the command takes more than one; else a second --db is an error */
	bool own_server; /* the address is that of a throw-away server which the caller has started */
	enum db_iso iso;
	struct db_setting sets[DATABASE_MAX_SETS];
	size_t n_sets;
	struct arena arena;
};
void database_options_fini(struct database_options *options);

/* Lines for a command's option table; `options` is a struct database_options. */
opt_parse_fn database_opt_db;
opt_parse_fn database_opt_isolation;
opt_parse_fn database_opt_set;
#define DATABASE_OPTION_DB(options)                                                                        \
	{"db", 0, "URL",                                                                                   \
	 "sqlite:FILE | mysql://user:password@host:port/name (or\n"                                        \
	 "mysql://user@/name?socket=PATH) | postgresql://... |\n"                                          \
	 "mariadb or postgres: a throw-away server of our own.\n"                                          \
	 "Also by the environment: RACY_DB",                                                               \
	 database_opt_db, &(options), 0, 0}
#define DATABASE_OPTION_ISOLATION(options)                                                                 \
	{"isolation", 0, "LEVEL",                                                                          \
	 "read-uncommitted, read-committed, repeatable-read,\n"                                            \
	 "serializable, or server: as the server made it.\n"                                               \
	 "Default: as Django sets it (READ COMMITTED on MySQL\n"                                           \
	 "and MariaDB, the server's own on PostgreSQL)",                                                   \
	 database_opt_isolation, &(options), 0, 0}
#define DATABASE_OPTION_SET(options)                                                                       \
	{"set", 0, "NAME=VALUE",                                                                           \
	 "a session variable (SQLite: a pragma), such as\n"                                                \
	 "innodb_snapshot_isolation=on; may be repeated",                                                  \
	 database_opt_set, &(options), 0, 0}
#define DATABASE_OPTIONS(options)                                                                          \
	DATABASE_OPTION_DB(options), DATABASE_OPTION_ISOLATION(options), DATABASE_OPTION_SET(options)

/* A database that is ready for work: its server runs, its schema is up to date, its settings were
 * tried once. No session is open: whoever forks may. */
struct database {
	struct db_target target;
	struct db_settings settings;
	struct db_identity identity; /* as read back in a session with these settings */
	struct sandbox *sandbox;     /* NULL: not a server of our own */
	const char *word;            /* the throw-away server's; NULL: it is none */
	bool by_default;             /* the default SQLite file, since nothing was named */
	size_t applied;              /* migrations that were new */
};

/* What --db was: a word for a throw-away server ("mariadb", "postgres"), or else a URL. */
bool database_is_throw_away(const char *url);

/* Of the first --db, or what stands for it. Opens the way: starts the throw-away server, makes the database
 * and the schema where they are missing. `fallback`: what is taken when neither --db nor RACY_DB was given;
 * NULL: the SQLite file in the user's state directory. `patience_ns`: how long a statement waits for a lock where the
 * engine itself sets no limit. False: the error, with *code RACY_USAGE or RACY_ENVIRONMENT, and
 * nothing is left open. The options must live as long as the database. */
bool database_open(const struct database_options *options, const char *fallback, int64_t patience_ns,
                   struct database *database, int *code, struct err *err) MUST_USE;
/* One database for each --db, in their order; one where none was given. */
struct databases {
	struct database *items;
	size_t n;
};
/* As database_open, for each; all addresses are read before the first is tried. Of several, the error tells
 * which it was. */
bool databases_open(const struct database_options *options, const char *fallback, int64_t patience_ns,
                    struct databases *databases, int *code, struct err *err) MUST_USE;
/* An error that came of using database i tells which of several it was. */
void databases_blame(const struct databases *databases, size_t i, struct err *err);
void databases_close(struct databases *databases);

/* The patience of a worker that is killed when it is busy for longer than `timeout_ns` (0: never): it may
 * wait for a lock as long as it may live. */
int64_t database_patience_ns(int64_t timeout_ns);
/* The schemas of all scenarios, brought up to date. Their extensions (indexes) too, but where the tables are
 * Django's only if `extend` asks for it; whether they are is told by its table django_migrations. */
bool database_migrate(struct db_session *session, bool extend, size_t *applied, struct err *err) MUST_USE;
/* "sqlite:/home/ann/.local/state/racy/racy.db", "a throw-away server of our own"; never a password. */
const char *database_text(const struct database *database);
/* What --db takes for it: "mariadb", "sqlite:shop.db"; never a password. NULL: the default one. */
const char *database_option(const struct database *database);
/* Stops the throw-away server. */
void database_close(struct database *database);

#endif
