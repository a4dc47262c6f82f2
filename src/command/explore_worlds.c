/* A place, a play and a world each. A further throw-away MariaDB for each, since who waits there is told for the whole
 * server only; PostgreSQL tells it of each session, so that one will do. */
#include "command/explore_worlds.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "command/interrupt.h"

struct explore_side {
	struct database_options where;
	struct explore_place place;
	struct explore_play play;
	bool open;
};

static bool is_postgres(const struct explore_place *place)
{
	return text_equal(place->database.identity.engine, "postgres");
}

bool explore_worlds_can_be(const struct explore_place *place)
{
	return place->named == NULL || is_postgres(place);
}

size_t explore_worlds_from(const struct explore_place *place)
{
	return place->folder != NULL ? 400 : is_postgres(place) ? 1000 : 2000;
}

/* Where the further one is to be. */
static void choose_side(const struct explore_order *order, const struct explore_place *place, struct explore_side *side)
{
	side->where = order->where;
	side->where.urls[0] = place->said;
	side->where.n_urls = place->n_said;
	if (is_postgres(place) && place->database.sandbox != NULL) {
		side->where.urls[0] = sandbox_url(place->database.sandbox);
		side->where.n_urls = 1;
		side->where.own_server = true;
	}
}

static struct world *open_side(const struct explore_order *order, const struct explore_subject *subject,
                               const struct explore_place *place, size_t nth, struct explore_side *side,
                               struct err *err)
{
	int code;

	choose_side(order, place, side);
	if (!explore_place_open(&side->where, nth, &side->place, &code, err))
		return NULL;
	side->open = true;
	const struct database *database = &side->place.database;
	const struct play *play = explore_subject_another(subject, &side->play);
	return explore_subject_create(subject, database, err)
		? world_open(play, &database->target, &database->settings, nth, err) : NULL;
}

bool explore_worlds_open(struct world *first, size_t n, bool all, const struct explore_order *order,
                         const struct explore_subject *subject, const struct explore_place *place,
                         struct explore_worlds *worlds, struct err *err)
{
	struct err left = {0};
	bool ok = true;

	*worlds = (struct explore_worlds){.worlds = {first}, .n = 1, .sides = mem_new(n, sizeof *worlds->sides)};
	for (; ok && worlds->n < n; worlds->n += ok) {
		struct explore_side *side = &worlds->sides[worlds->n - 1];
		struct world *world = open_side(order, subject, place, worlds->n, side, err);
		worlds->worlds[worlds->n] = world;
		ok = world != NULL;
		if (ok)
			world_interrupted_by(world, &interrupted);
		else if (side->open && !explore_place_close(&side->place, &left)) {
			err_set(err, "%s", err_text(&left));
			all = true; /* what is left on a server is told */
		}
	}
	err_fini(&left);
	if (ok || !all)
		return true;
	if (!explore_worlds_close(worlds, &left))
		err_set(err, "%s", err_text(&left));
	err_fini(&left);
	return false;
}

bool explore_worlds_close(struct explore_worlds *worlds, struct err *err)
{
	bool ok = true;

	for (size_t i = 1; i < worlds->n; i++) {
		struct explore_side *side = &worlds->sides[i - 1];
		world_close(worlds->worlds[i]);
		if (side->open)
			ok = explore_place_close(&side->place, err) && ok;
	}
	free(worlds->sides);
	*worlds = (struct explore_worlds){0};
	return ok;
}
