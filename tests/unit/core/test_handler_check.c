#include <criterion/criterion.h>
#include <sched.h>
#include <semaphore.h>

#include "child_wait.h"
#include "core_fixture.h"
#include "handler_check.h"
#include "real.h"
#include "trace_writer.h"
#include "wake_site.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread_record *self;

/* As inside of fork, in a prepare handler. */
static void start(void)
{
	self = core_start();
	const struct call_registers regs = core_registers();
	fork_snapshot_prefork(self, CALL_fork, &regs);
	cr_assert(fork_snapshot_in_handlers(self));
}

static bool acquire(struct incident_handle *ret_handle)
{
	const struct call_registers regs = core_registers();

	core_invent_hold(self, &lock, TRACE_HOLD_WANT);
	return handler_check_acquire(self, &(struct lock_ref){&lock, TRACE_LOCK_MUTEX, false},
	                             CALL_pthread_mutex_lock, &regs, ret_handle);
}

Test(handler_check, leaves_a_free_lock_to_the_original)
{
	struct incident_handle handle;

	start();
	cr_assert_not(acquire(&handle));
	cr_assert_null(handle.record);
}

Test(handler_check, tells_a_lock_that_the_thread_holds_itself)
{
	struct incident_handle handle;

	start();
	core_invent_hold(self, &lock, TRACE_HOLD_WANT);
	core_lock_by_hand(&lock, self->owner_tid);
	cr_assert_not(acquire(&handle));
	cr_assert_not_null(handle.record);
	cr_assert_eq(handle.record->observed, TRACE_BLOCKS_IN_ATFORK_HANDLER);
	cr_assert_eq(handle.record->holder.tid, self->tid);
	cr_assert_eq(handle.record->holder.acquire_call, CALL_pthread_mutex_lock);
	cr_assert_eq(handle.record->fork.call, CALL_fork);
	cr_assert_eq(handle.record->outcome, TRACE_OUTCOME_PENDING);
}

Test(handler_check, leaves_locks_that_know_their_owner_alone)
{
	struct incident_handle handle;

	start();
	lock = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	core_lock_by_hand(&lock, self->owner_tid);
	cr_assert_not(acquire(&handle));
	cr_assert_null(handle.record);
}

static volatile bool taken;

/* Lets go once the other thread waits: the word is 2 then. */
static void *let_go(void *unused)
{
	pthread_mutex_lock(&lock);
	taken = true;
	while (lock.__data.__lock != 2)
		sched_yield();
	pthread_mutex_unlock(&lock);
	return unused;
}

Test(handler_check, waits_for_a_thread_that_goes_on, .timeout = 60)
{
	struct incident_handle handle;
	pthread_t thread;

	start();
	cr_assert_eq(pthread_create(&thread, NULL, let_go, NULL), 0);
	while (!taken)
		sched_yield();
	cr_assert(acquire(&handle));
	cr_assert_null(handle.record);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
}

Test(handler_check, opens_the_gate_again_in_the_parent)
{
	start();
	cr_assert_null(self->gate->record);
	fork_snapshot_postfork_parent(self, false);
	cr_assert_eq(self->gate->record, self);
	cr_assert_not(fork_snapshot_in_handlers(self));
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spinlock;

/* The attempt's own entry is the thread's last. */
static bool acquire_other(const void *object, enum trace_lock_kind kind, bool shared,
                          struct incident_handle *ret_handle)
{
	const struct call_registers regs = core_registers();
	unsigned call = kind == TRACE_LOCK_SPINLOCK ? CALL_pthread_spin_lock
	                : shared                    ? CALL_pthread_rwlock_rdlock
	                                            : CALL_pthread_rwlock_wrlock;

	thread_record_want(self, object, kind, call, &regs);
	return handler_check_acquire(self, &(struct lock_ref){object, kind, shared}, call, &regs, ret_handle);
}

static void hold_other(const void *object, enum trace_lock_kind kind)
{
	const struct call_registers regs = core_registers();

	thread_record_set(self, thread_record_want(self, object, kind, 0, &regs), TRACE_HOLD_HELD);
}

static void expect_own(const struct incident_handle *handle, enum trace_lock_kind kind)
{
	cr_assert_not_null(handle->record);
	cr_assert_eq(handle->record->observed, TRACE_BLOCKS_IN_ATFORK_HANDLER);
	cr_assert_eq(handle->record->lock.kind, kind);
	cr_assert_eq(handle->record->holder.tid, self->tid);
	cr_assert_eq(handle->record->holder.state, TRACE_HOLD_HELD);
}

Test(handler_check, tells_a_rwlock_that_the_thread_reads_and_wants_to_write)
{
	struct incident_handle handle;

	start();
	real.pthread_rwlock_rdlock(&rwlock);
	hold_other(&rwlock, TRACE_LOCK_RWLOCK);
	cr_assert_not(acquire_other(&rwlock, TRACE_LOCK_RWLOCK, false, &handle));
	expect_own(&handle, TRACE_LOCK_RWLOCK);
}

Test(handler_check, leaves_a_reader_that_reads_again_alone)
{
	struct incident_handle handle;

	start();
	real.pthread_rwlock_rdlock(&rwlock);
	hold_other(&rwlock, TRACE_LOCK_RWLOCK);
	cr_assert_not(acquire_other(&rwlock, TRACE_LOCK_RWLOCK, true, &handle));
	cr_assert_null(handle.record);
}

Test(handler_check, leaves_a_writer_that_is_refused_alone)
{
	struct incident_handle handle;

	start();
	real.pthread_rwlock_wrlock(&rwlock);
	rwlock.__data.__cur_writer = self->owner_tid;
	hold_other(&rwlock, TRACE_LOCK_RWLOCK);
	cr_assert_not(acquire_other(&rwlock, TRACE_LOCK_RWLOCK, false, &handle));
	cr_assert_null(handle.record, "libc returns EDEADLK");
}

Test(handler_check, tells_a_spinlock_that_the_thread_has)
{
	struct incident_handle handle;

	start();
	pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE);
	real.pthread_spin_lock(&spinlock);
	hold_other((const void *)&spinlock, TRACE_LOCK_SPINLOCK);
	cr_assert_not(acquire_other((const void *)&spinlock, TRACE_LOCK_SPINLOCK, false, &handle));
	expect_own(&handle, TRACE_LOCK_SPINLOCK);
}

static void *let_spinlock_go(void *unused)
{
	real.pthread_spin_lock(&spinlock);
	taken = true;
	sched_yield();
	real.pthread_spin_unlock(&spinlock);
	return unused;
}

Test(handler_check, spins_for_a_thread_that_goes_on, .timeout = 60)
{
	struct incident_handle handle = {0};
	pthread_t thread;

	start();
	pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE);
	cr_assert_eq(pthread_create(&thread, NULL, let_spinlock_go, NULL), 0);
	while (!taken)
		sched_yield();
	bool acquired = acquire_other((const void *)&spinlock, TRACE_LOCK_SPINLOCK, false, &handle);
	cr_assert_null(handle.record);
	cr_assert(acquired || real.pthread_spin_trylock(&spinlock) == 0);
	pthread_join(thread, NULL);
}

static sem_t semaphore;

static struct incident_handle wait_for(const void *object, enum trace_lock_kind kind, unsigned call)
{
	const struct call_registers regs = core_registers();

	return handler_check_wait(self, object, kind, call, &regs);
}

static void take_semaphore(void)
{
	const struct call_registers regs = core_registers();

	real.sem_init(&semaphore, 0, 0);
	wake_site_init(&semaphore, 1);
	hold_other(&semaphore, TRACE_LOCK_SEMAPHORE);
	wake_site_wake(self, &semaphore, CALL_sem_post, true, &regs);
	thread_record_want(self, &semaphore, TRACE_LOCK_SEMAPHORE, CALL_sem_wait, &regs);
}

Test(handler_check, suspects_a_wait_for_a_semaphore_that_the_thread_took)
{
	start();
	take_semaphore();
	struct incident_handle handle = wait_for(&semaphore, TRACE_LOCK_SEMAPHORE, CALL_sem_wait);
	cr_assert_not_null(handle.record);
	cr_assert_eq(handle.record->observed, TRACE_WAITS_IN_ATFORK_HANDLER);
	cr_assert_eq(handle.record->holder.tid, self->tid);
	cr_assert(handle.record->proof & TRACE_PROOF_RECORD);
}

Test(handler_check, names_no_holder_of_a_semaphore_that_others_post)
{
	const struct call_registers regs = core_registers();

	start();
	take_semaphore();
	wake_site_wake(self, &semaphore, CALL_sem_post, false, &regs);
	struct incident_handle handle = wait_for(&semaphore, TRACE_LOCK_SEMAPHORE, CALL_sem_wait);
	cr_assert_not_null(handle.record);
	cr_assert_eq(handle.record->holder.tid, 0);
	cr_assert_not(handle.record->proof & TRACE_PROOF_RECORD);
}

Test(handler_check, leaves_a_semaphore_with_units_alone)
{
	start();
	take_semaphore();
	real.sem_post(&semaphore);
	cr_assert_null(wait_for(&semaphore, TRACE_LOCK_SEMAPHORE, CALL_sem_wait).record);
}

Test(handler_check, uses_the_record_of_a_wait_that_came_back_again)
{
	start();
	struct incident_handle first = wait_for(&rwlock, TRACE_LOCK_BARRIER, CALL_pthread_barrier_wait);
	cr_assert_eq(first.record->proof & TRACE_PROOF_ONLY_THREAD, 0, "the barrier may be for one");
	incident_returned(first, 0);
	struct incident_handle second = wait_for(&rwlock, TRACE_LOCK_BARRIER, CALL_pthread_barrier_wait);
	cr_assert_eq(second.record->outcome, TRACE_OUTCOME_PENDING);
}

static void *end_at_once(void *unused)
{
	return unused;
}

Test(handler_check, leaves_the_join_of_an_ended_thread_alone, .timeout = 60)
{
	pthread_t thread;

	start();
	cr_assert_eq(pthread_create(&thread, NULL, end_at_once, NULL), 0);
	while (child_wait_tid_of(thread))
		sched_yield();
	cr_assert_null(
	    wait_for((const void *)(uintptr_t)thread, TRACE_LOCK_THREAD, CALL_pthread_join).record);
	pthread_join(thread, NULL);
}
