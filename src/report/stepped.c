/* The columns, what is committed, who can go on; in the end what it came to. */
#include "report/stepped.h"

#include "explore/name.h"
#include "explore/order.h"
#include "report/columns.h"
#include "report/json_text.h"

/* ---- shared by both forms ------------------------------------------------------------------------------ */

bool stepped_breaks(const struct stepping_view *view)
{
	return view->schedule->broken || view->unlike_serial;
}

static char letter(size_t who)
{
	return (char)('A' + who);
}

/* Calls `add` for each write that its session's transaction holds back until its COMMIT. */
static void each_uncommitted(const struct stepping_view *view, size_t who,
                             void (*add)(void *context, const struct actor_step *step), void *context)
{
	const struct schedule *schedule = view->schedule;
	size_t from = 0;

	for (size_t i = 0; i < schedule->n; i++) /* since its last transaction ended */
		if (schedule->steps[i].who == who && schedule->steps[i].what.ended &&
		    schedule->steps[i].what.tx != DB_TX_OPEN)
			from = i + 1;
	for (size_t i = from; i < schedule->n; i++) {
		const struct actor_step *step = &schedule->steps[i].what;
		if (schedule->steps[i].who == who && step->ended && step->verb == DB_WRITE &&
		    step->err == DB_OK && step->affected > 0)
			add(context, step);
	}
}

/* ---- for people ---------------------------------------------------------------------------------------- */

static void add_letters(struct str *text, unsigned set)
{
	size_t left = (size_t)__builtin_popcount(set);

	for (size_t who = 0; who < PLAY_MOST_SESSIONS; who++)
		if ((set >> who & 1) != 0)
			str_printf(text, "%c%s", letter(who), --left == 0 ? "" : left == 1 ? " or " : ", ");
}

static void add_name(void *context, const struct actor_step *step)
{
	struct str *text = context;

	str_printf(text, "%s%s", text->length > 0 ? ", " : "", step->label);
}

static void add_rows(struct str *text, const struct report_style *style, const struct stepped *stepped)
{
	struct str line = {0};

	if (stepped->rows != NULL)
		str_printf(&line, "%s: %s", stepped->view->at == STEPPING_OVER ? "in the end" : "committed",
		           stepped->rows[0] != '\0' ? stepped->rows : "no rows");
	else
		str_printf(&line, "what is committed is not to be seen now: %s", stepped->no_rows);
	str_paragraph(text, style, "  ", str_text(&line));
	for (size_t who = 0; who < stepped->view->n && stepped->view->at == STEPPING_ASKS; who++) {
		struct str writes = {0};
		each_uncommitted(stepped->view, who, add_name, &writes);
		if (writes.length > 0)
			str_printf(text, "  %c has not committed: %s\n", letter(who), str_text(&writes));
		str_fini(&writes);
	}
	str_fini(&line);
}

static void add_standing(struct str *line, const struct stepping_session *session)
{
	switch (session->at) {
	case ACTOR_READY:
		str_printf(line, "next: %s", session->next->label);
		if (session->next->attempt > 0)
			str_printf(line, " (try %u)", session->next->attempt + 1);
		break;
	case ACTOR_BUSY:
	case ACTOR_WAITING:
		str_add(line, session->can ? "can look again for its lock" : "waits for ");
		add_letters(line, session->waits_for);
		str_printf(line, ": %s", session->next->label);
		break;
	case ACTOR_ENDED: str_printf(line, "ended: %s", session->end->text); break;
	case ACTOR_IDLE: break;
	}
}

/* On one line of text. */
static void add_sql(struct str *text, const char *sql)
{
	bool blank = false;

	for (; *sql != '\0'; sql++) {
		bool is_blank = *sql == ' ' || *sql == '\n' || *sql == '\t' || *sql == '\r';
		if (!is_blank) {
			str_add(text, blank ? " " : "");
			str_add_char(text, *sql);
		}
		blank = is_blank && text->length > 0;
	}
}

static void add_session(struct str *text, const struct report_style *style, const struct stepping_view *view,
                        size_t who)
{
	const struct stepping_session *session = &view->sessions[who];
	struct str line = {0}, sql = {0};

	str_printf(&line, "%c ", letter(who));
	add_standing(&line, session);
	if (session->next != NULL)
		add_sql(&sql, session->next->sql);
	if (sql.length > 0 && line.length + sql.length + 6 > (size_t)style->columns && style->wrap) {
		str_paragraph(text, style, "  ", str_text(&line));
		str_paragraph(text, style, "      ", str_text(&sql));
	} else {
		str_printf(text, "  %s%s%s\n", str_text(&line), sql.length > 0 ? "    " : "", str_text(&sql));
	}
	str_fini(&line);
	str_fini(&sql);
}

static void add_question(struct str *text, const struct report_style *style, const struct stepping_view *view)
{
	struct str line = {0};
	unsigned can = 0;

	for (size_t who = 0; who < view->n; who++)
		can |= (unsigned)view->sessions[who].can << who;
	const bool only = __builtin_popcount(can) == 1;
	switch (view->at) {
	case STEPPING_ASKS:
		str_add(&line, only ? "Only " : "Who takes the next step: ");
		add_letters(&line, can);
		str_add(&line, only ? " can take the next step (an empty line is enough)." : "?");
		break;
	case STEPPING_OVER: str_add(&line, "It is over: back, restart or quit?"); break;
	case STEPPING_UNTOLD:
		str_printf(&line, "How it goes on cannot be told: %s. back, restart or quit?",
		           view->schedule->why);
		break;
	}
	str_paragraph(text, style, "", str_text(&line));
	str_fini(&line);
}

static void add_order(struct str *text, const struct report_style *style, const struct stepping_view *view)
{
	struct str line = {0};

	order_text(&line, view->schedule);
	str_paragraph(text, style, "  ", line.length > 0 ? str_text(&line) : "no step was taken yet");
	str_fini(&line);
}

/* The name is asked for here only. */
static const char *name_of(const struct stepped *stepped, struct str *sentence)
{
	const struct explored *subject = stepped->subject;

	return stepped->view->unlike_serial
		? anomaly_name(stepped->view->schedule, subject->play, subject->serial, sentence) : "";
}

static void add_verdict(struct str *text, const struct report_style *style, const struct stepped *stepped)
{
	const struct stepping_view *view = stepped->view;
	const bool broken = view->schedule->broken;
	struct str line = {0}, sentence = {0};
	const char *name = name_of(stepped, &sentence);

	if (!stepped_breaks(view))
		str_add(&line,
		        "This order breaks no invariant, and a serial order comes to the same. Nothing is said of "
		        "other orders.");
	else
		str_printf(&line, "BREAKS: %s%s%s.", broken ? "an invariant does not hold in the end" : "",
		           broken && view->unlike_serial ? ", and " : "",
		           view->unlike_serial ? "no serial order comes to this" : "");
	str_paragraph(text, style, "", str_text(&line));
	if (name[0] != '\0')
		str_printf(text, "%s: %s\n", name, str_text(&sentence));
	str_add(text, "The order:\n");
	add_order(text, style, view);
	if (stepped->again != NULL)
		str_printf(text, "To have it again:\n  %s\n", stepped->again);
	str_fini(&line);
	str_fini(&sentence);
}

static void add_happened(struct str *text, const struct report_style *style, const struct stepped *stepped)
{
	if (stepped->told[0] != '\0')
		str_paragraph(text, style, "", stepped->told);
	if (stepped->view->rerun == STEPPING_ALIKE)
		str_paragraph(text, style, "", "Run again from the start, the same way as before.");
}

static void add_all(struct str *text, const struct report_style *style, const struct stepped *stepped)
{
	const struct stepping_view *view = stepped->view;
	const char *ends[PLAY_MOST_SESSIONS];

	add_happened(text, style, stepped);
	str_add_char(text, '\n');
	for (size_t who = 0; who < view->n; who++)
		ends[who] = view->at == STEPPING_OVER ? view->sessions[who].end->text : NULL;
	str_columns(text, style, view->schedule, view->n, ends);
	str_add_char(text, '\n');
	add_rows(text, style, stepped);
	if (view->at == STEPPING_OVER) {
		add_verdict(text, style, stepped);
		return;
	}
	for (size_t who = 0; who < view->n && view->at == STEPPING_ASKS; who++)
		add_session(text, style, view, who);
}

static void add_help(struct str *text)
{
	str_add(text,
	        "  A, or a           session A takes its next step; AAB: A, A again, then B\n"
	        "  A.read B.read     the same, with the steps' names, as `order` prints them\n"
	        "  (nothing)         the one session that can go on does; if several can, all is told again\n"
	        "  back, back N      takes the last choice back, or N: all is run again without them\n"
	        "  restart           from the start\n"
	        "  rows              what is committed, and what is not yet\n"
	        "  order             the steps until now as one line\n"
	        "  finish            all to their ends, the first session as far as it comes, then the next\n"
	        "  quit              also Ctrl-D, Ctrl-C; exit code 0: the order broke nothing, 1: it did,\n"
	        "                    4: it was not over\n");
}

static void add_start(struct str *text, const struct report_style *style, const struct explored *subject)
{
	struct str line = {0};
	bool differ = false;

	str_explored(text, subject);
	for (size_t who = 0; who < subject->sessions; who++) {
		const char name[2] = {letter(who), '\0'};
		differ = differ || (!text_equal(subject->parts[who], subject->parts[0]) &&
		                    !text_equal(subject->parts[who], name));
	}
	for (size_t who = 0; who < subject->sessions && differ; who++)
		str_printf(text, "%c: %s\n", letter(who), subject->parts[who]);
	str_printf(&line,
	           "You are the scheduler: a session's letter lets it take its next step; `help` tells the rest. "
	           "There is time: a statement waits for its lock up to %d hours, unless --set says otherwise.",
	           STEPPING_PATIENCE_S / 3600);
	str_paragraph(text, style, "", str_text(&line));
	str_fini(&line);
}

void stepped_text(FILE *to, const struct report_style *style, const struct stepped *stepped,
                  enum stepped_part part)
{
	struct str text = {0};

	if (stepped->first)
		add_start(&text, style, stepped->subject);
	switch (part) {
	case STEPPED_ALL: add_all(&text, style, stepped); break;
	case STEPPED_ROWS: add_rows(&text, style, stepped); break;
	case STEPPED_ORDER: add_order(&text, style, stepped->view); break;
	case STEPPED_HELP: add_help(&text); break;
	case STEPPED_ERROR: break;
	}
	if (stepped->error != NULL)
		str_paragraph(&text, style, "", stepped->error);
	add_question(&text, style, stepped->view);
	str_write(&text, to);
}

/* ---- for programs -------------------------------------------------------------------------------------- */

static json_t *letters_json(unsigned set)
{
	json_t *list = json_array();

	for (size_t who = 0; who < PLAY_MOST_SESSIONS; who++)
		if ((set >> who & 1) != 0)
			json_array_append_new(list, json_stringn(&(char){letter(who)}, 1));
	return list;
}

static json_t *step_json(const struct schedule *schedule, size_t i)
{
	const struct schedule_step *step = &schedule->steps[i];
	json_t *json = json_object();

	json_object_set_new(json, "session", json_stringn(&(char){letter(step->who)}, 1));
	json_object_set_new(json, "step", json_text(step->what.label));
	json_object_set_new(json, "sql", json_text(step->what.sql));
	json_object_set_new(json, "ended", json_boolean(step->what.ended));
	json_object_set_new(json, "waited", json_boolean(step->waited));
	if (!step->what.ended)
		return json;
	if (step->waited && step->woken_by < schedule->n && step->woken_by != i)
		json_object_set_new(json, "woken_by", json_integer((json_int_t)step->woken_by));
	if (step->what.err != DB_OK)
		json_object_set_new(json, "error", json_string(db_err_name(step->what.err)));
	else if (step->what.verb == DB_READ)
		json_object_set_new(json, "result", json_text(step->what.result));
	else if (step->what.verb == DB_WRITE)
		json_object_set_new(json, "rows", json_integer(step->what.affected));
	return json;
}

static void append_name(void *context, const struct actor_step *step)
{
	json_array_append_new(context, json_text(step->label));
}

static json_t *session_json(const struct stepped *stepped, size_t who)
{
	const struct stepping_session *session = &stepped->view->sessions[who];
	const bool waits = session->at == ACTOR_BUSY || session->at == ACTOR_WAITING;
	json_t *json = json_object(), *uncommitted = json_array();

	each_uncommitted(stepped->view, who, append_name, uncommitted);
	json_object_set_new(json, "session", json_stringn(&(char){letter(who)}, 1));
	json_object_set_new(json, "does", json_text(stepped->subject->parts[who]));
	json_object_set_new(json, "waits", json_boolean(waits));
	json_object_set_new(json, "waits_for", letters_json(session->waits_for));
	json_object_set_new(json, "can", json_boolean(session->can));
	json_object_set_new(json, "end", session->end != NULL ? json_text(session->end->text) : json_null());
	json_object_set_new(json, "uncommitted", uncommitted);
	if (session->next != NULL) {
		json_object_set_new(json, "next", json_text(session->next->label));
		json_object_set_new(json, "sql", json_text(session->next->sql));
		json_object_set_new(json, "try", json_integer(session->next->attempt + 1));
	}
	return json;
}

static void add_sessions(json_t *json, const struct stepped *stepped)
{
	json_t *sessions = json_array(), *steps = json_array();
	unsigned can = 0, waiting = 0;

	for (size_t i = 0; i < stepped->view->schedule->n; i++)
		json_array_append_new(steps, step_json(stepped->view->schedule, i));
	for (size_t who = 0; who < stepped->view->n; who++) {
		const struct stepping_session *session = &stepped->view->sessions[who];
		json_array_append_new(sessions, session_json(stepped, who));
		can |= (unsigned)session->can << who;
		waiting |= (unsigned)(session->at == ACTOR_BUSY || session->at == ACTOR_WAITING) << who;
	}
	json_object_set_new(json, "steps", steps);
	json_object_set_new(json, "sessions", sessions);
	json_object_set_new(json, "choices", letters_json(can));
	json_object_set_new(json, "waiting", letters_json(waiting));
}

static const char *verdict_of(const struct stepping_view *view)
{
	if (view->at == STEPPING_UNTOLD)
		return "untold";
	return stepped_breaks(view) ? "breaks" : "holds";
}

static void add_end(json_t *json, const struct stepped *stepped)
{
	const struct stepping_view *view = stepped->view;
	struct str sentence = {0};

	if (view->at == STEPPING_UNTOLD)
		json_object_set_new(json, "why", json_text(view->schedule->why));
	if (view->at != STEPPING_OVER)
		return;
	const char *name = name_of(stepped, &sentence);
	json_object_set_new(json, "breaks_invariant", json_boolean(view->schedule->broken));
	json_object_set_new(json, "unlike_serial", json_boolean(view->unlike_serial));
	json_object_set_new(json, "anomaly", name[0] != '\0' ? json_string(name) : json_null());
	json_object_set_new(json, "sentence", json_text(str_text(&sentence)));
	json_object_set_new(json, "again", stepped->again != NULL ? json_text(stepped->again) : json_null());
	str_fini(&sentence);
}

static json_t *subject_json(const struct explored *subject)
{
	struct str server = {0};

	str_printf(&server, "%s %s", subject->identity->product, subject->identity->version);
	json_t *json = json_pack("{so so ss ss ss sb si si}", "subject", json_text(subject->what),
	                         "state", json_text(subject->state),
	                         "engine", subject->identity->engine, "server", str_text(&server), "level",
	                         subject->identity->isolation, "transaction", !subject->no_transaction,
	                         "max_tries", subject->max_tries, "lock_wait_seconds", STEPPING_PATIENCE_S);
	explored_settings(json, subject);
	str_fini(&server);
	return json;
}

void stepped_json(FILE *to, const struct stepped *stepped)
{
	static const char *const reruns[] = {
		[STEPPING_FIRST] = NULL, [STEPPING_ALIKE] = "alike", [STEPPING_UNLIKE] = "unlike",
	};
	const struct stepping_view *view = stepped->view;
	const char *rerun = reruns[view->rerun];
	json_t *json = json_object();
	struct str order = {0};

	if (stepped->first)
		json_object_set_new(json, "scope", subject_json(stepped->subject));
	add_sessions(json, stepped);
	order_text(&order, view->schedule);
	json_object_set_new(json, "order", json_text(str_text(&order)));
	json_object_set_new(json, "taken", json_integer((json_int_t)view->choices));
	json_object_set_new(json, "rows", stepped->rows != NULL ? json_text(stepped->rows) : json_null());
	if (stepped->rows == NULL)
		json_object_set_new(json, "no_rows", json_text(stepped->no_rows));
	json_object_set_new(json, "rerun", rerun != NULL ? json_string(rerun) : json_null());
	json_object_set_new(json, "told", json_text(stepped->told));
	json_object_set_new(json, "error", stepped->error != NULL ? json_text(stepped->error) : json_null());
	json_object_set_new(json, "verdict",
	                    view->at == STEPPING_ASKS ? json_null() : json_string(verdict_of(view)));
	add_end(json, stepped);
	json_dumpf(json, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(json);
	str_fini(&order);
}
