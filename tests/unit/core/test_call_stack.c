/* Walked and captured stacks against libunwind's. */
#define UNW_LOCAL_ONLY
#include <alloca.h>
#include <criterion/criterion.h>
#include <libunwind.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "arena.h"
#include "call_stack.h"
#include "module_map.h"

enum { FRAMES_MAX = 200, STACK_SIZE_BYTES = 64 * 1024 };

#define NOINLINE __attribute__((noinline))
#if defined(__clang__) /* chooses by function itself */
#define WITH_FRAME_POINTER
#define WITHOUT_FRAME_POINTER
#else
#define WITH_FRAME_POINTER    __attribute__((optimize("no-omit-frame-pointer")))
#define WITHOUT_FRAME_POINTER __attribute__((optimize("omit-frame-pointer")))
#endif

struct stack {
	uint64_t pc[FRAMES_MAX];
	unsigned count, flags;
	uint64_t exact;
};

static __thread struct stack_bounds bounds;
static __thread struct call_stack_cache cache;
static volatile unsigned sink; /* written after a call, so that no call is a tail call */

static void expect_same(const char *what, const struct stack *ours, const struct stack *reference)
{
	cr_expect_eq(ours->count, reference->count, "%s: %u frames, not %u", what, ours->count,
	             reference->count);
	for (unsigned i = 0; i < ours->count && i < reference->count; i++)
		cr_assert_eq(ours->pc[i], reference->pc[i], "%s: frame %u is 0x%lx, not 0x%lx", what, i,
		             ours->pc[i], reference->pc[i]);
}

static NOINLINE void walk_reference(const struct call_registers *regs, struct stack *ret_stack)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t ip, sp;
	*ret_stack = (struct stack){0};
	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	do {
		unw_get_reg(&cursor, UNW_REG_IP, &ip);
		unw_get_reg(&cursor, UNW_REG_SP, &sp);
		if (ret_stack->count || (ip == regs->pc && sp == regs->sp))
			ret_stack->pc[ret_stack->count++] = ip;
	} while (ip && ret_stack->count < FRAMES_MAX && unw_step(&cursor) > 0);
}

static struct call_site capture(const struct call_registers *regs, unsigned *ret_flags)
{
	struct call_site site;
	memset(&site, 0xaa, sizeof site);
	*ret_flags = call_stack_capture(&cache, &bounds, regs, true, &site);
	return site;
}

static void expect_finished(const char *what, const struct call_site *site, const struct stack *walked)
{
	struct stack stack;
	stack.count = call_stack_finish(site, &bounds, stack.pc, FRAMES_MAX, &stack.flags, &stack.exact);
	expect_same(what, &stack, walked);
	cr_expect_eq(stack.flags, walked->flags, "%s: flags %u, not %u", what, stack.flags, walked->flags);
	cr_expect_eq(stack.exact, walked->exact, "%s: exact %lx, not %lx", what, stack.exact, walked->exact);
}

static struct stack last_walk;
static struct call_site last_site;
static unsigned checks;

/* The caller's stack by every way there is, the cache in whatever state earlier checks left it. */
static NOINLINE WITH_FRAME_POINTER void check_stack(void)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct stack reference;
	unsigned flags, flags_again;
	if (!bounds.high)
		cr_assert(call_stack_find_bounds(regs.sp, &bounds.low, &bounds.high));
	walk_reference(&regs, &reference);
	struct call_site site = capture(&regs, &flags), again = capture(&regs, &flags_again);
	struct stack walked;
	walked.count = call_stack_walk(&regs, &bounds, walked.pc, FRAMES_MAX, &walked.flags, &walked.exact);
	if (walked.flags & CALL_STACK_CUT)
		reference.count = walked.count < reference.count ? walked.count : reference.count;
	expect_same("walk", &walked, &reference);
	expect_finished("capture", &site, &walked);
	cr_expect_arr_eq(&site, &again, sizeof site, "the second capture differs");
	bool is_cut = (walked.flags & CALL_STACK_CUT) && walked.count < CALL_SITE_FRAMES;
	cr_expect_eq(flags, is_cut ? CALL_STACK_CUT : 0);
	cr_expect_eq(flags_again, flags);
	last_walk = walked;
	last_site = site;
	checks++;
	sink++;
}

/* --- functions of all shapes --- */

static NOINLINE WITH_FRAME_POINTER void with_frame_pointer(void)
{
	check_stack();
	sink++;
}

static NOINLINE WITHOUT_FRAME_POINTER void without_frame_pointer(void)
{
	volatile char space[200];
	space[0] = 1;
	check_stack();
	sink += space[0];
}

static NOINLINE void with_alloca(unsigned size, void (*next)(void))
{
	volatile char *space = alloca(size);
	space[0] = 1;
	next();
	sink += space[0];
}

static NOINLINE WITHOUT_FRAME_POINTER unsigned recurse(unsigned depth, void (*next)(void))
{
	if (depth)
		sink += recurse(depth - 1, next);
	else
		next();
	return sink;
}

static NOINLINE WITH_FRAME_POINTER unsigned recurse_alternating(unsigned depth)
{
	volatile char *space = depth % 3 ? alloca(depth * 16) : NULL;
	if (space)
		space[0] = 1;
	if (depth)
		sink += recurse(1, check_stack) + recurse_alternating(depth - 1);
	else
		check_stack();
	return sink;
}

static int compare_by_checking(const void *a, const void *b)
{
	check_stack();
	return *(const int *)a - *(const int *)b;
}

static void expect_complete(unsigned at_least)
{
	cr_expect_eq(last_walk.flags, 0);
	cr_expect_geq(last_walk.count, at_least);
}

Test(call_stack, walks_functions_with_and_without_frame_pointer)
{
	for (int i = 0; i < 3; i++) {
		with_frame_pointer();
		without_frame_pointer();
	}
	expect_complete(5);
}

Test(call_stack, walks_variable_frames)
{
	for (unsigned size = 1; size < 3000; size += 37) {
		with_alloca(size, with_frame_pointer);
		with_alloca(size, without_frame_pointer);
		with_alloca(size, check_stack);
	}
	expect_complete(4);
}

Test(call_stack, walks_deep_stacks_and_mixed_ones)
{
	recurse(100, check_stack);
	expect_complete(101);
	recurse_alternating(30);
	expect_complete(30);
	cr_expect_gt(checks, 30);
}

Test(call_stack, walks_through_libc)
{
	int numbers[] = {5, 3, 4, 1, 2};
	qsort(numbers, 5, sizeof numbers[0], compare_by_checking);
	expect_complete(6);
}

/* Eight callers of the same shape below eight of the same shape: pc[0] and sp never change. */
#define CALLERS(name, next)                                                                                  \
	static NOINLINE void name(unsigned path)                                                             \
	{                                                                                                    \
		switch (path & 7) {                                                                          \
		case 0:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 1;                                                                           \
			break;                                                                               \
		case 1:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 2;                                                                           \
			break;                                                                               \
		case 2:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 3;                                                                           \
			break;                                                                               \
		case 3:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 4;                                                                           \
			break;                                                                               \
		case 4:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 5;                                                                           \
			break;                                                                               \
		case 5:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 6;                                                                           \
			break;                                                                               \
		case 6:                                                                                      \
			next(path >> 3);                                                                     \
			sink += 7;                                                                           \
			break;                                                                               \
		default:                                                                                     \
			next(path >> 3);                                                                     \
			sink += 8;                                                                           \
		}                                                                                            \
	}
static NOINLINE void leaf(unsigned unused)
{
	(void)unused;
	check_stack();
	sink++;
}
CALLERS(inner, leaf)
CALLERS(middle, inner)
CALLERS(outer, middle)

Test(call_stack, cache_tells_callers_apart_that_share_return_address_and_sp)
{
	for (unsigned i = 0; i < 2000; i++)
		outer(i * 2654435761u >> 9);
	expect_complete(6);
}

/* The same return addresses and sp inside, frames of different size outside, told by rbp only. */
static NOINLINE void second_alloca(unsigned size)
{
	with_alloca(size, check_stack);
	sink++;
}
static NOINLINE void first_alloca(unsigned size, unsigned total)
{
	volatile char *space = alloca(size);
	memset((char *)space, (int)size, size);
	second_alloca(total - size);
	sink += space[0];
}

Test(call_stack, cache_tells_variable_frames_apart_that_share_return_address_and_sp)
{
	for (unsigned round = 0; round < 3; round++)
		for (unsigned size = 64; size < 2000; size += 64)
			first_alloca(size, 2048);
	expect_complete(5);
}

static void *check_in_thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++) {
		check_stack();
		without_frame_pointer();
		recurse(3, with_frame_pointer);
	}
	return NULL;
}

Test(call_stack, walks_to_the_first_frame_of_a_thread)
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, check_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	expect_complete(6);
	cr_expect_eq(checks, 9);
}

/* --- signals --- */

static void check_in_handler(int signal)
{
	(void)signal;
	check_stack();
	recurse(2, check_stack);
	recurse(5, check_stack);
}

static void handle(int signal, int flags)
{
	struct sigaction action = {.sa_handler = check_in_handler, .sa_flags = flags};
	cr_assert_eq(sigaction(signal, &action, NULL), 0);
}

/* The trap leaves a pc behind it that is no return address: right after a prologue instruction it matters. */
static NOINLINE void trap(void)
{
	__asm__ volatile("int3");
	sink++;
}

static void use_signal_stack(void)
{
	stack_t stack = {.ss_sp = arena_alloc(STACK_SIZE_BYTES), .ss_size = STACK_SIZE_BYTES};
	cr_assert_eq(sigaltstack(&stack, NULL), 0);
}

/* The one pc that is no return address: of code in [start, start + size). */
static void expect_one_exact_pc(const void *start, unsigned size)
{
	expect_complete(8);
	cr_assert_eq(__builtin_popcountl(last_walk.exact), 1, "exact %lx", last_walk.exact);
	uint64_t pc = last_walk.pc[__builtin_ctzl(last_walk.exact)];
	cr_expect_lt(pc - (uint64_t)(uintptr_t)start, size, "0x%lx is not in %p", pc, start);
}

static void walk_through_handlers(void)
{
	const struct module *libc = module_map_find_or_refresh((uint64_t)(uintptr_t)&getppid);
	cr_assert_not_null(libc);
	raise(SIGUSR1);
	expect_one_exact_pc((const void *)libc->exec_start, (unsigned)(libc->exec_end - libc->exec_start));
	recurse(3, trap);
	expect_one_exact_pc((const void *)&trap, 32);
	cr_expect_eq(checks, 6);
}

Test(call_stack, walks_through_a_signal_handler)
{
	handle(SIGUSR1, 0);
	handle(SIGTRAP, 0);
	walk_through_handlers();
}

Test(call_stack, walks_from_a_signal_stack_to_the_interrupted_one)
{
	use_signal_stack();
	handle(SIGUSR1, SA_ONSTACK);
	handle(SIGTRAP, SA_ONSTACK);
	const struct call_registers here = {.sp = (uint64_t)(uintptr_t)__builtin_frame_address(0)};
	cr_assert(call_stack_find_bounds(here.sp, &bounds.low, &bounds.high));
	walk_through_handlers();
	cr_expect_eq(bounds.other_lookups, 1);
}

static NOINLINE WITH_FRAME_POINTER struct call_site capture_here(void)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	unsigned flags;
	return capture(&regs, &flags);
}

static volatile sig_atomic_t handled;
static void capture_in_handler(int signal)
{
	(void)signal;
	for (int i = 0; i < 8; i++)
		capture_here();
	handled++;
}

/* A handler stores into the cache at any instruction of a capture. */
Test(call_stack, captures_right_while_a_handler_captures_with_the_same_cache)
{
	struct sigaction action = {.sa_handler = capture_in_handler};
	struct itimerval often = {.it_interval = {0, 100}, .it_value = {0, 100}};
	struct call_site first[4];
	check_stack();
	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (unsigned round = 0; handled < 200; round++) {
		struct call_site site[4] = {capture_here(), capture_here(), capture_here(), capture_here()};
		if (round == 0)
			memcpy(first, site, sizeof first);
		cr_assert_arr_eq(site, first, sizeof first, "round %u", round);
		if (round % 64 == 63) /* half of what is captured is captured anew */
			for (unsigned i = 0; i < CALL_STACK_CACHE_ENTRIES; i += 2)
				cache.entry[i].sp = 0;
	}
}

/* --- other stacks --- */

static ucontext_t main_context, coroutine_context;
static void run_coroutine(void)
{
	check_stack();
	recurse(2, without_frame_pointer);
	recurse(20, check_stack);
}

Test(call_stack, walks_a_stack_made_by_makecontext)
{
	char *stack =
	    mmap(NULL, STACK_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(stack, MAP_FAILED);
	check_stack();
	getcontext(&coroutine_context);
	coroutine_context.uc_stack = (stack_t){.ss_sp = stack, .ss_size = STACK_SIZE_BYTES};
	coroutine_context.uc_link = &main_context;
	makecontext(&coroutine_context, run_coroutine, 0);
	swapcontext(&main_context, &coroutine_context);
	cr_expect_eq(checks, 4);
	cr_expect_eq(bounds.other_lookups, 1);
	/* Down to __start_context, whose first instruction nothing called. */
	cr_expect_eq(last_walk.flags, CALL_STACK_CUT);
	cr_expect_geq(last_walk.count, 10);
}

static NOINLINE WITH_FRAME_POINTER struct stack walk_here(struct stack_bounds *within, unsigned max)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct stack stack = {.count = 0};
	stack.count = call_stack_walk(&regs, within, stack.pc, max, &stack.flags, &stack.exact);
	return stack;
}

Test(call_stack, gives_the_caller_alone_on_a_stack_it_may_not_look_up)
{
	struct stack_bounds used_up = {.other_lookups = 64}, none = {0};
	struct stack stack = walk_here(&used_up, FRAMES_MAX);
	cr_expect_eq(stack.count, 1);
	cr_expect_eq(stack.flags, CALL_STACK_CUT);
	cr_expect_eq(used_up.other_lookups, 64);
	cr_expect_gt(walk_here(&none, FRAMES_MAX).count, 3);
	cr_expect_eq(none.other_lookups, 1);
	none.other_low = none.other_high = 0;
	module_map_seal(true);
	stack = walk_here(&none, FRAMES_MAX);
	cr_expect_eq(stack.count, 1);
	cr_expect_eq(stack.flags, CALL_STACK_CUT);
	cr_expect_gt(stack.pc[0], 0);
	const struct call_registers regs = {.pc = stack.pc[0],
	                                    .sp = (uint64_t)(uintptr_t)&none & ~UINT64_C(15)};
	struct call_site site;
	cr_expect_eq(call_stack_capture(&cache, &none, &regs, true, &site), CALL_STACK_CUT);
	cr_expect_eq(site.pc[0], regs.pc);
	cr_expect(!site.pc[1] && !site.pc[2] && !site.pc[3] && !site.outer_slot);
}

Test(call_stack, never_reads_beyond_the_bounds)
{
	check_stack();
	for (uint64_t size = 8; size < 4096; size += 8) {
		struct stack_bounds narrow = bounds;
		uint64_t sp = (uint64_t)(uintptr_t)__builtin_frame_address(0);
		narrow.high = sp + size < bounds.high ? sp + size : bounds.high;
		struct stack stack = walk_here(&narrow, FRAMES_MAX);
		cr_assert_geq(stack.count, 1);
		cr_assert(stack.flags == 0 || stack.flags == CALL_STACK_CUT);
	}
}

Test(call_stack, says_that_it_stopped_at_the_given_size)
{
	check_stack();
	for (unsigned max = 0; max < 6; max++) {
		struct stack stack = walk_here(&bounds, max);
		cr_expect_eq(stack.count, max < 5 ? max : stack.count);
		cr_expect_eq(stack.flags & CALL_STACK_TRUNCATED,
		             max < 5 ? CALL_STACK_TRUNCATED : stack.flags);
		stack.count =
		    call_stack_finish(&last_site, &bounds, stack.pc, max, &stack.flags, &stack.exact);
		cr_expect_leq(stack.count, max);
		cr_expect_arr_eq(stack.pc, last_site.pc, (max < 4 ? max : 4) * sizeof stack.pc[0]);
		if (max < 4)
			cr_expect_eq(stack.flags, CALL_STACK_TRUNCATED);
	}
	unsigned whole = walk_here(&bounds, FRAMES_MAX).count;
	cr_expect_eq(walk_here(&bounds, whole).flags, 0);
	cr_expect_eq(walk_here(&bounds, whole - 1).flags, CALL_STACK_TRUNCATED);
}

/* --- finishing later --- */

static NOINLINE void capture_deep(void)
{
	last_site = capture_here();
	sink++;
}

static struct stack finish_last_site(void)
{
	struct stack stack;
	stack.count =
	    call_stack_finish(&last_site, &bounds, stack.pc, FRAMES_MAX, &stack.flags, &stack.exact);
	return stack;
}

static NOINLINE void capture_deeper(void)
{
	capture_deep();
	sink++;
}

/* Its return address is the kept slot's. */
static NOINLINE void finish_below_the_slot(void)
{
	capture_deeper();
	struct stack stack = finish_last_site();
	cr_expect_eq(stack.flags, 0);
	cr_expect_gt(stack.count, 5);
	sink++;
}

Test(call_stack, finishes_after_the_inner_frames_are_gone_and_not_after_the_outer)
{
	check_stack();
	finish_below_the_slot();
	struct stack stack = finish_last_site();
	cr_expect_eq(stack.flags, CALL_STACK_CUT);
	cr_expect_eq(stack.count, CALL_SITE_FRAMES);
	cr_expect_arr_eq(stack.pc, last_site.pc, CALL_SITE_FRAMES * sizeof *stack.pc);
}

Test(call_stack, does_not_read_a_stack_that_was_unmapped)
{
	struct stack stack;
	struct call_site site = {.pc = {1, 2, 3, 4}};
	check_stack();
	site = last_site;
	char *gone = mmap(NULL, STACK_SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(gone, MAP_FAILED);
	bounds.other_low = (uint64_t)(uintptr_t)gone;
	bounds.other_high = bounds.other_low + STACK_SIZE_BYTES;
	site.outer_slot = bounds.other_low + 256;
	munmap(gone, STACK_SIZE_BYTES);
	stack.count = call_stack_finish(&site, &bounds, stack.pc, FRAMES_MAX, &stack.flags, &stack.exact);
	cr_expect_eq(stack.flags, CALL_STACK_CUT);
	cr_expect_eq(stack.count, CALL_SITE_FRAMES);
}

/* sub rsp, 8; call rdi; add rsp, 8; ret */
static const unsigned char jit_code[] = {0x48, 0x83, 0xec, 8, 0xff, 0xd7, 0x48, 0x83, 0xc4, 8, 0xc3};

Test(call_stack, is_cut_at_code_without_unwind_rules)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(code, MAP_FAILED);
	memcpy(code, jit_code, sizeof jit_code);
	void (*call)(void (*)(void)) = (void (*)(void (*)(void)))code;
	for (int i = 0; i < 2; i++) {
		call(with_frame_pointer);
		cr_expect_eq(last_walk.flags, CALL_STACK_CUT);
		cr_expect_eq(last_walk.count, 2);
		cr_expect_eq(last_walk.pc[1], (uint64_t)(uintptr_t)code + 6);
		call(check_stack);
		cr_expect_eq(last_walk.count, 1);
	}
}
