/* What all subcommands share: reading options, printing help, failing. */
#include "command/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static void print_help(const struct command *command, const struct opt *options)
{
	printf("Usage: racy %s%s%s\n\n%s\n", command->name, command->operands[0] != '\0' ? " " : "",
	       command->operands, command->summary);
	if (command->help != NULL)
		printf("\n%s\n", command->help);
	printf("\nOptions:\n");
	opt_print(stdout, options);
}

bool command_options(const struct command *command, int argc, char **argv, const struct opt *options,
                     int *first, int *code)
{
	struct err err = {0};

	switch (opt_read(argc, argv, options, false, first, &err)) {
	case OPT_OK:
		return true;
	case OPT_HELP:
		print_help(command, options);
		*code = RACY_OK;
		return false;
	case OPT_ERROR:
		break;
	}
	*code = command_fail(command, RACY_USAGE, &err);
	err_fini(&err);
	return false;
}

int command_fail(const struct command *command, int code, const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "racy %s: %s\n", command->name, err_text(err));
	return code;
}

int command_usage(const struct command *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct err err = {mem_vprintf(format, args)};
	va_end(args);
	int code = command_fail(command, RACY_USAGE, &err);
	err_fini(&err);
	return code;
}
