/* A chooser that asks, and a path of choices that is gone again. */
#include "explore/stepping.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "explore/frontier.h"
#include "explore/order.h"
#include "explore/search.h"

/* Who was chosen, and after how long a time where the step before it waits on a server. Whose wait runs out of
 * PostgreSQL's deadlock_timeout first is who looks for a deadlock, so that all is run again at the pace at which it
 * was chosen. */
struct stepping_choice {
	struct choice choice;
	int64_t pace_ns;
};
/* Longer than any deadlock_timeout in use (1 s by default), and not too long to wait for. */
static const int64_t SLOWEST_PACE_NS = 1200 * NS_PER_MS;

struct stepping {
	struct world *world;
	const struct serial *serial;
	const struct stepping_player *player;
	struct schedule schedule;
	struct stepping_choice *path; /* what was chosen */
	size_t n, capacity;
	size_t at; /* how much of it the schedule that runs has gone */
	int64_t stood_ns; /* since when everybody stands still */
	struct schedule_step *before; /* the steps as they went the last time; NULL: this is the first */
	size_t n_before;
	bool finishing, quits, undone;
	bool deadlock_told;
	enum stepping_rerun rerun;
	struct str told;
	struct stepping_session sessions[PLAY_MOST_SESSIONS];
};

static void tell(struct stepping *stepping, const char *sentence)
{
	str_add(&stepping->told, stepping->told.length > 0 ? " " : "");
	str_add(&stepping->told, sentence);
}

static int index_of(const size_t *who, size_t n, size_t session)
{
	for (size_t i = 0; i < n; i++)
		if (who[i] == session)
			return (int)i;
	return -1;
}

/* ---- how everybody stands ------------------------------------------------------------------------------ */

/* A session's last step; NULL: it has taken none. */
static const struct schedule_step *last_of(const struct schedule *schedule, size_t who)
{
	for (size_t i = schedule->n; i-- > 0;)
		if (schedule->steps[i].who == who)
			return &schedule->steps[i];
	return NULL;
}

static unsigned may_hold(const struct stepping *stepping, size_t who)
{
	unsigned set = 0;

	for (size_t i = 0; i < world_play(stepping->world)->sessions; i++)
		if (i != who && last_of(&stepping->schedule, i) != NULL)
			set |= 1U << i;
	return set;
}

/* `can`: of these n. */
static void look_at(struct stepping *stepping, const size_t *who, size_t n)
{
	for (size_t i = 0; i < world_play(stepping->world)->sessions; i++) {
		struct actor *actor = world_actor(stepping->world, i);
		struct stepping_session *session = &stepping->sessions[i];
		*session = (struct stepping_session){.at = actor_at(actor), .can = index_of(who, n, i) >= 0};
		if (session->at == ACTOR_READY)
			session->next = actor_next(actor);
		if (session->at == ACTOR_ENDED)
			session->end = actor_end(actor);
		if (session->at == ACTOR_BUSY || session->at == ACTOR_WAITING) {
			session->next = &last_of(&stepping->schedule, i)->what;
			session->waits_for = session->can ? 0 : may_hold(stepping, i);
		}
	}
}

/* Somebody waited when the player was asked, and does so no more. */
static bool has_moved(const struct stepping *stepping)
{
	for (size_t i = 0; i < world_play(stepping->world)->sessions; i++)
		if (stepping->sessions[i].at == ACTOR_BUSY &&
		    actor_at(world_actor(stepping->world, i)) != ACTOR_BUSY)
			return true;
	return false;
}

/* ---- run again, the same way? -------------------------------------------------------------------------- */

/* Of what has ended by now; what still waits has waited then too, and at least until then. In its client it
 * looks for the lock by a choice that is no step. */
static bool went_alike(const struct stepping *stepping, size_t i)
{
	const struct schedule_step *before = &stepping->before[i], *now = &stepping->schedule.steps[i];
	const size_t from = stepping->schedule.n - world_waits_in_client(stepping->world);

	if (before->who != now->who || !text_equal(before->what.label, now->what.label) ||
	    before->waited != now->waited)
		return false;
	if (!now->what.ended)
		return !before->what.ended || before->woken_by >= from || before->woken_by == i;
	return before->what.ended && before->what.err == now->what.err && before->what.tx == now->what.tx &&
	       before->what.affected == now->what.affected && before->what.mark == now->what.mark &&
	       before->woken_by == now->woken_by;
}

static void add_outcome(struct str *text, const struct actor_step *step)
{
	if (!step->ended)
		str_add(text, "waited on");
	else if (step->err != DB_OK)
		str_printf(text, "ended with \"%s\"", db_err_name(step->err));
	else if (step->verb == DB_READ)
		str_printf(text, "read %s", step->result);
	else if (step->verb == DB_WRITE)
		str_printf(text, "wrote %lld row%s", (long long)step->affected, step->affected == 1 ? "" : "s");
	else
		str_add(text, "was carried out");
}

static void tell_unlike_step(struct stepping *stepping, size_t i)
{
	const struct schedule_step *now = &stepping->schedule.steps[i], *before = &stepping->before[i];
	struct str sentence = {0};

	str_printf(&sentence, "Run again from the start, it went another way: %c.", (char)('A' + now->who));
	order_name(&sentence, &now->what);
	str_printf(&sentence, ", step %zu, ", i + 1);
	add_outcome(&sentence, &now->what);
	str_add(&sentence, now->waited ? " after it had waited; before, it " : "; before, it ");
	add_outcome(&sentence, &before->what);
	str_add(&sentence, before->waited ? " after it had waited. It goes on as it is now."
	                                  : ". It goes on as it is now.");
	tell(stepping, str_text(&sentence));
	str_fini(&sentence);
}

static bool went_alike_so_far(struct stepping *stepping)
{
	for (size_t i = 0; i < stepping->schedule.n && i < stepping->n_before; i++)
		if (!went_alike(stepping, i)) {
			tell_unlike_step(stepping, i);
			return false;
		}
	return true;
}

/* What was chosen is gone again, or cannot be any further. */
static void end_rerun(struct stepping *stepping, bool whole)
{
	if (stepping->before == NULL)
		return;
	bool alike = went_alike_so_far(stepping);
	if (alike && !whole)
		tell(stepping,
		     "Run again from the start, it went another way: what was chosen next cannot be chosen as it "
		     "could before. It goes on as it is now.");
	stepping->rerun = alike && whole ? STEPPING_ALIKE : STEPPING_UNLIKE;
	stepping->n = stepping->at;
	free(stepping->before);
	stepping->before = NULL;
}

/* Next time without the last `less` choices. */
static void run_again(struct stepping *stepping, size_t less)
{
	const struct schedule *schedule = &stepping->schedule;

	stepping->n -= less < stepping->n ? less : stepping->n;
	free(stepping->before);
	stepping->before = mem_new(schedule->n + 1, sizeof *stepping->before);
	memcpy(stepping->before, schedule->steps, schedule->n * sizeof *stepping->before);
	stepping->n_before = schedule->n;
	stepping->finishing = false;
}

/* ---- choosing ------------------------------------------------------------------------------------------ */

static bool is_interrupted(const struct stepping *stepping)
{
	return stepping->player->interrupted != NULL && *stepping->player->interrupted;
}

static struct stepping_wish ask(struct stepping *stepping, enum stepping_at at)
{
	struct stepping_view view = {
		.at = at, .schedule = &stepping->schedule, .sessions = stepping->sessions,
		.n = world_play(stepping->world)->sessions, .choices = stepping->n, .rerun = stepping->rerun,
		.undone = stepping->undone,
	};

	if (stepping->schedule.deadlocked && !stepping->deadlock_told && stepping->rerun == STEPPING_FIRST)
		tell(stepping, "Nobody could go on: the engine ended it.");
	stepping->deadlock_told = stepping->schedule.deadlocked;
	if (at == STEPPING_OVER)
		view.unlike_serial =
			!serial_has(stepping->serial, world_play(stepping->world), &stepping->schedule);
	view.told = str_text(&stepping->told);
	struct stepping_wish wish = stepping->player->ask(stepping->player->context, &view);
	str_clear(&stepping->told);
	stepping->rerun = STEPPING_FIRST;
	stepping->undone = false;
	/* cppcheck-suppress returnDanglingLifetime -- what was asked with is not kept in what is wished */
	return wish;
}

/* The next one on the path. -1: that cannot be chosen, or not in the same way. */
static int follow(struct stepping *stepping, const size_t *who, size_t n, uint64_t mark)
{
	const struct stepping_choice *next = &stepping->path[stepping->at];

	if (next->choice.mark != mark)
		return -1;
	int index = index_of(who, n, next->choice.who);
	if (index >= 0 && next->pace_ns > 0)
		clock_pause_ns(next->pace_ns);
	stepping->at += index >= 0;
	return index;
}

static int64_t pace_of(const struct stepping *stepping)
{
	const struct schedule *schedule = &stepping->schedule;

	if (world_waits_in_client(stepping->world) || schedule->n == 0 ||
	    schedule->steps[schedule->n - 1].what.ended)
		return 0;
	int64_t pace_ns = clock_now_ns() - stepping->stood_ns;
	return pace_ns < SLOWEST_PACE_NS ? pace_ns : SLOWEST_PACE_NS;
}

static int go(struct stepping *stepping, const size_t *who, size_t index, uint64_t mark)
{
	const struct stepping_choice choice = {{(uint8_t)who[index], mark}, pace_of(stepping)};

	stepping->path = mem_grow(stepping->path, &stepping->capacity, stepping->n + 1, sizeof choice);
	stepping->path[stepping->n++] = choice;
	stepping->at = stepping->n;
	return (int)index;
}

/* The first session that stands before a statement; one that would look for a lock only if there is none. */
static size_t first_of(const struct actor_step *const *next, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!next[i]->in_client)
			return i;
	return 0;
}

static int stop(struct stepping *stepping, const struct stepping_wish *wish)
{
	if (wish->kind == STEPPING_QUIT)
		stepping->quits = true;
	else
		run_again(stepping, wish->n);
	return CHOOSE_STOP;
}

static int choose(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	struct stepping *stepping = context;
	const uint64_t mark = search_mark(who, next, n);
	struct stepping_wish wish = {.kind = STEPPING_QUIT};

	stepping->stood_ns = clock_now_ns();
	if (is_interrupted(stepping))
		return stop(stepping, &wish);
	if (stepping->at < stepping->n) {
		int index = follow(stepping, who, n, mark);
		if (index >= 0)
			return index;
	}
	end_rerun(stepping, stepping->at == stepping->n);
	while (!stepping->finishing) {
		look_at(stepping, who, n);
		wish = ask(stepping, STEPPING_ASKS);
		if (wish.kind == STEPPING_QUIT || wish.kind == STEPPING_BACK)
			return stop(stepping, &wish);
		if (has_moved(stepping)) {
			tell(stepping, "While nothing was chosen, the engine ended somebody's waiting.");
			stepping->undone = true;
			return CHOOSE_AGAIN;
		}
		if (wish.kind == STEPPING_STEP)
			return go(stepping, who, (size_t)index_of(who, n, wish.n), mark);
		stepping->finishing = wish.kind == STEPPING_FINISH;
	}
	return go(stepping, who, first_of(next, n), mark);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

/* It is over, or cannot go on: what then? */
static void ask_at_end(struct stepping *stepping, enum stepping_at at)
{
	struct stepping_wish wish = {0};

	end_rerun(stepping, stepping->at == stepping->n);
	look_at(stepping, NULL, 0);
	for (size_t i = 0; i < PLAY_MOST_SESSIONS && at == STEPPING_UNTOLD; i++)
		stepping->sessions[i] = (struct stepping_session){.at = ACTOR_IDLE};
	while (wish.kind != STEPPING_QUIT && wish.kind != STEPPING_BACK)
		wish = ask(stepping, at);
	(void)stop(stepping, &wish);
}

/* A look for a lock that is still held is not part of any order; the world was cleared away after it. */
static void forget_look(struct stepping *stepping)
{
	struct str sentence = {0};

	str_printf(&sentence, "%c looked again for its lock in vain, and waits on.",
	           (char)('A' + stepping->path[stepping->at - 1].choice.who));
	tell(stepping, str_text(&sentence));
	str_fini(&sentence);
	stepping->n = stepping->at;
	stepping->undone = true;
	run_again(stepping, 1);
}

static bool run_once(struct stepping *stepping, struct err *err)
{
	const struct chooser chooser = {stepping, choose};

	stepping->at = 0;
	stepping->deadlock_told = false;
	schedule_run(stepping->world, &chooser, &stepping->schedule, err);
	switch (stepping->schedule.result) {
	case SCHEDULE_WHOLE: ask_at_end(stepping, STEPPING_OVER); break;
	case SCHEDULE_UNSURE: ask_at_end(stepping, STEPPING_UNTOLD); break;
	case SCHEDULE_VAIN: forget_look(stepping); break;
	case SCHEDULE_STOPPED: break;
	case SCHEDULE_FAILED: return false;
	}
	return true;
}

bool stepping_run(struct world *world, const struct serial *serial, const struct stepping_player *player,
                  struct err *err)
{
	struct stepping stepping = {.world = world, .serial = serial, .player = player};
	bool ok = true;

	while (ok && !stepping.quits)
		ok = run_once(&stepping, err);
	schedule_fini(&stepping.schedule);
	free(stepping.path);
	free(stepping.before);
	str_fini(&stepping.told);
	return ok;
}
