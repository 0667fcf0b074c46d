/* What a record keeps of stacks that are not plain: made by code with frame pointers, through wrappers of
 * locks, or of few frames. The first tests play such code on a made-up stack. */
#include <criterion/criterion.h>
#include <string.h>

#include "core_fixture.h"

enum { STACK_WORDS = 64, WRAPPERS = 6 };
#define CODE(i) (UINT64_C(0x10000) + 0x41 * (uint64_t)(i)) /* return addresses; below every mapping */

static struct thread_record *self;
static uint64_t stack[STACK_WORDS];
static char locks[32];

static uint64_t place(unsigned word)
{
	return (uint64_t)(uintptr_t)(stack + word);
}

static void set_rule(unsigned code, uint32_t value)
{
	uint64_t address = CODE(code) - 1;
	atomic_store(&unwind_rules_slots[unwind_rules_slot_of(address)], address << UNWIND_RULE_BITS | value);
}

enum { FRAME_POINTER_RULE = (int)UNWIND_RULE_FROM_BP | 2 << UNWIND_RULE_BP_SHIFT | 2 };

/* 0 to 9, each called by the next, in frames of 4 words: two of its own, rbp, return address. */
static struct call_registers make_stack(unsigned wrappers)
{
	self = core_start();
	self->bounds = (struct stack_bounds){.low = place(0), .high = place(STACK_WORDS)};
	for (unsigned i = 0; i < 10; i++) {
		set_rule(i, FRAME_POINTER_RULE | (i < wrappers ? UNWIND_RULE_GLUE : 0));
		stack[4 * i + 2] = place(4 * i + 6);
		stack[4 * i + 3] = CODE(i + 1);
	}
	set_rule(20, FRAME_POINTER_RULE);
	return (struct call_registers){.pc = CODE(0), .sp = place(0), .bp = place(2)};
}

static const struct held_entry *want(unsigned lock, const struct call_registers *regs)
{
	uint32_t index = thread_record_want(self, &locks[lock], TRACE_LOCK_MUTEX, CALL_mtx_lock, regs);
	cr_assert_eq(index, lock);
	return &self->held[index];
}

static bool is_by_reference(const struct held_entry *entry)
{
	return !(entry->stack & THREAD_STACK_OWN);
}

static struct call_site site_of(const struct held_entry *entry)
{
	struct call_site site;
	thread_record_site(entry, &site);
	return site;
}

static void expect_site(const struct held_entry *entry, const struct call_site *expected)
{
	struct call_site site = site_of(entry);
	cr_expect_arr_eq(&site, expected, sizeof site);
}

/* Frame after frame gets another caller, and all that was kept before stays as it was. */
static void expect_kept_while_callers_change(const struct call_registers *regs, unsigned kept)
{
	struct call_site expected[16];
	unsigned held = 0;
	want(held++, regs);
	for (unsigned i = 0; i + 1 < kept; i++) {
		cr_assert(is_by_reference(want(held++, regs)), "frame %u", i);
		uint64_t caller = stack[4 * i + 3];
		for (unsigned k = 0; k < held; k++)
			expected[k] = site_of(&self->held[k]);
		stack[4 * i + 3] = CODE(20);
		struct call_site changed = site_of(want(held++, regs));
		cr_expect_eq(changed.pc[i + 1], CODE(20));
		for (unsigned k = 0; k + 1 < held; k++)
			expect_site(&self->held[k], &expected[k]);
		stack[4 * i + 3] = caller;
		while (held > 2)
			thread_record_remove(self, --held);
		want(held++, regs);
		for (unsigned k = 0; k < 2; k++)
			expect_site(&self->held[k], &expected[k]);
		while (held > 1)
			thread_record_remove(self, --held);
	}
}

Test(thread_record_wrappers, keeps_stacks_of_code_with_frame_pointers_by_reference)
{
	struct call_registers regs = make_stack(0);
	want(0, &regs);
	const struct held_entry *entry = want(1, &regs);
	struct call_site expected = {{CODE(0), CODE(1), CODE(2), CODE(3)}, place(11), place(14)};
	cr_assert(is_by_reference(entry));
	expect_site(&self->held[0], &expected);
	expect_site(entry, &expected);
	thread_record_remove(self, 1);
	thread_record_remove(self, 0);
	expect_kept_while_callers_change(&regs, 4);
}

Test(thread_record_wrappers, keeps_stacks_behind_wrappers_by_reference)
{
	struct call_registers regs = make_stack(WRAPPERS);
	want(0, &regs);
	const struct held_entry *entry = want(1, &regs);
	struct call_site expected = {.outer_slot = place(4 * WRAPPERS + 3),
	                             .outer_bp = place(4 * WRAPPERS + 6)};
	for (unsigned i = 0; i < WRAPPERS + 2; i++)
		expected.pc[i] = CODE(i);
	cr_assert(is_by_reference(entry));
	expect_site(&self->held[0], &expected);
	expect_site(entry, &expected);
	thread_record_remove(self, 1);
	thread_record_remove(self, 0);
	expect_kept_while_callers_change(&regs, WRAPPERS + 2);
}

/* The wrappers have returned, others were called in their place; the function that called them goes on. */
Test(thread_record_wrappers, knows_who_called_the_wrappers_after_they_returned)
{
	struct call_registers regs = make_stack(WRAPPERS);
	struct call_site site = site_of(want(0, &regs));
	uint64_t walked[32], finished[32], exact;
	unsigned flags, count = call_stack_walk(&regs, &self->bounds, walked, 32, &flags, &exact);
	for (unsigned i = 0; i < WRAPPERS; i++)
		stack[4 * i + 2] = stack[4 * i + 3] = 0;
	cr_assert_gt(count, WRAPPERS + 2);
	cr_assert_eq(call_stack_finish(&site, &self->bounds, finished, 32, &flags, &exact), count);
	cr_assert_arr_eq(finished, walked, count * sizeof *walked);
}

Test(thread_record_wrappers, keeps_a_stack_of_few_frames_by_reference)
{
	struct call_registers regs = make_stack(0);
	/* What has no rule at all ends a stack for good. */
	stack[7] = CODE(30);
	want(0, &regs);
	const struct held_entry *entry = want(1, &regs);
	struct call_site expected = {.pc = {CODE(0), CODE(1), CODE(30)}, .outer_bp = CALL_STACK_CUT};
	cr_assert(is_by_reference(entry));
	expect_site(&self->held[0], &expected);
	expect_site(entry, &expected);
}

Test(thread_record_wrappers, keeps_an_entry_that_moves)
{
	struct call_registers regs = make_stack(WRAPPERS);
	want(0, &regs);
	struct call_site expected = site_of(want(1, &regs));
	thread_record_remove(self, 0);
	expect_site(&self->held[0], &expected);
	stack[3] = CODE(20);
	want(1, &regs);
	expect_site(&self->held[0], &expected);
}

/* --- real code: small functions, which a sanitizer's checks would make large --- */

#define SMALL __attribute__((noinline, no_sanitize("address", "undefined")))

static SMALL void take(unsigned lock, const struct call_registers *regs)
{
	want(lock, regs);
}

/* `releases`: as if it let go of a lock, too. Two small functions more call it. */
static SMALL void wrapper(bool releases)
{
	for (unsigned i = 0; i < 3; i++) {
		const struct call_registers regs = core_registers();
		take(i, &regs);
		if (releases)
			self->released_pc = regs.pc + 1;
	}
}
static SMALL void outer_wrapper(bool releases)
{
	wrapper(releases);
	__asm__ volatile("");
}
static SMALL void outermost_wrapper(bool releases)
{
	outer_wrapper(releases);
	__asm__ volatile("");
}

static unsigned kept_frames(unsigned lock)
{
	struct call_site site = site_of(&self->held[lock]);
	unsigned count = 0;
	while (count < CALL_SITE_FRAMES_MAX && site.pc[count])
		count++;
	return count;
}

Test(thread_record_wrappers, keeps_more_of_small_functions)
{
	self = core_start();
	outermost_wrapper(false);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_gt(kept_frames(i), CALL_SITE_FRAMES);
	cr_expect(is_by_reference(&self->held[2]));
}

Test(thread_record_wrappers, keeps_no_more_of_a_function_that_releases_locks_too)
{
	self = core_start();
	outermost_wrapper(true);
	cr_expect_gt(kept_frames(0), CALL_SITE_FRAMES);
	cr_expect_eq(kept_frames(1), CALL_SITE_FRAMES);
	cr_expect_eq(kept_frames(2), CALL_SITE_FRAMES);
	cr_expect(is_by_reference(&self->held[2]));
}
