/* Ctrl-C and TERM for commands that must clean up: the first sets a flag, the second ends the program
 * the hard way (the throw-away server's supervisor cleans up then). */
#ifndef COMMAND_INTERRUPT_H
#define COMMAND_INTERRUPT_H

#include <signal.h>

extern volatile sig_atomic_t interrupted; /* the signal's number; 0: none came */

void interrupt_catch(void);

enum { RACY_INTERRUPTED = 128 }; /* plus the signal's number: what shells expect */

#endif
