/* A file's sessions as something to explore. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "explore/script.h"

/* ---- the world ------------------------------------------------------------------------------------------- */

bool script_create(const struct script *script, struct db_session *session, struct err *err)
{
	const struct script_list *schema = &script->schema;

	for (size_t i = 0; i < schema->n; i++)
		if (!db_run(session, DB_WRITE, schema->items[i].sql, NULL, NULL, NULL, err)) {
			err_prefix(err, "schema");
			return false;
		}
	return true;
}

static bool empty_and_fill(const struct script *script, struct db_session *session, struct err *err)
{
	if (db_run_all(session, script->anew, script->n_anew, err))
		return true;
	err_prefix(err, "setup");
	return false;
}

/* Where a statement is no round trip, one transaction for all costs less than one each. */
static bool set_up(void *context, struct db_session *session, struct err *err)
{
	const struct script_play *play = context;
	bool together = (db_session_abilities(session) & DB_HAS_CONNECTIONS) == 0;
	struct err other = {0};

	if (!together)
		return empty_and_fill(play->script, session, err);
	if (!db_run(session, DB_BEGIN, NULL, NULL, NULL, NULL, err))
		return false;
	if (empty_and_fill(play->script, session, err))
		return db_run(session, DB_COMMIT, NULL, NULL, NULL, NULL, err);
	(void)!db_run(session, DB_ROLLBACK, NULL, NULL, NULL, NULL, &other); /* the first error is the one to tell */
	err_fini(&other);
	return false;
}

/* ---- a session's part ---------------------------------------------------------------------------------------- */

struct part {
	const struct script_session *script;
	struct db_session *session;
	struct db_value values[SCRIPT_MAX_NAMES];
	struct arena arena; /* of texts among them */
	struct db_rows rows;
	struct db_outcome outcome;
};

static void carry(struct part *part, const struct script_step *step)
{
	for (size_t i = 0; i < step->n_into; i++) {
		struct db_value *value = &part->values[step->into[i]];
		*value = db_null();
		if (part->rows.n_rows > 0 && i < part->rows.n_cols)
			*value = *db_cell(&part->rows, 0, i);
		if (value->type == DB_TEXT)
			value->text = arena_text_n(&part->arena, value->text, value->length);
	}
}

static bool take(struct part *part, const struct script_step *step)
{
	struct db_call call = {.verb = step->verb, .for_write = step->for_write, .label = step->name};

	if (step->verb == DB_READ || step->verb == DB_WRITE)
		call.sql = step->sql;
	for (size_t i = 0; i < step->n_args; i++)
		call.args[i] = part->values[step->args[i]].type == DB_END ? db_null() : part->values[step->args[i]];
	bool ok = db_exec(part->session, &call, &part->rows, &part->outcome) == DB_OK;
	if (ok)
		carry(part, step);
	return ok;
}

static bool may_go_on(const struct part *part)
{
	return part->script->goes_on && part->outcome.err != DB_LOST && part->outcome.err != DB_REFUSED;
}

static void roll_back(struct part *part)
{
	const struct db_call call = {.verb = DB_ROLLBACK, .label = "rollback"};

	(void)!db_exec(part->session, &call, NULL, &part->outcome);
}

/* Who was refused has read nothing. */
static void keep_values(script_values values, const struct part *part, bool refused)
{
	for (size_t i = 0; i < part->script->n_names; i++) {
		const struct db_value *value = &part->values[i];
		values[i][0] = '\0';
		if (refused || value->type == DB_END)
			continue;
		if (value->type == DB_INT)
			(void)snprintf(values[i], sizeof values[i], "%lld", (long long)value->integer);
		else
			(void)snprintf(values[i], sizeof values[i], "%.23s",
			               value->type == DB_TEXT ? value->text : "null");
	}
}

/* "deadlock" for what has a name of ours, else the engine's own words are no part of a behaviour. */
static void act(void *context, size_t who, struct db_session *session, struct play_end *end)
{
	struct script_play *play = context;
	struct part part = {.script = &play->script->sessions[who], .session = session};
	enum db_err failed = DB_OK;
	enum db_tx tx = DB_TX_NONE;

	for (size_t i = 0; i < part.script->n_steps && (failed == DB_OK || may_go_on(&part)); i++) {
		if (!take(&part, &part.script->steps[i]) && failed == DB_OK)
			failed = part.outcome.err;
		tx = part.outcome.tx;
	}
	if (tx == DB_TX_OPEN || tx == DB_TX_ABORTED) {
		roll_back(&part);
		tx = part.outcome.tx;
	}
	end->refused = failed != DB_OK;
	end->err = part.outcome.err == DB_LOST ? DB_LOST : failed;
	end->sound = tx == DB_TX_NONE && failed != DB_LOST;
	(void)snprintf(end->text, sizeof end->text, "%s", failed == DB_OK ? "done" : db_err_name(failed));
	keep_values(play->values[who], &part, end->refused);
	db_rows_fini(&part.rows);
	arena_fini(&part.arena);
}

/* ---- the judgement -------------------------------------------------------------------------------------------- */

static void add_row(struct str *text, const struct db_rows *rows, size_t row)
{
	str_add_char(text, '(');
	for (size_t k = 0; k < rows->n_cols; k++) {
		const struct db_value *cell = db_cell(rows, row, k);
		str_add(text, k > 0 ? ", " : "");
		if (cell->type == DB_INT)
			str_printf(text, "%lld", (long long)cell->integer);
		else if (cell->type == DB_TEXT)
			str_printf(text, "'%s'", cell->text);
		else
			str_add(text, "null");
	}
	str_add_char(text, ')');
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `sorted`: in an order of its own, since a table has none. */
static bool add_query(struct db_session *session, const char *sql, bool sorted, struct str *state, struct err *err)
{
	struct db_rows rows = {0};
	bool ok = db_run(session, DB_READ, sql, NULL, &rows, NULL, err);
	char **texts = mem_new(rows.n_rows + 1, sizeof *texts);

	for (size_t i = 0; ok && i < rows.n_rows; i++) {
		struct str text = {0};
		add_row(&text, &rows, i);
		texts[i] = str_take(&text);
	}
	if (ok && sorted)
		qsort(texts, rows.n_rows, sizeof *texts, compare_texts);
	for (size_t i = 0; ok && i < rows.n_rows; i++) {
		str_add(state, state->length > 0 ? " " : "");
		str_add(state, texts[i]);
		free(texts[i]);
	}
	free(texts);
	db_rows_fini(&rows);
	return ok;
}

static bool add_tables(const struct script *script, struct db_session *session, struct str *state, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < script->tables.n; i++) {
		char *sql = mem_printf("SELECT * FROM %s ORDER BY 1", script->tables.items[i].name);
		if (i > 0)
			str_add(state, " |");
		ok = add_query(session, sql, true, state, err);
		free(sql);
	}
	return ok;
}

static bool is_shown(struct script_play *play)
{
	script_values *values[PLAY_MOST_SESSIONS] = {0};

	for (size_t i = 0; i < PLAY_MOST_SESSIONS; i++)
		values[i] = &play->values[i];
	return script_is_shown(play->script, values);
}

static bool judge(void *context, struct db_session *session, struct str *state, bool *broken, struct err *err)
{
	struct script_play *play = context;
	const struct script *script = play->script;
	struct db_rows rows = {0};
	bool ok = true;

	*broken = is_shown(play);
	for (size_t i = 0; ok && i < script->state.n; i++)
		ok = add_query(session, script->state.items[i].sql, false, state, err);
	if (script->state.n == 0)
		ok = add_tables(script, session, state, err);
	for (size_t i = 0; ok && i < script->invariants.n; i++) {
		ok = db_run(session, DB_READ, script->invariants.items[i].sql, NULL, &rows, NULL, err);
		*broken |= ok && rows.n_rows > 0;
	}
	db_rows_fini(&rows);
	return ok;
}

void script_play_init(struct script_play *play, const struct script *script)
{
	play->script = script;
	memset(play->values, 0, sizeof play->values);
	for (size_t i = 0; i < script->tables.n && i < 64; i++)
		play->tables[i] = script->tables.items[i].name;
	play->play = (struct play){
		.context = play, .sessions = script->n_sessions, .reads_are_results = true,
		.reducible = script->reducible, .fresh_sessions = !script->plain,
		.tables = play->tables, .n_tables = script->tells_tables ? script->tables.n : 0,
		.keys = script->keys, .n_keys = script->n_keys,
		.set_up = set_up, .act = act, .judge = judge,
	};
}
