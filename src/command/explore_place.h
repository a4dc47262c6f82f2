/* Where an exploration happens: a throw-away server, or a schema of its own beside the database that the user named,
 * which itself is neither read nor written. */
#ifndef COMMAND_EXPLORE_PLACE_H
#define COMMAND_EXPLORE_PLACE_H

#include "command/database.h"

struct explore_place {
	struct database_options *options; /* the user's, with another address and further settings in them */
	struct database database;
	const char *said; /* what the options were before */
	size_t n_said, n_sets;
	char *named; /* servers: the address that the user gave; NULL: no database was made on it */
	char *name;  /* of the database that was made there */
	char *url;   /* what stands for it */
	char *folder; /* SQLite: of the file; NULL: none */
	bool open;
	bool relaxed; /* a throw-away MariaDB: it does not wait for its disk (see explore_place_server_setting) */
};
/* `options` must live as long as the place. `nth`, from 0: each of several at a time has another. False: the error,
 * with *code; nothing is left behind. */
bool explore_place_open(struct database_options *options, size_t nth, struct explore_place *place, int *code,
                        struct err *err) MUST_USE;
/* Drops the schema. False: it is still there, and the error says its name. */
bool explore_place_close(struct explore_place *place, struct err *err) MUST_USE;
/* What was set for the whole throw-away server, as "name = value"; NULL: nothing. */
const char *explore_place_server_setting(const struct explore_place *place);
/* How many of the options' settings, the first ones, are the user's; the others are ours. */
size_t explore_place_asked(const struct explore_place *place);
/* "a file of its own", "a schema of its own: ...". */
const char *explore_place_text(const struct explore_place *place);

#endif
