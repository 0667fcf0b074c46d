#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "lock_word.h"
#include "trace_format.h"

enum { CEILING = 1 };

static pthread_mutex_t make(int type, int robust, int protocol, int shared)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;

	pthread_mutexattr_init(&attributes);
	cr_assert_eq(pthread_mutexattr_settype(&attributes, type), 0);
	cr_assert_eq(pthread_mutexattr_setrobust(&attributes, robust), 0);
	cr_assert_eq(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
	cr_assert_eq(pthread_mutexattr_setpshared(&attributes, shared), 0);
	if (protocol == PTHREAD_PRIO_PROTECT)
		cr_assert_eq(pthread_mutexattr_setprioceiling(&attributes, CEILING), 0);
	cr_assert_eq(pthread_mutex_init(&mutex, &attributes), 0);
	return mutex;
}

static void expect_free(const pthread_mutex_t *mutex, uint32_t type, uint32_t flags)
{
	struct lock_state state = lock_word_of_mutex(mutex);

	cr_assert_not(state.locked);
	cr_assert_eq(state.owner_tid, 0);
	cr_assert_eq(state.type, type);
	cr_assert_eq(state.flags, flags);
}

static void expect_held(const pthread_mutex_t *mutex, uint32_t type, uint32_t flags)
{
	struct lock_state state = lock_word_of_mutex(mutex);

	cr_assert(state.locked);
	cr_assert_eq(state.owner_tid, gettid());
	cr_assert_eq(state.type, type);
	cr_assert_eq(state.flags, flags);
	cr_assert_neq(state.word, 0);
}

static void expect_both(pthread_mutex_t mutex, uint32_t type, uint32_t flags)
{
	expect_free(&mutex, type, flags);
	cr_assert_eq(pthread_mutex_lock(&mutex), 0);
	expect_held(&mutex, type, flags);
	cr_assert_eq(pthread_mutex_unlock(&mutex), 0);
	expect_free(&mutex, type, flags);
}

static const struct {
	int libc;
	uint32_t trace;
} types[] = {
    {PTHREAD_MUTEX_NORMAL, TRACE_MUTEX_NORMAL},
    {PTHREAD_MUTEX_RECURSIVE, TRACE_MUTEX_RECURSIVE},
    {PTHREAD_MUTEX_ERRORCHECK, TRACE_MUTEX_ERRORCHECK},
    {PTHREAD_MUTEX_ADAPTIVE_NP, TRACE_MUTEX_ADAPTIVE},
};
enum { TYPES = sizeof types / sizeof *types };

Test(lock_word, reads_every_type)
{
	for (int i = 0; i < TYPES; i++)
		expect_both(
		    make(types[i].libc, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE),
		    types[i].trace, 0);
}

Test(lock_word, reads_every_static_initialiser)
{
	expect_both((pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER, TRACE_MUTEX_NORMAL, 0);
	expect_both((pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, TRACE_MUTEX_RECURSIVE, 0);
	expect_both((pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP, TRACE_MUTEX_ERRORCHECK, 0);
	expect_both((pthread_mutex_t)PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP, TRACE_MUTEX_ADAPTIVE, 0);
}

/* glibc marks every robust mutex as shared too. */
Test(lock_word, reads_robust_ones)
{
	for (int i = 0; i < TYPES; i++)
		expect_both(
		    make(types[i].libc, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE),
		    types[i].trace, TRACE_LOCK_ROBUST | TRACE_LOCK_PSHARED);
}

Test(lock_word, reads_priority_inheriting_ones)
{
	for (int i = 0; i < TYPES; i++)
		expect_both(
		    make(types[i].libc, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT, PTHREAD_PROCESS_PRIVATE),
		    types[i].trace, TRACE_LOCK_PRIO_INHERIT);
}

Test(lock_word, reads_shared_ones)
{
	expect_both(
	    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_SHARED),
	    TRACE_MUTEX_NORMAL, TRACE_LOCK_PSHARED);
}

/* Taking one needs the right to real-time priorities, so the free one is looked at, and one locked by hand.
 */
Test(lock_word, reads_priority_protected_ones)
{
	pthread_mutex_t mutex =
	    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_PROTECT, PTHREAD_PROCESS_PRIVATE);

	expect_free(&mutex, TRACE_MUTEX_NORMAL, TRACE_LOCK_PRIO_PROTECT);
	cr_assert_neq(mutex.__data.__lock, 0, "the ceiling is expected in the word");
	mutex.__data.__lock |= 1;
	mutex.__data.__owner = gettid();
	expect_held(&mutex, TRACE_MUTEX_NORMAL, TRACE_LOCK_PRIO_PROTECT);
}

Test(lock_word, reads_the_mutexes_of_c11)
{
	static const struct {
		int libc;
		uint32_t trace;
	} kinds[] = {{mtx_plain, TRACE_MUTEX_NORMAL},
	             {mtx_timed, TRACE_MUTEX_NORMAL},
	             {mtx_plain | mtx_recursive, TRACE_MUTEX_RECURSIVE},
	             {mtx_timed | mtx_recursive, TRACE_MUTEX_RECURSIVE}};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		mtx_t mutex;
		cr_assert_eq(mtx_init(&mutex, kinds[i].libc), thrd_success);
		expect_free((pthread_mutex_t *)&mutex, kinds[i].trace, 0);
		cr_assert_eq(mtx_lock(&mutex), thrd_success);
		expect_held((pthread_mutex_t *)&mutex, kinds[i].trace, 0);
		cr_assert_eq(mtx_unlock(&mutex), thrd_success);
		expect_free((pthread_mutex_t *)&mutex, kinds[i].trace, 0);
	}
}

static void *wait_for(void *mutex)
{
	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
	return NULL;
}

static void expect_owner_while_waited_for(pthread_mutex_t *mutex, uint32_t free_word)
{
	pthread_t waiter;

	pthread_mutex_lock(mutex);
	uint32_t alone = lock_word_of_mutex(mutex).word;
	cr_assert_eq(pthread_create(&waiter, NULL, wait_for, mutex), 0);
	while (lock_word_of_mutex(mutex).word == alone)
		sched_yield();
	cr_assert_eq(lock_word_of_mutex(mutex).owner_tid, gettid());
	cr_assert(lock_word_of_mutex(mutex).locked);
	pthread_mutex_unlock(mutex);
	pthread_join(waiter, NULL);
	cr_assert_eq(lock_word_of_mutex(mutex).word, free_word);
	cr_assert_not(lock_word_of_mutex(mutex).locked);
}

Test(lock_word, tells_the_owner_while_others_wait, .timeout = 30)
{
	pthread_mutex_t normal =
	    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
	pthread_mutex_t robust =
	    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
	pthread_mutex_t inheriting =
	    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT, PTHREAD_PROCESS_PRIVATE);

	expect_owner_while_waited_for(&normal, 0);
	expect_owner_while_waited_for(&robust, 0);
	expect_owner_while_waited_for(&inheriting, 0);
}

static void *die_holding(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

/* The next lock call gets it, with EOWNERDEAD. */
Test(lock_word, takes_a_robust_one_of_a_dead_owner_for_free)
{
	pthread_mutex_t mutex =
	    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
	pthread_t holder;

	cr_assert_eq(pthread_create(&holder, NULL, die_holding, &mutex), 0);
	pthread_join(holder, NULL);
	struct lock_state state = lock_word_of_mutex(&mutex);
	cr_assert_neq(state.word, 0);
	cr_assert_not(state.locked);
	cr_assert_eq(state.owner_tid, 0);
	cr_assert_eq(pthread_mutex_lock(&mutex), EOWNERDEAD);
	cr_assert_eq(lock_word_of_mutex(&mutex).owner_tid, gettid());
}

Test(lock_word, takes_an_owner_of_a_free_lock_for_none)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	mutex.__data.__owner = gettid();
	expect_free(&mutex, TRACE_MUTEX_NORMAL, 0);
}

Test(lock_word, sees_a_lock_without_an_owner)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	mutex.__data.__lock = 2;
	struct lock_state state = lock_word_of_mutex(&mutex);
	cr_assert(state.locked);
	cr_assert_eq(state.owner_tid, 0);
	cr_assert_eq(state.word, 2);
}

static int unlock_in_other_thread_result(pthread_mutex_t *mutex);

/* Asks libc itself: which mutexes refuse another thread's unlock. */
Test(lock_word, knows_which_mutexes_check_their_owner)
{
	static const int robusts[] = {PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_ROBUST};
	static const int protocols[] = {PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT};

	for (int i = 0; i < TYPES; i++) {
		for (int k = 0; k < 4; k++) {
			pthread_mutex_t mutex =
			    make(types[i].libc, robusts[k / 2], protocols[k % 2], PTHREAD_PROCESS_PRIVATE);
			int taken = pthread_mutex_lock(&mutex);
			cr_assert_eq(taken, 0);
			struct lock_state state = lock_word_of_mutex(&mutex);
			cr_assert_eq(lock_word_checks_owner(&state),
			             unlock_in_other_thread_result(&mutex) == EPERM,
			             "type %d, robust %d, inheriting %d", i, k / 2, k % 2);
		}
	}
}

static void *unlock(void *mutex)
{
	return (void *)(long)pthread_mutex_unlock(mutex);
}

static int unlock_in_other_thread_result(pthread_mutex_t *mutex)
{
	pthread_t thread;
	void *result;

	cr_assert_eq(pthread_create(&thread, NULL, unlock, mutex), 0);
	pthread_join(thread, &result);
	return (int)(long)result;
}

/* --- the other kinds --- */

static struct lock_state state_of(const void *lock, enum trace_lock_kind kind, bool shared)
{
	const struct lock_ref ref = {lock, kind, shared};
	return lock_word_of(&ref);
}

Test(lock_word, reads_who_waits_for_a_writer)
{
	pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

	cr_assert_not(state_of(&lock, TRACE_LOCK_RWLOCK, false).locked);
	cr_assert_not(state_of(&lock, TRACE_LOCK_RWLOCK, true).locked);
	cr_assert_eq(pthread_rwlock_wrlock(&lock), 0);
	struct lock_state state = state_of(&lock, TRACE_LOCK_RWLOCK, true);
	cr_assert(state.locked);
	cr_assert_eq(state.owner_tid, gettid());
	cr_assert_not(state.names_nobody);
	cr_assert(lock_word_checks_owner(&state));
	cr_assert(state_of(&lock, TRACE_LOCK_RWLOCK, false).locked);
	cr_assert_eq(pthread_rwlock_unlock(&lock), 0);
	cr_assert_not(state_of(&lock, TRACE_LOCK_RWLOCK, false).locked);
}

Test(lock_word, counts_readers_that_only_writers_wait_for)
{
	pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

	cr_assert_eq(pthread_rwlock_rdlock(&lock), 0);
	cr_assert_eq(pthread_rwlock_rdlock(&lock), 0);
	cr_assert_not(state_of(&lock, TRACE_LOCK_RWLOCK, true).locked);
	struct lock_state state = state_of(&lock, TRACE_LOCK_RWLOCK, false);
	cr_assert(state.locked);
	cr_assert(state.names_nobody);
	cr_assert_eq(state.holders, 2);
	cr_assert_eq(state.owner_tid, 0);
}

Test(lock_word, reads_a_spinlock)
{
	pthread_spinlock_t lock;

	pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
	cr_assert_not(state_of((const void *)&lock, TRACE_LOCK_SPINLOCK, false).locked);
	pthread_spin_lock(&lock);
	cr_assert(state_of((const void *)&lock, TRACE_LOCK_SPINLOCK, false).locked);
	cr_assert(state_of((const void *)&lock, TRACE_LOCK_SPINLOCK, false).names_nobody);
}

Test(lock_word, reads_a_semaphore)
{
	sem_t semaphore;

	sem_init(&semaphore, 0, 1);
	cr_assert_not(state_of(&semaphore, TRACE_LOCK_SEMAPHORE, false).locked);
	cr_assert_eq(sem_wait(&semaphore), 0);
	cr_assert(state_of(&semaphore, TRACE_LOCK_SEMAPHORE, false).locked);
	cr_assert_eq(state_of(&semaphore, TRACE_LOCK_SEMAPHORE, false).flags, 0);
	sem_init(&semaphore, 1, 0);
	cr_assert_eq(state_of(&semaphore, TRACE_LOCK_SEMAPHORE, false).flags, TRACE_LOCK_PSHARED);
}

Test(lock_word, reads_a_static_guard)
{
	uint64_t fresh = 0, open = 0x100, waited_for = 0x10100, done = 1, other_runtime = 0x200;

	cr_assert_not(state_of(&fresh, TRACE_LOCK_STATIC_INIT, false).locked);
	cr_assert(state_of(&open, TRACE_LOCK_STATIC_INIT, false).locked);
	cr_assert(state_of(&waited_for, TRACE_LOCK_STATIC_INIT, false).locked);
	cr_assert_not(state_of(&done, TRACE_LOCK_STATIC_INIT, false).locked);
	cr_assert_not(state_of(&other_runtime, TRACE_LOCK_STATIC_INIT, false).locked);
}

Test(lock_word, says_of_an_unknown_kind_that_it_is_free)
{
	int word = -1;

	cr_assert_not(state_of(&word, TRACE_LOCK_FUTEX, false).locked);
	cr_assert_not(state_of(&word, 1000, false).locked);
}
