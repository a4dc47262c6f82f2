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
	sigjmp_buf own, other; /* where each of the two goes on */
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

static void tell_tsan(void *to)
{
#if WITH_TSAN
	__tsan_switch_to_fiber(to, 0);
#else
	(void)to;
#endif
}

/* ---- the fiber ------------------------------------------------------------------------------------------- */

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* makecontext passes ints. */
static void begin(unsigned high, unsigned low)
{
	struct fiber *fiber = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);

	after_arriving(NULL, &fiber->other_stack, &fiber->other_size);
	fiber->run(fiber->context);
	fiber->ended = true;
	before_leaving(NULL, fiber->other_stack, fiber->other_size);
	tell_tsan(fiber->tsan_other);
	siglongjmp(fiber->other, 1);
}

/* The first time, on its own stack. */
static void enter(struct fiber *fiber)
{
	const uint64_t self = (uintptr_t)fiber;
	ucontext_t context;

	fiber->begun = true;
	(void)getcontext(&context);
	context.uc_link = NULL;
	context.uc_stack.ss_sp = fiber->stack + page_bytes();
	context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&context, (void (*)(void))(uintptr_t)begin, 2, (unsigned)(self >> 32), (unsigned)self);
	(void)setcontext(&context);
	abort();
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
#if WITH_TSAN
	fiber->tsan_own = __tsan_create_fiber(0);
#endif
	return fiber;
}

void fiber_go_on(struct fiber *fiber)
{
	void *volatile kept = NULL;

#if WITH_TSAN
	fiber->tsan_other = __tsan_get_current_fiber();
#endif
	before_leaving((void **)&kept, fiber->stack + page_bytes(), STACK_BYTES);
	tell_tsan(fiber->tsan_own);
	if (sigsetjmp(fiber->other, 0) == 0) {
		if (!fiber->begun)
			enter(fiber);
		siglongjmp(fiber->own, 1);
	}
	after_arriving(kept, NULL, NULL);
}

void fiber_rest(struct fiber *fiber)
{
	void *volatile kept = NULL;

	before_leaving((void **)&kept, fiber->other_stack, fiber->other_size);
	tell_tsan(fiber->tsan_other);
	if (sigsetjmp(fiber->own, 0) == 0)
		siglongjmp(fiber->other, 1);
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
