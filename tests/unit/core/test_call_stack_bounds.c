/* Stacks of other makes, and walks that end early or are ended later. */
#include <sys/mman.h>
#include <ucontext.h>

#include "call_stack_fixture.h"
#include "module_map.h"

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
