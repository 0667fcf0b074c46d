/* The caller's stack, walked and captured, against libunwind's; and functions of all shapes to do it in. */
#ifndef AFTERFORK_TESTS_CALL_STACK_FIXTURE_H
#define AFTERFORK_TESTS_CALL_STACK_FIXTURE_H

#define UNW_LOCAL_ONLY
#include <criterion/criterion.h>
#include <libunwind.h>
#include <string.h>

#include "call_stack.h"

enum { FRAMES_MAX = 200, STACK_SIZE_BYTES = 64 * 1024 };

#define NOINLINE __attribute__((noinline, unused))
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

static inline void expect_same(const char *what, const struct stack *ours, const struct stack *reference)
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

static inline struct call_site capture(const struct call_registers *regs, unsigned *ret_flags)
{
	struct call_site site;
	memset(&site, 0xaa, sizeof site);
	*ret_flags = call_stack_capture(&cache, &bounds, regs, true, &site);
	return site;
}

static inline void expect_finished(const char *what, const struct call_site *site, const struct stack *walked)
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

static inline void expect_complete(unsigned at_least)
{
	cr_expect_eq(last_walk.flags, 0);
	cr_expect_geq(last_walk.count, at_least);
}

static NOINLINE WITH_FRAME_POINTER struct call_site capture_here(void)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	unsigned flags;
	return capture(&regs, &flags);
}

static NOINLINE WITH_FRAME_POINTER struct stack walk_here(struct stack_bounds *within, unsigned max)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct stack stack = {.count = 0};
	stack.count = call_stack_walk(&regs, within, stack.pc, max, &stack.flags, &stack.exact);
	return stack;
}

#endif
