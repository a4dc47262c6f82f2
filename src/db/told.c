/* A call as a person would type it: tokens and values written out. Never what is sent. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/dialect.h"
#include "db/sql.h"

static void add_value(struct str *sql, const struct db_value *value)
{
	if (value->type == DB_INT) {
		str_printf(sql, "%lld", (long long)value->integer);
	} else if (value->type != DB_TEXT) {
		str_add(sql, "NULL");
	} else {
		str_add_char(sql, '\'');
		for (size_t i = 0; i < value->length; i++) {
			if (value->text[i] == '\'')
				str_add_char(sql, '\'');
			str_add_char(sql, value->text[i]);
		}
		str_add_char(sql, '\'');
	}
}

static char *with_values(const char *sql, const struct db_value *args)
{
	const char *at = sql, *end = sql + strlen(sql), *taken = sql;
	struct sql_word word;
	struct str told = {0};

	for (size_t n = 0; n < DB_MAX_ARGS && args[n].type != DB_END && sql_next(&at, end, &word);)
		if (sql_is(&word, "?")) {
			str_add_n(&told, taken, (size_t)(word.at - taken));
			add_value(&told, &args[n++]);
			taken = at;
		}
	str_add(&told, taken);
	return str_take(&told);
}

char *db_sql_for(const struct db_target *target, const char *sql)
{
	struct err err = {0};
	char *expanded = dialect_expand(target->driver->dialect, sql, &err);

	err_fini(&err);
	return expanded != NULL ? expanded : mem_text(sql);
}

char *db_sql_text(const struct db_session *session, const struct db_call *call)
{
	struct err err = {0};

	switch (call->verb) {
	case DB_BEGIN: return mem_text(call->for_write ? "BEGIN IMMEDIATE" : "BEGIN");
	case DB_COMMIT: return mem_text("COMMIT");
	case DB_ROLLBACK: return mem_text("ROLLBACK");
	case DB_READ:
	case DB_WRITE: break;
	}
	char *sql = dialect_expand(db_dialect(session), call->sql, &err);
	char *told = with_values(sql != NULL ? sql : call->sql, call->args);
	free(sql);
	err_fini(&err);
	return told;
}
