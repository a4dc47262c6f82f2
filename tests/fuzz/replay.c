/* Runs a fuzz target over its kept corpus, and over seeded mutations of it: what the suite can afford of
 * fuzzing. The long runs are libFuzzer's (script/soak). TAP: one case for the corpus, one for the mutations. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MUTATIONS = 20000, LONGEST = 1 << 16 };

struct sample {
	char *bytes;
	size_t length;
};

static struct sample read_sample(const char *folder, const char *name)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	struct sample sample = {.bytes = mem_new(LONGEST, 1)};

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	sample.length = fread(sample.bytes, 1, LONGEST, file);
	fclose(file);
	free(path);
	return sample;
}

/* A copy of exactly its size, so that a read beyond it is seen. */
static void run(const char *bytes, size_t length)
{
	char *exact = malloc(length > 0 ? length : 1);

	if (exact == NULL)
		abort();
	memcpy(exact, bytes, length);
	LLVMFuzzerTestOneInput((const uint8_t *)exact, length);
	free(exact);
}

static size_t mutate(struct rng *rng, char *bytes, size_t length, const struct sample *other)
{
	size_t at = length > 0 ? (size_t)rng_between(rng, 0, (int64_t)length - 1) : 0;

	switch (rng_between(rng, 0, 4)) {
	case 0: /* another byte */
		if (length > 0)
			bytes[at] = (char)rng_next(rng);
		return length;
	case 1: /* cut off */
		return at;
	case 2: /* one left out */
		if (length > 0)
			memmove(bytes + at, bytes + at + 1, length - at - 1);
		return length > 0 ? length - 1 : 0;
	case 3: /* one doubled */
		if (length == 0 || length == LONGEST)
			return length;
		memmove(bytes + at + 1, bytes + at, length - at);
		return length + 1;
	default: /* another one's end */
		if (at + other->length > LONGEST)
			return length;
		memcpy(bytes + at, other->bytes, other->length);
		return at + other->length;
	}
}

int main(int argc, char **argv)
{
	struct sample *samples = NULL;
	size_t n = 0, capacity = 0;
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	struct rng rng;

	if (folder == NULL) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		samples = mem_grow(samples, &capacity, n + 1, sizeof *samples);
		samples[n++] = read_sample(argv[1], entry->d_name);
	}
	closedir(folder);
	printf("1..2\n");
	for (size_t i = 0; i < n; i++)
		run(samples[i].bytes, samples[i].length);
	printf("%s 1 - the kept corpus\n", n > 0 ? "ok" : "not ok");
	rng_init(&rng, 41);
	char *bytes = mem_new(LONGEST, 1);
	for (int i = 0; n > 0 && i < MUTATIONS; i++) {
		const struct sample *one = &samples[rng_between(&rng, 0, (int64_t)n - 1)];
		size_t length = one->length;
		memcpy(bytes, one->bytes, length);
		for (int64_t times = rng_between(&rng, 1, 4); times > 0; times--)
			length = mutate(&rng, bytes, length, &samples[rng_between(&rng, 0, (int64_t)n - 1)]);
		run(bytes, length);
	}
	printf("%s 2 - %d seeded mutations of it\n", n > 0 ? "ok" : "not ok", MUTATIONS);
	free(bytes);
	for (size_t i = 0; i < n; i++)
		free(samples[i].bytes);
	free(samples);
	return 0;
}
