/* The command line of one more run like this one, for a person to copy. */
#ifndef COMMAND_AGAIN_H
#define COMMAND_AGAIN_H

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

/* The name by which a person called racy. */
const char *again_program(void);

/* A blank and the word, in quotes where a shell would not take it as it is. */
void again_word(struct str *line, const char *word);

/* `argv` as it was before options were read from it (argv[0] is the subcommand), but on this one database (see
 * database_option) and with this seed; `operand` is the one among them. Heap text; fit for a shell. */
char *again_on(char *const *argv, const char *operand, const char *db_option, int64_t seed) MUST_USE;

#endif
