/* Users, sessions, history. */
#include "admin/schema.h"

static const char *const users[] = {
	"CREATE TABLE IF NOT EXISTS racy_user ("
	" id {new_id},"
	" username VARCHAR(150) NOT NULL UNIQUE,"
	" email VARCHAR(254) NOT NULL,"
	" password VARCHAR(128) NOT NULL,"
	" superuser INTEGER NOT NULL,"
	" active INTEGER NOT NULL,"
	" joined {stamp} NOT NULL,"
	" last_login {stamp} NULL"
	"){table_end}",
	/* The token as it is hashed: who reads the table cannot log in by it. */
	"CREATE TABLE IF NOT EXISTS racy_session ("
	" token CHAR(64) NOT NULL PRIMARY KEY,"
	" user_id {id} NOT NULL,"
	" expires {stamp} NOT NULL"
	"){table_end}",
	NULL,
};

/* Names, not references: what a user did stays told when the user is gone. */
static const char *const history[] = {
	"CREATE TABLE IF NOT EXISTS racy_history ("
	" id {new_id},"
	" made_at {stamp} NOT NULL,"
	" username VARCHAR(150) NOT NULL,"
	" action VARCHAR(16) NOT NULL,"
	" object VARCHAR(16) NOT NULL,"
	" object_id {id} NOT NULL,"
	" changes TEXT NULL"
	"){table_end}",
	NULL,
};

static const struct db_migration migrations[] = {
	{"users and sessions", users},
	{"history", history},
};

bool admin_migrate(struct db_session *session, size_t *applied, struct err *err)
{
	return db_migrate(session, "admin", migrations, sizeof migrations / sizeof *migrations, applied, err);
}
