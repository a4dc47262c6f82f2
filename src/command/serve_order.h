/* What `racy serve` is to do: by its flags, its environment and its settings file, read at the start and again
 * on HUP. */
#ifndef COMMAND_SERVE_ORDER_H
#define COMMAND_SERVE_ORDER_H

#include "base/settings.h"
#include "command/command.h"
#include "command/database.h"
#include "command/handling.h"
#include "command/lab_process.h"
#include "command/worker_kind.h"

struct serve_order {
	const char *bind, *pid_file, *access_log, *error_log; /* NULL: none */
	struct worker_kind kind;
	int64_t backlog, workers, keep_alive_ns, timeout_ns, graceful_ns, max_requests, max_requests_jitter, seed;
	int64_t delay_min_ns, delay_max_ns;
	struct handling handling;
	struct lab_order lab;
	struct database_options where;
	const char *config; /* the settings file; NULL: none */
	bool print, json;   /* --print-config */
	struct settings said;
};

/* True: the order, to be given back with serve_order_fini. False: *code to end with, and an error if there is
 * more to tell. Texts live in argv, the environment and the order. */
bool serve_order_read(const struct command *command, int argc, char **argv, struct serve_order *order, int *code,
                      struct err *err) MUST_USE;
void serve_order_fini(struct serve_order *order);

/* Each setting, its value and where it came from, on stdout. Never a password. */
void serve_order_print(const struct serve_order *order);
/* Warns of each setting that differs and takes effect with a new start only. */
void serve_order_tell_late(const struct serve_order *in_force, const struct serve_order *fresh);

#endif
