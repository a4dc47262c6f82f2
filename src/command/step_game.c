/* racy step's player: reads what is typed, tells what comes of it. */
#include "command/step_game.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/again.h"
#include "command/command.h"
#include "command/explore_job.h"
#include "command/interrupt.h"

/* ---- telling ------------------------------------------------------------------------------------------- */

/* Heap. */
static char *again_text(const struct step_game *game, const struct schedule *schedule)
{
	struct str line = {0}, steps = {0};

	str_add(&line, game->again);
	order_text(&steps, schedule);
	again_word(&line, str_text(&steps));
	str_fini(&steps);
	return str_take(&line);
}

static void tell(struct step_game *game, const struct stepping_view *view)
{
	const bool over = view->at == STEPPING_OVER;
	struct err no_rows = {0};
	struct str rows = {0};
	bool seen = over || world_look(game->world, &rows, &no_rows);
	char *again = over ? again_text(game, view->schedule) : NULL;
	const struct stepped stepped = {
		.subject = game->subject, .view = view, .told = str_text(&game->told), .error = game->error,
		.rows = !seen ? NULL : over ? str_text(&view->schedule->state) : str_text(&rows),
		.no_rows = err_text(&no_rows), .again = again, .first = !game->began,
	};

	if (game->json)
		stepped_json(stdout, &stepped);
	else
		stepped_text(stdout, &game->style, &stepped, game->part);
	game->began = true;
	free(game->error);
	game->error = NULL;
	str_clear(&game->told);
	free(again);
	str_fini(&rows);
	err_fini(&no_rows);
}

static void forget_line(struct step_game *game)
{
	step_line_fini(&game->line);
	game->at = 0;
}

/* Nothing has come of what was typed, or of the rest of it. Takes the text. */
static struct stepping_wish refuse(struct step_game *game, struct str *text)
{
	game->part = game->at > 0 ? STEPPED_ALL : STEPPED_ERROR;
	free(game->error);
	game->error = str_take(text);
	forget_line(game);
	return (struct stepping_wish){.kind = STEPPING_NOTHING};
}

/* ---- steps that were typed ----------------------------------------------------------------------------- */

static bool waits(const struct stepping_session *session)
{
	return session->at == ACTOR_BUSY || session->at == ACTOR_WAITING;
}

/* Why the session cannot do that; nothing: it can. `name`: "": whatever is next. */
static void add_obstacle(struct str *text, const struct stepping_view *view, size_t who, const char *name)
{
	const struct stepping_session *session = &view->sessions[who];
	const char letter = (char)('A' + who);

	if (view->at == STEPPING_OVER)
		str_add(text, "the order is over, and nobody has a step left");
	else if (view->at == STEPPING_UNTOLD)
		str_add(text, "this order cannot go on");
	else if (session->at == ACTOR_ENDED)
		str_printf(text, "%c has ended", letter);
	else if (!session->can)
		str_printf(text, "%c waits for a lock, and cannot be chosen until another session lets it go",
		           letter);
	else if (!waits(session) && name[0] != '\0' && !order_names(name, session->next)) {
		str_printf(text, "the next step of %c is ", letter);
		order_name(text, session->next);
	}
}

/* The next of the steps that were typed. False: it cannot be taken, which is told. */
static bool take_typed(struct step_game *game, const struct stepping_view *view, struct stepping_wish *wish)
{
	const struct step_order *steps = &game->line.steps;
	const size_t who = steps->who[game->at], left = steps->n - game->at;
	const char *name = steps->steps[game->at];
	struct str text = {0};

	add_obstacle(&text, view, who, name);
	if (text.length > 0) {
		if (steps->n > 1)
			str_printf(&text, "; %zu of %zu steps were taken", steps->n - left, steps->n);
		(void)refuse(game, &text);
		return false;
	}
	/* A later step of one that waits in its client: it looks for its lock first, which is no step. */
	if (!waits(&view->sessions[who]) || name[0] == '\0' || order_names(name, view->sessions[who].next))
		game->at++;
	*wish = (struct stepping_wish){STEPPING_STEP, who};
	return true;
}

/* ---- a line -------------------------------------------------------------------------------------------- */

/* What is typed at a terminal is there already; a script's is put there, so that both look the same. */
static void echo(const struct step_game *game, const char *bytes, size_t length)
{
	enum { MOST = 200 };

	for (size_t i = 0; i < length && i < MOST && game->echoes; i++)
		putchar(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?');
	if (game->echoes)
		puts(length > MOST ? "..." : "");
}

/* False: there is none. */
static bool read_line(struct step_game *game, size_t sessions)
{
	const char *bytes = "";
	size_t length = 0;
	struct err err = {0};
	struct str text = {0};

	forget_line(game);
	fputs(game->json ? "" : "> ", stdout);
	if (!explore_flush(game->err))
		return false;
	enum step_read read = step_input_read(&game->input, &bytes, &length, game->err);
	if (read != STEP_READ_LINE && read != STEP_READ_TOO_LONG) {
		fputs(game->json ? "" : "\n", stdout);
		return false;
	}
	echo(game, bytes, length);
	if (read == STEP_READ_TOO_LONG)
		str_printf(&text, "a line of more than %d bytes is too long", STEP_LINE_MOST);
	else if (!step_line_parse(bytes, length, sessions, &game->line, &err))
		str_add(&text, err_text(&err));
	if (text.length > 0)
		(void)refuse(game, &text);
	err_fini(&err);
	return true;
}

static size_t only_choice(const struct stepping_view *view)
{
	size_t only = view->n, n = 0;

	for (size_t who = 0; who < view->n; who++)
		if (view->sessions[who].can) {
			only = who;
			n++;
		}
	return n == 1 ? only : view->n;
}

static struct stepping_wish take_back(struct step_game *game, const struct stepping_view *view, size_t n)
{
	struct str text = {0};

	if (n <= view->choices)
		return (struct stepping_wish){STEPPING_BACK, n};
	if (view->choices == 0)
		str_add(&text, "nothing was chosen yet that could be taken back");
	else
		str_printf(&text, "only %zu can be taken back", view->choices);
	return refuse(game, &text);
}

static struct stepping_wish finish(struct step_game *game, const struct stepping_view *view)
{
	struct str text = {0};

	if (view->at == STEPPING_ASKS)
		return (struct stepping_wish){.kind = STEPPING_FINISH};
	str_add(&text, view->at == STEPPING_OVER ? "it is over already" : "this order cannot go on");
	return refuse(game, &text);
}

/* A line without steps. */
static struct stepping_wish obey(struct step_game *game, const struct stepping_view *view)
{
	const struct stepping_wish nothing = {.kind = STEPPING_NOTHING};
	const size_t only = only_choice(view);

	switch (game->line.wish) {
	case STEP_NOTHING: return only < view->n ? (struct stepping_wish){STEPPING_STEP, only} : nothing;
	case STEP_BACK: return take_back(game, view, game->line.back);
	case STEP_RESTART: return (struct stepping_wish){STEPPING_BACK, view->choices};
	case STEP_ROWS: game->part = STEPPED_ROWS; return nothing;
	case STEP_ORDER: game->part = STEPPED_ORDER; return nothing;
	case STEP_HELP: game->part = STEPPED_HELP; return nothing;
	case STEP_FINISH: return finish(game, view);
	case STEP_TAKE:
	case STEP_QUIT: break;
	}
	return (struct stepping_wish){.kind = STEPPING_QUIT};
}

/* ---- the player ---------------------------------------------------------------------------------------- */

static int code_of(const struct stepping_view *view)
{
	if (view->at != STEPPING_OVER)
		return RACY_INCONCLUSIVE;
	return stepped_breaks(view) ? RACY_VIOLATED : RACY_OK;
}

static bool has_typed(const struct step_game *game)
{
	return game->line.wish == STEP_TAKE && game->at < game->line.steps.n;
}

static void note_told(struct step_game *game, const struct stepping_view *view)
{
	struct str text = {0};

	if (view->told[0] == '\0')
		return;
	str_add(&game->told, game->told.length > 0 ? " " : "");
	str_add(&game->told, view->told);
	game->part = STEPPED_ALL;
	if (!view->undone || !has_typed(game))
		return;
	str_printf(&text, "the rest of what was typed was not taken");
	game->at++; /* something has changed */
	(void)refuse(game, &text);
}

static struct stepping_wish ask(void *context, const struct stepping_view *view)
{
	struct step_game *game = context;
	struct stepping_wish wish = {.kind = STEPPING_QUIT};

	note_told(game, view);
	if (has_typed(game) && take_typed(game, view, &wish))
		return wish;
	for (tell(game, view); read_line(game, view->n); tell(game, view)) {
		if (game->error != NULL)
			continue;
		game->part = STEPPED_ALL;
		if (!has_typed(game)) {
			wish = obey(game, view);
			break;
		}
		if (take_typed(game, view, &wish))
			break;
	}
	game->code = wish.kind == STEPPING_QUIT ? code_of(view) : RACY_INCONCLUSIVE;
	return wish;
}

bool step_game_play(struct step_game *game, struct world *world, const struct serial *serial, struct err *err)
{
	const struct stepping_player player = {game, ask, &interrupted};

	game->code = RACY_INCONCLUSIVE;
	game->err = err;
	game->world = world;
	bool ok = stepping_run(world, serial, &player, err) && err->text == NULL;
	forget_line(game);
	step_input_fini(&game->input);
	str_fini(&game->told);
	free(game->error);
	return ok;
}
