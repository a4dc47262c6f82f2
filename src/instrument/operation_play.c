/* A fresh account for each schedule: rows that were deleted stay behind in InnoDB as marks that gap locks see. */
#include "instrument/operation_play.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "scenarios/accounts.h"

static bool set_up(void *context, struct db_session *session, struct err *err)
{
	struct operation_play *play = context;

	if (play->account != 0 && account_delete(session, play->account, true, err) == ACCOUNT_ERROR)
		return false;
	return account_create(session, 0, &play->account, err);
}

/* ---- a session's part -------------------------------------------------------------------------------------- */

/* Another try: what the ones before read is of no account. */
static void no_rest(void *context, int64_t ns)
{
	struct play_end *end = context;

	(void)ns;
	end->attempt++;
}

/* A session that broke ends its part: the explorer opens another for the next schedule. */
static struct db_session *no_session(void *context)
{
	(void)context;
	return NULL;
}

static bool is_refused(const struct op_result *result)
{
	return result->end == OP_CONFLICT || (result->end == OP_FAILED && db_err_is_refusal(result->err));
}

static void act(void *context, size_t who, struct db_session *session, struct play_end *end)
{
	struct operation_play *play = context;
	const struct registry_entry *entry = &play->entries[who];
	const int64_t params[] = {play->account, play->amount << who};
	struct op_host host = {
		.session = session, .tx_mode = play->tx_mode, .rest = no_rest, .reopen = no_session, .context = end,
	};
	const struct op_request request = {
		.operation = entry->operation, .variant = entry->variant, .params = params,
		.request = (uint32_t)who + 1, .attempt = 1, .wall_us = clock_wall_us(),
	};
	struct op_result result;
	struct rng waits;

	rng_init(&waits, 1);
	retry_run(&host, &request, &play->retry, &waits, &result);
	*end = (struct play_end){
		.attempt = end->attempt,
		.refused = is_refused(&result),
		.err = result.err,
		.sound = result.tx == DB_TX_NONE && host.session != NULL && result.err != DB_LOST,
	};
	(void)snprintf(end->text, sizeof end->text, "%s",
	               result.end == OP_FAILED ? db_err_name(result.err) : op_end_name(result.end));
}

/* ---- the judgement -------------------------------------------------------------------------------------------- */

static bool add_state(struct operation_play *play, struct db_session *session, struct str *state, struct err *err)
{
	const struct db_value args[] = {db_int(play->account), {0}};
	struct db_rows rows = {0};
	struct account account = {0};
	bool ok = account_show(session, play->account, &account, err) == ACCOUNT_OK &&
	          db_run(session, DB_READ,
	                 "SELECT amount FROM demo_transaction WHERE account_id = ? ORDER BY amount", args, &rows, NULL,
	                 err);

	str_printf(state, "balance %" PRId64 ", recorded", account.balance);
	for (size_t i = 0; ok && i < rows.n_rows; i++)
		str_printf(state, " %" PRId64, db_cell(&rows, i, 0)->integer);
	db_rows_fini(&rows);
	return ok;
}

/* An invariant's rows are those that break it; those of other accounts are no matter of this schedule. */
static bool look(struct operation_play *play, struct db_session *session, const struct invariant *invariant,
                 bool *broken, struct err *err)
{
	struct db_rows rows = {0};
	bool ok = db_run(session, DB_READ, invariant->sql, NULL, &rows, NULL, err);

	for (size_t i = 0; ok && i < rows.n_rows; i++)
		*broken |= db_cell(&rows, i, 0)->integer == play->account;
	db_rows_fini(&rows);
	return ok;
}

static bool judge(void *context, struct db_session *session, struct str *state, bool *broken, struct err *err)
{
	struct operation_play *play = context;
	const struct scenario *scenario = play->entries[0].scenario;
	bool ok = add_state(play, session, state, err);

	*broken = false;
	for (size_t i = 0; ok && i < scenario->n_invariants && !play->entries[0].variant->derives; i++)
		ok = look(play, session, &scenario->invariants[i], broken, err);
	return ok;
}

void operation_play_init(struct operation_play *play)
{
	play->account = 0;
	play->play = (struct play){
		.context = play, .sessions = play->sessions, .reducible = true,
		.set_up = set_up, .act = act, .judge = judge,
	};
}

static void add_sql(struct script_list *list, const char *sql)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
	list->items[list->n++] = (struct script_query){NULL, sql};
}

void operation_play_world(const struct operation_play *play, struct script *script)
{
	const struct scenario *scenario = play->entries[0].scenario;
	char *account = mem_printf("INSERT INTO demo_account (id, balance) VALUES (%" PRId64 ", 0)", play->account);

	*script = (struct script){0};
	for (size_t i = 0; i < scenario->n_migrations; i++)
		for (const char *const *sql = scenario->migrations[i].statements; *sql != NULL; sql++)
			add_sql(&script->schema, *sql);
	add_sql(&script->setup, arena_text_n(&script->arena, account, strlen(account)));
	(void)!script_find_tables(script, NULL);
	free(account);
}
