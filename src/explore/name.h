/* An anomaly's name in the literature, of what a schedule read and wrote: G0, G1a, G1b, G1c, G-single, G2-item and G2
 * are Adya's ("Weak Consistency", 1999), P4, the lost update, is of Berenson et al. ("A Critique of ANSI SQL Isolation
 * Levels", 1995): a G-single on one row. */
#ifndef EXPLORE_NAME_H
#define EXPLORE_NAME_H

#include "explore/serial.h"

/* The strongest one that the evidence has, in the order above but P4 before G-single; "" where it has none, or the
 * outcome is that of a serial order. With a name comes a sentence that tells it. `serial` is what serial_run made of
 * the play. */
const char *anomaly_name(const struct schedule *schedule, const struct play *play, const struct serial *serial,
                         struct str *sentence);

#endif
