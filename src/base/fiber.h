/* A function with a stack of its own that is left and gone on with: two such hand over to each other in less
 * than a microsecond, where threads need a system call each way. It begins by the C library's ucontext and goes
 * on by setjmp and longjmp, which ask the kernel for nothing (so does QEMU: util/coroutine-ucontext.c); the
 * sanitizers are told. */
#ifndef BASE_FIBER_H
#define BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct fiber;
/* Nothing of it runs yet. NULL: there is no memory for its stack (errno). */
struct fiber *fiber_new(void (*run)(void *context), void *context) MUST_USE;
/* Runs it until it rests or ends; not from within itself. One thread at a time; its own data of that thread
 * (errno, thread-local variables) is not kept from one resting to the next. */
void fiber_go_on(struct fiber *fiber);
/* From within it: back to who made it go on, until it is made to go on again. */
void fiber_rest(struct fiber *fiber);
bool fiber_has_ended(const struct fiber *fiber);
/* It must not have begun, or have ended. */
void fiber_free(struct fiber *fiber);

#endif
