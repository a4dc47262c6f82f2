/* The program: finds the subcommand and hands over. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "command/command.h"
#include "command/commands.h"
#include "lab/registry.h"
#include "scenarios/scenarios.h"
#include "version.h"

static const struct command *const commands[] = {
#define COMMAND_X(name) &command_##name,
#include "command/commands.def"
#undef COMMAND_X
};

static void print_usage(FILE *to)
{
	fprintf(to,
	        "racy " RACY_VERSION ": a laboratory for race conditions in web back ends that share a database.\n"
	        "\n"
	        "Usage: racy COMMAND [OPTIONS]\n"
	        "\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to,
	        "\n"
	        "`racy COMMAND --help` tells the rest. Start with `racy demo`.\n"
	        "Exit codes: 0 done, or no loss seen; 1 the race struck; 2 wrong usage; 3 no database, port taken\n"
	        "and the like; 4 inconclusive.\n");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (text_equal(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int dispatch(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/');

	if (text_equal(base != NULL ? base + 1 : argv[0], "make_requests"))
		return command_make_requests.run(argc, argv);
	if (argc < 2) {
		print_usage(stderr);
		return RACY_USAGE;
	}
	const char *name = argv[1];
	if (text_equal(name, "--version") || text_equal(name, "version")) {
		puts("racy " RACY_VERSION);
		return RACY_OK;
	}
	if (text_equal(name, "--help") || text_equal(name, "-h") || text_equal(name, "help")) {
		const struct command *about = argc > 2 ? find_command(argv[2]) : NULL;
		if (about != NULL)
			return about->run(2, (char *[]){argv[2], (char[]){"--help"}, NULL});
		if (argc > 2) {
			fprintf(stderr, "racy: there is no command '%s'; `racy help` lists them\n", argv[2]);
			return RACY_USAGE;
		}
		print_usage(stdout);
		return RACY_OK;
	}
	if (text_equal(name, "make_requests"))
		return command_make_requests.run(argc - 1, argv + 1);
	const struct command *command = find_command(name);
	if (command == NULL) {
		fprintf(stderr, "racy: there is no command '%s'; `racy help` lists them\n", name);
		return RACY_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	/* A reader that goes away (`racy list | head`) is an error of that write, not our death. */
	signal(SIGPIPE, SIG_IGN);
	registry_set(scenarios, scenarios_count);
	int code = dispatch(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "racy: standard output: %s\n", strerror(errno));
		if (code == RACY_OK) /* a verdict stands, also where the report of it went astray */
			code = RACY_ENVIRONMENT;
	}
	return code;
}
