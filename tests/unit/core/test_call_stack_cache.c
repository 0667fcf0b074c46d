/* The cache of call_stack_capture() on made-up stacks: what it gives must be what a walk without it gives,
 * whatever changed on the stack since. */
#include <criterion/criterion.h>
#include <string.h>

#include "call_stack_cache_fixture.h"

Test(call_stack_cache, follows_a_change_of_callers_of_the_same_layout)
{
	make_stack();
	set_simple_rules();
	stack[1] = CODE(1), stack[3] = 77, stack[4] = CODE(2), stack[5] = 88, stack[6] = CODE(3);
	struct call_registers regs = registers(0, 0, 66);
	struct call_site first = {{CODE(0), CODE(1), CODE(2), CODE(3)}, place(6), 77};
	struct call_site second = {{CODE(0), CODE(1), CODE(5), CODE(3)}, place(6), 88};
	expect_site(&regs, &first);
	stack[4] = CODE(5);
	expect_site(&regs, &second);
	stack[4] = CODE(2);
	expect_site(&regs, &first);
	stack[3] = 99;
	first.outer_bp = 99;
	expect_site(&regs, &first);
}

Test(call_stack_cache, follows_a_change_of_layout_though_the_old_places_still_look_right)
{
	make_stack();
	set_simple_rules();
	stack[1] = CODE(1), stack[3] = 77, stack[4] = CODE(2), stack[5] = CODE(2), stack[6] = CODE(3),
	stack[7] = CODE(3);
	struct call_registers regs = registers(0, 0, 66);
	struct call_site first = {{CODE(0), CODE(1), CODE(2), CODE(3)}, place(6), 77};
	struct call_site second = {{CODE(0), CODE(4), CODE(2), CODE(3)}, place(7), 77};
	expect_site(&regs, &first);
	stack[1] = CODE(4);
	expect_site(&regs, &second);
	stack[1] = CODE(1);
	expect_site(&regs, &first);
}

Test(call_stack_cache, follows_rbp_where_a_frame_counts_from_it)
{
	make_stack();
	set_simple_rules();
	set_rule(CODE(0), rule(true, 2, 2));
	for (unsigned at = 2; at < 20; at += 6) {
		stack[at] = 70 + at;
		stack[at + 1] = CODE(2), stack[at + 2] = 0, stack[at + 3] = CODE(2), stack[at + 5] = CODE(3);
	}
	for (unsigned round = 0; round < 3; round++)
		for (unsigned at = 2; at < 20; at += 6) {
			struct call_registers regs = registers(0, 0, place(at));
			struct call_site expected = {
			    {CODE(0), CODE(2), CODE(2), CODE(3)}, place(at + 5), 70 + at};
			expect_site(&regs, &expected);
		}
}

Test(call_stack_cache, ends_at_the_end_of_the_stack)
{
	make_stack();
	set_simple_rules();
	for (unsigned sp = STACK_WORDS - 10; sp < STACK_WORDS; sp++) {
		for (unsigned i = 0; i < STACK_WORDS; i++)
			stack[i] = CODE(2);
		struct call_registers regs = registers(2, sp, place(STACK_WORDS - 1));
		unsigned flags;
		struct call_site site = capture_with(&cache, &regs, &flags);
		unsigned frames = 1 + (STACK_WORDS - sp) / 2;
		for (unsigned i = 0; i < CALL_SITE_FRAMES; i++)
			cr_expect_eq(site.pc[i], i < frames ? CODE(2) : 0, "sp %u, frame %u", sp, i);
		cr_expect_eq(flags, frames < CALL_SITE_FRAMES ? CALL_STACK_CUT : 0);
		expect_cached_as_fresh(&regs);
	}
}

Test(call_stack_cache, forgets_all_when_rules_are_forgotten)
{
	make_stack();
	set_simple_rules();
	stack[1] = CODE(1), stack[3] = 77, stack[4] = CODE(2), stack[5] = 88, stack[6] = CODE(3),
	stack[7] = CODE(5);
	struct call_registers regs = registers(0, 0, 66);
	struct call_site first = {{CODE(0), CODE(1), CODE(2), CODE(3)}, place(6), 77};
	struct call_site second = {{CODE(0), CODE(1), CODE(2), CODE(5)}, place(7), 77};
	expect_site(&regs, &first);
	set_rule(CODE(2), rule(false, 3, 0)); /* other code was loaded at the same address */
	atomic_fetch_add(&unwind_rules_generation, UNWIND_RULES_GENERATION_STEP);
	expect_site(&regs, &second);
}

/* 0 to 7 are wrappers with frame pointers, each called by the next, 8 is what they are called from; 9 calls
 * that. */
static void set_wrappers(unsigned count)
{
	set_rule(CODE(9), rule(true, 2, 2));
	for (unsigned i = 0; i <= count; i++)
		set_rule(CODE(i), rule(true, 2, 2) | (i < count ? UNWIND_RULE_GLUE : 0));
	/* frames of 4 words: two of its own, rbp, return address */
	for (unsigned i = 0; i < 9; i++) {
		stack[4 * i + 2] = place(4 * i + 6);
		stack[4 * i + 3] = i < count ? CODE(i + 1) : CODE(9);
	}
}

Test(call_stack_cache, keeps_the_caller_of_who_called_the_wrappers)
{
	make_stack();
	for (unsigned wrappers = 0; wrappers <= 8; wrappers++) {
		memset(&cache, 0, sizeof cache);
		set_wrappers(wrappers);
		atomic_fetch_add(&unwind_rules_generation, UNWIND_RULES_GENERATION_STEP);
		struct call_registers regs = registers(0, 0, place(2));
		unsigned kept = wrappers < 3 ? 4 : wrappers + 2;
		struct call_site expected = {.pc = {0}};
		for (unsigned i = 0; i < kept; i++)
			expected.pc[i] = i <= wrappers ? CODE(i) : CODE(9);
		expected.outer_slot = place(4 * (kept - 2) + 3);
		expected.outer_bp = place(4 * (kept - 2) + 6);
		expect_site(&regs, &expected);
	}
}

Test(call_stack_cache, follows_a_change_of_any_frame_behind_wrappers)
{
	make_stack();
	set_wrappers(6);
	set_rule(CODE(10), rule(true, 2, 2));
	struct call_registers regs = registers(0, 0, place(2));
	cr_assert_eq(expect_cached_as_fresh(&regs).pc[7], CODE(9));
	for (unsigned i = 0; i < 7; i++) {
		uint64_t pc = stack[4 * i + 3], base = stack[4 * i + 2];
		stack[4 * i + 3] = CODE(10);
		cr_expect_eq(expect_cached_as_fresh(&regs).pc[i + 1], CODE(10));
		stack[4 * i + 3] = pc;
		stack[4 * i + 2] = base + 32; /* a longer frame, that skips one */
		expect_cached_as_fresh(&regs);
		stack[4 * i + 2] = base;
		cr_expect_eq(expect_cached_as_fresh(&regs).pc[7], CODE(9));
	}
}

Test(call_stack_cache, keeps_no_more_of_a_function_that_calls_itself)
{
	make_stack();
	set_wrappers(8);
	for (unsigned i = 2; i < 8; i++)
		stack[4 * i + 3] = CODE(3);
	struct call_registers regs = registers(0, 0, place(2));
	struct call_site site = expect_cached_as_fresh(&regs);
	cr_expect_eq(site.pc[5], CODE(3));
	cr_expect_eq(site.pc[6], 0);
}

static uint32_t random_state = 1;
static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(random_state >> 4) * limit >> 28);
}

static void set_random_rule(unsigned code)
{
	unsigned cfa_words = 1 + random_below(5);
	unsigned bp_words = cfa_words >= 2 && random_below(2) ? 2 + random_below(cfa_words - 1) : 0;
	uint32_t glue = random_below(4) ? UNWIND_RULE_GLUE : 0;
	if (random_below(2))
		cfa_words = bp_words = 2; /* what code with frame pointers has */
	set_rule(CODE(code), rule(random_below(4) == 0 || bp_words == 2, cfa_words, bp_words) | glue);
}

static uint64_t random_word(void)
{
	uint32_t kind = random_below(8);
	return kind == 0 ? 0 : kind < 3 ? place(random_below(STACK_WORDS)) : CODE(random_below(CODES));
}

Test(call_stack_cache, gives_what_a_fresh_walk_gives_on_any_stack)
{
	unsigned deep = 0, deeper = 0;
	make_stack();
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned code = 0; code < CODES; code++)
			set_random_rule(code);
		atomic_fetch_add(&unwind_rules_generation, UNWIND_RULES_GENERATION_STEP);
		for (unsigned i = 0; i < STACK_WORDS; i++)
			stack[i] = random_word();
		for (unsigned change = 0; change < 1000; change++) {
			/* the same few places again and again, with a word changed in between */
			unsigned sp = random_below(3) * 2;
			struct call_registers regs =
			    registers(random_below(3), sp, place(sp + random_below(3)));
			struct call_site site = expect_cached_as_fresh(&regs);
			deep += site.outer_slot != 0;
			deeper += site.pc[CALL_SITE_FRAMES] != 0;
			stack[random_below(20)] = random_word();
		}
	}
	cr_expect_gt(deep, 10000);
	cr_expect_gt(deeper, 2000);
	cr_expect_gt(plain_walks, 1000);
}
