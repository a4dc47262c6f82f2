/* Addresses of databases: what is understood, what is told back, and that no error repeats a password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "db/db.h"
#include "db/driver.h"

static void expect_text(const char *is, const char *should)
{
	if (should == NULL)
		assert_null(is);
	else
		assert_string_equal(is, should);
}

static void addresses_of_servers(void **state)
{
	static const struct {
		const char *url, *user, *password, *host;
		int port;
		const char *socket, *name, *text;
	} good[] = {
		{"mysql://app:pw@db:3306/shop", "app", "pw", "db", 3306, NULL, "shop",
		 "mysql://app:***@db:3306/shop"},
		{"MariaDB://app@db/shop", "app", NULL, "db", 0, NULL, "shop", "mariadb://app@db/shop"},
		{"mysql://db/shop", NULL, NULL, "db", 0, NULL, "shop", "mysql://db/shop"},
		{"mysql:///shop", NULL, NULL, NULL, 0, NULL, "shop", "mysql:///shop"},
		{"mysql://app@/shop?socket=/run/my.sock", "app", NULL, NULL, 0, "/run/my.sock", "shop",
		 "mysql://app@/shop?socket=/run/my.sock"},
		{"mysql://app@%2Frun%2Fmy.sock/shop", "app", NULL, NULL, 0, "/run/my.sock", "shop",
		 "mysql://app@/shop?socket=/run/my.sock"},
		{"mysql://[::1]:3399/shop", NULL, NULL, "::1", 3399, NULL, "shop", "mysql://[::1]:3399/shop"},
		{"mysql://[fe80::1]/shop", NULL, NULL, "fe80::1", 0, NULL, "shop", "mysql://[fe80::1]/shop"},
		{"mysql://a%40b:p%3A%2F%3f%25@h/x%2Fy%3f", "a@b", "p:/?%", "h", 0, NULL, "x/y?",
		 "mysql://a%40b:***@h/x%2Fy%3F"},
		{"mysql://app:p@ss:w@rd@h:1/s", "app", "p@ss:w@rd", "h", 1, NULL, "s",
		 "mysql://app:***@h:1/s"},
		{"mysql://app:@h/s", "app", NULL, "h", 0, NULL, "s", "mysql://app@h/s"},
		{"mysql://:pw@h/s", NULL, "pw", "h", 0, NULL, "s", "mysql://:***@h/s"},
		{"mysql://@h/s", NULL, NULL, "h", 0, NULL, "s", "mysql://h/s"},
		{"mysql://h:65535/caf%C3%A9 bar", NULL, NULL, "h", 65535, NULL, "café bar",
		 "mysql://h:65535/café%20bar"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct db_target target;
		struct err err = {0};
		if (!db_target_parse(good[i].url, &target, &err))
			fail_msg("%s: %s", good[i].url, err_text(&err));
		assert_ptr_equal(target.driver, &db_driver_mariadb);
		expect_text(target.user, good[i].user);
		expect_text(target.password, good[i].password);
		expect_text(target.host, good[i].host);
		expect_text(target.socket, good[i].socket);
		expect_text(target.name, good[i].name);
		assert_int_equal(target.port, good[i].port);
		assert_null(target.file);
		assert_string_equal(db_target_text(&target), good[i].text);
		db_target_fini(&target);
		assert_null(target.text);
	}
}

static void addresses_of_files(void **state)
{
	static const struct {
		const char *url, *file, *text;
	} good[] = {
		{"sqlite:racy.db", "racy.db", "sqlite:racy.db"},
		{"sqlite:./a/b.db", "./a/b.db", "sqlite:./a/b.db"},
		{"sqlite:/abs/b.db", "/abs/b.db", "sqlite:/abs/b.db"},
		{"sqlite:///abs/b.db", "/abs/b.db", "sqlite:/abs/b.db"},
		{"SQLite:////abs/b.db", "/abs/b.db", "sqlite:/abs/b.db"},
		{"sqlite:%2F%2Fabs", "/abs", "sqlite:/abs"},
		{"sqlite:a b#c@d:e.db", "a b#c@d:e.db", "sqlite:a b#c@d:e.db"},
		{"sqlite:100%25%3F.db", "100%?.db", "sqlite:100%25%3F.db"},
		{"sqlite:caf\xc3\xa9.db", "café.db", "sqlite:café.db"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct db_target target;
		struct err err = {0};
		if (!db_target_parse(good[i].url, &target, &err))
			fail_msg("%s: %s", good[i].url, err_text(&err));
		assert_ptr_equal(target.driver, &db_driver_sqlite);
		assert_string_equal(target.file, good[i].file);
		assert_string_equal(db_target_text(&target), good[i].text);
		assert_null(target.name);
		db_target_fini(&target);
	}
}

static void what_is_not_understood_is_an_error(void **state)
{
	static const struct {
		const char *url, *part;
	} bad[] = {
		{"", "name of an engine"},
		{"racy.db", "name of an engine"},
		{":", "name of an engine"},
		{"app:s3cr3t@db/shop", "name of an engine"},
		{"s3cr3t://", "there is no engine 's3cr3t'"},
		{"oracle://app:s3cr3t@db/shop", "there is no engine 'oracle'"},
		{"mysql ://h/s", "name of an engine"},
		{"mysqlx://h/s", "there is no engine 'mysqlx'"},
		{"mysql:", "'//'"},
		{"mysql:/h/s", "'//'"},
		{"mysql://", "the name of the database is missing"},
		{"mysql://h", "the name of the database is missing"},
		{"mysql://h/", "the name of the database is missing"},
		{"mysql://app:s3cr3t@h", "the name of the database is missing"},
		{"mysql://app:s3cr3t@h?socket=/x", "the name of the database is missing"},
		{"mysql://h/a/b", "holds a '/'"},
		{"mysql://h/s?", "socket=PATH"},
		{"mysql://h/s?charset=utf8", "socket=PATH"},
		{"mysql:///s?socket=", "begins with '/'"},
		{"mysql:///s?socket=run/my.sock", "begins with '/'"},
		{"mysql://h/s?socket=/x", "one host or one socket"},
		{"mysql://%2Fx/s?socket=/y", "one host or one socket"},
		{"mysql://h:0/s", "port from 1 to 65535"},
		{"mysql://h:65536/s", "port from 1 to 65535"},
		{"mysql://h:/s", "port from 1 to 65535"},
		{"mysql://h:-1/s", "port from 1 to 65535"},
		{"mysql://h: 1/s", "port from 1 to 65535"},
		{"mysql://h:33x/s", "port from 1 to 65535"},
		{"mysql://h:99999999999999999999/s", "port from 1 to 65535"},
		{"mysql://::1/s", "brackets"},
		{"mysql://[::1/s", "no ']'"},
		{"mysql://[::1]x/s", "only a port"},
		{"mysql://:3306/s", "no host"},
		{"mysql://%2Fsock:3306/s", "no host"},
		{"mysql://a b/s", "no host has"},
		{"mysql://app:s3cr3t%zz@h/s", "the password holds a '%'"},
		{"mysql://app:s3cr3t%4@h/s", "the password holds a '%'"},
		{"mysql://app:s3cr3t%00@h/s", "control character"},
		{"mysql://ap%0ap:s3cr3t@h/s", "control character"},
		{"mysql://app:s3cr3t@h/s%0a", "control character"},
		{"mysql://h\n/s", "control character"},
		{"sqlite:", "needs a file"},
		{"sqlite://", "absolute path"},
		{"sqlite:///", NULL},
		{"sqlite://rel/file", "absolute path"},
		{"sqlite::memory:", "needs a file"},
		{"sqlite:a?mode=ro", "no parameters"},
		{"sqlite:a%00b", "control character"},
		{"sqlite:a\tb", "control character"},
		{"sqlite:a%2", "the file holds a '%'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct db_target target;
		struct err err = {0};
		bool taken = db_target_parse(bad[i].url, &target, &err);
		if (bad[i].part == NULL) { /* the root folder: opening it will say so */
			assert_true(taken);
			db_target_fini(&target);
			continue;
		}
		if (taken)
			fail_msg("'%s' was taken", bad[i].url);
		if (strstr(err_text(&err), bad[i].part) == NULL)
			fail_msg("'%s': %s", bad[i].url, err_text(&err));
		assert_non_null(strstr(err_text(&err), "sqlite:FILE"));
		assert_non_null(strstr(err_text(&err), "mysql://user:password@host:port/name"));
		if (!text_starts_with(bad[i].url, "s3cr3t://"))
			assert_null(strstr(err_text(&err), "s3cr3t"));
		assert_null(target.arena.blocks);
		err_fini(&err);
		assert_false(db_target_parse(bad[i].url, &target, NULL));
	}
}

static void settings_become_sql_only_when_harmless(void **state)
{
	static const struct {
		const char *name, *value, *sql; /* NULL: refused */
	} settings[] = {
		{"a", "1", "1"}, {"a", "-1", "-1"}, {"a", "+1.25", "+1.25"}, {"a", "on", "on"},
		{"a_B9", "READ_COMMITTED", "READ_COMMITTED"}, {"a", "'x y'", "'x y'"}, {"a", "\"x\"", "'x'"},
		{"a", "''", "''"}, {"a", "x y", "'x y'"}, {"a", "a,b", "'a,b'"}, {"a", "1e5", "'1e5'"},
		{"a", "1;2", "'1;2'"}, {"a", "--", "'--'"}, {"a", "(SELECT 1)", "'(SELECT 1)'"},
		{"a", "-", "'-'"}, {"a", "@@x", "'@@x'"}, {"a", ".5", "'.5'"},
		{"a", "", NULL}, {"a", "'", NULL}, {"a", "'a'b'", NULL}, {"a", "a'b", NULL},
		{"a", "a\\", NULL}, {"a", "'\\'", NULL}, {"a", "a\nb", NULL}, {"a", "`a`", NULL},
		{"a", "'a", NULL}, {"a", "\x7f", NULL},
		{"", "1", NULL}, {"a b", "1", NULL}, {"a.b", "1", NULL}, {"a`", "1", NULL}, {"@a", "1", NULL},
		{"\xc3\xa4", "1", NULL}, {"9a", "1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const struct db_setting setting = {settings[i].name, settings[i].value};
		struct err err = {0};
		char *sql = db_setting_sql(&setting, &err);
		if (settings[i].sql == NULL && sql != NULL)
			fail_msg("%s=%s became %s", setting.name, setting.value, sql);
		if (settings[i].sql != NULL && sql == NULL)
			fail_msg("%s", err_text(&err));
		expect_text(sql, settings[i].sql);
		if (sql == NULL)
			assert_non_null(err.text);
		free(sql);
		err_fini(&err);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_servers),
		cmocka_unit_test(addresses_of_files),
		cmocka_unit_test(what_is_not_understood_is_an_error),
		cmocka_unit_test(settings_become_sql_only_when_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
