/* One table of options, filled from four places. What is said in a weaker place is parsed too, into an order
 * that is thrown away: a mistake in the file must not wait for the day on which the flag is left out. */
#include "command/serve_order.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "serve/serve.h"

enum { MOST_OPTIONS = 40, OWN_OPTIONS = 3 };

static const struct setting_alias variables[] = {
	{"GUNICORN_WORKERS", "workers"},
	{"WEB_CONCURRENCY", "workers"},
	{0},
};
/* Gunicorn's names in files, where they are not those of its flags. */
static const struct setting_alias of_gunicorn[] = {
	{"accesslog", "access-logfile"}, {"errorlog", "error-logfile"}, {"keepalive", "keep-alive"},
	{"pidfile", "pid"}, {0},
};
static const char *const repeating[] = {"set", NULL};
/* What was made when the server started: the socket, the pid file, the way to the database. */
static const char *const late[] = {"bind", "backlog", "pid", "db", "isolation", "set", "lab", "lab-host",
                                   "forwarded-allow-ips", "static-dir"};

static const struct {
	const char *name, *text;
} defaults[] = {
	{"bind", "127.0.0.1:8000"}, {"backlog", "2048"}, {"workers", "3"}, {"worker-class", "sync"},
	{"threads", "1"}, {"keep-alive", "2s"}, {"timeout", "30s"},
	{"graceful-timeout", "30s"}, {"max-requests", "0"}, {"max-requests-jitter", "0"}, {"delay", "3s..10s"},
	{"max-tries", "1"}, {"no-transaction", "no"}, {"lab", "127.0.0.1:8080"},
	{"forwarded-allow-ips", "127.0.0.1,::1"},
};

/* ---- the table ------------------------------------------------------------------------------ */

static bool opt_delay(const struct opt *opt, const char *text, struct err *err)
{
	struct serve_order *order = opt->target;

	return duration_range_parse(text, &order->delay_min_ns, &order->delay_max_ns, err);
}

static bool opt_file(const struct opt *opt, const char *text, struct err *err)
{
	if (text[0] == '\0')
		return err_set(err, "the name of a file is needed");
	return opt_text(opt, text, err);
}

/* With the address read, so that a bad one is told with its place. */
static bool opt_db(const struct opt *opt, const char *text, struct err *err)
{
	struct db_target target;

	if (!database_is_throw_away(text)) {
		if (!db_target_parse(text, &target, err))
			return false;
		db_target_fini(&target);
	}
	return database_opt_db(opt, text, err);
}

static void fill_table(struct serve_order *order, struct opt table[static MOST_OPTIONS])
{
	const struct opt lines[] = {
		{"bind", 'b', "ADDRESS",
		 "HOST:PORT, [::1]:PORT, :PORT (every interface) or PORT\n"
		 "(this machine only); port 0 takes a free one.\nDefault: 127.0.0.1:8000",
		 opt_text, &order->bind, 0, 0},
		{"backlog", 0, "N", "connections that may wait for a worker (2048)", opt_number, &order->backlog, 1,
		 65535},
		{"workers", 'w', "N", "processes, 1 to 1000 (3)", opt_number, &order->workers, 1,
		 SERVE_MOST_WORKERS},
		WORKER_KIND_OPTIONS(order->kind),
		{"keep-alive", 0, "TIME", "gthread: how long a connection may wait for another\n"
		 "request; 0: it is closed after each (2s)", opt_duration, &order->keep_alive_ns, 0, 0},
		{"timeout", 't', "TIME",
		 "a worker busy for longer is ended and replaced; 0: never.\n"
		 "It does not bound the requests of a gthread worker (30s)", opt_duration,
		 &order->timeout_ns, 0, 0},
		{"graceful-timeout", 0, "TIME", "how long TERM waits for requests under way (30s)", opt_duration,
		 &order->graceful_ns, 0, 0},
		{"max-requests", 0, "N", "a worker is replaced after so many; 0: never (0)", opt_number,
		 &order->max_requests, 0, INT32_MAX},
		{"max-requests-jitter", 0, "N", "each worker adds 0 to N to that, drawn by the seed (0)", opt_number,
		 &order->max_requests_jitter, 0, INT32_MAX},
		{"pid", 'p', "FILE", "where the arbiter's pid is written", opt_file, &order->pid_file, 0, 0},
		{"access-logfile", 0, "FILE", "a line for each request; - is stdout. Default: none", opt_file,
		 &order->access_log, 0, 0},
		{"error-logfile", 0, "FILE", "where log lines go; - is stderr, the default", opt_file,
		 &order->error_log, 0, 0},
		{"delay", 0, "MIN..MAX", "how long a pause takes, drawn for each request (3s..10s)", opt_delay,
		 order, 0, 0},
		{"seed", 0, "N", "of the delays and jitter; the same seed draws them again", opt_number,
		 &order->seed, 0, INT64_MAX},
		HANDLING_OPTIONS(order->handling),
		LAB_OPTIONS(order->lab),
		DATABASE_OPTIONS(order->where),
		{0},
	};

	memcpy(table, lines, sizeof lines);
	for (struct opt *opt = table; opt->name != NULL; opt++)
		if (text_equal(opt->name, "db"))
			opt->parse = opt_db;
}

/* ---- collecting ----------------------------------------------------------------------------- */

static struct serve_order order_new(void)
{
	return (struct serve_order){.handling = handling_default()};
}

/* The flags; what --help shows is the same table. */
static bool read_flags(const struct command *command, int argc, char **argv, struct serve_order *order,
                       const struct opt *table, int *code)
{
	struct opt options[OWN_OPTIONS + MOST_OPTIONS] = {
		{"config", 'c', "FILE", "lines `name = value` with the long names below, read again\non HUP. "
		 "Also by the environment: RACY_CONFIG", opt_file, &order->config, 0, 0},
		{"print-config", 0, NULL, "show each setting and where it comes from, and end", opt_flag,
		 &order->print, 0, 0},
		{"json", 0, NULL, "... as JSON", opt_flag, &order->json, 0, 0},
	};
	int first;

	for (size_t i = 0; table[i].name != NULL; i++) {
		options[OWN_OPTIONS + i] = table[i];
		options[OWN_OPTIONS + i].parse = settings_opt;
		options[OWN_OPTIONS + i].target = &order->said;
	}
	if (!command_options(command, argc, argv, options, &first, code))
		return false;
	if (first < argc)
		*code = command_usage(command, "'%s' is too much: it takes no operand", argv[first]);
	else if (order->json && !order->print)
		*code = command_usage(command, "--json is for --print-config");
	else
		return true;
	return false;
}

static bool read_places(struct serve_order *order, const struct opt *table, struct err *err)
{
	const struct settings_names names = {table, of_gunicorn, repeating};
	const char *config = getenv("RACY_CONFIG");

	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		settings_add(&order->said, SETTING_DEFAULT, defaults[i].name, defaults[i].text, NULL);
	settings_read_environment(&order->said, "RACY", table, variables);
	if (order->config == NULL && config != NULL && config[0] != '\0')
		order->config = config;
	return order->config == NULL ||
	       settings_read_file(&order->said, order->config, &names, err);
}

/* ---- parsing -------------------------------------------------------------------------------- */

static bool check_source(const struct settings *said, enum setting_source source, struct err *err)
{
	struct serve_order scratch = order_new();
	struct opt table[MOST_OPTIONS];
	bool ok = true;

	fill_table(&scratch, table);
	for (const struct opt *opt = table; ok && opt->name != NULL; opt++)
		ok = settings_apply(said, source, opt, err);
	database_options_fini(&scratch.where);
	return ok;
}

static bool parse(struct serve_order *order, const struct opt *table, struct err *err)
{
	if (!check_source(&order->said, SETTING_FILE, err) || !check_source(&order->said, SETTING_ENVIRONMENT, err))
		return false;
	for (const struct opt *opt = table; opt->name != NULL; opt++)
		if (!settings_apply(&order->said, settings_strongest(&order->said, opt->name), opt, err))
			return false;
	if (settings_strongest(&order->said, "seed") == SETTING_DEFAULT)
		order->seed = (int64_t)rng_fresh_seed();
	return handling_check(&order->handling, err);
}

bool serve_order_read(const struct command *command, int argc, char **argv, struct serve_order *order, int *code,
                      struct err *err)
{
	struct opt table[MOST_OPTIONS];

	*order = order_new();
	fill_table(order, table);
	if (!read_flags(command, argc, argv, order, table, code)) {
		serve_order_fini(order);
		return false;
	}
	*code = RACY_USAGE;
	if (read_places(order, table, err) && parse(order, table, err))
		return true;
	serve_order_fini(order);
	return false;
}

void serve_order_fini(struct serve_order *order)
{
	database_options_fini(&order->where);
	settings_fini(&order->said);
}

/* ---- telling -------------------------------------------------------------------------------- */

static const char *source_name(enum setting_source source)
{
	switch (source) {
	case SETTING_DEFAULT: return "default";
	case SETTING_FILE: return "file";
	case SETTING_ENVIRONMENT: return "environment";
	case SETTING_FLAG: return "flag";
	}
	return "?";
}

/* Heap text. An address may hold a password. */
static char *shown(const struct setting *setting)
{
	struct db_target target;

	if (!text_equal(setting->name, "db") || !db_target_parse(setting->text, &target, NULL))
		return mem_text(setting->text);
	char *text = mem_text(db_target_text(&target));
	db_target_fini(&target);
	return text;
}

static json_t *as_json(const char *name, const char *value, const struct setting *setting)
{
	return json_pack("{s:s, s:s?, s:s, s:s?}", "name", name, "value", value, "source",
	                 source_name(setting != NULL ? setting->source : SETTING_DEFAULT), "where",
	                 setting != NULL ? setting->where : NULL);
}

static void print_one(json_t *list, const char *name, const struct setting *setting)
{
	char *value = setting != NULL ? shown(setting) : NULL;

	if (list != NULL)
		json_array_append_new(list, as_json(name, value, setting));
	else
		printf("%-20s  %-24s  %s\n", name, value != NULL ? value : "(not set)",
		       setting != NULL && setting->where != NULL ? setting->where : "default");
	free(value);
}

static void print_option(const struct serve_order *order, json_t *list, const char *name)
{
	enum setting_source strongest = settings_strongest(&order->said, name);
	bool printed = false;

	for (size_t i = 0; i < order->said.n; i++) {
		const struct setting *setting = &order->said.items[i];
		if (setting->source != strongest || !text_equal(setting->name, name))
			continue;
		/* A flag that was given twice counts as the last says; a list is all of it. */
		bool last = true;
		for (size_t j = i + 1; j < order->said.n && !text_equal(name, "set"); j++)
			last = last && (order->said.items[j].source != strongest ||
			                !text_equal(order->said.items[j].name, name));
		if (last)
			print_one(list, name, setting);
		printed = true;
	}
	if (!printed)
		print_one(list, name, NULL);
}

void serve_order_print(const struct serve_order *order)
{
	struct serve_order scratch = order_new();
	struct opt table[MOST_OPTIONS];
	json_t *list = order->json ? json_array() : NULL;

	fill_table(&scratch, table);
	for (const struct opt *opt = table; opt->name != NULL; opt++)
		print_option(order, list, opt->name);
	if (list != NULL) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(list);
	}
}

static char *all_of(const struct settings *said, const char *name)
{
	enum setting_source strongest = settings_strongest(said, name);
	struct str text = {0};

	for (size_t i = 0; i < said->n; i++)
		if (said->items[i].source == strongest && text_equal(said->items[i].name, name))
			str_printf(&text, "%s\n", said->items[i].text);
	return str_take(&text);
}

void serve_order_tell_late(const struct serve_order *in_force, const struct serve_order *fresh)
{
	for (size_t i = 0; i < COUNT_OF(late); i++) {
		char *before = all_of(&in_force->said, late[i]), *now = all_of(&fresh->said, late[i]);
		if (!text_equal(before, now))
			log_warning("%s is another now: that takes effect with a new start only", late[i]);
		free(before);
		free(now);
	}
}
