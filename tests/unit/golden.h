/* Texts held by files in tests/golden (the directory is GOLDEN, given by the build).
 *
 * RACY_GOLDEN=write in the environment of a test program writes its files anew: read the difference
 * before it is committed. Include it after cmocka.h. */
#ifndef UNIT_GOLDEN_H
#define UNIT_GOLDEN_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* What is printed in a test: a report writes into `to`, printed_end gives the text. The stream
 * keeps pointers into it: it stays where it is. */
struct printed {
	FILE *to;
	char *text;
	size_t length;
};

static inline void printed_begin(struct printed *printed)
{
	printed->to = open_memstream(&printed->text, &printed->length);
	assert_non_null(printed->to);
}

static inline char *printed_end(struct printed *printed)
{
	assert_int_equal(fclose(printed->to), 0);
	return printed->text;
}

static inline char *read_whole(const char *path)
{
	struct str text = {0};
	FILE *file = fopen(path, "r");
	int c;

	if (file == NULL)
		return NULL;
	while ((c = fgetc(file)) != EOF)
		str_add_char(&text, (char)c);
	assert_int_equal(fclose(file), 0);
	return str_take(&text);
}

static inline void write_whole(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (file == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void is_golden(const char *name, struct printed *printed)
{
	char *path = mem_printf("%s/report_%s", GOLDEN, name);
	char *got = printed_end(printed);
	const char *mode = getenv("RACY_GOLDEN");

	if (mode != NULL && text_equal(mode, "write"))
		write_whole(path, got);
	char *wanted = read_whole(path);
	if (wanted == NULL)
		fail_msg("%s is not there: RACY_GOLDEN=write makes it", path);
	if (!text_equal(got, wanted))
		fail_msg("not as in %s:\n%s", path, got);
	free(wanted);
	free(got);
	free(path);
}

#endif
