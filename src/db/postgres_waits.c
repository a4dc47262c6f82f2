/* From beside a PostgreSQL session: who waits, by the server's own account of who blocks whom, and cancelling. */
#include "base/str.h"
#include "db/postgres.h"

bool pg_cancel(void *connection, struct err *err)
{
	const struct pg *pg = connection;
	char words[256] = "";

	return PQcancel(pg->cancel, words, sizeof words) == 1 ||
	       err_set(err, "the statement cannot be cancelled: %s", words);
}

/* A holder that is none of these may let go at any time. */
static enum db_wait wait_of(const PGresult *result, int row)
{
	bool is_blocked = PQgetvalue(result, row, 0)[0] == 't', by_these = PQgetvalue(result, row, 1)[0] == 't';

	return !is_blocked ? DB_WAITS_NOT : by_these ? DB_WAITS : DB_WAITS_UNKNOWN;
}

bool pg_who_waits(void *connection, const int64_t *numbers, size_t n, enum db_wait *waits, struct err *err)
{
	static const char question[] =
	        "SELECT cardinality(b) > 0, b <@ $1 FROM (SELECT i, pg_blocking_pids(p) AS b "
	        "FROM unnest($1::int[]) WITH ORDINALITY AS u (p, i)) AS q ORDER BY i";
	static const char name[] = "racy_who_waits";
	struct pg *pg = connection;
	struct str pids = {0};

	for (size_t i = 0; i < n; i++)
		str_printf(&pids, "%s%lld", i > 0 ? "," : "{", (long long)numbers[i]);
	str_add(&pids, "}");
	const char *values[] = {str_text(&pids)};
	if (!pg->observes) {
		PGresult *prepared = PQprepare(pg->conn, name, question, 1, NULL);
		pg->observes = PQresultStatus(prepared) == PGRES_COMMAND_OK;
		PQclear(prepared);
	}
	PGresult *result = PQexecPrepared(pg->conn, name, 1, values, NULL, NULL, 0);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == (int)n;
	for (size_t i = 0; ok && i < n; i++)
		waits[i] = wait_of(result, (int)i);
	if (!ok)
		err_set(err, "the server cannot be asked who waits: %s", PQerrorMessage(pg->conn));
	PQclear(result);
	str_fini(&pids);
	return ok;
}
