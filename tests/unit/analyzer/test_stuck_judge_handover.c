/* Verdicts where work was handed to threads that vanished. */
#include "stuck_judge_fixture.h"

TestSuite(stuck_judge_handover, .init = set_up, .fini = release);

/* Thread 11 gave work to what vanished threads slept on, and waits on a condition variable of its own. */
static void hand_over(void)
{
	process.has_library = true;
	process.library.handover = (struct library_handover){.object = BSS, .tid = 11, .waiting_count = 1};
	threads[0].tid = 11;
	wait_at(0, STACK);
	add_frame(0, "/lib/libc.so.6", "pthread_cond_wait");
	add_frame(0, "/opt/lib/libafterfork.so", "pthread_cond_wait");
	add_frame(0, "/opt/shop", "ask");
}

Test(stuck_judge_handover, blames_the_fork_where_work_was_handed_to_vanished_threads)
{
	hand_over();
	threads[0].known_lock = STACK - 8;
	struct stuck_judgement judgement = expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	cr_assert_eq(judgement.observed, TRACE_WAITS_FOR_HANDED_WORK);
	cr_assert_eq(judgement.lock_address, STACK - 8);
	process.library.handover.object = 0;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
}

Test(stuck_judge_handover, takes_who_asks_a_program_to_end_for_nobody_who_does_its_work)
{
	hand_over();
	process.caught_signals = SIGNAL_BIT(SIGTERM);
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge_handover, takes_a_futex_from_before_the_fork_for_one_that_ends_the_program)
{
	hand_over();
	strcpy(frames[0][0].function, "syscall");
	strcpy(frames[0][1].function, "syscall");
	process.caught_signals = SIGNAL_BIT(SIGTERM);
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	process.library.handover.object = HEAP;
	wait_at(0, BSS);
	expect(STUCK_UNTIL_ASKED, TRACE_LOCK_FUTEX);
	process.caught_signals = 0;
	expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
}

Test(stuck_judge_handover, blames_handed_work_for_a_wait_for_descriptors_that_no_signal_may_end)
{
	process.awaits_descriptors = true;
	threads[0].wait.address = 0;
	add_frame(0, "/lib/libc.so.6", "epoll_wait");
	add_frame(0, "/opt/shop", "ask");
	cr_assert_eq(expect(STUCK_BY_FORK, 0).observed, TRACE_WAITS_FOR_HANDED_WORK);
	process.caught_signals = SIGNAL_BIT(SIGINT);
	expect(STUCK_UNCLEAR, 0);
	process.exe = (char *)"/usr/bin/python3.11";
	expect(STUCK_BY_FORK, 0);
	process.caught_signals = SIGNAL_BIT(SIGTERM);
	expect(STUCK_UNCLEAR, 0);
	process.caught_signals = 0;
	process.memory_is_shared = true;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge_handover, blames_handed_work_for_the_wait_of_an_answer_only)
{
	hand_over();
	strcpy(frames[0][0].function, "sem_wait");
	expect(STUCK_ANYHOW, TRACE_LOCK_SEMAPHORE);
	strcpy(frames[0][0].function, "pthread_mutex_lock");
	expect(STUCK_ANYHOW, TRACE_LOCK_MUTEX);
}

Test(stuck_judge_handover, blames_handed_work_among_threads_that_wait_for_no_lock)
{
	hand_over();
	process.thread_count = 2;
	threads[1].tid = 12;
	wait_at(1, HEAP);
	add_frame(1, "/lib/libc.so.6", "pthread_cond_wait");
	add_frame(1, "/opt/shop", "idle");
	cr_assert_eq(expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR).thread, 0);
	/* Where nobody slept at the fork the other one may serve the work, too. */
	process.library.handover.waiting_count = 0;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	process.library.handover.waiting_count = 1;
	/* A thread that takes work has done it, or never will. */
	wait_at(1, BSS + 8);
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	/* Not woken by the signal, which was for one that vanished. */
	process.library.handover.kind = TRACE_LOCK_CONDVAR;
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	/* A worker that found the work it had made itself. */
	process.library.handover.object = STACK;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	process.library.handover.object = BSS;
	wait_at(1, HEAP);
	strcpy(frames[1][0].function, "pthread_mutex_lock");
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	/* Who handed it over is gone. */
	strcpy(frames[1][0].function, "pthread_cond_wait");
	process.library.handover.tid = 13;
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
}

Test(stuck_judge_handover, blames_the_fork_where_a_signal_waits_for_vanished_sleepers)
{
	enum { FIRST_GROUP = 16, SECOND_GROUP = 20 };
	struct library_hold hold = {.lock = BSS, .state = TRACE_HOLD_WAITING};

	process.thread_count = 2;
	add_frame(0, "/lib/libc.so.6", "pthread_cond_wait");
	add_frame(1, "/lib/libc.so.6", "pthread_cond_broadcast");
	add_frame(1, "/opt/shop", "post");
	wait_at(1, BSS + SECOND_GROUP);
	expect(STUCK_ANYHOW, TRACE_LOCK_CONDVAR);
	vanished.known.holds = &hold;
	vanished.known.hold_count = 1;
	struct stuck_judgement judgement = expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	cr_assert_eq(judgement.observed, TRACE_STUCK_ON_VANISHED);
	cr_assert_eq(judgement.thread, 1);
	cr_assert_eq(judgement.lock_address, BSS);
	cr_assert_eq(judgement.owner_tid, 7);
	wait_at(1, BSS + FIRST_GROUP);
	expect(STUCK_BY_FORK, TRACE_LOCK_CONDVAR);
	process.caught_signals = SIGNAL_BIT(SIGTERM);
	expect(STUCK_UNTIL_ASKED, TRACE_LOCK_CONDVAR);
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}
