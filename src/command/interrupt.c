/* One flag for INT, TERM and HUP. */
#include "command/interrupt.h"

#include <stddef.h>

volatile sig_atomic_t interrupted;

static void note(int signal_number)
{
	interrupted = signal_number;
}

void interrupt_catch(void)
{
	/* RESETHAND: a second Ctrl-C is for a person who does not want to wait. */
	struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}
