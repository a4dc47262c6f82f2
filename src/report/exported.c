/* SQL with its values written in. */
#include "report/exported.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/style.h"

static char letter(const struct exported *exported, size_t i)
{
	return (char)('A' + exported->schedule->steps[i].who);
}

/* ---- the engine's own client ----------------------------------------------------------------------------------- */

static const char *level_of(const struct exported *exported, size_t who)
{
	return exported->own_levels[who] != NULL ? exported->own_levels[who] : exported->identity->isolation;
}

static void add_level(struct str *text, const struct exported *exported, size_t who)
{
	const char *engine = exported->identity->engine;

	if (text_equal(engine, "postgres"))
		str_printf(text, "%c: SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL %s;\n",
		           (char)('A' + who), level_of(exported, who));
	else if (!text_equal(engine, "sqlite"))
		str_printf(text, "%c: SET SESSION TRANSACTION ISOLATION LEVEL %s;\n", (char)('A' + who),
		           level_of(exported, who));
	for (size_t i = 0; i < exported->n_sets; i++)
		str_printf(text, text_equal(engine, "sqlite") ? "%c: PRAGMA %s = %s;\n" : "%c: SET %s = '%s';\n",
		           (char)('A' + who), exported->sets[i].name, exported->sets[i].value);
}

static void add_note(struct str *text, const struct exported *exported, size_t i)
{
	const struct schedule_step *step = &exported->schedule->steps[i];

	if (step->waited && step->woken_by != i && step->woken_by < exported->schedule->n)
		str_printf(text, "  -- waits for %c.%s", letter(exported, step->woken_by),
		           exported->schedule->steps[step->woken_by].what.label);
	else if (step->waited_for_good)
		str_add(text, "  -- waits for good");
	if (step->what.err != DB_OK)
		str_printf(text, "  -- %s", db_err_name(step->what.err));
	else if (step->what.verb == DB_READ)
		str_printf(text, "  -- %s", step->what.result);
	str_add_char(text, '\n');
}

/* Whose tables are there already must hear of it before anything is done to them. */
static void add_statement(struct str *text, const char *sql)
{
	static const char unless[] = " IF NOT EXISTS";
	const char *gap = strstr(sql, unless);

	if (gap != NULL)
		str_add_n(text, sql, (size_t)(gap - sql));
	str_add(text, gap != NULL ? gap + strlen(unless) : sql);
}

static void add_list(struct str *text, const char *before, const struct exported *exported,
                     const struct script_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char *sql = db_sql_for(exported->target, list->items[i].sql);
		for (size_t n = strlen(sql); n > 0 && sql[n - 1] == ' '; n--)
			sql[n - 1] = '\0';
		str_add(text, before);
		add_statement(text, sql);
		str_add(text, ";\n");
		free(sql);
	}
}

void exported_client(FILE *to, const struct exported *exported)
{
	struct str text = {0};

	str_printf(&text,
	           "-- %s on %s %s.\n-- A terminal with the engine's client for each session: type each line into that "
	           "of its letter (0: any, beforehand).\n", exported->what, exported->identity->product,
	           exported->identity->version);
	add_list(&text, "0: ", exported, &exported->world->schema);
	add_list(&text, "0: ", exported, &exported->world->setup);
	for (size_t who = 0; who < exported->sessions; who++)
		add_level(&text, exported, who);
	for (size_t i = 0; i < exported->schedule->n; i++) {
		str_printf(&text, "%c: %s;", letter(exported, i), exported->schedule->steps[i].what.sql);
		add_note(&text, exported, i);
	}
	str_printf(&text, "-- in the end: %s\n", str_text(&exported->schedule->state));
	str_write(&text, to);
}

/* ---- isolationtester -------------------------------------------------------------------------------------------- */

/* A step's name there: of all sessions it is another one, and of each that tries again too. */
static void add_step_name(struct str *text, const struct exported *exported, size_t i)
{
	const struct schedule_step *steps = exported->schedule->steps;
	size_t before = 0;

	for (size_t k = 0; k < i; k++)
		before += steps[k].who == steps[i].who && text_equal(steps[k].what.label, steps[i].what.label);
	str_printf(text, "\"%c.%s", letter(exported, i), steps[i].what.label);
	if (before > 0)
		str_printf(text, " %zu", before + 1);
	str_add_char(text, '"');
}

static void add_session(struct str *text, const struct exported *exported, size_t who)
{
	str_printf(text, "\nsession \"%c\"\nsetup { SET default_transaction_isolation = '", (char)('A' + who));
	for (const char *c = level_of(exported, who); *c != '\0'; c++)
		str_add_char(text, *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c);
	str_add(text, "';");
	for (size_t i = 0; i < exported->n_sets; i++)
		str_printf(text, " SET %s = '%s';", exported->sets[i].name, exported->sets[i].value);
	str_add(text, " }\n");
	for (size_t i = 0; i < exported->schedule->n; i++) {
		if (exported->schedule->steps[i].who != who)
			continue;
		str_add(text, "step ");
		add_step_name(text, exported, i);
		str_printf(text, " { %s; }\n", exported->schedule->steps[i].what.sql);
	}
}

/* Its scanner (specscanner.l) ends a block of SQL at the first brace, in a text too. */
static bool ends_a_block(const struct exported *exported)
{
	const struct script_list *lists[] = {&exported->world->schema, &exported->world->setup};
	bool ends = false;

	for (size_t k = 0; k < COUNT_OF(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++) {
			char *sql = db_sql_for(exported->target, lists[k]->items[i].sql);
			ends = ends || strchr(sql, '}') != NULL;
			free(sql);
		}
	for (size_t i = 0; i < exported->schedule->n; i++)
		ends = ends || strchr(exported->schedule->steps[i].what.sql, '}') != NULL;
	return ends;
}

bool exported_spec(FILE *to, const struct exported *exported, struct err *err)
{
	const struct script *world = exported->world;
	struct str text = {0};

	if (!text_equal(exported->identity->engine, "postgres"))
		return err_set(err, "isolationtester is for PostgreSQL; this is %s", exported->identity->product);
	if (ends_a_block(exported))
		return err_set(err, "isolationtester ends a block of SQL at its first '}', in a text too; "
		                    "--export client writes this one");
	str_printf(&text, "# %s\n", exported->what);
	str_add(&text, "setup\n{\n");
	add_list(&text, "\t", exported, &world->schema);
	add_list(&text, "\t", exported, &world->setup);
	str_add(&text, "}\n\nteardown\n{\n");
	for (size_t i = world->tables.n; i-- > 0;)
		str_printf(&text, "\tDROP TABLE %s;\n", world->tables.items[i].name);
	str_add(&text, "}\n");
	for (size_t who = 0; who < exported->sessions; who++)
		add_session(&text, exported, who);
	str_add(&text, "\npermutation");
	for (size_t i = 0; i < exported->schedule->n; i++) {
		str_add_char(&text, ' ');
		add_step_name(&text, exported, i);
	}
	str_add_char(&text, '\n');
	str_write(&text, to);
	return true;
}
