/* A fork under its wrapper: the trace's file before it, the parent's counts, the child's entry. */

#include "atfork_registry.h"
#include "fork_snapshot_fixture.h"
#include "raw_syscall.h"
#include "trace_writer.h"

Test(fork_snapshot, makes_the_file_before_a_fork_that_loses_threads)
{
	start_with_worker();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	cr_assert_not_null(trace_writer_image());
}

Test(fork_snapshot, makes_no_file_for_a_single_thread_that_holds_nothing)
{
	self = core_start();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	cr_assert_null(trace_writer_image());
	fork_snapshot_postfork_parent(self, false);
	core_invent_hold(self, &lock, TRACE_HOLD_HELD);
	fork_snapshot_prefork(self, CALL_fork, &regs);
	cr_assert_not_null(trace_writer_image());
}

Test(fork_snapshot, counts_forks_and_processes)
{
	start_with_worker();
	trace_writer_open_run();
	atfork_registry_add_ours();
	uint64_t forks = trace_writer_run()->forks, processes = trace_writer_run()->processes;
	for (int i = 0; i < 5; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		EXPECT_PASSES(child);
	}
	cr_assert_eq(trace_writer_run()->forks, forks + 5);
	cr_assert_eq(trace_writer_run()->processes, processes + 5);
}

static uint64_t counted_at_start;

static pid_t by_wrapper(void)
{
	const struct call_registers regs = core_registers();
	atfork_registry_add_ours();
	trace_writer_open_run();
	counted_at_start = trace_writer_run()->forks;
	fork_snapshot_prefork(self, CALL_fork, &regs);
	return fork();
}

static uint64_t counted(void)
{
	return trace_writer_run()->forks - counted_at_start;
}

Test(fork_snapshot, a_child_that_calls_nothing_is_counted_and_not_entered)
{
	start_with_worker();
	pid_t child = by_wrapper();
	if (child == 0) {
		EXPECT_IN_CHILD(atomic_load(process_mode_word) == PROCESS_FRESH);
		EXPECT_IN_CHILD(process.pid == getppid());
		_exit(0);
	}
	EXPECT_PASSES(child);
	fork_snapshot_postfork_parent(self, false);
	cr_assert_eq(counted(), 1);
	cr_assert_not(self->fork_counted);
}

Test(fork_snapshot, a_child_that_was_counted_does_not_count_itself)
{
	start_with_worker();
	pid_t child = by_wrapper();
	if (child == 0) {
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(process_is_child());
		EXPECT_IN_CHILD(process.notes[0]->call == CALL_fork);
		_exit(0);
	}
	EXPECT_PASSES(child);
	fork_snapshot_postfork_parent(self, false);
	cr_assert_eq(counted(), 1);
}

/* The one in between makes no intercepted call, and forks where no symbol shows it. */
Test(fork_snapshot, a_grandchild_counts_itself_where_its_parent_could_not)
{
	start_with_worker();
	pid_t child = by_wrapper();
	if (child == 0) {
		pid_t grandchild = (pid_t)raw_syscall0(SYS_fork);
		if (grandchild != 0)
			_exit(core_wait(grandchild));
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(process.pid == getpid());
		EXPECT_IN_CHILD(process_is_child());
		_exit(0);
	}
	EXPECT_PASSES(child);
	fork_snapshot_postfork_parent(self, false);
	cr_assert_eq(counted(), 2);
}

Test(fork_snapshot, a_fork_that_failed_is_not_counted)
{
	start_with_worker();
	trace_writer_open_run();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	fork_snapshot_count(self);
	cr_assert_eq(counted(), 1);
	fork_snapshot_postfork_parent(self, true);
	cr_assert_eq(counted(), 0);
	fork_snapshot_prefork(self, CALL_fork, &regs);
	fork_snapshot_postfork_parent(self, true);
	cr_assert_eq(counted(), 0, "it failed before it was counted");
}

Test(fork_snapshot, a_child_is_in_its_handlers_until_the_wrapper_says_so)
{
	for (int over = 0; over < 2; over++) {
		start_with_worker();
		pid_t child = by_wrapper();
		if (child == 0) {
			fork_snapshot_handlers_over = over;
			fork_snapshot_postfork_child();
			EXPECT_IN_CHILD(process.in_handlers == (over ? NULL : self));
			EXPECT_IN_CHILD(!fork_snapshot_handlers_over);
			EXPECT_IN_CHILD(fork_snapshot_in_handlers(self) == !over);
			_exit(0);
		}
		EXPECT_PASSES(child);
		fork_snapshot_postfork_parent(self, false);
	}
}

/* A thread that the library did not see made may be the first to call in. */
Test(fork_snapshot, another_thread_enters_for_the_one_that_forked)
{
	start_with_worker();
	pid_t child = by_wrapper();
	if (child == 0) {
		thread_record_become(NULL);
		fork_snapshot_postfork_child();
		EXPECT_IN_CHILD(process.pid == getpid());
		EXPECT_IN_CHILD(self->tid == getpid());
		EXPECT_IN_CHILD(self->owner_tid == getpid());
		EXPECT_IN_CHILD(!fork_snapshot_is_vanished(self));
		EXPECT_IN_CHILD(fork_snapshot_is_vanished(worker));
		EXPECT_IN_CHILD(process.notes[0]->tid == getppid());
		_exit(0);
	}
	EXPECT_PASSES(child);
}
