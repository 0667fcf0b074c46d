/* Verdicts where the lock names its owner. */
#include "stuck_judge_fixture.h"

TestSuite(stuck_judge_owner, .init = set_up, .fini = release);

/* What thread 1 waits for, from the word on. */
static void put_words(const uint32_t *words, size_t count, size_t words_before)
{
	threads[1].object.is_known = true;
	memset(threads[1].object.bytes, 0, sizeof(threads[1].object.bytes));
	memcpy(threads[1].object.bytes + STUCK_OBJECT_MIDDLE - words_before * sizeof(*words), words,
	       count * sizeof(*words));
}

static void two_threads_in(const char *function)
{
	add_frame(0, "/opt/shop", "work");
	add_frame(1, "/lib/libc.so.6", function);
	process.thread_count = 2;
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	threads[0].tid = 11;
	threads[1].tid = 12;
}

Test(stuck_judge_owner, believes_the_owner_of_a_mutex_whoever_else_is_there)
{
	uint32_t mutex[] = {2, 0, 7, 1, 0};

	two_threads_in("pthread_mutex_lock");
	put_words(mutex, 5, 0);
	struct stuck_judgement judgement = expect(STUCK_BY_FORK, TRACE_LOCK_MUTEX);
	cr_assert_eq(judgement.thread, 1);
	cr_assert_eq(judgement.owner_tid, 7);
	cr_assert_eq(judgement.observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(judgement.lock_address, STATIC);
	/* One of whom nothing is known, or who lives here, has not vanished. */
	mutex[2] = 8;
	put_words(mutex, 5, 0);
	expect(STUCK_UNCLEAR, 0);
	mutex[2] = 7;
	put_words(mutex, 5, 0);
	threads[0].tid = 7;
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge_owner, sees_who_waits_for_itself)
{
	const uint32_t mutex[] = {2, 0, 11, 1, 0};

	two_threads_in("pthread_mutex_lock");
	put_words(mutex, 5, 0);
	/* Of the two only the one that waits for the mutex, which is its own. */
	process.thread_count = 1;
	process.caught_signals = 0;
	threads[0] = threads[1];
	threads[0].tid = 11;
	frames[0][0] = frames[1][0];
	expect(STUCK_ANYHOW, TRACE_LOCK_MUTEX);
	process.caught_signals = SIGNAL_BIT(SIGUSR1);
	expect(STUCK_UNCLEAR, 0);
}

Test(stuck_judge_owner, does_not_blame_the_fork_for_a_lock_that_its_owner_may_not_take_twice)
{
	enum { RECURSIVE = 1 };
	uint32_t mutex[] = {2, 0, 6, 1, 0};

	two_threads_in("pthread_mutex_lock");
	put_words(mutex, 5, 0);
	expect(STUCK_UNCLEAR, 0);
	mutex[4] = RECURSIVE;
	put_words(mutex, 5, 0);
	cr_assert_eq(expect(STUCK_BY_FORK, TRACE_LOCK_MUTEX).observed, TRACE_BLOCKS_ON_PARENT_OWNER);
}

Test(stuck_judge_owner, believes_the_writer_of_an_rwlock)
{
	const uint32_t rwlock[] = {2, 0, 3, 0, 0, 0, 7};

	two_threads_in("pthread_rwlock_rdlock");
	put_words(rwlock, 7, 2);
	cr_assert_eq(expect(STUCK_BY_FORK, TRACE_LOCK_RWLOCK).lock_address, STATIC - 8);
	put_words(rwlock, 7, 3);
	cr_assert_eq(stuck_judge(&process, stacks).lock_address, STATIC - 12);
	vanished.known.owner_tid = 9;
	expect(STUCK_UNCLEAR, 0);
}
