/* Whose tables get the indexes of the lists: racy's own, and Django's when it is asked for. test_extend ENGINE. */
#include <stdio.h>

#include "books.h"

#include "command/database.h"
#include "lab/registry.h"
#include "scenarios/scenarios.h"

static int64_t count_indexes(const struct world *world, struct db_session *session)
{
	if (world->is_sqlite)
		return ask(session, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND name IN"
		                    " ('demo_transaction_of_account', 'demo_transaction_by_time')", NULL);
	if (world->is_postgres)
		return ask(session, "SELECT COUNT(*) FROM pg_indexes WHERE indexname IN"
		                    " ('demo_transaction_of_account', 'demo_transaction_by_time')", NULL);
	return ask(session, "SELECT COUNT(DISTINCT index_name) FROM information_schema.statistics WHERE"
	                    " table_schema = DATABASE() AND index_name IN"
	                    " ('demo_transaction_of_account', 'demo_transaction_by_time')", NULL);
}

static size_t migrate(struct db_session *session, bool extend)
{
	struct err err = {0};
	size_t applied;

	if (!database_migrate(session, extend, &applied, &err))
		fail_msg("%s", err_text(&err));
	return applied;
}

static void tables_of_racys_own_have_them(void **state)
{
	struct db_session *session = world_open(*state);

	assert_true(migrate(session, false) > 0);
	assert_int_equal(count_indexes(*state, session), 2);
	assert_int_equal(migrate(session, false), 0);
	assert_int_equal(migrate(session, true), 0);
	db_close(session);
}

static void tables_of_django_get_them_when_asked(void **state)
{
	struct db_session *session = world_open(*state);

	must(session, DB_WRITE,
	     "CREATE TABLE django_migrations (id {new_id}, app varchar(255) NOT NULL, name varchar(255)"
	     " NOT NULL, applied {stamp} NOT NULL)", NULL);
	books_make_as_django(*state, session);
	assert_true(migrate(session, false) > 0);
	assert_int_equal(count_indexes(*state, session), 0);
	assert_int_equal(migrate(session, true), 1);
	assert_int_equal(count_indexes(*state, session), 2);
	assert_int_equal(migrate(session, false), 0);
	db_close(session);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(tables_of_racys_own_have_them),
		CASE(tables_of_django_get_them_when_asked),
	};

	registry_set(scenarios, scenarios_count);
	return books_main(argc, argv, tests, COUNT_OF(tests));
}
