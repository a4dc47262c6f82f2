/* An anomaly's name in the literature, from what a schedule read and wrote: P4 lost update, A5A read skew and A5B
 * write skew of Berenson et al. ("A Critique of ANSI SQL Isolation Levels", 1995), the latter two G-single and G2-item
 * of Adya, and G1a. Only what names the very same rows on both sides has one: what searches find is not told from
 * their SQL. */
#ifndef EXPLORE_NAME_H
#define EXPLORE_NAME_H

#include "explore/schedule.h"

/* Of a schedule that is unlike any serial one. "" where no name fits; else also a sentence that tells it. */
const char *anomaly_name(const struct schedule *schedule, struct str *sentence);

#endif
