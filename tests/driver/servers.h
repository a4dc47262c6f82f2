/* For tests of throw-away servers: starts them in a folder of homes of our own, since other tests start
 * servers meanwhile, and looks at what is there. A process is known to have ended by its pidfd. */
#ifndef TESTS_DRIVER_SERVERS_H
#define TESTS_DRIVER_SERVERS_H

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "db/db.h"
#include "db/sandbox.h"
#include "db/sandbox_private.h"

/* Only ends a hung test. */
enum { HUNG_MS = 120 * 1000 };

/* What differs between the engines, as far as these tests ask for it. */
struct product {
	const char *engine;
	const char *package;
	const char *some_file; /* of a data directory; it is not empty */
	/* Each answers one cell. */
	struct {
		const char *sql, *answer;
	} facts[4];
};
extern const struct product *product;

/* Reads "ENGINE" or "ENGINE/nobody" (then this process, if it is root's, becomes `nobody`) and runs the
 * tests. Answers what main() ends with. */
int servers_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n);

const struct sandbox_engine *the_engine(void);
/* These words and an option that no server knows. The array is free()d. */
const char **with_bad_option(const char *const *words);
struct sandbox *try_start(const struct sandbox_engine *engine, struct err *err);
struct sandbox *start(void);

/* A fork whose child ends with its parent, and at a failed assertion. */
pid_t fork_child(void);

enum { MAX_CHILDREN = 16 };
struct seen {
	char folder[200];
	pid_t server, supervisor;
	pid_t children[MAX_CHILDREN]; /* of the server; 0 ends them */
};
struct seen look(const struct sandbox *sandbox);
bool exists(const char *path);
/* Segments of shared memory that a process made and that would stay when their last user is gone. */
size_t lasting_segments(pid_t pid);

/* A pidfd. */
int watch(pid_t pid);
bool has_ended(int pidfd);
/* Closes it too. */
void await_end(int pidfd);

/* Paths below our folder of homes that match. */
glob_t find(const char *pattern);
size_t count(const char *pattern);

/* The one cell of a query's answer, heap; NULL where the server refuses it. */
char *ask(const struct sandbox *sandbox, enum db_verb verb, const char *sql);
void assert_answer(const struct sandbox *sandbox, const char *sql, const char *expected);
void assert_serves(const struct sandbox *sandbox);
/* Empties the error. */
void assert_mentions(struct err *err, const char *words);

#endif
