/* Where racy keeps what is its own and the user's alone: $XDG_STATE_HOME/racy, else ~/.local/state/racy (the XDG
 * base directory specification). */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include "base/err.h"

/* The folder, made where it is missing, mode 0700. Heap text; NULL and an error. */
char *state_folder(struct err *err) MUST_USE;

#endif
