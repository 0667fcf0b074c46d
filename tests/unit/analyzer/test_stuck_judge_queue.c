/* Verdicts of threads that sleep on a word of their own. */
#include "stuck_judge_fixture.h"

TestSuite(stuck_judge_queue, .init = set_up, .fini = release);

/* A thread that sleeps on its own stack; the lock that it queued itself on, if any, lies elsewhere. */
static void sleep_on_own_word(void)
{
	add_frame(0, "/opt/shop", "sleep");
	add_frame(0, "/opt/shop", "park");
	add_frame(0, "/opt/shop", "take");
	wait_at(0, STACK);
	process.vanished.made_no_threads = true;
}

static void expect_lock(uint64_t address)
{
	struct stuck_judgement judgement = expect(STUCK_BY_FORK, TRACE_LOCK_FUTEX);
	cr_assert_eq(judgement.lock_address, address);
	cr_assert_eq(judgement.object->address, address);
	cr_assert_not(judgement.proof & (TRACE_PROOF_MEETING | TRACE_PROOF_OWNER_WORD));
}

Test(stuck_judge_queue, blames_the_fork_for_the_lock_in_whose_queue_a_thread_is)
{
	sleep_on_own_word();
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	threads[0].queue.link.address = STATIC;
	expect_lock(STATIC);
	/* Through the library, which knows of no queue. */
	strcpy(frames[0][0].module_path, "/lib/libc.so.6");
	strcpy(frames[0][0].function, "sem_wait");
	strcpy(frames[0][1].module_path, "/opt/lib/libafterfork.so");
	expect_lock(STATIC);
	/* A mutex and its like name their owners. */
	strcpy(frames[0][0].function, "pthread_rwlock_wrlock");
	expect(STUCK_ANYHOW, TRACE_LOCK_RWLOCK);
}

Test(stuck_judge_queue, does_not_blame_the_fork_where_the_childs_own_thread_may_have_the_lock)
{
	sleep_on_own_word();
	threads[0].queue.link.address = STATIC;
	process.vanished.made_no_threads = false;
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
}

Test(stuck_judge_queue, says_nothing_of_a_queue_where_a_handler_could_wake)
{
	sleep_on_own_word();
	threads[0].queue.link.address = STATIC;
	process.caught_signals = SIGNAL_BIT(SIGTERM);
	expect(STUCK_UNTIL_ASKED, TRACE_LOCK_FUTEX);
	process.caught_signals |= SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge_queue, takes_what_a_record_in_a_table_names_for_the_lock)
{
	sleep_on_own_word();
	threads[0].queue.link.address = BSS;
	threads[0].queue.key.address = HEAP;
	expect_lock(BSS);
	/* In a function that is known to park: the table was there, the lock was not. */
	strcpy(frames[0][1].function, "_ZN11parking_lot9raw_mutex8RawMutex9lock_slow17h0E");
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
	threads[0].queue.key.address = STATIC;
	expect_lock(STATIC);
	threads[0].queue.link.address = 0;
	expect_lock(STATIC);
	strcpy(frames[0][1].function, "park");
	expect(STUCK_ANYHOW, TRACE_LOCK_FUTEX);
}

Test(stuck_judge_queue, knows_pythons_locks_and_that_it_catches_signals)
{
	sleep_on_own_word();
	process.caught_signals = SIGNAL_BIT(SIGINT);
	strcpy(frames[0][1].function, "_PyParkingLot_Park");
	threads[0].queue.key.address = HEAP;
	threads[0].queue.key.is_known = threads[0].queue.key.is_known_of_parent = true;
	memset(threads[0].queue.key.bytes, 1, STUCK_OBJECT_SIZE_BYTES);
	memset(threads[0].queue.key.parents, 1, STUCK_OBJECT_SIZE_BYTES);
	/* Made by the child, perhaps: to wait for an event, until it is ended. */
	expect(STUCK_UNTIL_ASKED, TRACE_LOCK_FUTEX);
	threads[0].queue.key_is_pythons = true;
	expect_lock(HEAP);
	process.caught_signals |= SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}
