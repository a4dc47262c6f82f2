/* Lines from stdin. */
#include "command/ask.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

static struct termios before;

bool ask_possible(void)
{
	return isatty(STDIN_FILENO);
}

char *ask_line(const char *question)
{
	char *line = NULL;
	size_t capacity = 0;

	fputs(question, stderr);
	fflush(stderr);
	ssize_t n = getline(&line, &capacity, stdin);
	if (n < 0) {
		fputs("\n", stderr);
		free(line);
		return NULL;
	}
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	return line;
}

/* tcsetattr and raise may be called within a handler. */
static void give_echo_back(int number)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	signal(number, SIG_DFL);
	raise(number);
}

char *ask_secret(const char *question)
{
	const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	void (*kept[3])(int);
	struct termios silent;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return ask_line(question);
	for (int i = 0; i < 3; i++)
		kept[i] = signal(numbers[i], give_echo_back);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	char *line = ask_line(question);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	for (int i = 0; i < 3; i++)
		signal(numbers[i], kept[i]);
	if (line != NULL)
		fputs("\n", stderr);
	return line;
}

bool ask_yes(const char *question)
{
	char *line = ask_line(question);
	bool yes = line != NULL && (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0);

	free(line);
	return yes;
}
