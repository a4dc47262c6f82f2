/* The demo's last block: what was seen once, in every order of the statements of two requests. */
#ifndef COMMAND_DEMO_PROOF_H
#define COMMAND_DEMO_PROOF_H

#include "command/demo.h"

/* On the story's only database where that is a throw-away server or SQLite; elsewhere, and where Ctrl-C came, nothing.
 * False: the error; it is no reason to take the rest of the story back. */
bool demo_prove(const struct demo_story *story, struct err *err) MUST_USE;

#endif
