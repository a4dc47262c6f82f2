/* Whose token is still good, as rows tell it. test_sessions ENGINE. */
#include <string.h>

#include "books.h"

#include "admin/sessions.h"

static const struct secret secret = {"the key of this case"};

static int64_t add_user(struct db_session *session)
{
	const struct admin_user values = {.username = "ann", .password = "x", .superuser = true, .active = true};
	const struct ledger_who who = {session, "the shell"};
	struct err err = {0};
	int64_t id = 0;

	if (user_add(&who, &values, &id, &err) != USER_OK)
		fail_msg("%s", err_text(&err));
	return id;
}

static enum user_end look_up(struct db_session *session, const struct secret *key, const char *token)
{
	struct admin_user user;
	struct err err = {0};
	enum user_end end = session_find(session, key, token, &user, &err);

	if (end == USER_FAILED)
		fail_msg("%s", err_text(&err));
	if (end == USER_OK)
		assert_string_equal(user.username, "ann");
	return end;
}

static void open_one(struct db_session *session, int64_t user, char token[static TOKEN_SIZE])
{
	struct err err = {0};

	if (!session_open(session, &secret, user, token, &err))
		fail_msg("%s", err_text(&err));
}

static void its_own_token_under_its_own_key(void **state)
{
	struct db_session *session = books_open(*state);
	static const struct secret other = {"another key"};
	char token[TOKEN_SIZE], second[TOKEN_SIZE];

	int64_t ann = add_user(session);
	open_one(session, ann, token);
	open_one(session, ann, second);
	assert_string_not_equal(token, second);
	assert_int_equal(look_up(session, &secret, token), USER_OK);
	assert_int_equal(look_up(session, &other, token), USER_MISSING);
	assert_int_equal(look_up(session, &secret, ""), USER_MISSING);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM racy_session WHERE token = ?", ARGS(db_text(token))), 0);
	struct err err = {0};
	assert_true(session_end(session, &secret, token, &err));
	assert_int_equal(look_up(session, &secret, token), USER_MISSING);
	assert_int_equal(look_up(session, &secret, second), USER_OK);
	db_close(session);
}

static void not_after_its_time(void **state)
{
	struct db_session *session = books_open(*state);
	char token[TOKEN_SIZE], next[TOKEN_SIZE];

	int64_t ann = add_user(session);
	open_one(session, ann, token);
	must(session, DB_WRITE, "UPDATE racy_session SET expires = ?", ARGS(db_text("2020-01-01 00:00:00.000000")));
	assert_int_equal(look_up(session, &secret, token), USER_MISSING);
	/* Nobody else cleans up. */
	open_one(session, ann, next);
	assert_int_equal(ask(session, "SELECT COUNT(*) FROM racy_session", NULL), 1);
	assert_int_equal(look_up(session, &secret, next), USER_OK);
	db_close(session);
}

static void not_where_its_user_is_inactive(void **state)
{
	struct db_session *session = books_open(*state);
	char token[TOKEN_SIZE];

	open_one(session, add_user(session), token);
	must(session, DB_WRITE, "UPDATE racy_user SET active = 0", NULL);
	assert_int_equal(look_up(session, &secret, token), USER_MISSING);
	db_close(session);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(its_own_token_under_its_own_key),
		CASE(not_after_its_time),
		CASE(not_where_its_user_is_inactive),
	};

	return books_main(argc, argv, tests, COUNT_OF(tests));
}
