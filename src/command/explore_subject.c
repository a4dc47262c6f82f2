/* Variants by name, files by their ending. */
#include "command/explore_subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- the subject --------------------------------------------------------------------------------------------- */

static char *join(int argc, char **argv)
{
	struct str text = {0};

	for (int i = 0; i < argc; i++) {
		str_add(&text, i > 0 ? " " : "");
		str_add(&text, argv[i]);
	}
	return str_take(&text);
}

static bool check_level(const struct explore_order *order, const struct variant *variant, struct err *err)
{
	if (variant->iso == DB_ISO_DEFAULT || order->where.iso == DB_ISO_DEFAULT || order->where.iso == variant->iso)
		return true;
	return err_set(err, "--isolation: %s has a level of its own, %s; leave the option out", variant->name,
	               db_iso_name(variant->iso));
}

/* One more of "A + B". */
static bool take_variant(const struct explore_order *order, char *name, struct explore_subject *subject,
                         size_t *n, struct err *err)
{
	struct operation_play *play = &subject->operation;
	struct registry_entry entry;

	name += strspn(name, " ");
	for (size_t length = strlen(name); length > 0 && name[length - 1] == ' '; length--)
		name[length - 1] = '\0';
	if (*n == EXPLORE_MOST_SESSIONS)
		return err_set(err, "at most %d sessions", EXPLORE_MOST_SESSIONS);
	if (!registry_find(name, &entry, err) || !check_level(order, entry.variant, err))
		return false;
	if (*n > 0 && entry.scenario != play->entries[0].scenario)
		return err_set(err, "%s is of another scenario", name);
	if (*n > 0 && entry.variant->derives != play->entries[0].variant->derives)
		return err_set(err, "%s and %s: one keeps a balance and the other does not; no invariant fits both",
		               play->entries[0].variant->name, entry.variant->name);
	play->entries[(*n)++] = entry;
	return true;
}

static bool take_variants(const struct explore_order *order, struct explore_subject *subject, struct err *err)
{
	struct operation_play *play = &subject->operation;
	char *names = mem_text(subject->what), *rest = names;
	size_t n = 0;
	bool ok = true;

	for (char *name; ok && (name = strsep(&rest, "+")) != NULL;)
		ok = take_variant(order, name, subject, &n, err);
	free(names);
	if (ok && order->sessions != 0 && (size_t)order->sessions < n)
		ok = err_set(err, "--sessions %lld is less than the %zu variants", (long long)order->sessions, n);
	if (!ok)
		return false;
	play->sessions = order->sessions != 0 ? (size_t)order->sessions : n > 1 ? n : 2;
	for (size_t i = n; i < play->sessions; i++)
		play->entries[i] = play->entries[i % n];
	subject->iso = play->entries[0].variant->iso;
	for (size_t i = 0; i < play->sessions; i++) {
		subject->parts[i] = play->entries[i].variant->name;
		if (play->entries[i].variant->iso != subject->iso)
			subject->iso = DB_ISO_DEFAULT;
	}
	for (size_t i = 0; i < play->sessions; i++)
		if (play->entries[i].variant->iso != subject->iso)
			subject->own_levels[i] = db_iso_name(play->entries[i].variant->iso);
	play->amount = 100;
	play->tx_mode = handling_tx_mode(&order->handling);
	play->retry = handling_retry(&order->handling);
	operation_play_init(play);
	subject->play = &play->play;
	return true;
}

static bool take_file(const struct explore_order *order, struct explore_subject *subject, struct err *err)
{
	if (order->sessions != 0 || order->handling.no_transaction || order->handling.max_tries != 1)
		return err_set(err, "--sessions, --no-transaction and --max-tries are not for a file, which says all "
		                    "that itself");
	if (!script_read(subject->what, &subject->script, err))
		return false;
	script_play_init(&subject->transactions, &subject->script);
	subject->play = &subject->transactions.play;
	for (size_t i = 0; i < subject->script.n_sessions; i++)
		subject->parts[i] = subject->script.sessions[i].name;
	if (subject->script.n_sessions > EXPLORE_MOST_SESSIONS) {
		script_fini(&subject->script);
		return err_set(err, "%s has more than %d sessions", subject->what, EXPLORE_MOST_SESSIONS);
	}
	return true;
}

bool explore_subject_take(int argc, char **argv, const struct explore_order *order, struct explore_subject *subject,
                          struct err *err)
{
	*subject = (struct explore_subject){.what = join(argc, argv)};
	if (argc == 0)
		return err_set(err, "name a variant, such as deposit/atomic_no_delay (`racy list` shows them), or a "
		                    "FILE.sql");
	size_t length = strlen(subject->what);
	if (length <= 4 || !text_equal(subject->what + length - 4, ".sql"))
		return take_variants(order, subject, err);
	return subject->is_file = take_file(order, subject, err);
}

void explore_subject_fini(struct explore_subject *subject)
{
	free(subject->what);
	if (subject->is_file)
		script_fini(&subject->script);
}

const struct play *explore_subject_another(const struct explore_subject *subject, struct explore_play *play)
{
	if (subject->is_file) {
		script_play_init(&play->transactions, &subject->script);
		return &play->transactions.play;
	}
	play->operation = subject->operation;
	operation_play_init(&play->operation);
	return &play->operation.play;
}

void explore_subject_keep_sql(struct explore_subject *subject)
{
	subject->operation.play.keeps_sql = subject->transactions.play.keeps_sql = true;
}

const char *explore_subject_state(const struct explore_subject *subject)
{
	return subject->is_file ? "the file's setup" : "an account with balance 0";
}

struct db_identity explore_subject_identity(const struct explore_subject *subject, const struct database *database)
{
	struct db_identity identity = database->identity;

	if (subject->iso != DB_ISO_DEFAULT)
		(void)snprintf(identity.isolation, sizeof identity.isolation, "%s", db_iso_name(subject->iso));
	return identity;
}

/* ---- its database -------------------------------------------------------------------------------------------- */

/* An engine on which the variant cannot be. */
static bool check_engine(const struct explore_subject *subject, const struct database *database, struct err *err)
{
	const struct fault none = {0};

	for (size_t i = 0; !subject->is_file && i < subject->play->sessions; i++) {
		char *obstacle = handling_obstacle(subject->operation.entries[i].variant, &none, &database->target,
		                                   database->identity.product);
		if (obstacle == NULL)
			continue;
		err_set(err, "%s: %s", subject->parts[i], obstacle);
		free(obstacle);
		return false;
	}
	return true;
}

bool explore_subject_create(const struct explore_subject *subject, const struct database *database, struct err *err)
{
	if (!check_engine(subject, database, err))
		return false;
	struct db_session *session = subject->is_file ? db_open(&database->target, &database->settings, err) : NULL;
	bool ok = !subject->is_file || (session != NULL && script_create(&subject->script, session, err));
	db_close(session);
	return ok;
}
