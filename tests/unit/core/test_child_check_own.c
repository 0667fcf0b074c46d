/* Locks that the forking thread itself holds, and mutexes of each type. */
#include "child_check_fixture.h"

Test(child_check, knows_a_recursive_lock_that_the_forking_thread_holds)
{
	inherit(&recursive);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_PARENT_OWNER);
	cr_assert_eq(use.suspect.holder, self);
	cr_assert_eq(use.suspect.holder_tid, FORMER);
	cr_assert_eq(use.suspect.holder_entry, 0);
	cr_assert(use.suspect.proof & TRACE_PROOF_OWNER_WORD);
	cr_assert_not_null(use.suspect.fork);
	cr_assert_eq(use.suspect.fork->tid, FORMER);
	expect(CHILD_TRY, TRACE_RELOCK_REFUSED);
	expect(CHILD_UNLOCK, TRACE_UNLOCK_REFUSED);
	expect(CHILD_WAIT, TRACE_UNLOCK_REFUSED);
}

Test(child_check, knows_an_error_checking_lock_that_the_forking_thread_holds)
{
	inherit(&errorcheck);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_PARENT_OWNER);
	expect(CHILD_TRY, 0);
	expect(CHILD_UNLOCK, TRACE_UNLOCK_REFUSED);
}

static void expect_releasable(const pthread_mutex_t *made)
{
	inherit(made);
	expect(CHILD_UNLOCK, 0);
	expect(CHILD_WAIT, 0);
	expect(CHILD_TRY, 0);
	expect(CHILD_TIMED, 0);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_SELF);
}

Test(child_check, lets_the_forking_thread_release_its_normal_lock)
{
	expect_releasable(&normal);
}
Test(child_check, lets_the_forking_thread_release_its_adaptive_lock)
{
	expect_releasable(&adaptive);
}

static pthread_mutex_t make(int robust, int protocol)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, robust);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	cr_assert_eq(pthread_mutex_init(&mutex, &attributes), 0);
	return mutex;
}

Test(child_check, knows_a_robust_lock_that_the_forking_thread_holds)
{
	pthread_mutex_t robust = make(PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);

	inherit(&robust);
	expect(CHILD_UNLOCK, TRACE_UNLOCK_REFUSED);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_PARENT_OWNER);
}

Test(child_check, knows_a_priority_inheriting_lock_that_the_forking_thread_holds)
{
	pthread_mutex_t inheriting = make(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);

	inherit(&inheriting);
	expect(CHILD_UNLOCK, TRACE_UNLOCK_REFUSED);
	expect(CHILD_LOCK, TRACE_ABORTS_ON_VANISHED);
	expect(CHILD_TIMED, TRACE_ABORTS_ON_VANISHED);
}

Test(child_check, knows_that_a_robust_one_is_waited_for)
{
	pthread_mutex_t inheriting = make(PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT);

	inherit(&inheriting);
	expect(CHILD_UNLOCK, TRACE_UNLOCK_REFUSED);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_PARENT_OWNER);
	expect(CHILD_TIMED, TRACE_TIMED_WAIT_ON_VANISHED);
}

/* Always marked as shared by libc, and yet in private memory. */
Test(child_check, names_the_vanished_holder_of_a_robust_lock)
{
	start();
	*lock = make(PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	core_invent_hold(core_invent_thread(HOLDER), lock, TRACE_HOLD_HELD);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_VANISHED);
}

Test(child_check, names_the_vanished_holder_of_a_recursive_lock)
{
	start();
	*lock = recursive;
	core_invent_hold(core_invent_thread(HOLDER), lock, TRACE_HOLD_HELD);
	core_lock_by_hand(lock, HOLDER);
	core_become_child(self);
	expect(CHILD_LOCK, TRACE_BLOCKS_ON_VANISHED);
	expect(CHILD_TRY, TRACE_TRY_FAILED_ON_VANISHED);
}

Test(child_check, knows_the_child_s_own_relock)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	core_lock_by_hand(lock, gettid());
	core_invent_hold(self, lock, TRACE_HOLD_HELD);
	struct child_use use = use_lock(CHILD_LOCK);
	cr_assert_eq(use.suspect.observed, TRACE_BLOCKS_ON_SELF);
	cr_assert_eq(use.suspect.holder, self);
	expect(CHILD_TRY, 0);
	expect(CHILD_UNLOCK, 0);
	*lock = recursive;
	core_lock_by_hand(lock, gettid());
	expect_nothing();
}
