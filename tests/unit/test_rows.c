/* Which rows SQL names: only what is certain may be named, since an anomaly's name stands on it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "explore/script.h"

static const struct row_key keys[] = {{"item", "id"}, {"item", "code"}, {"other", "id"}};

static struct named_rows rows_of(const char *sql, struct db_value first, struct db_value second)
{
	struct db_call call = {.sql = sql, .args = {first, second}};

	call.verb = strncmp(sql, "SELECT", 6) == 0 ? DB_READ : DB_WRITE;
	return rows_of_call(&call, keys, sizeof keys / sizeof *keys);
}

static struct named_rows plain(const char *sql)
{
	return rows_of(sql, db_int(1), db_int(2));
}

static void one_row_has_many_ways_to_be_named(void **state)
{
	static const char *const same[] = {
		"UPDATE item SET value = 11 WHERE id = 1",
		"update item set value = value + 1 where id=1",
		"DELETE FROM item WHERE id = 1",
		"SELECT value FROM item WHERE id = ?",
		"SELECT value FROM item WHERE ID = 1 {for_update}",
		"SELECT value FROM item WHERE id = 1 FOR UPDATE",
		"SELECT COUNT(*) FROM item WHERE id IN (1)",
		"UPDATE item SET value = 12 WHERE id = 1 AND value = 11",
		"UPDATE item SET value = 12 WHERE (value = 11 OR value = 12) AND id = 1",
		"UPDATE item SET value = CASE WHEN value > 1 THEN 0 ELSE 1 END WHERE id = 1",
	};
	const struct named_rows row = plain("SELECT value FROM item WHERE id = 1");

	(void)state;
	assert_true(row.row != 0 && row.by_key);
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		/* The OR is in parentheses, yet nobody looks so closely. */
		bool known = strstr(same[i], " OR ") == NULL;
		assert_true(plain(same[i]).row == (known ? row.row : 0));
		assert_true(plain(same[i]).column == (known ? row.column : 0));
	}
	assert_true(rows_of("UPDATE item SET value = ? WHERE id = ?", db_int(7), db_int(1)).row == row.row);
}

static void other_rows_are_others(void **state)
{
	const struct named_rows row = plain("SELECT value FROM item WHERE id = 1");
	const struct named_rows two = plain("SELECT value FROM item WHERE id = 2");
	const struct named_rows code = plain("SELECT value FROM item WHERE code = 1");

	(void)state;
	assert_true(two.row != 0 && two.row != row.row && two.column == row.column);
	assert_true(code.row != 0 && code.row != row.row && code.column != row.column);
	assert_true(plain("SELECT value FROM other WHERE id = 1").column != row.column);
	assert_true(rows_of("SELECT value FROM item WHERE code = ?", db_text("abc"), db_null()).row ==
	            plain("DELETE FROM item WHERE code = 'abc'").row);
}

static void what_is_not_certain_has_no_name(void **state)
{
	static const char *const unnamed[] = {
		"SELECT SUM(value) FROM item",
		"UPDATE item SET value = 1",
		"SELECT value FROM item WHERE value = 1",
		"SELECT value FROM item WHERE id > 1",
		"SELECT value FROM item WHERE id = 1 + 1",
		"SELECT value FROM item WHERE id = 1 OR value = 2",
		"SELECT value FROM item WHERE NOT id = 1",
		"SELECT value FROM item WHERE id NOT IN (1)",
		"SELECT value FROM item WHERE id = -1",
		"SELECT value FROM item WHERE id = 1.5",
		"SELECT value FROM item WHERE value BETWEEN 1 AND id = 1",
		"SELECT value FROM item WHERE CASE WHEN value = 1 AND id = 1 AND value = 2 THEN 0 ELSE 1 END",
		"SELECT value FROM item WHERE id IN (1, 2)",
		"SELECT value FROM item WHERE id IN (SELECT 1)",
		"SELECT value FROM item, other WHERE id = 1",
		"SELECT value FROM item JOIN other ON value = 1 WHERE id = 1",
		"SELECT value FROM item WHERE id = 1 UNION SELECT 2",
		"SELECT value FROM third WHERE id = 1",
		"SELECT value FROM item WHERE \"id\" = 1",
		"SELECT value FROM item WHERE id = 1 -- and more",
		"SELECT value FROM item WHERE code = 'Abc'",
		"SELECT value FROM item WHERE code = '1'",
		"SELECT value FROM item WHERE code = '",
		"SELECT value FROM item WHERE id =",
		"SELECT value FROM item WHERE",
		"SELECT",
		"",
		"{",
		"UPDATE item SET id = 3 WHERE id = 1",
		"INSERT INTO item (id, value) VALUES (1, 2)",
		"REPLACE INTO item (id, value) VALUES (1, 2)",
		"SAVEPOINT x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof unnamed / sizeof *unnamed; i++)
		assert_true(plain(unnamed[i]).row == 0);
}

static void searches_and_keys(void **state)
{
	(void)state;
	assert_true(plain("SELECT SUM(value) FROM item WHERE id IN (1, 2)").by_key);
	assert_false(plain("SELECT SUM(value) FROM item WHERE id = 1 AND value = 2").by_key);
	assert_false(plain("SELECT COUNT(*) FROM item WHERE value = 1").by_key);
	assert_false(plain("SELECT COUNT(*) FROM item").by_key);
	assert_true(plain("INSERT INTO item (id, value) VALUES (1, 2)").makes);
	assert_false(plain("INSERT INTO item (id, value) VALUES (1, 2) ON CONFLICT (id) DO NOTHING").makes);
	assert_false(plain("REPLACE INTO item (id, value) VALUES (1, 2)").makes);
	assert_false(plain("UPDATE item SET value = 1 WHERE id = 1").makes);
}

static void values_that_are_asked_for_and_given(void **state)
{
	const char *update = "UPDATE item SET value = ? WHERE value = ?";
	const struct named_rows one = rows_of(update, db_int(1), db_int(2));

	(void)state;
	assert_true(rows_of(update, db_int(3), db_int(2)).asks == one.asks);
	assert_true(rows_of(update, db_int(3), db_int(2)).gives != one.gives);
	assert_true(rows_of(update, db_int(1), db_int(4)).asks != one.asks);
	assert_true(rows_of(update, db_int(1), db_int(4)).gives == one.gives);
	assert_true(rows_of("SELECT ?", db_int(1), db_null()).asks != rows_of("SELECT ?", db_int(2), db_null()).asks);
}

/* An operation says which row, another one in each schedule, and what it writes. */
static void callers_that_say_it(void **state)
{
	struct db_call write = {
		.verb = DB_WRITE, .table = "account", .key = 5, .value = 100,
		.sql = "UPDATE account SET balance = ? WHERE id = ? AND balance = ?",
		.args = {db_int(100), db_int(5), db_int(0)},
	};
	struct db_call read = {.verb = DB_READ, .table = "account", .key = 5, .args = {db_int(5)},
	                       .sql = "SELECT balance FROM account WHERE id = ?"};
	const struct named_rows first = rows_of_call(&write, NULL, 0);

	(void)state;
	assert_true(first.row != 0 && first.row == rows_of_call(&read, NULL, 0).row);
	write.key = 6;
	write.args[1] = db_int(6);
	struct named_rows later = rows_of_call(&write, NULL, 0);
	assert_true(later.row != first.row && later.asks == first.asks && later.gives == first.gives);
	write.value = 200;
	assert_true(rows_of_call(&write, NULL, 0).gives != first.gives);
	read.sql = "SELECT (SELECT SUM(amount) FROM entry) FROM account WHERE id = ?";
	assert_true(rows_of_call(&read, NULL, 0).row == 0);
}

static void check_keys(const char *schema, const char *expected)
{
	struct str text = {0}, found = {0};
	struct script script;
	struct err err = {0};

	str_printf(&text, "schema { %s } session A step x { SELECT 1 }", schema);
	assert_true(script_parse("file", str_text(&text), text.length, &script, &err));
	for (size_t i = 0; i < script.n_keys; i++)
		str_printf(&found, "%s.%s ", script.keys[i].table, script.keys[i].column);
	assert_string_equal(str_text(&found), expected);
	script_fini(&script);
	str_fini(&text);
	str_fini(&found);
}

static void keys_of_a_schema(void **state)
{
	(void)state;
	check_keys("CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}", "item.id ");
	check_keys("CREATE TABLE a (id {new_id}, code VARCHAR(20) UNIQUE); CREATE TABLE b (n INT, PRIMARY KEY (n))",
	           "a.id a.code b.n ");
	check_keys("CREATE TABLE IF NOT EXISTS a (x INT, y INT, PRIMARY KEY (x, y), UNIQUE (y), CHECK (x > 0))",
	           "a.y ");
	check_keys("CREATE TABLE a (x INT, CONSTRAINT k UNIQUE (x), INDEX (x)); CREATE INDEX i ON a (x)", "a.x ");
	check_keys("CREATE TABLE a (x DECIMAL(10, 2), primary_one INT)", "");
	check_keys("CREATE TABLE a AS SELECT 1", "");
	check_keys("CREATE TABLE a (x INT PRIMARY KEY", "");
	check_keys("CREATE TABLE a", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_row_has_many_ways_to_be_named),
		cmocka_unit_test(other_rows_are_others),
		cmocka_unit_test(what_is_not_certain_has_no_name),
		cmocka_unit_test(searches_and_keys),
		cmocka_unit_test(values_that_are_asked_for_and_given),
		cmocka_unit_test(callers_that_say_it),
		cmocka_unit_test(keys_of_a_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
