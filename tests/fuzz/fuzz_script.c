/* Files of transactions out of any bytes. What is taken is whole: sessions with steps, values that some step before
 * reads; what is refused says where. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "explore/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Whatever the SQL is, the words of it end where it ends. */
static void check_rows(const struct script *script, const struct script_step *step)
{
	struct db_call call = {.verb = step->verb, .sql = step->sql, .label = step->name};

	for (size_t i = 0; i < step->n_args; i++)
		call.args[i] = db_int(1);
	struct named_rows rows = rows_of_call(&call, script->keys, script->n_keys);
	must((rows.row == 0) == (rows.column == 0) && !(rows.makes && rows.row != 0));
}

static void check_session(const struct script *script, const struct script_session *session)
{
	must(session->name != NULL && session->n_steps > 0 && session->n_steps <= SCRIPT_MAX_STEPS);
	must(session->n_names <= SCRIPT_MAX_NAMES);
	for (size_t i = 0; i < session->n_steps; i++) {
		const struct script_step *step = &session->steps[i];
		must(step->name != NULL && step->sql != NULL && step->sql[0] != '\0');
		for (size_t k = 0; k < step->n_args; k++)
			must(step->args[k] < session->n_names);
		for (size_t k = 0; k < step->n_into; k++)
			must(step->into[k] < session->n_names);
		check_rows(script, step);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1);
	struct script script;
	struct err err = {0};

	must(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	if (script_parse("file", bytes, size, &script, &err)) {
		must(script.n_sessions > 0 && script.n_sessions <= PLAY_MOST_SESSIONS);
		for (size_t i = 0; i < script.n_sessions; i++)
			check_session(&script, &script.sessions[i]);
		script_fini(&script);
	} else {
		must(strncmp(err_text(&err), "file:", 5) == 0);
	}
	err_fini(&err);
	free(bytes);
	return 0;
}
