#include "base/opt.h"

#include <getopt.h>
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
enum { LONG_BASE = 1000, HELP = 999 };

static char *letters_of(const struct opt *options)
{
	struct str letters = {0};

	/* ':' first: tell a missing value apart from an unknown option. */
	str_add(&letters, ":h");
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

static void refuse(char **argv, int answer, struct err *err)
{
	const char *word = argv[optind - 1];

	if (answer == ':')
		err_set(err, "%s needs a value (see --help)", word);
	else if (optopt > 0 && optopt < HELP && word[1] != '-')
		err_set(err, "there is no option -%c (see --help)", optopt);
	else
		err_set(err, "there is no option %s, or it is not unique, or it takes no value (see --help)", word);
}

enum opt_result opt_read(int argc, char **argv, const struct opt *options, bool single_dash, int *first,
                         struct err *err)
{
	char *letters = letters_of(options);
	struct option *longs = longs_of(options);
	enum opt_result result = OPT_OK;

	optind = 0; /* glibc: start over, whatever was read before */
	opterr = 0;
	while (result == OPT_OK) {
		int answer = single_dash ? getopt_long_only(argc, argv, letters, longs, NULL)
		                         : getopt_long(argc, argv, letters, longs, NULL);
		if (answer == -1)
			break;
		const struct opt *opt = answer == '?' || answer == ':' ? NULL : find(options, answer);
		if (opt != NULL) {
			if (!opt->parse(opt, optarg, err)) {
				err_prefix(err, "--%s", opt->name);
				result = OPT_ERROR;
			}
		} else if (answer == HELP || answer == 'h') {
			result = OPT_HELP;
		} else {
			refuse(argv, answer, err);
			result = OPT_ERROR;
		}
	}
	*first = optind;
	free(letters);
	free(longs);
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
