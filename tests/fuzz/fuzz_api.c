/* Requests to the API out of any bytes: the first line is the method and the target, the rest the body; who sends them
 * is logged in as a superuser. Whatever comes, the answer is JSON and no failure of the server, what is refused has
 * changed nothing, and no transaction is left open. Log-ins and new passwords are left out: each costs what a
 * password's hash costs, and that is much on purpose. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "admin/schema.h"
#include "admin/sessions.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "instrument/api.h"
#include "scenarios/scenarios.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_ROWS = 500 };

static char folder[] = "/tmp/racy-fuzz-XXXXXX";
static struct db_target database;
static struct api *api;
static struct db_session *session;
static char cookie[TOKEN_SIZE + 32], mark[SECRET_MARK_SIZE];

/* In the place of http_header (by the linker's --wrap), which asks libmicrohttpd. */
const char *__wrap_http_header(const struct http_request *request, const char *name);
const char *__wrap_http_header(const struct http_request *request, const char *name)
{
	if (strcasecmp(name, "Cookie") == 0)
		return cookie;
	if (strcasecmp(name, "X-CSRF-Token") == 0)
		return mark;
	return strcasecmp(name, "Content-Type") == 0 ? request->content_type : NULL;
}

/* ---- the world ----------------------------------------------------------------------------- */

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void run(const char *sql)
{
	must(db_run(session, DB_WRITE, sql, NULL, NULL, NULL, NULL));
}

static void fill(void)
{
	run("DELETE FROM demo_transaction");
	run("DELETE FROM demo_account");
	run("DELETE FROM racy_version");
	run("DELETE FROM racy_history");
	run("DELETE FROM racy_user WHERE id > 1");
	run("INSERT INTO demo_account (id, balance) VALUES (1, 100), (2, 0), (3, 2147483647)");
	run("INSERT INTO demo_transaction (id, account_id, amount, timestamp) VALUES"
	    " (1, 1, 10, '2026-11-24 09:30:00'), (2, 1, 20, '2026-11-24 09:30:00.5'), (3, NULL, -5, 'soon')");
}

static void forget_folder(void)
{
	static const char *const names[] = {"secret", "api.db"};

	api_close(api);
	db_close(session);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char *path = mem_printf("%s/%s", folder, names[i]);
		unlink(path);
		free(path);
	}
	rmdir(folder);
	db_target_fini(&database);
}

static void make_world(void)
{
	/* Nothing of it has to last. */
	const struct db_setting fast[] = {{"journal_mode", "memory"}, {"synchronous", "0"}};
	const struct db_settings settings = {.iso = DB_ISO_DEFAULT, .sets = fast, .n_sets = COUNT_OF(fast)};
	struct api_settings api_settings = {.db = &settings, .state_folder = folder};
	struct admin_user user = {.username = "ann", .superuser = true, .active = true};
	struct secret secret;
	char token[TOKEN_SIZE];
	size_t applied;
	int64_t id;

	api_settings.target = &database;
	must(mkdtemp(folder) != NULL);
	char *url = mem_printf("sqlite:%s/api.db", folder);
	must(db_target_parse(url, &database, NULL));
	free(url);
	session = db_open(&database, &settings, NULL);
	api = api_open(&api_settings, NULL);
	must(session != NULL && api != NULL && secret_load(folder, &secret, NULL));
	must(db_migrate(session, "deposit", scenario_deposit.migrations, scenario_deposit.n_migrations, NULL, NULL));
	must(admin_migrate(session, &applied, NULL));
	must(user_add(&(struct ledger_who){session, "ann"}, &user, &id, NULL) == USER_OK);
	must(session_open(session, &secret, id, token, NULL));
	snprintf(cookie, sizeof cookie, "racy_session=%s", token);
	secret_mark(&secret, "csrf", token, mark);
	fill();
	atexit(forget_folder);
}

/* All rows in one text; the row of the session's user too. */
static char *sum_up(void)
{
	struct db_rows rows = {0};

	must(db_run(session, DB_READ,
	            "SELECT (SELECT COUNT(*) || ' ' || TOTAL(balance * id) FROM demo_account) || ' ' ||"
	            " (SELECT COUNT(*) || ' ' || TOTAL(amount * id) || ' ' || TOTAL(account_id)"
	            " FROM demo_transaction) || ' ' ||"
	            " (SELECT COUNT(*) FROM racy_history) || ' ' || (SELECT COUNT(*) FROM racy_version) || ' ' ||"
	            " (SELECT COUNT(*) || ' ' || GROUP_CONCAT(username || email || superuser || active)"
	            " FROM racy_user)",
	            NULL, &rows, NULL, NULL));
	char *text = mem_text(db_cell(&rows, 0, 0)->text);
	db_rows_fini(&rows);
	return text;
}

/* Whoever made himself an ordinary user, or away with himself, comes back. */
static void restore(void)
{
	struct db_rows rows = {0};

	run("UPDATE racy_user SET username = 'ann', superuser = 1, active = 1 WHERE id = 1");
	must(db_run(session, DB_READ,
	            "SELECT (SELECT COUNT(*) FROM demo_account) + (SELECT COUNT(*) FROM demo_transaction)"
	            " + (SELECT COUNT(*) FROM racy_history)", NULL, &rows, NULL, NULL));
	if (db_cell(&rows, 0, 0)->integer > MOST_ROWS)
		fill();
	db_rows_fini(&rows);
}

/* ---- a request ----------------------------------------------------------------------------- */

static bool hashes_a_password(const char *method, const char *path)
{
	return strcmp(method, "GET") != 0 &&
	       (strstr(path, "password") != NULL || text_starts_with(path, "/api/session") ||
	        (strcmp(method, "POST") == 0 && text_starts_with(path, "/api/users")));
}

static void check(const struct http_reply *reply, const char *before)
{
	json_t *body = reply->body != NULL ? json_loadb(reply->body, reply->body_length, 0, NULL) : NULL;
	char *after = sum_up();

	must(reply->status >= 200 && reply->status < 500);
	must(reply->body == NULL ? reply->status == 204 : json_is_object(body));
	if (reply->status >= 400) {
		must(json_is_string(json_object_get(body, "error")));
		must(json_is_string(json_object_get(body, "message")));
		must(strcmp(before, after) == 0);
	}
	must(db_run(session, DB_BEGIN, NULL, NULL, NULL, NULL, NULL));
	must(db_run(session, DB_ROLLBACK, NULL, NULL, NULL, NULL, NULL));
	free(after);
	json_decref(body);
}

static void handle(const struct http_request *request)
{
	const struct api_origin origin = {.address = "127.0.0.1"};
	struct http_reply reply = {0};
	char *before = sum_up();

	api_handle(api, session, &origin, request, &reply);
	check(&reply, before);
	free(before);
	free(reply.body);
	for (size_t i = 0; i < reply.n_headers; i++)
		free(reply.headers[i].value);
	restore();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t line_length = end != NULL ? (size_t)(end - data) : size;
	char *line = mem_text_n((const char *)data, line_length);
	char *target = strchr(line, ' '), *query = target != NULL ? strchr(target, '?') : NULL;

	if (session == NULL)
		make_world();
	if (target != NULL)
		*target++ = '\0';
	if (query != NULL)
		*query++ = '\0';
	const struct http_request request = {
		.method = line,
		.path = target != NULL ? target : "",
		.query = query != NULL ? query : "",
		.content_type = "application/json",
		.body = end != NULL ? (const char *)end + 1 : "",
		.body_length = end != NULL ? size - line_length - 1 : 0,
	};
	if (!hashes_a_password(request.method, request.path))
		handle(&request);
	free(line);
	return 0;
}
