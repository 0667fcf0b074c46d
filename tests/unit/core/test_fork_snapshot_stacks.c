/* The stacks of vanished threads, read in the child. */
#include <string.h>
#include <sys/mman.h>

#include "atfork_registry.h"
#include "fork_snapshot_fixture.h"

struct held_up {
	pthread_barrier_t ready, done;
	struct thread_record *record;
	uint64_t stack_low, stack_high;
};

static __attribute__((noinline)) void hold_it(struct held_up *shared, int depth)
{
	if (depth > 0) {
		hold_it(shared, depth - 1);
		__asm__ volatile("" ::: "memory");
		return;
	}
	const struct call_registers regs = core_registers();
	thread_record_want(shared->record, &lock, TRACE_LOCK_MUTEX, CALL_pthread_mutex_lock, &regs);
	pthread_barrier_wait(&shared->ready);
	pthread_barrier_wait(&shared->done);
}

static void *hold_until_done(void *argument)
{
	struct held_up *shared = argument;

	shared->record = core_adopt_thread();
	shared->stack_low = shared->record->bounds.low;
	shared->stack_high = shared->record->bounds.high;
	hold_it(shared, 8);
	core_end_thread();
	return NULL;
}

static void start_with_holder(struct held_up *shared, pthread_t *thread)
{
	self = core_start();
	pthread_barrier_init(&shared->ready, NULL, 2);
	pthread_barrier_init(&shared->done, NULL, 2);
	cr_assert_eq(pthread_create(thread, NULL, hold_until_done, shared), 0);
	pthread_barrier_wait(&shared->ready);
	atfork_registry_add_ours();
}

static bool is_whole(const struct kept_stack *stack)
{
	return stack->count >= 10 && !(stack->flags & TRACE_STACK_CUT);
}

Test(fork_snapshot, walks_the_stack_of_a_vanished_thread)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = fork();
	if (child == 0) {
		struct kept_stack stack = {0};
		fork_snapshot_stack_of(shared.record, 0, &stack);
		EXPECT_IN_CHILD(is_whole(&stack));
		for (int i = 1; i < 8; i++)
			EXPECT_IN_CHILD(stack.pc[i] == stack.pc[1]);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

/* As happens when glibc gives the stack to a new thread. */
static void overwrite_stack(const struct held_up *shared)
{
	struct call_site site;

	thread_record_site(&shared->record->held[0], &site);
	*(uint64_t *)(uintptr_t)site.outer_slot = 0;
}

Test(fork_snapshot, keeps_the_stacks_before_they_are_overwritten)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = fork();
	if (child == 0) {
		struct kept_stack before = {0}, after = {0};
		fork_snapshot_stack_of(shared.record, 0, &before);
		fork_snapshot_preserve_stacks();
		fork_snapshot_preserve_stacks();
		overwrite_stack(&shared);
		fork_snapshot_stack_of(shared.record, 0, &after);
		EXPECT_IN_CHILD(is_whole(&before));
		EXPECT_IN_CHILD(before.count == after.count);
		EXPECT_IN_CHILD(memcmp(before.pc, after.pc, before.count * sizeof *before.pc) == 0);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, marks_a_stack_that_was_overwritten_as_cut)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = fork();
	if (child == 0) {
		struct kept_stack stack = {0};
		overwrite_stack(&shared);
		fork_snapshot_stack_of(shared.record, 0, &stack);
		EXPECT_IN_CHILD(stack.count == CALL_SITE_FRAMES);
		EXPECT_IN_CHILD(stack.flags & TRACE_STACK_CUT);
		_exit(0);
	}
	EXPECT_PASSES(child);
}

Test(fork_snapshot, reads_no_stack_that_the_child_unmapped)
{
	struct held_up shared;
	pthread_t thread;

	start_with_holder(&shared, &thread);
	pid_t child = fork();
	if (child == 0) {
		struct kept_stack stack = {0};
		struct call_site site;
		thread_record_site(&shared.record->held[0], &site);
		/* The page alone: what else the kernel put beside a stack may be the arena. */
		munmap((void *)(uintptr_t)(site.outer_slot & ~UINT64_C(4095)), 4096);
		fork_snapshot_stack_of(shared.record, 0, &stack);
		EXPECT_IN_CHILD(stack.count == CALL_SITE_FRAMES);
		EXPECT_IN_CHILD(stack.flags & TRACE_STACK_CUT);
		_exit(0);
	}
	EXPECT_PASSES(child);
}
