/* Sessions as rows. */
#include "admin/sessions.h"

#include "base/clock.h"

static const char purpose[] = "session";

static void stamp_in_days(int days, char stamp[static CLOCK_STAMP_SIZE])
{
	clock_stamp(clock_wall_us() + days * INT64_C(86400) * 1000000, stamp);
}

bool session_open(struct db_session *db, const struct secret *secret, int64_t user, char token[static TOKEN_SIZE],
                  struct err *err)
{
	char mark[SECRET_MARK_SIZE], now[CLOCK_STAMP_SIZE], end[CLOCK_STAMP_SIZE];

	token_draw(token);
	secret_mark(secret, purpose, token, mark);
	stamp_in_days(0, now);
	stamp_in_days(SESSION_DAYS, end);
	return db_run(db, DB_WRITE, "DELETE FROM racy_session WHERE expires < ?",
	              (const struct db_value[]){db_text(now), {0}}, NULL, NULL, err) &&
	       db_run(db, DB_WRITE, "INSERT INTO racy_session (token, user_id, expires) VALUES (?, ?, ?)",
	              (const struct db_value[]){db_text(mark), db_int(user), db_text(end), {0}}, NULL, NULL, err);
}

enum user_end session_find(struct db_session *db, const struct secret *secret, const char *token,
                           struct admin_user *user, struct err *err)
{
	char mark[SECRET_MARK_SIZE], now[CLOCK_STAMP_SIZE];
	struct db_rows rows = {0};
	enum user_end end = USER_FAILED;

	secret_mark(secret, purpose, token, mark);
	stamp_in_days(0, now);
	if (db_run(db, DB_READ, "SELECT user_id FROM racy_session WHERE token = ? AND expires > ?",
	           (const struct db_value[]){db_text(mark), db_text(now), {0}}, &rows, NULL, err))
		end = rows.n_rows > 0 ? user_by_id(db, db_cell(&rows, 0, 0)->integer, user, err) : USER_MISSING;
	db_rows_fini(&rows);
	return end == USER_OK && !user->active ? USER_MISSING : end;
}

bool session_end(struct db_session *db, const struct secret *secret, const char *token, struct err *err)
{
	char mark[SECRET_MARK_SIZE];

	secret_mark(secret, purpose, token, mark);
	return db_run(db, DB_WRITE, "DELETE FROM racy_session WHERE token = ?",
	              (const struct db_value[]){db_text(mark), {0}}, NULL, NULL, err);
}
