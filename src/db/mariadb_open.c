/* Opening a connection to MariaDB or MySQL: connect, set, and read back. Nothing of what was asked for
 * is taken for granted: level, product and version are what the session itself answers. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "db/mariadb.h"
#include "db/peer.h"

enum { NO_SUCH_DATABASE = 1049, VALUE_TRUNCATED = 1292 };
static const unsigned int connect_limit_s = 10;

/* ---- connecting ------------------------------------------------------------------------------ */

static bool is_local(const struct db_target *target)
{
	return target->host == NULL || (strcasecmp(target->host, "localhost") == 0 && target->port == 0);
}

static bool set_options(MYSQL *mysql, const struct db_target *target)
{
	const unsigned int no_files = 0;
	enum mysql_protocol_type protocol = is_local(target) ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;

	return mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0 &&
	       mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_limit_s) == 0 &&
	       mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no_files) == 0 &&
	       mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol) == 0;
}

/* CLIENT_FOUND_ROWS: a write counts the rows that matched, also those that it leaves as they were. */
static bool connect_to(MYSQL *mysql, const struct db_target *target, const char *database)
{
	const char *host = is_local(target) ? NULL : target->host;

	return set_options(mysql, target) &&
	       mysql_real_connect(mysql, host, target->user, target->password, database,
	                          (unsigned int)target->port, target->socket, CLIENT_FOUND_ROWS) != NULL;
}

static MYSQL *new_mysql(void)
{
	MYSQL *mysql = mysql_init(NULL);

	if (mysql == NULL)
		abort(); /* only when memory is out */
	return mysql;
}

static bool tell_connect_error(MYSQL *mysql, const struct db_target *target, struct err *err)
{
	if (mysql_errno(mysql) == NO_SUCH_DATABASE)
		return err_set(err, "there is no database '%s' at %s: %s", target->name,
		               db_target_text(target), mysql_error(mysql));
	return err_set(err, "cannot reach the database %s: %s", db_target_text(target), mysql_error(mysql));
}

static bool run(MYSQL *mysql, const char *sql, const char *what, struct err *err)
{
	if (mysql_query(mysql, sql) == 0)
		return true;
	return err_set(err, "%s: %s", what, mysql_error(mysql));
}

bool maria_create(const struct db_target *target, struct err *err)
{
	MYSQL *mysql = new_mysql();
	struct str sql = {0};
	bool ok = connect_to(mysql, target, target->name);

	if (!ok && mysql_errno(mysql) == NO_SUCH_DATABASE) {
		mysql_close(mysql);
		mysql = new_mysql();
		ok = connect_to(mysql, target, NULL);
		str_add(&sql, "CREATE DATABASE IF NOT EXISTS `");
		for (const char *c = target->name; *c != '\0'; c++)
			str_add_n(&sql, *c == '`' ? "``" : c, *c == '`' ? 2 : 1);
		str_add(&sql, "` CHARACTER SET utf8mb4");
	}
	if (!ok)
		tell_connect_error(mysql, target, err);
	else if (sql.length > 0)
		ok = run(mysql, str_text(&sql), "the database cannot be made", err);
	str_fini(&sql);
	mysql_close(mysql);
	return ok;
}

/* ---- setting --------------------------------------------------------------------------------- */

/* The server takes a number out of range, cuts it, and says so in a warning only. */
static bool was_cut(MYSQL *mysql, const char *name, struct err *err)
{
	bool cut = false;

	if (mysql_warning_count(mysql) == 0)
		return false;
	if (mysql_query(mysql, "SHOW WARNINGS") != 0)
		return !err_set(err, "setting '%s': %s", name, mysql_error(mysql));
	MYSQL_RES *result = mysql_store_result(mysql);
	for (MYSQL_ROW row; result != NULL && !cut && (row = mysql_fetch_row(result)) != NULL;) {
		int64_t code;
		cut = row[1] != NULL && num_parse(row[1], 0, INT32_MAX, &code, NULL) &&
		      code == VALUE_TRUNCATED;
		if (cut)
			err_set(err, "setting '%s': %s", name, row[2]);
	}
	mysql_free_result(result);
	return cut;
}

static bool set_variable(MYSQL *mysql, const struct db_setting *setting, struct err *err)
{
	if (strcasecmp(setting->name, "transaction_isolation") == 0 ||
	    strcasecmp(setting->name, "tx_isolation") == 0)
		return err_set(err, "the level is set by --isolation, not by --set %s", setting->name);
	if (strcasecmp(setting->name, "autocommit") == 0)
		return err_set(err, "autocommit cannot be set: what is a transaction is said by BEGIN alone");
	char *value = db_setting_sql(setting, err);
	if (value == NULL)
		return false;
	char *sql = mem_printf("SET SESSION `%s` = %s", setting->name, value);
	char *what = mem_printf("setting '%s'", setting->name);
	bool ok = run(mysql, sql, what, err) && !was_cut(mysql, setting->name, err);
	free(what);
	free(sql);
	free(value);
	return ok;
}

static enum db_iso level_asked(enum db_iso iso)
{
	return iso == DB_ISO_DEFAULT ? DB_READ_COMMITTED : iso; /* as Django sets it */
}

static bool ask_for_level(MYSQL *mysql, enum db_iso iso, struct err *err)
{
	char *sql = mem_printf("SET SESSION TRANSACTION ISOLATION LEVEL %s", db_iso_name(iso));
	bool ok = run(mysql, sql, "the isolation level cannot be set", err);

	free(sql);
	return ok;
}

/* Of rows, and of tables as a whole: metadata has a limit of its own, a day by default. */
static bool limit_waits(MYSQL *mysql, int64_t limit_ns, struct err *err)
{
	char *seconds = mem_printf("%lld", (long long)((limit_ns - 1) / NS_PER_S + 1));
	const struct db_setting rows = {"innodb_lock_wait_timeout", seconds}, tables = {"lock_wait_timeout", seconds};
	bool ok = set_variable(mysql, &rows, err) && set_variable(mysql, &tables, err);

	free(seconds);
	return ok;
}

static bool apply(MYSQL *mysql, const struct db_settings *settings, struct err *err)
{
	/* Strict: a value that does not fit must be refused, never cut. */
	static const char base[] = "SET SESSION time_zone = '+00:00', "
	                           "sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')";
	enum db_iso iso = level_asked(settings->iso);
	bool ok = run(mysql, base, "the session cannot be set up", err);

	if (ok && iso != DB_ISO_SERVER)
		ok = ask_for_level(mysql, iso, err);
	if (ok && settings->lock_wait_ns > 0)
		ok = limit_waits(mysql, settings->lock_wait_ns, err);
	for (size_t i = 0; ok && i < settings->n_sets; i++)
		ok = set_variable(mysql, &settings->sets[i], err);
	return ok;
}

/* ---- reading back ---------------------------------------------------------------------------- */

void maria_identify(const char *version, const char *comment, struct db_identity *identity)
{
	bool is_mariadb = strcasestr(version, "mariadb") != NULL || strcasestr(comment, "mariadb") != NULL;
	size_t length;

	if (is_mariadb && strncmp(version, "5.5.5-", 6) == 0)
		version += 6; /* a disguise for old replicas */
	length = strspn(version, "0123456789.");
	snprintf(identity->engine, sizeof identity->engine, "%s", is_mariadb ? "mariadb" : "mysql");
	snprintf(identity->product, sizeof identity->product, "%s", is_mariadb ? "MariaDB" : "MySQL");
	snprintf(identity->version, sizeof identity->version, "%.*s", (int)length, version);
}

struct answers {
	char version[128], comment[128];
	bool timeout_ends_tx;
};

static void take_answer(const char *name, const char *value, struct answers *answers,
                        struct db_identity *identity)
{
	bool on = strcasecmp(value, "ON") == 0;

	if (strcasecmp(name, "version") == 0) {
		snprintf(answers->version, sizeof answers->version, "%s", value);
	} else if (strcasecmp(name, "version_comment") == 0) {
		snprintf(answers->comment, sizeof answers->comment, "%s", value);
	} else if (strcasecmp(name, "innodb_snapshot_isolation") == 0) {
		identity->snapshot_isolation = on;
	} else if (strcasecmp(name, "innodb_rollback_on_timeout") == 0) {
		answers->timeout_ends_tx = on;
	} else { /* transaction_isolation, of which older servers have the old name only */
		snprintf(identity->isolation, sizeof identity->isolation, "%s", value);
		for (char *c = identity->isolation; *c != '\0'; c++)
			if (*c == '-')
				*c = ' ';
	}
}

static bool read_variables(MYSQL *mysql, struct answers *answers, struct db_identity *identity,
                           struct err *err)
{
	static const char variables[] =
	        "SHOW SESSION VARIABLES WHERE Variable_name IN ('version', 'version_comment', "
	        "'tx_isolation', 'transaction_isolation', 'innodb_snapshot_isolation', "
	        "'innodb_rollback_on_timeout')";
	MYSQL_RES *result;
	MYSQL_ROW row;

	if (mysql_query(mysql, variables) != 0 || (result = mysql_store_result(mysql)) == NULL)
		return err_set(err, "the session cannot be asked what it is: %s", mysql_error(mysql));
	while ((row = mysql_fetch_row(result)) != NULL)
		take_answer(row[0], row[1] != NULL ? row[1] : "", answers, identity);
	mysql_free_result(result);
	return true;
}

static bool read_back(MYSQL *mysql, struct answers *answers, struct db_identity *identity, struct err *err)
{
	MYSQL_RES *result;
	MYSQL_ROW row;

	*identity = (struct db_identity){.snapshot_isolation = -1};
	if (!read_variables(mysql, answers, identity, err))
		return false;
	maria_identify(answers->version, answers->comment, identity);
	if (mysql_query(mysql, "SELECT CONNECTION_ID()") != 0 || (result = mysql_store_result(mysql)) == NULL)
		return err_set(err, "the session cannot be asked for its number: %s", mysql_error(mysql));
	row = mysql_fetch_row(result);
	bool ok = row != NULL && row[0] != NULL &&
	          num_parse(row[0], 1, INT64_MAX, &identity->connection, err);
	mysql_free_result(result);
	return ok;
}

bool maria_is_as_asked(const struct db_identity *identity, enum db_iso iso, struct err *err)
{
	iso = level_asked(iso);
	if (identity->isolation[0] == '\0')
		return err_set(err, "the server does not tell its isolation level");
	if (iso == DB_ISO_SERVER || text_equal(identity->isolation, db_iso_name(iso)))
		return true;
	return err_set(err, "the session is at %s although %s was asked for", identity->isolation,
	               db_iso_name(iso));
}

bool maria_set_level(void *connection, enum db_iso iso, struct db_identity *identity, bool *lost,
                     struct err *err)
{
	MYSQL *mysql = ((struct maria *)connection)->mysql;
	struct answers answers = {0};
	bool ok = ask_for_level(mysql, iso, err) && read_variables(mysql, &answers, identity, err);

	*lost = !ok && maria_classify(mysql_errno(mysql)) == DB_LOST;
	return ok && maria_is_as_asked(identity, iso, err);
}

/* All that connecting to the server again takes; the target itself may be gone by then. */
static void copy_server(const struct db_target *from, struct db_target *to)
{
	struct arena *arena = &to->arena;

	to->text = arena_text(arena, from->text);
	to->host = from->host != NULL ? arena_text(arena, from->host) : NULL;
	to->port = from->port;
	to->socket = from->socket != NULL ? arena_text(arena, from->socket) : NULL;
	to->user = from->user != NULL ? arena_text(arena, from->user) : NULL;
	to->password = from->password != NULL ? arena_text(arena, from->password) : NULL;
}

/* MySQL does not tell which thread of the system's serves a connection. */
static void keep_to(const struct maria *maria, const cpu_set_t *cpus)
{
	const pid_t server = db_peer(mysql_get_socket(maria->mysql));
	const char *sql = "SELECT TID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()";
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;
	int64_t thread;

	if (!maria->is_mariadb || server == 0 || !db_peer_is_ours(server))
		return;
	if (mysql_query(maria->mysql, sql) == 0)
		result = mysql_store_result(maria->mysql);
	row = result != NULL ? mysql_fetch_row(result) : NULL;
	if (row != NULL && row[0] != NULL && num_parse(row[0], 1, INT32_MAX, &thread, NULL))
		db_peer_keep_to(server, "Tgid", thread, cpus);
	mysql_free_result(result);
}

void *maria_open(const struct db_target *target, const struct db_settings *settings,
                 struct db_identity *identity, struct err *err)
{
	struct maria *maria = mem_new(1, sizeof *maria);
	struct answers answers = {0};

	maria->mysql = new_mysql();
	bool ok = connect_to(maria->mysql, target, target->name);
	if (!ok)
		tell_connect_error(maria->mysql, target, err);
	ok = ok && apply(maria->mysql, settings, err) && read_back(maria->mysql, &answers, identity, err) &&
	     maria_is_as_asked(identity, settings->iso, err);
	if (!ok) {
		maria_close(maria);
		return NULL;
	}
	maria->timeout_ends_tx = answers.timeout_ends_tx;
	maria->is_mariadb = text_equal(identity->engine, "mariadb");
	maria->number = identity->connection;
	copy_server(target, &maria->server);
	if (settings->server_cpus != NULL)
		keep_to(maria, settings->server_cpus);
	return maria;
}

void maria_close(void *connection)
{
	struct maria *maria = connection;

	for (size_t i = 0; i < MARIA_CACHED; i++)
		maria_forget(maria, i);
	mysql_close(maria->mysql);
	db_target_fini(&maria->server);
	free(maria);
}

/* ---- beside it ------------------------------------------------------------------------------- */

bool maria_cancel(void *connection, struct err *err)
{
	const struct maria *maria = connection;
	MYSQL *beside = new_mysql();
	char *sql = mem_printf("KILL QUERY %lld", (long long)maria->number);

	bool ok = connect_to(beside, &maria->server, NULL) || tell_connect_error(beside, &maria->server, err);
	ok = ok && run(beside, sql, "the statement cannot be cancelled", err);
	free(sql);
	mysql_close(beside);
	return ok;
}
