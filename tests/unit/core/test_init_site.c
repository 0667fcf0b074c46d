#include <criterion/criterion.h>
#include <string.h>

#include "core_fixture.h"
#include "init_site.h"

enum { TABLE_WAYS = 4, MANY = 100000 };

static char memory[MANY * 8];

static __attribute__((noinline)) uint64_t record_here(struct thread_record *self, const void *lock)
{
	const struct call_registers regs = core_registers();
	init_site_record(self, lock, &regs);
	return regs.pc;
}

static uint64_t site_of(const void *lock)
{
	struct kept_stack stack;
	return init_site_find(lock, &stack) ? stack.pc[0] : 0;
}

Test(init_site, knows_nothing_at_first)
{
	struct kept_stack stack;

	core_start();
	cr_assert_not(init_site_find(memory, &stack));
	init_site_forget(memory);
}

Test(init_site, finds_the_innermost_frames_of_the_initialisation)
{
	struct thread_record *self = core_start();
	struct kept_stack stack, walked;
	unsigned flags;
	const struct call_registers regs = core_registers();

	init_site_record(self, memory, &regs);
	cr_assert(init_site_find(memory, &stack));
	walked.count =
	    call_stack_walk(&regs, &self->bounds, walked.pc, CALL_SITE_FRAMES, &flags, &walked.exact);
	cr_assert_eq(stack.count, CALL_SITE_FRAMES);
	cr_assert_arr_eq(stack.pc, walked.pc, CALL_SITE_FRAMES * sizeof *stack.pc);
	cr_assert_eq(stack.flags, TRACE_STACK_TRUNCATED);
	cr_assert_eq(stack.exact, 0);
}

Test(init_site, keeps_the_latest_of_a_lock)
{
	struct thread_record *self = core_start();

	record_here(self, memory);
	uint64_t second = record_here(self, memory);
	const struct call_registers regs = core_registers();
	cr_assert_eq(site_of(memory), second);
	init_site_record(self, memory, &regs);
	cr_assert_eq(site_of(memory), regs.pc);
}

Test(init_site, forgets_a_destroyed_lock_alone)
{
	struct thread_record *self = core_start();

	record_here(self, memory);
	record_here(self, memory + 8);
	init_site_forget(memory);
	cr_assert_eq(site_of(memory), 0);
	cr_assert_neq(site_of(memory + 8), 0);
}

/* Bounded: of very many the older ones are lost, and none is mistaken for another. */
Test(init_site, keeps_the_youngest_of_very_many, .timeout = 60)
{
	struct thread_record *self = core_start();
	unsigned found = 0;

	for (int i = 0; i < MANY; i++)
		record_here(self, memory + 8 * i);
	cr_assert_neq(site_of(memory + 8 * (MANY - 1)), 0, "the last one is gone");
	for (int i = 0; i < MANY; i++)
		found += site_of(memory + 8 * i) != 0;
	cr_assert_geq(found, 4096);
	cr_assert_leq(found, 4096 * TABLE_WAYS);
}

Test(init_site, ignores_a_lock_at_no_address)
{
	struct thread_record *self = core_start();

	record_here(self, NULL);
	cr_assert_eq(site_of(NULL), 0);
}
