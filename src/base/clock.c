/* The clocks, durations as people write and read them, timestamps. */
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
	return read_clock(CLOCK_REALTIME) / NS_PER_US;
}

void clock_pause_ns(int64_t ns)
{
	int64_t until = clock_now_ns() + ns;
	struct timespec deadline = {
		.tv_sec = (time_t)(until / NS_PER_S),
		.tv_nsec = (long)(until % NS_PER_S),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
		;
}

void clock_stamp(int64_t wall_us, char stamp[static CLOCK_STAMP_SIZE])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	size_t used = strftime(stamp, CLOCK_STAMP_SIZE, "%Y-%m-%d %H:%M:%S", &parts);
	(void)snprintf(stamp + used, CLOCK_STAMP_SIZE - used, ".%06u",
	               (unsigned)(wall_us % 1000000) % 1000000U);
}

static const struct unit {
	const char *name;
	double ns;
} units[] = {{"", 1e9}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

bool duration_parse(const char *text, int64_t *ns, struct err *err)
{
	/* strtod alone would take " 1", "+1", "1e3", "0x10", "inf" and "nan" too. */
	size_t length = strspn(text, "0123456789.");
	const char *unit = text + length;
	char *digits = mem_text_n(text, length);
	char *rest = NULL;
	double number = strtod(digits, &rest);
	bool plain = length > 0 && rest != digits && *rest == '\0';

	free(digits);
	for (size_t i = 0; plain && i < COUNT_OF(units); i++) {
		if (!text_equal(unit, units[i].name))
			continue;
		double exact = number * units[i].ns;
		if (exact > 86400.0 * 1e9)
			return err_set(err, "'%s' is longer than a day", text);
		*ns = (int64_t)llround(exact);
		return true;
	}
	return err_set(err, "'%s' is not a duration: write 300us, 20ms, 1.5s, or a number of seconds",
	               text);
}

bool duration_range_parse(const char *text, int64_t *min_ns, int64_t *max_ns, struct err *err)
{
	const char *dots = strstr(text, "..");

	if (dots == NULL) {
		if (!duration_parse(text, min_ns, err))
			return false;
		*max_ns = *min_ns;
		return true;
	}
	char *first = mem_text_n(text, (size_t)(dots - text));
	bool ok = duration_parse(first, min_ns, err) && duration_parse(dots + 2, max_ns, err);
	free(first);
	if (ok && *min_ns > *max_ns)
		return err_set(err, "'%s' ends before it begins: write the shorter duration first", text);
	return ok;
}

char *duration_text(int64_t ns)
{
	static const char *const names[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	size_t unit = 0;

	if (ns == 0)
		return mem_text("0 s");
	/* 999.95 would print as 1000: the next unit begins where three digits end. */
	while (unit + 1 < COUNT_OF(names) && fabs(value) >= 999.5) {
		value /= 1000;
		unit++;
	}
	double size = fabs(value);
	int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
	char *text = mem_printf("%.*f", digits, value);
	if (strchr(text, '.') != NULL) {
		size_t end = strlen(text);
		while (text[end - 1] == '0')
			text[--end] = '\0';
		if (text[end - 1] == '.')
			text[end - 1] = '\0';
	}
	char *whole = mem_printf("%s %s", text, names[unit]);
	free(text);
	return whole;
}
