/* The literal orders: words over the sessions, in rising order, each one addressed step by step. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "explore/each.h"

struct word {
	size_t *letters, n;
	size_t at;
	size_t *waiting, n_waiting; /* addressed to sessions that could not take them yet, in order */
	const struct search_limits *limits;
};

/* The first word: A A A B B B. */
static void first_word(struct word *word, const size_t *n_steps, size_t sessions)
{
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

	if (word->limits != NULL && search_is_interrupted(word->limits))
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

static void word_init(struct word *word, size_t n, const struct search_limits *limits)
{
	*word = (struct word){.n = n, .letters = mem_new(n + 1, sizeof *word->letters),
	                      .waiting = mem_new(n + 1, sizeof *word->waiting), .limits = limits};
}

static void word_fini(struct word *word)
{
	free(word->letters);
	free(word->waiting);
}

static void word_set(struct word *word, const size_t *letters)
{
	memcpy(word->letters, letters, word->n * sizeof *letters);
	word->at = word->n_waiting = 0;
}

void word_run(struct world *world, const size_t *letters, size_t n, struct schedule *schedule, struct err *err)
{
	struct word word;
	const struct chooser chooser = {&word, choose};

	word_init(&word, n, NULL);
	word_set(&word, letters);
	schedule_run(world, &chooser, schedule, err);
	word_fini(&word);
}

struct words {
	struct word next;
	bool any;           /* that one has not been taken */
	struct word *taken; /* by each world */
};

static bool any(void *context)
{
	const struct words *words = context;

	return words->any;
}

static void begin(void *context, size_t nth, struct chooser *chooser)
{
	struct words *words = context;

	word_set(&words->taken[nth], words->next.letters);
	*chooser = (struct chooser){&words->taken[nth], choose};
	words->any = next_word(&words->next);
}

bool search_literal(struct world *const *worlds, size_t n, const size_t *n_steps, const struct search_limits *limits,
                    struct found *found, struct err *err)
{
	struct words words = {.any = true, .taken = mem_new(n, sizeof *words.taken)};
	const struct each each = {&words, any, begin, NULL};
	const size_t sessions = world_play(worlds[0])->sessions;
	size_t length = 0;

	for (size_t i = 0; i < sessions; i++)
		length += n_steps[i];
	word_init(&words.next, length, limits);
	first_word(&words.next, n_steps, sessions);
	for (size_t i = 0; i < n; i++)
		word_init(&words.taken[i], length, limits);
	*found = (struct found){.orders = ORDERS_LITERAL};
	bool ok = each_run(worlds, n, &each, limits, found, err);
	for (size_t i = 0; i < n; i++)
		word_fini(&words.taken[i]);
	word_fini(&words.next);
	free(words.taken);
	return ok;
}
