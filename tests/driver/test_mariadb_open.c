/* Opening sessions on MariaDB: addresses that lead nowhere, levels and settings that are read back,
 * and errors that never tell a password. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/mariadb.h"
#include "world.h"

/* ---- addresses ------------------------------------------------------------------------------- */

static const char secret[] = "s3cr3t%20pass";

static void expect_error(const char *url, const char *part, const char *also)
{
	char *text = world_address_error(url);

	assert_contains(text, part);
	assert_contains(text, also);
	assert_null(strstr(text, "s3cr3t"));
	free(text);
}

/* A port on which nobody listens, since we hold it ourselves. */
static int hold_port(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int holder = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(holder >= 0);
	assert_int_equal(bind(holder, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(holder, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return holder;
}

static void nobody_there(void **state)
{
	struct world *world = *state;
	int port, holder = hold_port(&port);
	char *url = mem_printf("mysql://app:%s@127.0.0.1:%d/shop", secret, port);
	char *shown = mem_printf("cannot reach the database mysql://app:***@127.0.0.1:%d/shop: ", port);

	expect_error(url, shown, "127.0.0.1");
	free(url);
	url = mem_printf("mysql://app:%s@localhost:%d/shop", secret, port); /* with a port it is TCP */
	expect_error(url, "cannot reach the database", "'localhost'");
	free(url);
	url = mem_printf("mysql://app:%s@no-such-host.invalid/shop", secret);
	expect_error(url, "cannot reach the database mysql://app:***@no-such-host.invalid/shop: ",
	             "no-such-host");
	free(url);
	url = mem_printf("mysql://app:%s@/shop?socket=%s.missing", secret, world->server.socket);
	expect_error(url, "cannot reach the database mysql://app:***@/shop?socket=", ".missing");
	free(url);
	free(shown);
	close(holder);
}

static void a_wrong_name_or_password_is_told(void **state)
{
	struct world *world = *state;
	struct db_session *root = world_open(world);
	struct db_target target;
	char *url;

	must(root, DB_WRITE, "CREATE USER IF NOT EXISTS clerk IDENTIFIED BY 's3cr3t pass'", NULL);
	must(root, DB_WRITE, "CREATE USER IF NOT EXISTS clerk@localhost IDENTIFIED BY 's3cr3t pass'", NULL);
	must(root, DB_WRITE, "GRANT ALL ON granted.* TO clerk@localhost", NULL);
	url = world_url(world, "clerk:s3cr3t_wrong", "granted");
	expect_error(url, "Access denied", "clerk:***@");
	free(url);
	url = world_url(world, "nobody_here:s3cr3t", "granted");
	expect_error(url, "Access denied", "nobody_here");
	free(url);
	url = world_url(world, "clerk:s3cr3t%20pass", "mysql");
	expect_error(url, "Access denied", "clerk:***@");
	free(url);
	/* Of the databases that the clerk may make, one is missing, then there, then there already. */
	url = world_url(world, "clerk:s3cr3t%20pass", "granted");
	expect_error(url, "there is no database 'granted'", "Unknown database");
	assert_true(db_target_parse(url, &target, NULL));
	for (int i = 0; i < 2; i++)
		assert_true(db_create(&target, NULL));
	struct db_session *clerk = db_open(&target, &(struct db_settings){.iso = DB_ISO_DEFAULT}, NULL);
	assert_non_null(clerk);
	assert_int_equal(ask(clerk, "SELECT DATABASE() = 'granted' AND @@character_set_database = 'utf8mb4'",
	                     NULL), 1);
	db_close(clerk);
	db_target_fini(&target);
	free(url);
	db_close(root);
}

static void a_database_that_is_there_needs_no_right_to_make_it(void **state)
{
	struct world *world = *state;
	struct db_session *root = world_open(world);
	struct db_target target;
	struct err err = {0};

	must(root, DB_WRITE, "CREATE USER IF NOT EXISTS guest@localhost", NULL);
	must(root, DB_WRITE, "CREATE DATABASE IF NOT EXISTS house", NULL);
	must(root, DB_WRITE, "GRANT SELECT ON house.* TO guest@localhost", NULL);
	char *url = world_url(world, "guest", "house");
	assert_true(db_target_parse(url, &target, NULL));
	assert_true(db_create(&target, NULL));
	db_target_fini(&target);
	free(url);
	url = world_url(world, "root", "no_such_house");
	assert_true(db_target_parse(url, &target, NULL));
	target.user = "guest";
	assert_false(db_create(&target, &err));
	assert_contains(err_text(&err), "denied");
	err_fini(&err);
	db_target_fini(&target);
	free(url);
	db_close(root);
}

static void a_strange_name_is_quoted(void **state)
{
	struct world *world = *state;
	char *url = world_url(world, NULL, "we%60ird`; DROP%20DATABASE x -- ☕");
	struct db_target target;
	struct db_session *session;

	assert_true(db_target_parse(url, &target, NULL));
	assert_true(db_create(&target, NULL));
	session = db_open(&target, &(struct db_settings){.iso = DB_ISO_DEFAULT}, NULL);
	assert_non_null(session);
	assert_int_equal(ask(session, "SELECT DATABASE() = ?",
	                     ARGS(db_text("we`ird`; DROP DATABASE x -- ☕"))), 1);
	db_close(session);
	db_target_fini(&target);
	free(url);
}

/* ---- levels ---------------------------------------------------------------------------------- */

static void the_level_is_what_the_session_says(void **state)
{
	struct world *world = *state;
	static const struct {
		enum db_iso iso;
		const char *told, *answer;
	} levels[] = {
		{DB_ISO_DEFAULT, "READ COMMITTED", "READ-COMMITTED"},
		{DB_READ_UNCOMMITTED, "READ UNCOMMITTED", "READ-UNCOMMITTED"},
		{DB_READ_COMMITTED, "READ COMMITTED", "READ-COMMITTED"},
		{DB_REPEATABLE_READ, "REPEATABLE READ", "REPEATABLE-READ"},
		{DB_SERIALIZABLE, "SERIALIZABLE", "SERIALIZABLE"},
		{DB_ISO_SERVER, "REPEATABLE READ", "REPEATABLE-READ"},
	};

	for (size_t i = 0; i < COUNT_OF(levels); i++) {
		const struct db_settings settings = {.iso = levels[i].iso};
		struct db_session *session = world_open_with(world, &settings);
		assert_string_equal(db_identity(session)->isolation, levels[i].told);
		assert_int_equal(ask(session, "SELECT @@tx_isolation = ?",
		                     ARGS(db_text(levels[i].answer))), 1);
		db_close(session);
	}
	struct db_session *root = world_open(world);
	must(root, DB_WRITE, "SET GLOBAL TRANSACTION ISOLATION LEVEL SERIALIZABLE", NULL);
	struct db_session *session = world_open_with(world, &(struct db_settings){.iso = DB_ISO_SERVER});
	must(root, DB_WRITE, "SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL);
	assert_string_equal(db_identity(session)->isolation, "SERIALIZABLE");
	db_close(session);
	db_close(root);
}

/* ---- settings -------------------------------------------------------------------------------- */

static void a_set_variable_takes_effect(void **state)
{
	static const struct {
		const char *name, *value, *question;
	} good[] = {
		{"innodb_lock_wait_timeout", "7", "SELECT @@innodb_lock_wait_timeout = 7"},
		{"INNODB_SNAPSHOT_ISOLATION", "on", "SELECT @@innodb_snapshot_isolation = 1"},
		{"sql_mode", "ANSI,STRICT_ALL_TABLES",
		 "SELECT FIND_IN_SET('STRICT_ALL_TABLES', @@sql_mode) > 0"},
		{"sql_mode", "'STRICT_ALL_TABLES'", "SELECT @@sql_mode = 'STRICT_ALL_TABLES'"},
		{"time_zone", "\"+02:00\"", "SELECT @@time_zone = '+02:00'"},
		{"time_zone", "+03:00", "SELECT @@time_zone = '+03:00'"},
		{"max_statement_time", "2.5", "SELECT @@max_statement_time = 2.5"},
		{"foreign_key_checks", "0", "SELECT @@foreign_key_checks = 0"},
	};

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		const struct db_setting set = {good[i].name, good[i].value};
		struct db_session *session = world_open_with(
		        *state, &(struct db_settings){.iso = DB_ISO_DEFAULT, .sets = &set, .n_sets = 1});
		if (ask(session, good[i].question, NULL) != 1)
			fail_msg("%s = %s had no effect", good[i].name, good[i].value);
		db_close(session);
	}
}

static void a_wait_is_rounded_up_to_whole_seconds(void **state)
{
	static const struct {
		int64_t ns, seconds;
	} waits[] = {{1, 1}, {NS_PER_S, 1}, {NS_PER_S + 1, 2}, {30 * NS_PER_S, 30}, {0, 50}};

	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		struct db_session *session = world_open_with(
		        *state, &(struct db_settings){.iso = DB_ISO_DEFAULT, .lock_wait_ns = waits[i].ns});
		assert_int_equal(ask(session, "SELECT @@innodb_lock_wait_timeout", NULL), waits[i].seconds);
		if (waits[i].ns > 0)
			assert_int_equal(ask(session, "SELECT @@lock_wait_timeout", NULL), waits[i].seconds);
		db_close(session);
	}
}

static void a_bad_setting_is_an_error(void **state)
{
	struct world *world = *state;
	static const struct {
		const char *name, *value, *part;
	} bad[] = {
		{"no_such_variable", "1", "Unknown system variable 'no_such_variable'"},
		{"max_connections", "5", "GLOBAL variable"},
		{"foreign_key_checks", "banana", "'banana'"},
		{"innodb_lock_wait_timeout", "-5", "innodb_lock_wait_timeout"},
		{"innodb_lock_wait_timeout", "99999999999", "Truncated"},
		{"tx_isolation", "SERIALIZABLE", "--isolation"},
		{"Transaction_Isolation", "SERIALIZABLE", "--isolation"},
		{"autocommit", "0", "BEGIN"},
		{"x` = 1, @y", "1", "cannot be the name"},
		{"sql_mode", "'' , @@global.max_connections = 5", "without quotes"},
		{"sql_mode", "a'b", "without quotes"},
		{"sql_mode", "a\\", "without quotes"},
		{"sql_mode", "'\\'", "without quotes"},
		{"sql_mode", "1; DROP DATABASE x", "sql_mode"},
		{"sql_mode", "", "must be a number"},
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct db_setting set = {bad[i].name, bad[i].value};
		char *text = world_open_error(&world->target, &(struct db_settings){
		        .iso = DB_ISO_DEFAULT, .sets = &set, .n_sets = 1});
		assert_contains(text, bad[i].part);
		free(text);
	}
}

/* ---- who it is ------------------------------------------------------------------------------- */

static void the_servers_own_words_say_who_it_is(void **state)
{
	static const struct {
		const char *version, *comment, *engine, *product, *number;
	} servers[] = {
		{"10.11.19-MariaDB-0+deb12u1", "Debian 12", "mariadb", "MariaDB", "10.11.19"},
		{"5.5.5-10.3.2-MariaDB", "", "mariadb", "MariaDB", "10.3.2"},
		{"11.4.2-log", "mariadb.org binary distribution", "mariadb", "MariaDB", "11.4.2"},
		{"8.0.36", "MySQL Community Server - GPL", "mysql", "MySQL", "8.0.36"},
		{"8.4.0-0ubuntu0.22.04.1", "(Ubuntu)", "mysql", "MySQL", "8.4.0"},
		{"5.5.5-m3", "Source distribution", "mysql", "MySQL", "5.5.5"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(servers); i++) {
		struct db_identity identity = {0};
		maria_identify(servers[i].version, servers[i].comment, &identity);
		assert_string_equal(identity.engine, servers[i].engine);
		assert_string_equal(identity.product, servers[i].product);
		assert_string_equal(identity.version, servers[i].number);
	}
}

/* A proxy or a server of another kind may ignore what it is told. */
static void another_level_than_was_asked_for_is_an_error(void **state)
{
	struct db_identity identity = {.isolation = "REPEATABLE READ"};
	struct err err = {0};

	(void)state;
	assert_true(maria_is_as_asked(&identity, DB_REPEATABLE_READ, NULL));
	assert_true(maria_is_as_asked(&identity, DB_ISO_SERVER, NULL));
	assert_false(maria_is_as_asked(&identity, DB_ISO_DEFAULT, &err));
	assert_contains(err_text(&err), "REPEATABLE READ although READ COMMITTED");
	assert_false(maria_is_as_asked(&identity, DB_SERIALIZABLE, NULL));
	identity.isolation[0] = '\0';
	assert_false(maria_is_as_asked(&identity, DB_ISO_SERVER, &err));
	err_fini(&err);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		CASE(nobody_there),
		CASE(a_wrong_name_or_password_is_told),
		CASE(a_database_that_is_there_needs_no_right_to_make_it),
		CASE(a_strange_name_is_quoted),
		CASE(the_level_is_what_the_session_says),
		CASE(a_set_variable_takes_effect),
		CASE(a_wait_is_rounded_up_to_whole_seconds),
		CASE(a_bad_setting_is_an_error),
		CASE(the_servers_own_words_say_who_it_is),
		CASE(another_level_than_was_asked_for_is_an_error),
	};

	world_engine = "mariadb";
	return cmocka_run_group_tests(cases, world_setup, world_teardown);
}
