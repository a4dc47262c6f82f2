/* The first word decides: a command, or sessions. */
#include "command/step_line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

static const struct {
	const char *name;
	enum step_wish wish;
} commands[] = {
	{"back", STEP_BACK}, {"restart", STEP_RESTART}, {"rows", STEP_ROWS}, {"order", STEP_ORDER},
	{"finish", STEP_FINISH}, {"quit", STEP_QUIT}, {"help", STEP_HELP},
};

static const char blanks[] = " \t\r\v\f";

/* ---- what is wrong ------------------------------------------------------------------------------------- */

/* As much of it as a person needs to find it. */
static void add_told(struct str *text, const char *word, size_t length)
{
	enum { MOST = 40 };

	str_add_char(text, '\'');
	for (size_t i = 0; i < length && i < MOST; i++)
		str_add_char(text, word[i] >= ' ' && word[i] <= '~' ? word[i] : '?');
	str_add(text, length > MOST ? "...'" : "'");
}

static void add_sessions(struct str *text, size_t sessions)
{
	for (size_t i = 0; i < sessions; i++)
		str_printf(text, "%s%c", i == 0 ? "" : i + 1 == sessions ? " and " : ", ", (char)('A' + i));
}

static bool fail_word(const char *word, size_t length, size_t sessions, struct err *err)
{
	struct str text = {0};

	if (isalpha((unsigned char)word[0]) && (length == 1 || word[1] == '.')) {
		str_printf(&text, "there is no session %c: there are ", toupper((unsigned char)word[0]));
		add_sessions(&text, sessions);
	} else {
		add_told(&text, word, length);
		str_add(&text, " is neither a session (");
		add_sessions(&text, sessions);
		str_add(&text, ") nor one of back, restart, rows, order, finish, quit and help");
	}
	err_set(err, "%s", str_text(&text));
	str_fini(&text);
	return false;
}

/* ---- sessions ------------------------------------------------------------------------------------------ */

static bool is_session(char c, size_t sessions)
{
	return isalpha((unsigned char)c) && (size_t)(toupper((unsigned char)c) - 'A') < sessions;
}

/* "AAB" as "A. A. B. ", steps without a name; "A.read" as it is. */
static bool add_word(struct str *spread, const char *word, size_t length, size_t sessions, struct err *err)
{
	const bool named = length > 1 && word[1] == '.';

	for (size_t i = 0; i < (named ? 1 : length); i++) {
		if (!is_session(word[i], sessions))
			return fail_word(word, length, sessions, err);
		str_add_char(spread, word[i]);
		str_add(spread, named ? "" : ". ");
	}
	if (named) {
		str_add_n(spread, word + 1, length - 1);
		str_add_char(spread, ' ');
	}
	return true;
}

static bool take_steps(const char *text, size_t sessions, struct step_line *line, struct err *err)
{
	struct str spread = {0};
	bool ok = true;

	line->wish = STEP_TAKE;
	for (text += strspn(text, blanks); ok && *text != '\0'; text += strspn(text, blanks)) {
		size_t length = strcspn(text, blanks);
		ok = add_word(&spread, text, length, sessions, err);
		text += length;
	}
	ok = ok && order_parse(str_text(&spread), sessions, &line->steps, err);
	str_fini(&spread);
	return ok;
}

/* ---- the line ------------------------------------------------------------------------------------------ */

/* `rest`: behind the command's word, without blanks around it. */
static bool take_command(size_t i, const char *rest, size_t length, struct step_line *line, struct err *err)
{
	struct str text = {0};
	int64_t n = 1;
	bool ok = true;

	line->wish = commands[i].wish;
	if (length > 0) {
		char *number = mem_text_n(rest, length);
		ok = line->wish == STEP_BACK && num_parse(number, 1, ORDER_MOST_STEPS, &n, NULL);
		free(number);
	}
	line->back = (size_t)n;
	if (!ok) {
		add_told(&text, rest, length);
		if (line->wish == STEP_BACK)
			err_set(err, "back takes a number from 1 to %d, not %s", ORDER_MOST_STEPS,
			        str_text(&text));
		else
			err_set(err, "%s stands alone, without %s", commands[i].name, str_text(&text));
		str_fini(&text);
	}
	return ok;
}

static bool take_line(const char *text, size_t sessions, struct step_line *line, struct err *err)
{
	text += strspn(text, blanks);
	const size_t word = strcspn(text, blanks);
	const char *rest = text + word + strspn(text + word, blanks);
	size_t length = strlen(rest);

	while (length > 0 && strchr(blanks, rest[length - 1]) != NULL)
		length--;
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (strlen(commands[i].name) == word && strncasecmp(text, commands[i].name, word) == 0)
			return take_command(i, rest, length, line, err);
	return word == 0 || take_steps(text, sessions, line, err);
}

bool step_line_parse(const char *bytes, size_t length, size_t sessions, struct step_line *line,
                     struct err *err)
{
	*line = (struct step_line){.wish = STEP_NOTHING};
	if (length > 0 && memchr(bytes, '\0', length) != NULL)
		return err_set(err, "there is a NUL byte in the line");
	char *text = mem_text_n(bytes, length);
	bool ok = take_line(text, sessions, line, err);
	free(text);
	return ok;
}

void step_line_fini(struct step_line *line)
{
	order_fini(&line->steps);
	*line = (struct step_line){0};
}
