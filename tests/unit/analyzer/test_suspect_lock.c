/* Who else could end a wait that is for any thread to end. */
#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "proc_wait.h"
#include "stuck_fixture.h"
#include "suspect_lock.h"
#include "trace_format.h"

static bool others_could_help(pid_t pid, uint32_t observed)
{
	const struct pending_incident incident = {.pid = pid, .tid = pid, .observed = observed};

	return suspect_lock_others_could_help(&incident);
}

Test(suspect_lock, nobody_else_ends_waits_on_private_words, .timeout = 60)
{
	pid_t pid = stuck_fork_two_waiters(&stuck_private_word, 0);

	cr_assert_not(others_could_help(pid, TRACE_WAITS_IN_ATFORK_HANDLER));
	cr_assert_not(others_could_help(pid, TRACE_WAITS_FOR_VANISHED));
	stuck_end(pid);
}

Test(suspect_lock, another_process_could_wake_one_thread_through_shared_memory, .timeout = 60)
{
	pid_t pid = stuck_fork_waiter(stuck_shared_word);

	cr_assert(others_could_help(pid, TRACE_WAITS_IN_ATFORK_HANDLER));
	/* A lock has an owner, who is known not to. */
	cr_assert_not(others_could_help(pid, TRACE_BLOCKS_IN_ATFORK_HANDLER));
	stuck_end(pid);
}

static int stay(void *is_there)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	__atomic_store_n((bool *)is_there, true, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return 0;
}

static pid_t fork_waiter_with_other_in_its_memory(int flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct proc_wait wait;
	pid_t pid = fork();

	if (pid == 0) {
		bool is_there = false;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (clone(stay, stack + sizeof(stack), CLONE_VM | SIGCHLD | flags, &is_there) < 0)
			_exit(1);
		/* Who is killed before has no end that the other one could follow. */
		while (!__atomic_load_n(&is_there, __ATOMIC_ACQUIRE))
			sched_yield();
		stuck_wait_outer(&stuck_private_word);
	}
	do
		proc_wait_read(pid, pid, &wait);
	while (wait.state == PROC_WAIT_OTHER);
	return pid;
}

Test(suspect_lock, a_child_in_the_same_memory_could_end_a_wait, .timeout = 60)
{
	pid_t pid = fork_waiter_with_other_in_its_memory(0);

	cr_assert(others_could_help(pid, TRACE_WAITS_IN_ATFORK_HANDLER));
	cr_assert(others_could_help(pid, TRACE_WAITS_FOR_VANISHED));
	cr_assert(others_could_help(pid, TRACE_WAITS_FOR_HANDED_WORK));
	cr_assert_not(others_could_help(pid, TRACE_BLOCKS_ON_VANISHED));
	stuck_end(pid);
}

Test(suspect_lock, a_sibling_in_the_same_memory_could_end_a_wait, .timeout = 60)
{
	pid_t pid = fork_waiter_with_other_in_its_memory(CLONE_PARENT);

	cr_assert(others_could_help(pid, TRACE_WAITS_FOR_VANISHED));
	stuck_end(pid);
}

Test(suspect_lock, of_a_process_that_is_gone_nothing_is_known, .timeout = 60)
{
	cr_assert(others_could_help(0x7ffffff0, TRACE_WAITS_IN_ATFORK_HANDLER));
}
