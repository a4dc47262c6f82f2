/* One table of options into getopt_long's two, and into a help text. */
#include "base/opt.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

bool opt_flag(const struct opt *opt, const char *text, struct err *err)
{
	(void)text;
	(void)err;
	*(bool *)opt->target = true;
	return true;
}

bool opt_text(const struct opt *opt, const char *text, struct err *err)
{
	(void)err;
	*(const char **)opt->target = text;
	return true;
}

bool opt_number(const struct opt *opt, const char *text, struct err *err)
{
	return num_parse(text, opt->min, opt->max, opt->target, err);
}

bool opt_duration(const struct opt *opt, const char *text, struct err *err)
{
	return duration_parse(text, opt->target, err);
}

static size_t count(const struct opt *options)
{
	size_t n = 0;

	while (options[n].name != NULL)
		n++;
	return n;
}

/* getopt's own tables: long options answer 1000 + their place, so that they never look like a letter. */
enum { LONG_BASE = 1000, HELP = 999, OPERAND = 1 };

static char *letters_of(const struct opt *options)
{
	struct str letters = {0};

	/* '-': operands are handed over as they come, whatever POSIXLY_CORRECT says.
	 * ':': a missing value is told apart from an unknown option. */
	str_add(&letters, "-:h");
	for (const struct opt *opt = options; opt->name != NULL; opt++) {
		if (opt->letter == 0)
			continue;
		str_add_char(&letters, opt->letter);
		if (opt->value != NULL)
			str_add_char(&letters, ':');
	}
	return str_take(&letters);
}

static struct option *longs_of(const struct opt *options)
{
	size_t n = count(options);
	struct option *longs = mem_new(n + 2, sizeof *longs);

	for (size_t i = 0; i < n; i++)
		longs[i] = (struct option){options[i].name,
		                           options[i].value != NULL ? required_argument : no_argument, NULL,
		                           LONG_BASE + (int)i};
	longs[n] = (struct option){"help", no_argument, NULL, HELP};
	return longs;
}

static const struct opt *find(const struct opt *options, int answer)
{
	if (answer >= LONG_BASE)
		return &options[answer - LONG_BASE];
	for (const struct opt *opt = options; opt->name != NULL; opt++)
		if (opt->letter != 0 && opt->letter == answer)
			return opt;
	return NULL;
}

/* As it would be typed: getopt does not tell which spelling it was. Heap text. */
static char *spelling(const struct opt *options, int answer, bool single_dash)
{
	const char *dashes = single_dash ? "-" : "--";

	if (answer >= LONG_BASE)
		return mem_printf("%s%s", dashes, options[answer - LONG_BASE].name);
	if (answer == HELP)
		return mem_printf("%shelp", dashes);
	if (answer > ' ' && answer <= '~')
		return mem_printf("-%c", answer);
	return mem_printf("-\\x%02x", (unsigned)(unsigned char)answer);
}

/* The names that begin with what was typed, if it may stand for more than one. */
static bool is_short_for_several(const struct opt *options, const char *typed, size_t length,
                                 struct str *names)
{
	size_t n = 0;

	for (const struct opt *opt = options; opt->name != NULL; opt++)
		if (strncmp(opt->name, typed, length) == 0)
			str_printf(names, "%s--%s", n++ > 0 ? ", " : "", opt->name);
	if (strncmp("help", typed, length) == 0)
		str_printf(names, "%s--help", n++ > 0 ? ", " : "");
	return length > 0 && n > 1;
}

static void refuse_word(const struct opt *options, const char *word, struct err *err)
{
	const char *typed = word + strspn(word, "-");
	size_t length = strcspn(typed, "=");
	int shown = (int)(typed - word + (ptrdiff_t)length);
	struct str names = {0};

	if (is_short_for_several(options, typed, length, &names))
		err_set(err, "%.*s may stand for %s: write more of it", shown, word, str_text(&names));
	else
		err_set(err, "there is no option %.*s (see --help)", shown, word);
	str_fini(&names);
}

/* optopt is 0 where a long name is not known or not unique, and the word itself has to tell. Else the
 * word is of no use: for a letter it may be the one before, since getopt goes on within a cluster. */
static void refuse(char **argv, const struct opt *options, bool single_dash, int answer, struct err *err)
{
	if (optopt == 0) {
		refuse_word(options, argv[optind - 1], err);
		return;
	}
	const struct opt *opt = find(options, optopt);
	char *name = spelling(options, optopt, single_dash);
	if (answer == ':')
		err_set(err, "%s needs a value: %s %s (see --help)", name, name, opt->value);
	else if (opt != NULL || optopt == HELP)
		err_set(err, "%s takes no value", name);
	else
		err_set(err, "there is no option %s (see --help)", name);
	free(name);
}

static bool parse_option(const struct opt *options, int answer, bool single_dash, struct err *err)
{
	const struct opt *opt = find(options, answer);

	if (opt->parse(opt, optarg, err))
		return true;
	char *name = spelling(options, answer, single_dash);
	err_prefix(err, "%s", name);
	free(name);
	return false;
}

/* Reads argv; the operands that are met before "--" are put into `operands`. */
static enum opt_result read_words(int argc, char **argv, const struct opt *options, bool single_dash,
                                  char **operands, int *n_operands, struct err *err)
{
	char *letters = letters_of(options);
	struct option *longs = longs_of(options);
	enum opt_result result = OPT_OK;
	int answer;

	optind = 0; /* glibc: start over, whatever was read before */
	opterr = 0;
	while (result == OPT_OK) {
		answer = single_dash ? getopt_long_only(argc, argv, letters, longs, NULL)
		                     : getopt_long(argc, argv, letters, longs, NULL);
		if (answer == -1)
			break;
		if (answer == OPERAND) {
			operands[(*n_operands)++] = optarg;
		} else if (answer == HELP || answer == 'h') {
			result = OPT_HELP;
		} else if (answer == '?' || answer == ':') {
			refuse(argv, options, single_dash, answer, err);
			result = OPT_ERROR;
		} else if (!parse_option(options, answer, single_dash, err)) {
			result = OPT_ERROR;
		}
	}
	free(letters);
	free(longs);
	return result;
}

enum opt_result opt_read(int argc, char **argv, const struct opt *options, bool single_dash, int *first,
                         struct err *err)
{
	char **operands = mem_new((size_t)argc, sizeof *operands);
	int n = 0;
	enum opt_result result = read_words(argc, argv, options, single_dash, operands, &n, err);

	/* What follows "--" stands at the end already. */
	*first = optind - n;
	for (int i = 0; result == OPT_OK && i < n; i++)
		argv[*first + i] = operands[i];
	free(operands);
	return result;
}

static char *left_column(const struct opt *opt)
{
	const char *space = opt->value != NULL ? " " : "";
	const char *value = opt->value != NULL ? opt->value : "";

	if (opt->letter != 0)
		return mem_printf("  -%c, --%s%s%s", opt->letter, opt->name, space, value);
	return mem_printf("      --%s%s%s", opt->name, space, value);
}

void opt_print(FILE *to, const struct opt *options)
{
	enum { HELP_COLUMN = 30 };

	for (const struct opt *opt = options; opt->name != NULL; opt++) {
		char *left = left_column(opt);
		if (text_columns(left) + 2 > HELP_COLUMN)
			fprintf(to, "%s\n%*s", left, HELP_COLUMN, "");
		else
			fprintf(to, "%-*s", HELP_COLUMN, left);
		for (const char *c = opt->help; *c != '\0'; c++) {
			fputc(*c, to);
			if (*c == '\n')
				fprintf(to, "%*s", HELP_COLUMN, "");
		}
		fputc('\n', to);
		free(left);
	}
	fprintf(to, "  -h, --help%*sthis text\n", HELP_COLUMN - 12, "");
}
