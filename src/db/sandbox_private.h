/* What the parts of the sandbox share, and nobody else includes.
 *
 * How to add an engine: a row in sandbox_engine.c; the rest does not know one engine from another. */
#ifndef DB_SANDBOX_PRIVATE_H
#define DB_SANDBOX_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Command lines: "{folder}" is the server's own folder, "{data}" its data directory; the data
 * directory of a template while that is being made. The first word is a program's name. */
struct sandbox_engine {
	const char *name;    /* "mariadb" */
	const char *package; /* what to install where a program is missing */
	const char *user;    /* who runs the server where racy was started as root; made by the package */
	const char *programs;            /* glob pattern of further folders to look into; NULL: none */
	const char *const *make;         /* prepares the data directory of a template */
	const char *const *fill;         /* then runs with make_sql on its standard input; NULL: no need to */
	const char *make_sql;            /* written to {folder}/make.sql before both */
	const char *const *serve;        /* the server, in the foreground */
	const char *socket;              /* its name in {folder}; NULL: "socket" */
	const char *hello;               /* what a client says first; NULL: the server speaks first */
	size_t hello_length;
	char not_yet;                    /* first byte of an answer that says: come again */
	void (*settle)(const char *data); /* once it answers, as the server's user; NULL: nothing to do */
	const char *url;                 /* of the database on it */
	int stop_signal;                 /* asks the server to end at once; its data are not wanted any more */
};

/* NULL and an error that lists the engines. */
const struct sandbox_engine *sandbox_engine_find(const char *name, struct err *err) MUST_USE;

/* What starting a server needs to know, settled before the fork. */
struct sandbox_plan {
	const struct sandbox_engine *engine;
	const char *parent;        /* the folder of all homes: "/var/tmp" */
	char *make, *fill, *serve; /* the programs' full paths; fill may be NULL */
	bool drop;                 /* started as root: become this user */
	uid_t uid;
	gid_t gid;
};
/* False and an error that says what to install. */
bool sandbox_plan_init(struct sandbox_plan *plan, const struct sandbox_engine *engine,
                       struct err *err) MUST_USE;
void sandbox_plan_fini(struct sandbox_plan *plan);

struct sandbox;
struct sandbox *sandbox_start_plan(const struct sandbox_plan *plan, struct err *err) MUST_USE;

/* The supervisor's whole life, in a child of racy. `racy` is a pidfd of who started it. One message goes
 * to `report`: "+" and the server's folder once it answers, or "-" and an error; it ends with a NUL. */
NO_RETURN void sandbox_supervise(const struct sandbox_plan *plan, int racy, int report);

/* ---- folders -------------------------------------------------------------------------------- */

/* Opens (and makes) PARENT/racy-UID, where UID is who asks: all of that user's servers and templates.
 * Refuses a symbolic link, and what others own or may enter. Answers its path (heap) and a descriptor.
 * Waits for whoever else works in it, and has it alone until the descriptor is closed. */
char *sandbox_home_open(const char *parent, int *fd, struct err *err) MUST_USE;

/* A new folder in the open home for one server (heap text), after removing those whose supervisor is
 * gone. It is in use as long as *lock is open. */
char *sandbox_folder_new(const char *home, int *lock, struct err *err) MUST_USE;

/* Removes a tree; never follows a link out of it. A tree that is not there is fine. */
bool sandbox_remove(const char *path, struct err *err) MUST_USE;

/* Number of files under a path and bytes in them, as one text, to see that a copy is whole. Heap text;
 * NULL where it cannot be read. */
char *sandbox_measure(const char *path) MUST_USE;

#endif
