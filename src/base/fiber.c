/* Two contexts and a stack, with a page below it that ends the program rather than write into what lies there. */
/* Its longjmp takes any jump to another stack for a fault. */
#undef _FORTIFY_SOURCE
#include "base/fiber.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define WITH_ASAN 1
#include <sanitizer/common_interface_defs.h>
#else
#define WITH_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
#define WITH_TSAN 1
#include <sanitizer/tsan_interface.h>
#else
#define WITH_TSAN 0
#endif

/* A thread's usual size; only what is touched takes memory. */
static const size_t STACK_BYTES = 8U * 1024 * 1024;

struct fiber {
	void (*run)(void *context);
	void *context;
	char *stack; /* its lowest page is not to be touched */
	struct place {
		sigjmp_buf jump;
		ucontext_t context; /* of the beginning; for ThreadSanitizer always, which knows no such jump */
	} own, other;               /* where each of the two goes on */
	bool begun, ended;
	/* for the sanitizers */
	const void *other_stack;
	size_t other_size;
	void *tsan_own, *tsan_other;
};

/* ---- what the sanitizers are told ------------------------------------------------------------------------ */

static void before_leaving(void **kept, const void *stack, size_t size)
{
#if WITH_ASAN
	__sanitizer_start_switch_fiber(kept, stack, size);
#else
	(void)kept;
	(void)stack;
	(void)size;
#endif
}

static void after_arriving(void *kept, const void **stack, size_t *size)
{
#if WITH_ASAN
	__sanitizer_finish_switch_fiber(kept, stack, size);
#else
	(void)kept;
	(void)stack;
	(void)size;
#endif
}


/* ---- the fiber ------------------------------------------------------------------------------------------- */

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Returns when somebody changes back. `begun`: whether the other one was left before. */
static void change(struct place *from, struct place *to, void *tsan_to, bool begun)
{
#if WITH_TSAN
	(void)begun;
	__tsan_switch_to_fiber(tsan_to, 0);
	(void)swapcontext(&from->context, &to->context);
#else
	(void)tsan_to;
	if (sigsetjmp(from->jump, 0) != 0)
		return;
	if (begun)
		siglongjmp(to->jump, 1);
	(void)setcontext(&to->context);
#endif
}

/* makecontext passes ints. */
static void begin(unsigned high, unsigned low)
{
	struct fiber *fiber = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);

	after_arriving(NULL, &fiber->other_stack, &fiber->other_size);
	fiber->run(fiber->context);
	fiber->ended = true;
	before_leaving(NULL, fiber->other_stack, fiber->other_size);
	change(&fiber->own, &fiber->other, fiber->tsan_other, true);
	abort();
}

/* What it begins with, on its own stack. */
static void make_beginning(struct fiber *fiber)
{
	const uint64_t self = (uintptr_t)fiber;
	ucontext_t *context = &fiber->own.context;

	(void)getcontext(context);
	context->uc_link = NULL;
	context->uc_stack.ss_sp = fiber->stack + page_bytes();
	context->uc_stack.ss_size = STACK_BYTES;
	makecontext(context, (void (*)(void))(uintptr_t)begin, 2, (unsigned)(self >> 32), (unsigned)self);
}

struct fiber *fiber_new(void (*run)(void *context), void *context)
{
	const size_t page = page_bytes();
	char *stack = mmap(NULL, STACK_BYTES + page, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	struct fiber *fiber;

	if (stack == MAP_FAILED)
		return NULL;
	(void)mprotect(stack, page, PROT_NONE);
	fiber = mem_new(1, sizeof *fiber);
	*fiber = (struct fiber){.run = run, .context = context, .stack = stack};
	make_beginning(fiber);
#if WITH_TSAN
	fiber->tsan_own = __tsan_create_fiber(0);
#endif
	return fiber;
}

void fiber_go_on(struct fiber *fiber)
{
	void *kept = NULL;

#if WITH_TSAN
	fiber->tsan_other = __tsan_get_current_fiber();
#endif
	before_leaving(&kept, fiber->stack + page_bytes(), STACK_BYTES);
	bool begun = fiber->begun;
	fiber->begun = true;
	change(&fiber->other, &fiber->own, fiber->tsan_own, begun);
	after_arriving(kept, NULL, NULL);
}

void fiber_rest(struct fiber *fiber)
{
	void *kept = NULL;

	before_leaving(&kept, fiber->other_stack, fiber->other_size);
	change(&fiber->own, &fiber->other, fiber->tsan_other, true);
	after_arriving(kept, &fiber->other_stack, &fiber->other_size);
}

bool fiber_has_ended(const struct fiber *fiber)
{
	return fiber->ended;
}

void fiber_free(struct fiber *fiber)
{
	if (fiber == NULL)
		return;
#if WITH_TSAN
	__tsan_destroy_fiber(fiber->tsan_own);
#endif
	(void)munmap(fiber->stack, STACK_BYTES + page_bytes());
	free(fiber);
}
