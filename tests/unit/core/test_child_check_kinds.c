/* Locks that name nobody: the records and the lock's count decide. */
#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child_check.h"
#include "core_fixture.h"
#include "wake_site.h"

enum { HOLDER = 100001, OTHER = 100002, LIVE = 100003 };

static struct thread_record *self;
static void *lock;

static void start(void)
{
	self = core_start();
	lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(lock, MAP_FAILED);
}

static enum trace_observed use(enum trace_lock_kind kind, bool shared, enum child_attempt attempt,
                               struct incident *ret_suspect)
{
	const struct call_registers regs = core_registers();
	const struct lock_ref ref = {lock, kind, shared};
	bool acquires = attempt != CHILD_UNLOCK;
	struct child_use use;

	uint32_t index = acquires ? core_invent_hold(self, lock, TRACE_HOLD_WANT) : UINT32_MAX;
	child_check_before(&use, self, &ref, CALL_pthread_rwlock_wrlock, attempt, &regs);
	thread_record_remove(self, index);
	*ret_suspect = use.suspect;
	return use.suspect.observed;
}

static void expect(enum trace_lock_kind kind, bool shared, enum child_attempt attempt,
                   enum trace_observed observed)
{
	struct incident suspect;
	enum trace_observed found = use(kind, shared, attempt, &suspect);
	cr_assert_eq(found, observed, "kind %d, attempt %d: observed %d, not %d", kind, attempt, found,
	             observed);
}

static void expect_holder(enum trace_lock_kind kind, const struct thread_record *holder)
{
	struct incident suspect;
	cr_assert_eq(use(kind, false, CHILD_LOCK, &suspect), TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(suspect.holder, holder);
	cr_assert_eq(suspect.holder_tid, holder ? holder->tid : 0);
	cr_assert_not(suspect.proof & TRACE_PROOF_OWNER_WORD);
}

static struct thread_record *holder_in(enum trace_hold_state state, int32_t tid)
{
	struct thread_record *holder = core_invent_thread(tid);
	core_invent_hold(holder, lock, state);
	return holder;
}

static pthread_rwlock_t *read_locked(unsigned readers)
{
	pthread_rwlock_t *rwlock = lock;
	*rwlock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
	while (readers-- > 0)
		pthread_rwlock_rdlock(rwlock);
	return rwlock;
}

Test(child_check_kinds, names_a_vanished_reader_to_writers_only)
{
	start();
	read_locked(1);
	struct thread_record *holder = holder_in(TRACE_HOLD_HELD, HOLDER);
	core_become_child(self);
	expect_holder(TRACE_LOCK_RWLOCK, holder);
	expect(TRACE_LOCK_RWLOCK, true, CHILD_LOCK, 0);
	expect(TRACE_LOCK_RWLOCK, false, CHILD_TRY, TRACE_TRY_FAILED_ON_VANISHED);
	expect(TRACE_LOCK_RWLOCK, false, CHILD_TIMED, TRACE_TIMED_WAIT_ON_VANISHED);
}

Test(child_check_kinds, prefers_the_reader_that_holds_to_a_writer_that_waits)
{
	start();
	read_locked(1);
	holder_in(TRACE_HOLD_WANT, OTHER);
	struct thread_record *holder = holder_in(TRACE_HOLD_HELD, HOLDER);
	holder_in(TRACE_HOLD_WANT, LIVE);
	core_become_child(self);
	expect_holder(TRACE_LOCK_RWLOCK, holder);
}

/* Who holds it for reading was never seen; a writer that waits with us is not the one. */
Test(child_check_kinds, blames_no_writer_that_waits_for_an_unknown_reader)
{
	const struct call_registers regs = {.pc = 0x1000};
	start();
	read_locked(1);
	thread_record_want(core_invent_thread(OTHER), lock, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_wrlock,
	                   &regs);
	core_become_child(self);
	expect(TRACE_LOCK_RWLOCK, false, CHILD_LOCK, 0);
}

/* The lock counts no more readers than the child's own threads are: the vanished thread's entry is stale. */
Test(child_check_kinds, says_nothing_where_live_readers_account_for_the_count)
{
	start();
	read_locked(1);
	holder_in(TRACE_HOLD_HELD, HOLDER);
	core_become_child(self);
	core_invent_hold(core_invent_thread(LIVE), lock, TRACE_HOLD_HELD);
	expect(TRACE_LOCK_RWLOCK, false, CHILD_LOCK, 0);
}

Test(child_check_kinds, names_the_vanished_reader_beside_live_ones)
{
	start();
	read_locked(2);
	struct thread_record *holder = holder_in(TRACE_HOLD_HELD, HOLDER);
	core_become_child(self);
	core_invent_hold(core_invent_thread(LIVE), lock, TRACE_HOLD_HELD);
	expect_holder(TRACE_LOCK_RWLOCK, holder);
}

Test(child_check_kinds, lets_a_thread_release_its_own_read_lock)
{
	start();
	read_locked(2);
	holder_in(TRACE_HOLD_HELD, HOLDER);
	core_invent_hold(self, lock, TRACE_HOLD_HELD);
	core_become_child(self);
	expect(TRACE_LOCK_RWLOCK, false, CHILD_UNLOCK, 0);
}

Test(child_check_kinds, knows_that_the_unlock_of_another_s_write_lock_has_no_effect)
{
	start();
	pthread_rwlock_wrlock(read_locked(0));
	self->owner_tid = self->tid = HOLDER;
	((pthread_rwlock_t *)lock)->__data.__cur_writer = HOLDER;
	core_invent_hold(self, lock, TRACE_HOLD_HELD);
	core_become_child(self);
	expect(TRACE_LOCK_RWLOCK, false, CHILD_UNLOCK, TRACE_UNLOCK_WITHOUT_EFFECT);
	expect(TRACE_LOCK_RWLOCK, false, CHILD_LOCK, TRACE_BLOCKS_ON_PARENT_OWNER);
	expect(TRACE_LOCK_RWLOCK, true, CHILD_LOCK, TRACE_BLOCKS_ON_PARENT_OWNER);
}

Test(child_check_kinds, names_the_vanished_holder_of_a_spinlock_unless_a_live_thread_may_hold_it)
{
	start();
	*(int *)lock = 0;
	struct thread_record *holder = holder_in(TRACE_HOLD_HELD, HOLDER);
	core_become_child(self);
	expect_holder(TRACE_LOCK_SPINLOCK, holder);
	core_invent_hold(core_invent_thread(LIVE), lock, TRACE_HOLD_WANT);
	expect(TRACE_LOCK_SPINLOCK, false, CHILD_LOCK, 0);
}

Test(child_check_kinds, names_nobody_where_two_say_that_they_hold_a_spinlock)
{
	start();
	*(int *)lock = 0;
	holder_in(TRACE_HOLD_HELD, HOLDER);
	holder_in(TRACE_HOLD_HELD, OTHER);
	core_become_child(self);
	expect_holder(TRACE_LOCK_SPINLOCK, NULL);
}

static struct thread_record *taken_semaphore(unsigned initial)
{
	start();
	sem_init(lock, 0, 0);
	wake_site_init(lock, initial);
	struct thread_record *holder = holder_in(TRACE_HOLD_HELD, HOLDER);
	return holder;
}

Test(child_check_kinds, takes_a_semaphore_that_began_above_zero_for_a_lock)
{
	struct thread_record *holder = taken_semaphore(1);
	core_become_child(self);
	expect_holder(TRACE_LOCK_SEMAPHORE, holder);
}

Test(child_check_kinds, takes_a_semaphore_that_others_post_for_no_lock)
{
	const struct call_registers regs = core_registers();
	taken_semaphore(1);
	wake_site_wake(self, lock, CALL_sem_post, false, &regs);
	core_become_child(self);
	expect(TRACE_LOCK_SEMAPHORE, false, CHILD_LOCK, 0);
}

/* Made anew at the same address: the holder of what another posted may still be recorded. */
Test(child_check_kinds, keeps_in_mind_that_others_posted_at_that_address)
{
	const struct call_registers regs = core_registers();
	taken_semaphore(1);
	wake_site_wake(self, lock, CALL_sem_post, false, &regs);
	wake_site_forget(lock, false);
	wake_site_init(lock, 1);
	core_become_child(self);
	expect(TRACE_LOCK_SEMAPHORE, false, CHILD_LOCK, 0);
}

Test(child_check_kinds, asks_more_of_a_semaphore_where_other_threads_could_post)
{
	const struct call_registers regs = core_registers();
	struct thread_record *holder = taken_semaphore(1);
	core_become_child(self);
	core_invent_thread(LIVE);
	expect(TRACE_LOCK_SEMAPHORE, false, CHILD_LOCK, 0);
	wake_site_wake(self, lock, CALL_sem_post, true, &regs);
	expect_holder(TRACE_LOCK_SEMAPHORE, holder);
}

Test(child_check_kinds, says_nothing_of_a_semaphore_that_it_never_saw_made)
{
	start();
	sem_init(lock, 0, 0);
	holder_in(TRACE_HOLD_HELD, HOLDER);
	core_become_child(self);
	expect(TRACE_LOCK_SEMAPHORE, false, CHILD_LOCK, 0);
}

Test(child_check_kinds, knows_an_initialisation_that_a_vanished_thread_was_in)
{
	struct incident suspect;
	start();
	*(uint64_t *)lock = 0x100;
	struct thread_record *holder = holder_in(TRACE_HOLD_HELD, HOLDER);
	core_become_child(self);
	cr_assert_eq(use(TRACE_LOCK_STATIC_INIT, false, CHILD_LOCK, &suspect), TRACE_STATIC_INIT_LEFT_OPEN);
	cr_assert_eq(suspect.holder, holder);
	*(uint64_t *)lock = 1;
	expect(TRACE_LOCK_STATIC_INIT, false, CHILD_LOCK, 0);
}
