/* Times out of texts: a date that exists, hours that do, and what is written after them. */
#include "admin/ledger_time.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct moment {
	int year, month, day, hour, minute, second, us;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* So many digits; moves on behind them. */
static bool take_number(const char **text, int digits, int *number)
{
	*number = 0;
	for (int i = 0; i < digits; i++, (*text)++) {
		if (!is_digit(**text))
			return false;
		*number = *number * 10 + (**text - '0');
	}
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool take_day(const char **text, struct moment *moment)
{
	return take_number(text, 4, &moment->year) && take_char(text, '-') && take_number(text, 2, &moment->month) &&
	       take_char(text, '-') && take_number(text, 2, &moment->day) && moment->year >= 1 &&
	       moment->month >= 1 && moment->month <= 12 && moment->day >= 1 &&
	       moment->day <= days_in(moment->year, moment->month);
}

/* ".5" is 500000: the digits that are left out are zeros. */
static bool take_fraction(const char **text, int *us)
{
	int digits = 0;

	*us = 0;
	if (!take_char(text, '.'))
		return true;
	for (; digits < 6 && is_digit(**text); digits++, (*text)++)
		*us = *us * 10 + (**text - '0');
	for (int i = digits; i < 6; i++)
		*us *= 10;
	return digits > 0;
}

static bool take_clock(const char **text, struct moment *moment)
{
	return take_number(text, 2, &moment->hour) && take_char(text, ':') && take_number(text, 2, &moment->minute) &&
	       take_char(text, ':') && take_number(text, 2, &moment->second) && take_fraction(text, &moment->us) &&
	       moment->hour < 24 && moment->minute < 60 && moment->second < 60;
}

static void write_out(const struct moment *moment, char time[static LEDGER_TIME_SIZE])
{
	/* The masks say to the compiler what take_day and take_clock saw to. */
	snprintf(time, LEDGER_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)moment->year % 10000u,
	         (unsigned)moment->month % 100u, (unsigned)moment->day % 100u, (unsigned)moment->hour % 100u,
	         (unsigned)moment->minute % 100u, (unsigned)moment->second % 100u, (unsigned)moment->us % 1000000u);
}

bool ledger_time_parse(const char *text, char time[static LEDGER_TIME_SIZE])
{
	struct moment moment;

	if (!take_day(&text, &moment) || !take_char(&text, 'T') || !take_clock(&text, &moment) ||
	    !text_equal(text, "Z"))
		return false;
	write_out(&moment, time);
	return true;
}

/* As the engines write it, sessions being at UTC: MariaDB and SQLite without a zone, PostgreSQL with +00. */
static bool read_column(const char *text, char time[static LEDGER_TIME_SIZE])
{
	struct moment moment;

	if (!take_day(&text, &moment) || !(take_char(&text, ' ') || take_char(&text, 'T')) ||
	    !take_clock(&text, &moment))
		return false;
	if (!text_equal(text, "") && !text_equal(text, "+00") && !text_equal(text, "+00:00") && !text_equal(text, "Z"))
		return false;
	write_out(&moment, time);
	return true;
}

bool ledger_time_is_column(const char *text)
{
	char time[LEDGER_TIME_SIZE];

	return read_column(text, time);
}

static const char *printable(const struct db_value *cell, struct arena *arena)
{
	char *text = arena_text_n(arena, cell->text, cell->length);

	for (size_t i = 0; i < cell->length; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
	return text;
}

const char *ledger_time_of_cell(const struct db_value *cell, struct arena *arena)
{
	char time[LEDGER_TIME_SIZE];

	switch (cell->type) {
	case DB_TEXT:
		return read_column(cell->text, time) ? arena_text(arena, time) : printable(cell, arena);
	case DB_INT: /* SQLite, where somebody wrote a number */
		return arena_printf(arena, "%lld", (long long)cell->integer);
	case DB_NULL:
	case DB_END:
		break;
	}
	return "";
}

const char *ledger_time_column(const char *time, struct arena *arena)
{
	char *text = arena_text_n(arena, time, strlen(time) - 1);

	text[10] = ' ';
	return text;
}

bool ledger_day_after(const char *day, char next[static LEDGER_DAY_SIZE])
{
	struct moment moment;

	if (!take_day(&day, &moment) || *day != '\0')
		return false;
	if (moment.day < days_in(moment.year, moment.month)) {
		moment.day++;
	} else if (moment.day = 1, ++moment.month > 12) {
		moment.month = 1;
		moment.year++;
	}
	if (moment.year > 9999)
		return false;
	snprintf(next, LEDGER_DAY_SIZE, "%04u-%02u-%02u", (unsigned)moment.year % 10000u,
	         (unsigned)moment.month % 100u, (unsigned)moment.day % 100u);
	return true;
}
