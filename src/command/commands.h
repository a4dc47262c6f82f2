/* Every subcommand's entry. */
#ifndef COMMAND_COMMANDS_H
#define COMMAND_COMMANDS_H

#include "command/command.h"

#define COMMAND_X(name) extern const struct command command_##name;
#include "command/commands.def"
#undef COMMAND_X
/* The concurrent request tool under the original's name, with its flags. */
extern const struct command command_make_requests;

#endif
