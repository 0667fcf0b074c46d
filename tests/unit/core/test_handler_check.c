#include <criterion/criterion.h>
#include <sched.h>

#include "core_fixture.h"
#include "handler_check.h"
#include "trace_writer.h"

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
