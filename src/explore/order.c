/* Words with a letter, a dot and a name. */
#include "explore/order.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static bool add_word(struct step_order *order, const char *word, size_t length, size_t sessions, struct err *err)
{
	size_t who = (size_t)(toupper((unsigned char)word[0]) - 'A');
	size_t capacity = order->capacity;

	if (length < 2 || (word[1] != '.' && length > 1) || who >= sessions)
		return err_set(err, "'%.*s' is no step of an order: a session's letter, a dot and the step's name, as "
		                    "in A.read", (int)length, word);
	if (order->n == ORDER_MOST_STEPS)
		return err_set(err, "an order has at most %d steps", ORDER_MOST_STEPS);
	order->who = mem_grow(order->who, &capacity, order->n + 1, sizeof *order->who);
	order->steps = mem_grow(order->steps, &order->capacity, order->n + 1, sizeof *order->steps);
	order->who[order->n] = who;
	order->steps[order->n++] = mem_text_n(word + 2, length - 2);
	return true;
}

bool order_parse(const char *text, size_t sessions, struct step_order *order, struct err *err)
{
	bool ok = true;

	*order = (struct step_order){0};
	for (text += strspn(text, " \t"); ok && *text != '\0'; text += strspn(text, " \t")) {
		size_t length = strcspn(text, " \t");
		ok = add_word(order, text, length, sessions, err);
		text += length;
	}
	if (ok && order->n == 0)
		ok = err_set(err, "there is no step in the order");
	if (!ok)
		order_fini(order);
	return ok;
}

void order_fini(struct step_order *order)
{
	for (size_t i = 0; i < order->n; i++)
		free(order->steps[i]);
	free(order->steps);
	free(order->who);
	*order = (struct step_order){0};
}

void order_name(struct str *text, const struct actor_step *step)
{
	for (const char *label = step->label; *label != '\0'; label++)
		str_add_char(text, *label == ' ' ? '_' : *label);
}

bool order_names(const char *name, const struct actor_step *step)
{
	struct str label = {0};

	order_name(&label, step);
	bool same = text_equal(str_text(&label), name);
	str_fini(&label);
	return same;
}

void order_text(struct str *text, const struct schedule *schedule)
{
	for (size_t i = 0; i < schedule->n; i++) {
		str_printf(text, "%s%c.", i > 0 ? " " : "", (char)('A' + schedule->steps[i].who));
		order_name(text, &schedule->steps[i].what);
	}
}

static bool is_the_same(const struct step_order *order, const struct schedule *schedule)
{
	bool same = order->n == schedule->n;

	for (size_t i = 0; i < order->n && same; i++)
		same = schedule->steps[i].who == order->who[i] &&
		       order_names(order->steps[i], &schedule->steps[i].what);
	return same;
}

void order_run(struct world *world, const struct step_order *order, struct schedule *schedule, bool *same,
               struct err *err)
{
	word_run(world, order->who, order->n, schedule, err);
	*same = schedule->result == SCHEDULE_WHOLE && is_the_same(order, schedule);
}

bool search_orders(struct world *world, const struct step_order *orders, size_t n, const struct search_limits *limits,
                   struct found *found, struct err *err)
{
	const int64_t began_ns = clock_now_ns();
	bool ok = true, same;

	*found = (struct found){.orders = ORDERS_WRITTEN};
	for (size_t i = 0; ok && i < n && !search_is_enough(limits, found, 0, began_ns); i++) {
		order_run(world, &orders[i], &found->shown, &same, err);
		ok = found->shown.result != SCHEDULE_FAILED;
		found->astray += ok && !same;
		if (ok)
			found_note(found, world_play(world), limits->serial, &found->shown, false);
	}
	found->interrupted = search_is_interrupted(limits);
	found->took_ns = clock_now_ns() - began_ns;
	return ok;
}
