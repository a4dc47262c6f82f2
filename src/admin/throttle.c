/* A table of fixed size, so that inventing names fills no memory: who has been quiet for longest makes room. */
#include "admin/throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	ENTRIES = 4096,
	FREE_OF_PAIR = 5,     /* tries in a row that cost no wait */
	FREE_OF_ADDRESS = 30, /* several people may sit behind one address */
	MOST_WAIT_S = 900,
	FORGET_S = 3600,
};

struct entry {
	char *key; /* NULL: free */
	int failures;
	int64_t last_ns, until_ns;
};

struct throttle {
	pthread_mutex_t mutex;
	struct entry entries[ENTRIES];
};

struct throttle *throttle_new(void)
{
	struct throttle *throttle = mem_new(1, sizeof *throttle);

	pthread_mutex_init(&throttle->mutex, NULL);
	return throttle;
}

void throttle_free(struct throttle *throttle)
{
	if (throttle == NULL)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		free(throttle->entries[i].key);
	pthread_mutex_destroy(&throttle->mutex);
	free(throttle);
}

static struct entry *find(struct throttle *throttle, const char *key)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (throttle->entries[i].key != NULL && strcmp(throttle->entries[i].key, key) == 0)
			return &throttle->entries[i];
	return NULL;
}

static struct entry *find_or_make(struct throttle *throttle, const char *key, int64_t now_ns)
{
	struct entry *entry = find(throttle, key), *quietest = &throttle->entries[0];

	if (entry != NULL && now_ns - entry->last_ns > FORGET_S * NS_PER_S)
		entry->failures = 0;
	if (entry != NULL)
		return entry;
	for (size_t i = 0; i < ENTRIES && quietest->key != NULL; i++)
		if (throttle->entries[i].key == NULL || throttle->entries[i].last_ns < quietest->last_ns)
			quietest = &throttle->entries[i];
	free(quietest->key);
	*quietest = (struct entry){.key = mem_text(key)};
	return quietest;
}

static int64_t wait_of(const struct entry *entry, int64_t now_ns)
{
	return entry->until_ns > now_ns ? (entry->until_ns - now_ns + NS_PER_S - 1) / NS_PER_S : 0;
}

/* 1 s after the first that is no longer free, doubled each time. */
static void count(struct entry *entry, int free_tries, int64_t now_ns)
{
	int64_t wait_s = 1;

	entry->last_ns = now_ns;
	if (++entry->failures <= free_tries)
		return;
	for (int i = free_tries + 1; i < entry->failures && wait_s < MOST_WAIT_S; i++)
		wait_s *= 2;
	entry->until_ns = now_ns + (wait_s < MOST_WAIT_S ? wait_s : MOST_WAIT_S) * NS_PER_S;
}

/* Neither can contain the line's end that keeps them apart: an address has none, a name's is shown as part of it. */
static char *pair_key(const char *name, const char *address)
{
	return mem_printf("%s\n%s", address, name);
}

int64_t throttle_ask(struct throttle *throttle, const char *name, const char *address, int64_t now_ns)
{
	char *key = pair_key(name, address);

	pthread_mutex_lock(&throttle->mutex);
	/* The address first: making room for it must not take the pair's. */
	struct entry *place = find_or_make(throttle, address, now_ns);
	place->last_ns = now_ns;
	struct entry *pair = find_or_make(throttle, key, now_ns);
	int64_t wait_s = wait_of(pair, now_ns), other_s = wait_of(place, now_ns);
	if (other_s > wait_s)
		wait_s = other_s;
	if (wait_s == 0) {
		count(pair, FREE_OF_PAIR, now_ns);
		count(place, FREE_OF_ADDRESS, now_ns);
	}
	pthread_mutex_unlock(&throttle->mutex);
	free(key);
	return wait_s;
}

void throttle_forget(struct throttle *throttle, const char *name, const char *address)
{
	char *key = pair_key(name, address);

	pthread_mutex_lock(&throttle->mutex);
	struct entry *pair = find(throttle, key), *place = find(throttle, address);
	/* This try was none that failed. */
	if (place != NULL && place->failures > 0)
		place->failures--;
	if (pair != NULL) {
		free(pair->key);
		*pair = (struct entry){0};
	}
	pthread_mutex_unlock(&throttle->mutex);
	free(key);
}
