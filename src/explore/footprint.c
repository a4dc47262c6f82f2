/* Words of SQL, no more: what is not understood touches everything. */
#include "explore/footprint.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool has_word(const char *sql, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = strcasestr(sql, word); at != NULL; at = strcasestr(at + 1, word))
		if ((at == sql || !is_word_byte(at[-1])) && !is_word_byte(at[length]))
			return true;
	return false;
}

static table_set tables_of(const char *sql, const char *const *tables, size_t n)
{
	table_set set = 0;

	for (size_t i = 0; i < n && n < 64; i++)
		if (has_word(sql, tables[i]))
			set |= UINT64_C(1) << i;
	return set != 0 ? set : ALL_TABLES;
}

/* A read that may do more than read: it locks, calls what we do not know, or changes something on the way. */
static bool is_plain_read(const struct db_call *call)
{
	static const char *const more[] = {"for", "lock", "into", "insert", "update", "delete", "nextval", "get_lock",
	                                   "release_lock"};

	if (call->verb != DB_READ || (call->traits & DB_LOCKS) != 0 || strchr(call->sql, '{') != NULL ||
	    strcasestr(call->sql, "pg_") != NULL)
		return false;
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (has_word(call->sql, more[i]))
			return false;
	return true;
}

struct footprint footprint_of_call(const struct db_call *call, const char *isolation, const char *const *tables,
                                   size_t n_tables)
{
	const bool strict = text_equal(isolation, "SERIALIZABLE");
	struct footprint touched = {.dirty = text_equal(isolation, "READ UNCOMMITTED")};

	touched.latest = touched.dirty || text_equal(isolation, "READ COMMITTED");

	switch (call->verb) {
	case DB_BEGIN:
		touched.locks = call->for_write ? ALL_TABLES : 0;
		break;
	case DB_READ:
	case DB_WRITE:
		touched.sees = true;
		if (is_plain_read(call) && !strict)
			touched.reads = tables_of(call->sql, tables, n_tables);
		else
			touched.locks = tables_of(call->sql, tables, n_tables);
		/* A lock by a name is of no table, and may end by a statement. */
		if (call->verb == DB_READ && touched.locks != 0 && strstr(call->sql, "{named") != NULL)
			touched.locks = touched.ends = ALL_TABLES;
		break;
	case DB_COMMIT:
	case DB_ROLLBACK:
		/* SERIALIZABLE: who may commit can depend on what others only read. */
		touched.ends = strict ? ALL_TABLES : 0;
		break;
	}
	return touched;
}

struct footprint footprint_union(struct footprint a, struct footprint b)
{
	return (struct footprint){
		.reads = a.reads | b.reads, .locks = a.locks | b.locks, .ends = a.ends | b.ends,
		.sees = a.sees || b.sees, .dirty = a.dirty || b.dirty, .latest = a.latest || b.latest,
	};
}

bool footprints_meet(struct footprint a, struct footprint b)
{
	if (((a.locks | a.ends) & (b.locks | b.ends)) != 0)
		return true;
	if ((a.ends != 0 && b.sees) || (b.ends != 0 && a.sees))
		return true;
	return (a.dirty && (a.reads & b.locks) != 0) || (b.dirty && (b.reads & a.locks) != 0);
}
