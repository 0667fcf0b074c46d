/* The cache of call_stack_capture() on made-up stacks of made-up code: what it gives must be what a walk
 * without it gives, whatever changed on the stack since, and whatever a signal handler did in between. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "call_stack_plain.h"
#include "core_fixture.h"

enum { PAGE_SIZE_BYTES = 4096, STACK_WORDS = 48, CODES = 12 };
#define CODE(i) (UINT64_C(0x10000) + 0x41 * (uint64_t)(i)) /* return addresses; below every mapping */

static uint64_t *stack; /* ends where readable memory ends */
static struct stack_bounds bounds;
static struct call_stack_cache cache;
static unsigned plain_walks;

static uint32_t rule(bool from_bp, unsigned cfa_words, unsigned bp_words)
{
	return (from_bp ? (uint32_t)UNWIND_RULE_FROM_BP : 0) | bp_words << UNWIND_RULE_BP_SHIFT | cfa_words;
}

static void set_rule(uint64_t pc, uint32_t value)
{
	atomic_store(&unwind_rules_slots[unwind_rules_slot_of(pc - 1)], (pc - 1) << UNWIND_RULE_BITS | value);
}

static void make_stack(void)
{
	char *pages = mmap(NULL, 3 * PAGE_SIZE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + PAGE_SIZE_BYTES, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE), 0);
	stack = (uint64_t *)(pages + 2 * PAGE_SIZE_BYTES) - STACK_WORDS;
	bounds.low = (uint64_t)(uintptr_t)stack;
	bounds.high = (uint64_t)(uintptr_t)(stack + STACK_WORDS);
	memset(&cache, 0, sizeof cache);
}

static uint64_t place(unsigned word)
{
	return (uint64_t)(uintptr_t)(stack + word);
}

static struct call_registers registers(unsigned code, unsigned sp_word, uint64_t bp)
{
	return (struct call_registers){.pc = CODE(code), .sp = place(sp_word), .bp = bp};
}

static struct call_site capture_with(struct call_stack_cache *with, const struct call_registers *regs,
                                     unsigned *ret_flags)
{
	struct call_site site;
	memset(&site, 0xaa, sizeof site);
	*ret_flags = call_stack_capture(with, &bounds, regs, true, &site);
	return site;
}

/* What is kept and what is found from there on are the whole stack. */
static void expect_as_walked(const struct call_registers *regs, const struct call_site *site)
{
	uint64_t walked[STACK_WORDS + 1], finished[STACK_WORDS + 1], exact;
	unsigned flags, finished_flags;
	unsigned count = call_stack_walk(regs, &bounds, walked, STACK_WORDS + 1, &flags, &exact);
	unsigned finished_count =
	    call_stack_finish(site, &bounds, finished, STACK_WORDS + 1, &finished_flags, &exact);
	cr_assert_eq(finished_count, count);
	cr_assert_eq(finished_flags, flags);
	cr_assert_arr_eq(finished, walked, count * sizeof *walked);
}

/* Where a frame behind the fourth could not be walked once and can be now, a cached stack stays at four. */
static bool is_shallower(const struct call_site *site, const struct call_site *expected)
{
	return !site->pc[CALL_SITE_FRAMES] && expected->pc[CALL_SITE_FRAMES];
}

/* The walk of plain stacks gives the same, or nothing. */
static void expect_plain_walk(const struct call_registers *regs, const struct call_site *expected)
{
	struct call_stack_cache with = {0};
	struct call_stack_cache_entry *entry = call_stack_cache_entry_for(&with, regs->pc, regs->sp);
	uint64_t pc[CALL_SITE_FRAMES_MAX] = {0}, outer_bp;
	uint64_t outer_slot = call_stack_capture_plain(&with, entry, &bounds, regs, pc, &outer_bp);
	if (!outer_slot) {
		cr_assert_eq(entry->sp, 0);
		return;
	}
	plain_walks++;
	cr_assert_arr_eq(pc, expected->pc, sizeof pc);
	cr_assert_eq(outer_slot, expected->outer_slot);
	cr_assert_eq(outer_bp, expected->outer_bp);
	cr_assert_eq(call_stack_find(&with, regs->pc, regs->sp), entry);
	cr_assert_eq(call_stack_outer_bp(entry, regs), outer_bp);
	cr_assert_eq(call_stack_capture_plain(&with, NULL, &bounds, regs, pc, &outer_bp), outer_slot);
}

static struct call_site expect_cached_as_fresh(const struct call_registers *regs)
{
	struct call_stack_cache empty = {0};
	unsigned flags, expected_flags;
	struct call_site expected = capture_with(&empty, regs, &expected_flags);
	struct call_site site = capture_with(&cache, regs, &flags);
	if (is_shallower(&site, &expected))
		cr_assert_arr_eq(site.pc, expected.pc, CALL_SITE_FRAMES * sizeof *site.pc);
	else
		cr_assert_arr_eq(&site, &expected, sizeof site);
	cr_assert_eq(flags, expected_flags);
	expect_plain_walk(regs, &expected);
	expect_as_walked(regs, &expected);
	expect_as_walked(regs, &site);
	return site;
}

static void expect_site(const struct call_registers *regs, const struct call_site *expected)
{
	unsigned flags;
	expect_cached_as_fresh(regs);
	struct call_site site = capture_with(&cache, regs, &flags);
	cr_expect_arr_eq(&site, expected, sizeof site);
	cr_expect_eq(flags, 0);
}

/* 0 is called from 1 or 4, that from 2 or 5, that from 3: frames of 2, 3 (or 4) and 2 words. */
static void set_simple_rules(void)
{
	set_rule(CODE(0), rule(false, 2, 0));
	set_rule(CODE(1), rule(false, 3, 2));
	set_rule(CODE(2), rule(false, 2, 0));
	set_rule(CODE(3), rule(false, 2, 0));
	set_rule(CODE(4), rule(false, 4, 3));
	set_rule(CODE(5), rule(false, 2, 2));
}

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

/* --- interrupted at each instruction --- */

static volatile unsigned step, interrupt_at, interruptions;
static struct call_registers in_handler;

static void count_step(int signal)
{
	(void)signal;
	if (step++ != interrupt_at)
		return;
	unsigned flags;
	capture_with(&cache, &in_handler, &flags);
	interruptions++;
}

static __attribute__((noinline)) struct call_site capture_stepwise(const struct call_registers *regs)
{
	struct call_site site;
	step = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
	call_stack_capture(&cache, &bounds, regs, true, &site);
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
	return site;
}

/* A sanitizer's checks make of each instruction many, and each is a signal. */
enum {
	INSTRUCTIONS_MAX = CORE_IS_SANITIZED ? 100000 : 2000,
	INTERRUPT_EACH = CORE_IS_SANITIZED ? 50 : 1,
};

enum cache_state { CACHE_EMPTY, CACHE_SAME_LAYOUT, CACHE_HIT };

static void interrupt_everywhere(enum cache_state state, const struct call_registers *regs,
                                 uint64_t other_caller)
{
	struct call_stack_cache empty = {0};
	unsigned flags;
	unsigned instructions = 1;
	const uint64_t caller = stack[4];
	struct call_site expected = capture_with(&empty, regs, &flags);
	for (interrupt_at = 0; interrupt_at < instructions; interrupt_at += INTERRUPT_EACH) {
		memset(&cache, 0, sizeof cache);
		if (state == CACHE_SAME_LAYOUT)
			stack[4] = other_caller;
		if (state != CACHE_EMPTY)
			capture_with(&cache, regs, &flags);
		stack[4] = caller;
		struct call_site site = capture_stepwise(regs);
		instructions = step;
		cr_assert_arr_eq(&site, &expected, sizeof site, "at instruction %u", interrupt_at);
		expect_cached_as_fresh(regs);
		expect_cached_as_fresh(&in_handler);
		cr_assert_leq(instructions, INSTRUCTIONS_MAX);
	}
	cr_expect_gt(instructions, 20);
}

/* The handler's stack is kept in the same entry. */
static void choose_handlers_stack(const struct call_registers *regs, uint32_t its_rule)
{
	const struct call_stack_cache_entry *entry = call_stack_cache_entry_for(&cache, regs->pc, regs->sp);
	struct sigaction action = {.sa_handler = count_step};
	unsigned code = 100;
	cr_assert_eq(sigaction(SIGTRAP, &action, NULL), 0);
	do
		in_handler = registers(++code, 20, 44);
	while (call_stack_cache_entry_for(&cache, in_handler.pc, in_handler.sp) != entry);
	set_rule(CODE(code), its_rule);
	stack[21] = CODE(4), stack[22] = 55, stack[25] = CODE(5), stack[26] = CODE(2), stack[27] = CODE(3);
}

Test(call_stack_cache, is_right_whatever_instruction_a_handler_interrupts)
{
	make_stack();
	set_simple_rules();
	stack[1] = CODE(1), stack[3] = 77, stack[4] = CODE(2), stack[5] = 88, stack[6] = CODE(3);
	struct call_registers regs = registers(0, 0, 66);
	choose_handlers_stack(&regs, rule(false, 2, 0));
	for (enum cache_state state = CACHE_EMPTY; state <= CACHE_HIT; state++)
		interrupt_everywhere(state, &regs, CODE(5));
	cr_expect_gt(interruptions, 100 / INTERRUPT_EACH);
}

/* The same where both stacks are kept deep. */
Test(call_stack_cache, is_right_behind_wrappers_whatever_instruction_a_handler_interrupts)
{
	make_stack();
	set_simple_rules();
	for (unsigned code = 0; code < 6; code++)
		set_rule(CODE(code), rule(false, 2, 0) | UNWIND_RULE_GLUE);
	for (unsigned i = 1; i < 18; i++)
		stack[i] = CODE(i / 2 % 6);
	for (unsigned i = 20; i < STACK_WORDS; i++)
		stack[i] = CODE(i / 2 % 5);
	struct call_registers regs = registers(0, 0, 66);
	choose_handlers_stack(&regs, rule(false, 2, 0) | UNWIND_RULE_GLUE);
	cr_assert_neq(expect_cached_as_fresh(&regs).pc[6], 0);
	cr_assert_neq(expect_cached_as_fresh(&in_handler).pc[6], 0);
	for (enum cache_state state = CACHE_EMPTY; state <= CACHE_HIT; state++)
		interrupt_everywhere(state, &regs, CODE(5));
	cr_expect_gt(interruptions, 100 / INTERRUPT_EACH);
}
