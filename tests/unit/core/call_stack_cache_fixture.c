#include "call_stack_cache_fixture.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "call_stack_plain.h"

enum { PAGE_SIZE_BYTES = 4096 };
uint64_t *stack;
struct stack_bounds bounds;
struct call_stack_cache cache;
unsigned plain_walks;

uint32_t rule(bool from_bp, unsigned cfa_words, unsigned bp_words)
{
	return (from_bp ? (uint32_t)UNWIND_RULE_FROM_BP : 0) | bp_words << UNWIND_RULE_BP_SHIFT | cfa_words;
}

void set_rule(uint64_t pc, uint32_t value)
{
	atomic_store(&unwind_rules_slots[unwind_rules_slot_of(pc - 1)], (pc - 1) << UNWIND_RULE_BITS | value);
}

void make_stack(void)
{
	char *pages = mmap(NULL, 3 * PAGE_SIZE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + PAGE_SIZE_BYTES, PAGE_SIZE_BYTES, PROT_READ | PROT_WRITE), 0);
	stack = (uint64_t *)(pages + 2 * PAGE_SIZE_BYTES) - STACK_WORDS;
	bounds.low = (uint64_t)(uintptr_t)stack;
	bounds.high = (uint64_t)(uintptr_t)(stack + STACK_WORDS);
	memset(&cache, 0, sizeof cache);
	/* As large as it gets: in a table that grows, rules that were set by hand would be lost. */
	atomic_store(&unwind_rules_slot_mask, UNWIND_RULE_SLOTS - 1);
}

uint64_t place(unsigned word)
{
	return (uint64_t)(uintptr_t)(stack + word);
}

struct call_registers registers(unsigned code, unsigned sp_word, uint64_t bp)
{
	return (struct call_registers){.pc = CODE(code), .sp = place(sp_word), .bp = bp};
}

struct call_site capture_with(struct call_stack_cache *with, const struct call_registers *regs,
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

struct call_site expect_cached_as_fresh(const struct call_registers *regs)
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

void expect_site(const struct call_registers *regs, const struct call_site *expected)
{
	unsigned flags;
	expect_cached_as_fresh(regs);
	struct call_site site = capture_with(&cache, regs, &flags);
	cr_expect_arr_eq(&site, expected, sizeof site);
	cr_expect_eq(flags, 0);
}

void set_simple_rules(void)
{
	set_rule(CODE(0), rule(false, 2, 0));
	set_rule(CODE(1), rule(false, 3, 2));
	set_rule(CODE(2), rule(false, 2, 0));
	set_rule(CODE(3), rule(false, 2, 0));
	set_rule(CODE(4), rule(false, 4, 3));
	set_rule(CODE(5), rule(false, 2, 2));
}
