/* The literal orders: words over the sessions, in rising order, each one addressed step by step. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "explore/search.h"

struct word {
	size_t *letters, n;
	size_t at;
	size_t *waiting, n_waiting; /* addressed to sessions that could not take them yet, in order */
	const struct search_limits *limits;
};

/* The first word: A A A B B B. */
static void first_word(struct word *word, const size_t *n_steps, size_t sessions)
{
	for (size_t i = 0; i < sessions; i++)
		word->n += n_steps[i];
	word->letters = mem_new(word->n, sizeof *word->letters);
	word->waiting = mem_new(word->n, sizeof *word->waiting);
	for (size_t i = 0, at = 0; i < sessions; i++)
		for (size_t k = 0; k < n_steps[i]; k++)
			word->letters[at++] = i;
}

static void swap(size_t *a, size_t *b)
{
	size_t kept = *a;

	*a = *b;
	*b = kept;
}

/* The next word in lexicographic order; false: that was the last. */
static bool next_word(struct word *word)
{
	size_t *letters = word->letters, pivot = word->n, last = word->n;

	for (size_t i = 1; i < word->n; i++)
		if (letters[i - 1] < letters[i])
			pivot = i - 1;
	if (pivot == word->n)
		return false;
	while (letters[--last] <= letters[pivot])
		;
	swap(&letters[pivot], &letters[last]);
	for (size_t i = pivot + 1, k = word->n - 1; i < k; i++, k--)
		swap(&letters[i], &letters[k]);
	return true;
}

static int index_of(const size_t *who, size_t n, size_t session)
{
	for (size_t i = 0; i < n; i++)
		if (who[i] == session)
			return (int)i;
	return -1;
}

/* The oldest step that waits and can be taken; -1: there is none. A session that waits in its client looks for its
 * lock first, which is no step of the word. */
static int take_waiting(struct word *word, const size_t *who, const struct actor_step *const *next, size_t n)
{
	for (size_t i = 0; i < word->n_waiting; i++) {
		int index = index_of(who, n, word->waiting[i]);
		if (index < 0)
			continue;
		if (next[index]->in_client)
			return index;
		word->n_waiting--;
		memmove(&word->waiting[i], &word->waiting[i + 1], (word->n_waiting - i) * sizeof *word->waiting);
		return index;
	}
	return -1;
}

/* What the word does not name: a rollback at the end. Who waits in its client looks when nobody else can act. */
static int take_rest(const struct actor_step *const *next, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!next[i]->in_client)
			return (int)i;
	return 0;
}

static int choose(void *context, const size_t *who, const struct actor_step *const *next, size_t n)
{
	struct word *word = context;
	int index = take_waiting(word, who, next, n);

	if (word->limits != NULL && word->limits->interrupted != NULL && *word->limits->interrupted)
		return CHOOSE_STOP;
	while (index < 0 && word->at < word->n) {
		size_t session = word->letters[word->at++];
		index = index_of(who, n, session);
		if (index < 0)
			word->waiting[word->n_waiting++] = session;
		else if (next[index]->in_client)
			word->at--;
	}
	return index < 0 ? take_rest(next, n) : index;
}

void word_run(struct world *world, const size_t *letters, size_t n, struct schedule *schedule, struct err *err)
{
	struct word word = {.letters = mem_new(n + 1, sizeof *letters), .n = n};
	const struct chooser chooser = {&word, choose};

	memcpy(word.letters, letters, n * sizeof *letters);
	word.waiting = mem_new(n + 1, sizeof *word.waiting);
	schedule_run(world, &chooser, schedule, err);
	free(word.letters);
	free(word.waiting);
}

bool search_literal(struct world *world, const size_t *n_steps, const struct search_limits *limits,
                    struct found *found, struct err *err)
{
	struct word word = {.limits = limits};
	const struct chooser chooser = {&word, choose};
	const int64_t began_ns = clock_now_ns();
	struct schedule schedule = {0};
	bool ok = true, more = true;

	const struct play *play = world_play(world);

	*found = (struct found){.orders = ORDERS_LITERAL};
	first_word(&word, n_steps, play->sessions);
	while (ok && more && (limits->interrupted == NULL || !*limits->interrupted)) {
		word.at = word.n_waiting = 0;
		schedule_run(world, &chooser, &schedule, err);
		ok = schedule.result != SCHEDULE_FAILED;
		found_note(found, play, limits->serial, &schedule, false);
		more = next_word(&word);
	}
	found->interrupted = limits->interrupted != NULL && *limits->interrupted;
	found->complete = ok && !more && found->unsure == 0 && !found->interrupted;
	found->took_ns = clock_now_ns() - began_ns;
	schedule_fini(&schedule);
	free(word.letters);
	free(word.waiting);
	return ok;
}
