/* From a command line to one like it. */
#include "command/again.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>


const char *again_program(void)
{
	const char *said = getenv("RACY_INVOKED_AS"); /* script/run says what a person typed */

	return said != NULL ? said : program_invocation_name;
}

/* POSIX shells take these as they are; what holds others stands in single quotes. */
static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%";

	return word[0] != '\0' && strspn(word, plain) == strlen(word);
}

void again_word(struct str *line, const char *word)
{
	str_add_char(line, ' ');
	if (is_plain(word)) {
		str_add(line, word);
		return;
	}
	str_add_char(line, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			str_add(line, "'\\''");
		else
			str_add_char(line, *word);
	}
	str_add_char(line, '\'');
}

char *again_on(char *const *argv, const char *operand, const char *db_option, int64_t seed)
{
	struct str line = {0};

	str_printf(&line, "%s %s", again_program(), argv[0]);
	again_word(&line, operand);
	for (int i = 1; argv[i] != NULL; i++) {
		if (argv[i] == operand || text_equal(argv[i], "--"))
			continue;
		if (text_equal(argv[i], "--db") || text_equal(argv[i], "--seed"))
			i += argv[i + 1] != NULL ? 1 : 0;
		else if (!text_starts_with(argv[i], "--db=") && !text_starts_with(argv[i], "--seed="))
			again_word(&line, argv[i]);
	}
	if (db_option != NULL) {
		str_add(&line, " --db");
		again_word(&line, db_option);
	}
	str_printf(&line, " --seed %" PRId64, seed);
	return str_take(&line);
}
