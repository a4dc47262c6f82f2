/* The names of the room's enums: what programs read in JSON, what people type and see. */
#include <ctype.h>

#include "base/str.h"
#include "db/db.h"

static const char *const errs[] = {
	[DB_OK] = "ok", [DB_BUSY] = "busy", [DB_DEADLOCK] = "deadlock",
	[DB_SERIALIZATION] = "serialization", [DB_CONSTRAINT] = "constraint",
	[DB_TIMEOUT] = "lock_timeout", [DB_CANCELED] = "canceled", [DB_LOST] = "lost",
	[DB_REFUSED] = "refused", [DB_RANGE] = "range", [DB_FULL] = "full",
	[DB_BROKEN] = "broken",
};

static const char *const isos[] = {
	[DB_ISO_DEFAULT] = "default", [DB_ISO_SERVER] = "server",
	[DB_READ_UNCOMMITTED] = "READ UNCOMMITTED", [DB_READ_COMMITTED] = "READ COMMITTED",
	[DB_REPEATABLE_READ] = "REPEATABLE READ", [DB_SERIALIZABLE] = "SERIALIZABLE",
};

const char *db_err_name(enum db_err err)
{
	return errs[err];
}

bool db_err_of_name(const char *name, enum db_err *err)
{
	for (size_t i = 0; i < COUNT_OF(errs); i++)
		if (text_equal(name, errs[i])) {
			*err = (enum db_err)i;
			return true;
		}
	return false;
}

bool db_err_is_refusal(enum db_err err)
{
	return err == DB_BUSY || err == DB_DEADLOCK || err == DB_SERIALIZATION || err == DB_TIMEOUT;
}

const char *db_tx_name(enum db_tx tx)
{
	static const char *const names[] = {
		[DB_TX_NONE] = "none", [DB_TX_OPEN] = "open", [DB_TX_ABORTED] = "aborted",
		[DB_TX_UNKNOWN] = "unknown",
	};

	return names[tx];
}

const char *db_wait_name(enum db_wait wait)
{
	static const char *const names[] = {
		[DB_WAITS_NOT] = "not", [DB_WAITS] = "waits", [DB_WAITS_UNKNOWN] = "unknown",
	};

	return names[wait];
}

const char *db_verb_name(enum db_verb verb)
{
	static const char *const names[] = {
		[DB_BEGIN] = "begin", [DB_READ] = "read", [DB_WRITE] = "write", [DB_COMMIT] = "commit",
		[DB_ROLLBACK] = "rollback",
	};

	return names[verb];
}

const char *db_ability_name(enum db_ability ability)
{
	switch (ability) {
	case DB_HAS_NAMED_LOCKS:
		return "locks by name";
	case DB_NAMED_LOCKS_END:
		return "locks by name that end with a transaction";
	case DB_HAS_SHARE_LOCKS:
		return "shared locks on rows";
	case DB_HAS_CONNECTIONS:
		return "a connection that can break";
	case DB_HAS_DIRTY_READS:
		return "reads of what is not committed";
	}
	return "nothing";
}

const char *db_iso_name(enum db_iso iso)
{
	return isos[iso];
}

bool db_iso_parse(const char *text, enum db_iso *iso, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(isos); i++) {
		const char *a = text, *b = isos[i];

		while (*a != '\0' && (toupper((unsigned char)*a) == toupper((unsigned char)*b) ||
		                      (*b == ' ' && (*a == '-' || *a == '_')))) {
			a++;
			b++;
		}
		if (*a == '\0' && *b == '\0') {
			*iso = (enum db_iso)i;
			return true;
		}
	}
	return err_set(err, "there is no isolation level '%s'; there are read-uncommitted, read-committed, "
	                    "repeatable-read, serializable, server, default", text);
}
