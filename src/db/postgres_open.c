/* Opening a connection to PostgreSQL: connect, set, and read back. Nothing of what was asked for is
 * taken for granted: level, product and version are what the session itself answers. What an address
 * leaves out (user, host, port, password) is where every PostgreSQL client looks for it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "db/peer.h"
#include "db/postgres.h"

static const char connect_limit_s[] = "10";

/* ---- connecting ------------------------------------------------------------------------------ */

/* Notices would go to stderr. */
static void hear_nothing(void *context, const char *message)
{
	(void)context;
	(void)message;
}

/* A socket may be named as the folder that it is in, or as itself: FOLDER/.s.PGSQL.PORT. */
static void split_socket(const char *socket, char **folder, char **port)
{
	static const char name[] = "/.s.PGSQL.";
	const char *slash = strrchr(socket, '/');
	bool is_itself = slash != NULL && text_starts_with(slash, name);

	*folder = is_itself ? mem_text_n(socket, (size_t)(slash - socket)) : mem_text(socket);
	*port = is_itself ? mem_text(slash + strlen(name)) : NULL;
}

/* Its PQstatus says whether it stands. */
static PGconn *connect_to(const struct db_target *target, const char *database)
{
	static const char *const names[] = {"host", "port", "user", "password", "dbname", "connect_timeout",
	                                    "client_encoding", "application_name", NULL};
	char *host = mem_text(target->host);
	char *port = target->port != 0 ? mem_printf("%d", target->port) : NULL;

	if (target->socket != NULL) {
		free(host);
		free(port);
		split_socket(target->socket, &host, &port);
	}
	const char *const values[] = {host, port, target->user, target->password, database, connect_limit_s,
	                              "UTF8", "racy", NULL};
	PGconn *conn = PQconnectdbParams(names, values, 0);
	if (conn == NULL)
		abort(); /* only when memory is out */
	PQsetNoticeProcessor(conn, hear_nothing, NULL);
	free(port);
	free(host);
	return conn;
}

/* libpq's errors have several lines, of which the later ones are indented. */
static bool set_error(const PGconn *conn, const char *what, struct err *err)
{
	struct str line = {0};

	for (const char *c = PQerrorMessage(conn); *c != '\0';) {
		size_t length = strcspn(c, "\n");
		str_add_n(&line, c, length);
		c += length;
		c += strspn(c, "\n\t ");
		str_add(&line, *c != '\0' ? "; " : "");
	}
	err_set(err, "%s: %s", what, str_text(&line));
	str_fini(&line);
	return false;
}

static bool set_connect_error(const PGconn *conn, const struct db_target *target, struct err *err)
{
	char *what = mem_printf("cannot reach the database %s", db_target_text(target));

	set_error(conn, what, err);
	free(what);
	return false;
}

static bool run(PGconn *conn, const char *sql, const char *what, struct err *err)
{
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || set_error(conn, what, err);
}

/* The text in the first column of the one row that a question answers. Heap; NULL and an error. */
static char *ask(PGconn *conn, const char *sql, struct err *err)
{
	PGresult *result = PQexec(conn, sql);
	char *answer = NULL;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		set_error(conn, "the session cannot be asked what it is", err);
	else if (PQntuples(result) != 1 || PQnfields(result) != 1)
		err_set(err, "the session does not answer: %s", sql);
	else
		answer = mem_text(PQgetvalue(result, 0, 0));
	PQclear(result);
	return answer;
}

/* ---- making a database ----------------------------------------------------------------------- */

/* Any of the databases that every server has; NULL where none of them lets us in. */
static PGconn *connect_elsewhere(const struct db_target *target)
{
	static const char *const names[] = {"postgres", "template1"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		PGconn *conn = connect_to(target, names[i]);
		if (PQstatus(conn) == CONNECTION_OK)
			return conn;
		PQfinish(conn);
	}
	return NULL;
}

static bool exists(PGconn *conn, const char *database)
{
	PGresult *result = PQexecParams(conn, "SELECT 1 FROM pg_database WHERE datname = $1", 1, NULL,
	                                &database, NULL, NULL, 0);
	bool is_there = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

	PQclear(result);
	return is_there;
}

/* From the template that nobody changes, so that it is UTF-8 whatever the server's own default. Two
 * that make it at once: the second one finds it made. */
static bool make_database(PGconn *conn, const char *name, struct err *err)
{
	char *quoted = PQescapeIdentifier(conn, name, strlen(name));

	if (quoted == NULL)
		return set_error(conn, "the database cannot be made", err);
	char *sql = mem_printf("CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'", quoted);
	bool ok = run(conn, sql, "the database cannot be made", err) || exists(conn, name);
	free(sql);
	PQfreemem(quoted);
	return ok;
}

bool pg_create(const struct db_target *target, struct err *err)
{
	PGconn *conn = connect_to(target, target->name), *elsewhere = NULL;
	bool ok = PQstatus(conn) == CONNECTION_OK;

	/* The server's words do not tell a machine why: they may be in any language. */
	if (!ok)
		elsewhere = connect_elsewhere(target);
	if (elsewhere != NULL && !exists(elsewhere, target->name))
		ok = make_database(elsewhere, target->name, err);
	else if (!ok)
		set_connect_error(conn, target, err);
	PQfinish(elsewhere);
	PQfinish(conn);
	return ok;
}

/* ---- setting --------------------------------------------------------------------------------- */

static bool may_be_set(const char *name, struct err *err)
{
	static const struct {
		const char *name, *why;
	} ours[] = {
		{"default_transaction_isolation", "the level is set by --isolation"},
		{"transaction_isolation", "the level is set by --isolation"},
		{"transaction_read_only", "it holds for one transaction; there is default_transaction_read_only"},
		{"transaction_deferrable", "it holds for one transaction; there is default_transaction_deferrable"},
		{"timezone", "timestamps are sent and told as UTC"},
		{"datestyle", "timestamps are told as ISO 8601 has them"},
		{"client_encoding", "texts are UTF-8"},
		{"standard_conforming_strings", "statements are written for its default"},
	};

	for (size_t i = 0; i < COUNT_OF(ours); i++)
		if (strcasecmp(name, ours[i].name) == 0)
			return err_set(err, "'%s' cannot be set: %s", name, ours[i].why);
	return true;
}

static bool set_variable(PGconn *conn, const struct db_setting *setting, struct err *err)
{
	if (!may_be_set(setting->name, err))
		return false;
	char *value = db_setting_sql(setting, err);
	if (value == NULL)
		return false;
	const char *quote = value[0] == '\'' ? "" : "'"; /* bare, some words would be SQL's own */
	char *sql = mem_printf("SET SESSION \"%s\" = %s%s%s", setting->name, quote, value, quote);
	char *what = mem_printf("setting '%s'", setting->name);
	bool ok = run(conn, sql, what, err);
	free(what);
	free(sql);
	free(value);
	return ok;
}

static bool is_named(enum db_iso iso)
{
	return iso != DB_ISO_DEFAULT && iso != DB_ISO_SERVER; /* frameworks leave it as the server has it */
}

static bool ask_for_level(PGconn *conn, enum db_iso iso, struct err *err)
{
	char *sql = mem_printf("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL %s", db_iso_name(iso));
	bool ok = run(conn, sql, "the isolation level cannot be set", err);

	free(sql);
	return ok;
}

static bool apply(PGconn *conn, const struct db_settings *settings, struct err *err)
{
	static const char base[] = "SET SESSION TimeZone = 'UTC'; SET SESSION DateStyle = 'ISO'; "
	                           "SET SESSION standard_conforming_strings = on";
	bool ok = run(conn, base, "the session cannot be set up", err);

	if (ok && is_named(settings->iso))
		ok = ask_for_level(conn, settings->iso, err);
	if (ok && settings->lock_wait_ns > 0) {
		char *text = mem_printf("%lld", (long long)((settings->lock_wait_ns - 1) / NS_PER_MS + 1));
		const struct db_setting wait = {"lock_timeout", text};
		ok = set_variable(conn, &wait, err);
		free(text);
	}
	for (size_t i = 0; ok && i < settings->n_sets; i++)
		ok = set_variable(conn, &settings->sets[i], err);
	return ok;
}

/* ---- reading back ---------------------------------------------------------------------------- */

/* "PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64-pc-linux-gnu, ...": others that speak the
 * protocol begin with a name of their own. */
void pg_identify(const char *words, struct db_identity *identity)
{
	size_t name = strcspn(words, " ");
	const char *number = words + strcspn(words, "0123456789");

	snprintf(identity->engine, sizeof identity->engine, "postgres");
	snprintf(identity->product, sizeof identity->product, "%.*s", (int)name, words);
	snprintf(identity->version, sizeof identity->version, "%.*s", (int)strspn(number, "0123456789."),
	         number);
}

static bool read_level(PGconn *conn, struct db_identity *identity, struct err *err)
{
	char *level = ask(conn, "SHOW transaction_isolation", err);

	if (level == NULL)
		return false;
	snprintf(identity->isolation, sizeof identity->isolation, "%s", level);
	for (char *c = identity->isolation; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	free(level);
	return true;
}

static bool read_back(PGconn *conn, struct db_identity *identity, struct err *err)
{
	char *words = ask(conn, "SELECT version()", err);

	*identity = (struct db_identity){.snapshot_isolation = -1, .connection = PQbackendPID(conn)};
	if (words == NULL)
		return false;
	pg_identify(words, identity);
	free(words);
	return read_level(conn, identity, err);
}

bool pg_is_as_asked(const struct db_identity *identity, enum db_iso iso, struct err *err)
{
	if (identity->isolation[0] == '\0')
		return err_set(err, "the server does not tell its isolation level");
	if (!is_named(iso) || text_equal(identity->isolation, db_iso_name(iso)))
		return true;
	return err_set(err, "the session is at %s although %s was asked for", identity->isolation,
	               db_iso_name(iso));
}

bool pg_set_level(void *connection, enum db_iso iso, struct db_identity *identity, bool *lost, struct err *err)
{
	PGconn *conn = ((struct pg *)connection)->conn;
	bool ok = ask_for_level(conn, iso, err) && read_level(conn, identity, err);

	*lost = PQstatus(conn) == CONNECTION_BAD;
	return ok && pg_is_as_asked(identity, iso, err);
}

void *pg_open(const struct db_target *target, const struct db_settings *settings,
              struct db_identity *identity, struct err *err)
{
	struct pg *pg = mem_new(1, sizeof *pg);

	pg->conn = connect_to(target, target->name);
	bool ok = PQstatus(pg->conn) == CONNECTION_OK || set_connect_error(pg->conn, target, err);
	ok = ok && apply(pg->conn, settings, err) && read_back(pg->conn, identity, err) &&
	     pg_is_as_asked(identity, settings->iso, err);
	if (!ok) {
		pg_close(pg);
		return NULL;
	}
	if (settings->server_cpus != NULL)
		db_peer_keep_to(db_peer(PQsocket(pg->conn)), "PPid", PQbackendPID(pg->conn), settings->server_cpus);
	pg->cancel = PQgetCancel(pg->conn);
	return pg;
}

void pg_close(void *connection)
{
	struct pg *pg = connection;

	for (size_t i = 0; i < pg->n_kept; i++)
		free(pg->kept[i].sql);
	PQfreeCancel(pg->cancel);
	PQfinish(pg->conn);
	free(pg);
}
