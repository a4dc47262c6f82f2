/* Faults by a hook: it counts the calls of an attempt and fails the one that is meant. */
#include "lab/fault.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

static const char *const hows[] = {
	[FAULT_NONE] = "none", [FAULT_REFUSE] = "refuse", [FAULT_CUT] = "cut", [FAULT_LOSE] = "lose"};

/* ---- as text --------------------------------------------------------------------------------- */

static bool parse_how(const char *text, enum fault_how *how)
{
	for (size_t i = FAULT_REFUSE; i < COUNT_OF(hows); i++) {
		if (text_equal(hows[i], text)) {
			*how = (enum fault_how)i;
			return true;
		}
	}
	return false;
}

static bool parse_number(const char *text, uint32_t *number)
{
	int64_t wide;

	if (!num_parse(text, 1, UINT32_MAX, &wide, NULL))
		return false;
	*number = (uint32_t)wide;
	return true;
}

bool fault_parse(const char *text, struct fault *fault, struct err *err)
{
	char *call = mem_text(text), *how = strchr(call, ':'), *every = how != NULL ? strchr(how, '/') : NULL;

	*fault = (struct fault){.every = 1};
	if (how != NULL)
		*how++ = '\0';
	if (every != NULL)
		*every++ = '\0';
	bool ok = how != NULL && parse_how(how, &fault->how) &&
	          (text_equal(call, "commit") || parse_number(call, &fault->call)) &&
	          (every == NULL || parse_number(every, &fault->every));
	if (!ok)
		err_set(err,
		        "'%s' is no fault: CALL:HOW or CALL:HOW/EVERY, where CALL is a number from 1 or \"commit\" "
		        "and HOW is refuse, cut or lose; such as commit:lose/3", text);
	free(call);
	return ok;
}

char *fault_text(const struct fault *fault)
{
	char *call = fault->call == 0 ? mem_text("commit") : mem_printf("%u", (unsigned)fault->call);
	char *every = fault->every == 1 ? mem_text("") : mem_printf("/%u", (unsigned)fault->every);
	char *text = mem_printf("%s:%s%s", call, hows[fault->how], every);

	free(call);
	free(every);
	return text;
}

/* ---- at work --------------------------------------------------------------------------------- */

static bool is_meant(const struct fault_watch *watch, const struct db_call *call)
{
	if (watch->fault.call == 0)
		return call->verb == DB_COMMIT;
	return watch->calls == watch->fault.call;
}

static bool before_call(void *context, const struct db_call *call)
{
	struct fault_watch *watch = context;

	if (call->label == NULL) /* the laboratory's own */
		return true;
	watch->calls++;
	if (!watch->armed || !is_meant(watch, call))
		return true;
	watch->armed = false;
	if (watch->fault.how == FAULT_REFUSE)
		return false;
	return db_cut(watch->session, watch->fault.how == FAULT_CUT ? DB_CUT_ALL : DB_CUT_ANSWERS);
}

void fault_init(struct fault_watch *watch, const struct fault *fault)
{
	*watch = (struct fault_watch){.fault = *fault, .hook = {watch, before_call, NULL, NULL}};
}

void fault_watch(struct fault_watch *watch, struct db_session *session)
{
	watch->session = session;
	watch->armed = false;
	if (watch->fault.how != FAULT_NONE)
		db_add_hook(session, &watch->hook);
}

void fault_arm(struct fault_watch *watch, uint32_t request, uint32_t attempt)
{
	watch->calls = 0;
	watch->armed = false;
	if (watch->fault.how == FAULT_NONE || attempt != 1)
		return;
	uint32_t number = request != 0 ? request : ++watch->unnumbered;
	watch->armed = number % watch->fault.every == 0;
}
