/* The arbiter behind serve_run and subject_start. */
#ifndef SERVE_ARBITER_H
#define SERVE_ARBITER_H

#include "serve/serve.h"

/* As serve_run; `parent_fd`: a pidfd of the process without which this one must not go on, -1: none. */
enum serve_end arbiter_run(const struct serve_settings *settings, int parent_fd) MUST_USE;

#endif
