/* report: what must hold for every picture of lanes, whatever the run and the width. Random runs are
 * made step by step together with the marks that each must leave; the picture is then read back
 * from its text: every mark there once, in its lane, and never left of an earlier one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/str.h"
#include "report_world.h"

enum { MOST_MARKS = 8, RUNS = 2000 };

struct expected {
	uint32_t request;
	int64_t begin_ns; /* INT64_MAX: no worker began it */
	struct {
		char letter; /* '-' stands for the dash */
		int64_t t_ns;
		size_t column;
	} marks[MOST_MARKS];
	size_t n;
};

struct picture_case {
	struct world *world;
	struct expected lanes[WORLD_MOST]; /* in the order in which they must be drawn */
	size_t n;
	struct rng rng;
	int64_t scale_us; /* a step takes up to so long */
};

static void expect(struct expected *lane, char letter, int64_t us)
{
	assert_true(lane->n < MOST_MARKS);
	lane->marks[lane->n].letter = letter;
	lane->marks[lane->n++].t_ns = world_ns(us);
}

/* ---- random runs ------------------------------------------------------------------------------- */

enum fate { DONE, DONE_ALONE, REFUSED, DENIED, KILLED, LEFT, NEVER_BEGUN, FATES };

static int64_t step_us(struct picture_case *c)
{
	return rng_between(&c->rng, 0, 9) == 0 ? 20 * c->scale_us : rng_between(&c->rng, 1, c->scale_us);
}

static int64_t any_value(struct picture_case *c)
{
	static const int64_t most[] = {9, 900, 90000, 9000000000};

	return rng_between(&c->rng, -9, most[rng_between(&c->rng, 0, 3)]);
}

/* The steps of one request up to `stop` of them; the last one ends as its fate wants it. */
static int64_t random_steps(struct picture_case *c, struct history_request *at, struct expected *lane,
                            enum fate fate, int64_t us)
{
	static const struct {
		const char *label;
		enum db_verb verb;
		char letter;
	} steps[] = {
		{"begin", DB_BEGIN, 0}, {"read balance", DB_READ, 'R'}, {"think", DB_READ, 0},
		{"record", DB_WRITE, 'I'}, {"write balance", DB_WRITE, 'W'}, {"commit", DB_COMMIT, 'C'},
	};
	bool done = fate == DONE || fate == DONE_ALONE || fate == LEFT;
	size_t stop = done ? 6 : (size_t)rng_between(&c->rng, fate == DENIED ? 1 : 0, fate == DENIED ? 1 : 5);

	for (size_t i = 0; i < 6 && i <= stop; i++) {
		bool pause = i == 2, last = i == stop, ends = !(last && fate == KILLED);
		int64_t until = us + step_us(c);
		if (fate == DONE_ALONE && (i == 0 || i == 5))
			continue;
		if (pause && last && fate == REFUSED)
			stop++; /* nobody refuses a pause */
		struct history_step *step =
			world_step(at, steps[i].label, steps[i].verb, us, ends ? until : -1, any_value(c));
		step->pause = pause;
		bool refused = fate == REFUSED && i == stop && !pause;
		if (refused)
			step->err = DB_DEADLOCK;
		if (refused)
			expect(lane, 'x', until);
		else if (ends && steps[i].letter != 0 && !(steps[i].letter == 'I' && done))
			expect(lane, steps[i].letter, until);
		else if (!ends && !pause && steps[i].letter != 0)
			expect(lane, steps[i].letter, us); /* moved to the client's end below */
		if (!ends && !pause)
			expect(lane, '?', us);
		us = until;
	}
	return us;
}

static void insert_dash(struct expected *lane, int64_t t_ns)
{
	size_t i = lane->n;

	expect(lane, '-', 0);
	for (; i > 0 && lane->marks[i - 1].t_ns > t_ns; i--)
		lane->marks[i] = lane->marks[i - 1];
	lane->marks[i].letter = '-';
	lane->marks[i].t_ns = t_ns;
}

/* What never ended is drawn where the client saw the end of its connection. */
static void end_killed(struct picture_case *c, struct expected *lane, struct audit_reply *reply, int64_t us)
{
	reply->ended_ns = world_ns(us + step_us(c));
	for (size_t i = 0; i + 1 < lane->n; i++)
		if (lane->marks[i + 1].letter == '?' && lane->marks[i].t_ns == lane->marks[i + 1].t_ns &&
		    strchr("RIWC", lane->marks[i].letter) != NULL && i + 2 == lane->n)
			lane->marks[i].t_ns = reply->ended_ns;
	if (lane->n > 0 && lane->marks[lane->n - 1].letter == '?')
		lane->marks[lane->n - 1].t_ns = reply->ended_ns;
	insert_dash(lane, reply->ended_ns);
}

static void random_request(struct picture_case *c, uint32_t request, int64_t *free_us, uint32_t slot)
{
	struct expected *lane = &c->lanes[c->n++];
	struct audit_reply *reply = &c->world->replies[request - 1];
	enum fate fate = (enum fate)rng_between(&c->rng, 0, FATES - 1);

	*lane = (struct expected){.request = request, .begin_ns = INT64_MAX};
	reply->status = 0;
	if (fate == NEVER_BEGUN) {
		reply->ended_ns = world_ns(rng_between(&c->rng, 100, 50 * c->scale_us + 100));
		insert_dash(lane, reply->ended_ns);
		return;
	}
	int64_t begin_us = free_us[slot] + step_us(c);
	struct history_request *at = world_serve(c->world, request, slot, begin_us);
	lane->begin_ns = at->begin_ns;
	if (c->world->result.plan.mix != NULL && request % 2 == 0)
		(void)snprintf(at->op, sizeof at->op, "%s", c->world->result.plan.mix);
	int64_t us = random_steps(c, at, lane, fate, begin_us);
	if (fate == KILLED) {
		end_killed(c, lane, reply, us);
	} else {
		us += step_us(c);
		world_answer(c->world, at, us, fate == REFUSED ? 503 : fate == DENIED ? 422 : 200,
		             fate == REFUSED ? OP_FAILED : fate == DENIED ? OP_DENIED : OP_DONE);
		if (fate == DENIED)
			expect(lane, 'x', us);
	}
	if (fate == LEFT) {
		reply->status = 0;
		reply->ended_ns = world_ns(rng_between(&c->rng, begin_us, us + c->scale_us));
		insert_dash(lane, reply->ended_ns);
	}
	free_us[slot] = us;
}

static int by_begin(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns > y->begin_ns ? 1 : -1;
	return (x->request > y->request) - (x->request < y->request);
}

static void random_run(struct picture_case *c, uint64_t seed)
{
	static const char *const mixes[] = {NULL, NULL, "non_atomic_no_delay"};
	int64_t free_us[6] = {0};

	*c = (struct picture_case){0};
	rng_init(&c->rng, seed);
	size_t n = (size_t)rng_between(&c->rng, 1, rng_between(&c->rng, 0, 3) == 0 ? 60 : 12);
	int workers = (int)rng_between(&c->rng, 1, 6);
	static const int64_t scales[] = {3, 1000, 400000};
	c->scale_us = scales[rng_between(&c->rng, 0, 2)];
	c->world = world_new("atomic_long_delay", n, workers);
	c->world->result.plan.mix = mixes[rng_between(&c->rng, 0, 2)];
	for (uint32_t i = 1; i <= n; i++)
		random_request(c, i, free_us, (uint32_t)rng_between(&c->rng, 0, workers - 1));
	qsort(c->lanes, c->n, sizeof *c->lanes, by_begin);
	struct findings *findings = &c->world->result.findings;
	for (uint32_t i = 2; i <= n; i += (uint32_t)rng_between(&c->rng, 1, 5)) {
		struct overwrite *overwrite = &findings->overwrites[findings->n_overwrites++];
		overwrite->writer = i;
		overwrite->erased = arena_new(&c->world->arena, 5, sizeof(uint32_t));
		overwrite->n_erased = (size_t)rng_between(&c->rng, 1, 5);
		overwrite->n_gone = (size_t)rng_between(&c->rng, 1, (int64_t)overwrite->n_erased);
		for (size_t j = 0; j < overwrite->n_erased; j++)
			overwrite->erased[j] = (uint32_t)(j + 1);
	}
}

/* ---- reading a picture ------------------------------------------------------------------------- */

/* The columns of a line, one character each: beyond ASCII only the dash matters. */
static size_t columns_of(const char *line, char *columns, size_t most)
{
	size_t n = 0;

	for (; *line != '\0' && *line != '\n'; line++) {
		if (((unsigned char)*line & 0xC0) == 0x80)
			continue;
		assert_true(n + 1 < most);
		columns[n++] = strncmp(line, "\u2014", 3) == 0 ? '-' : (unsigned char)*line >= 0x80 ? '.' : *line;
	}
	columns[n] = '\0';
	return n;
}

/* Reads a lane's number and leaves the index of what follows it. */
static uint32_t number_of(const char *line, size_t *after)
{
	size_t i = strspn(line, " ");

	if (text_starts_with(line + i, "request "))
		i += strlen("request ");
	i += strspn(line + i, " ");
	size_t digits = strspn(line + i, "0123456789");
	assert_true(digits > 0);
	*after = i + digits;
	return (uint32_t)strtoul(line + i, NULL, 10);
}

static bool is_mark(const char *line, size_t i)
{
	if (line[i] == '-' && line[i + 1] >= '0' && line[i + 1] <= '9')
		return false; /* a number below zero */
	return line[i] != '\0' && strchr("RIWCx?-", line[i]) != NULL;
}

static void read_lane(const char *line, struct expected *lane, int width)
{
	size_t after, found = 0;

	assert_int_equal(number_of(line, &after), lane->request);
	for (size_t i = after; line[i] != '\0'; i++) {
		if (!is_mark(line, i))
			continue;
		if (found == lane->n || lane->marks[found].letter != line[i])
			fail_msg("%d columns: '%c' is not expected: %s", width, line[i], line);
		lane->marks[found++].column = i;
	}
	if (found != lane->n)
		fail_msg("%d columns: %zu of %zu marks: %s", width, found, lane->n, line);
}

/* Earlier is never right of later, over all lanes. */
static void is_in_order(const struct picture_case *c, size_t drawn, const char *text)
{
	for (size_t i = 0; i < drawn; i++)
		for (size_t j = 0; j < drawn; j++)
			for (size_t k = 0; k < c->lanes[i].n; k++)
				for (size_t l = 0; l < c->lanes[j].n; l++) {
					if (c->lanes[i].marks[k].letter == '?' || c->lanes[j].marks[l].letter == '?')
						continue; /* it hangs on its letter */
					if (c->lanes[i].marks[k].t_ns < c->lanes[j].marks[l].t_ns &&
					    c->lanes[i].marks[k].column > c->lanes[j].marks[l].column)
						fail_msg("request %u's %c comes before request %u's %c:\n%s",
						         c->lanes[i].request, c->lanes[i].marks[k].letter,
						         c->lanes[j].request, c->lanes[j].marks[l].letter, text);
				}
}

/* Each time in the first line stands over a mark of that time; the first of them is the origin. */
static void ticks_are_true(const struct picture_case *c, size_t drawn, const char *header, const char *text)
{
	double unit = strstr(header, " ms") != NULL ? 1e6 : 1e9;
	bool first = true;

	for (size_t i = 0; header[i] != '\0'; i++) {
		if (header[i] < '0' || header[i] > '9')
			continue;
		char *rest;
		double value = strtod(header + i, &rest);
		size_t decimals = strcspn(header + i, ".");
		decimals = (size_t)(rest - header) - i - decimals - 1;
		bool found = first;
		for (size_t j = 0; j < drawn; j++)
			for (size_t k = 0; k < c->lanes[j].n; k++) {
				double told = (double)(c->lanes[j].marks[k].t_ns - world_start_ns) / unit;
				found = found || (c->lanes[j].marks[k].column == i &&
				                  fabs(told - value) <= 0.501 * pow(10, -(double)decimals));
			}
		if (!found)
			fail_msg("no mark of that time under column %zu:\n%s", i, text);
		first = false;
		i = (size_t)(rest - header) - 1;
	}
}

static void check_picture(struct picture_case *c, const char *text, int width, bool utf8)
{
	char line[512], header[512] = "";
	size_t drawn = 0, more = 0, at_line = 0;

	for (const char *next = text; *next != '\0'; next = strchr(next, '\n') + 1, at_line++) {
		size_t columns = columns_of(next, line, sizeof line);
		if (columns > (size_t)width)
			fail_msg("%zu columns instead of %d: %s", columns, width, line);
		assert_true(columns == 0 || line[columns - 1] != ' ');
		if (at_line == 0)
			memcpy(header, line, columns + 1);
		else if (text_starts_with(line, "  ... and "))
			more = strtoul(line + strlen("  ... and "), NULL, 10);
		else if (!text_starts_with(line, "  a  ") && !text_starts_with(line, "  b  ") && utf8)
			read_lane(line, &c->lanes[drawn++], width);
		else if (!text_starts_with(line, "  a  ") && !text_starts_with(line, "  b  "))
			drawn++;
	}
	assert_int_equal(drawn + more, c->n);
	assert_true(drawn > 0 && drawn <= 30);
	if (utf8) {
		is_in_order(c, drawn, text);
		ticks_are_true(c, drawn, header, text);
	}
}

static void every_picture_is_true_and_fits(void **state)
{
	struct rng rng;
	size_t all = 0, half = 0;

	(void)state;
	rng_init(&rng, 20261123);
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct report_style style = {.columns = (int)rng_between(&rng, 40, 200), .utf8 = seed % 8 != 0};
		struct picture_case c;
		char *text;
		size_t length;
		FILE *to = open_memstream(&text, &length);

		random_run(&c, seed);
		report_lanes(to, &style, &c.world->result, 0);
		assert_int_equal(fclose(to), 0);
		check_picture(&c, text, style.columns, style.utf8);
		all += c.n <= 30 && strstr(text, "... and") == NULL;
		half += c.n <= 30;
		world_free(c.world);
		free(text);
	}
	/* The promise must not be kept by drawing nothing. */
	if (all * 100 < half * 97)
		fail_msg("only %zu of %zu runs of up to 30 requests were drawn whole", all, half);
}

/* Colours change nothing but colours. */
static void colours_are_only_colours(void **state)
{
	struct picture_case c;
	char *texts[2];
	size_t lengths[2];

	(void)state;
	random_run(&c, 7);
	for (size_t i = 0; i < 2; i++) {
		FILE *to = open_memstream(&texts[i], &lengths[i]);
		struct report_style style = {.columns = 90, .utf8 = true, .colour = i == 1};
		report_lanes(to, &style, &c.world->result, 0);
		assert_int_equal(fclose(to), 0);
	}
	assert_non_null(strstr(texts[1], "\033["));
	char *bare = texts[1];
	for (char *from = texts[1]; *from != '\0';) {
		if (*from == '\033')
			from += strcspn(from, "m") + 1;
		else
			*bare++ = *from++;
	}
	*bare = '\0';
	assert_string_equal(texts[1], texts[0]);
	free(texts[0]);
	free(texts[1]);
	world_free(c.world);
}

static void the_first_round_ends_with_a_second_request(void **state)
{
	struct world *world = world_new("atomic_no_delay", 4, 3);

	(void)state;
	world_serve(world, 1, 2, 100);
	world_serve(world, 2, 0, 90);
	assert_int_equal(report_first_round_end(&world->result), 0);
	world_serve(world, 3, 0, 900);
	world_serve(world, 4, 2, 800)->generation = 2;
	assert_int_equal(report_first_round_end(&world->result), world_ns(800));
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_picture_is_true_and_fits),
		cmocka_unit_test(colours_are_only_colours),
		cmocka_unit_test(the_first_round_ends_with_a_second_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
