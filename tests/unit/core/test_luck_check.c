#include <criterion/criterion.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core_fixture.h"
#include "libc_check.h"
#include "luck_check.h"
#include "trace_writer.h"
#include "wake_site.h"

enum { WORKER = 100001, OTHER = 100002, PAGE = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;
static struct thread_record *self, *worker;

static void start(void)
{
	self = core_start();
	worker = core_invent_thread(WORKER);
}

static void hold(struct thread_record *thread, pthread_mutex_t *mutex)
{
	core_invent_hold(thread, mutex, TRACE_HOLD_WANT);
	core_lock_by_hand(mutex, thread->owner_tid);
}

static void run_on(const void *about)
{
	const struct call_registers regs = core_registers();

	luck_check_ran_on(self, about, CALL_pthread_mutex_lock, &regs);
}

static unsigned told_held(void)
{
	return core_told(TRACE_HELD_AT_FORK, NULL);
}

Test(luck_check, tells_what_was_held_once_the_child_runs_on)
{
	const struct trace_incident *incident = NULL;

	start();
	hold(worker, &lock);
	core_become_child(self);
	cr_assert_eq(told_held(), 0);
	run_on(NULL);
	run_on(NULL);
	cr_assert_eq(core_told(TRACE_HELD_AT_FORK, &incident), 1);
	cr_assert_eq(incident->lock.address, (uint64_t)(uintptr_t)&lock);
	cr_assert_eq(incident->holder.tid, WORKER);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(incident->repeats, 0);
	cr_assert(incident->proof & TRACE_PROOF_OWNER_WORD);
	cr_assert(incident->proof & TRACE_PROOF_PRIVATE_MAPPING);
}

Test(luck_check, leaves_the_lock_that_the_call_is_about_to_its_own_check)
{
	start();
	hold(worker, &lock);
	core_become_child(self);
	run_on(&lock);
	cr_assert_eq(told_held(), 0);
}

Test(luck_check, waits_for_the_end_of_the_child_s_handlers)
{
	start();
	hold(worker, &lock);
	core_become_child(self);
	process.in_handlers = self;
	run_on(NULL);
	cr_assert_eq(told_held(), 0);
	process.in_handlers = NULL;
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

Test(luck_check, tells_nothing_of_free_locks_nor_of_those_of_another_owner)
{
	start();
	core_invent_hold(worker, &lock, TRACE_HOLD_WANT);
	core_invent_hold(worker, &outer, TRACE_HOLD_WANT);
	core_lock_by_hand(&outer, self->owner_tid);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 0);
}

Test(luck_check, survives_a_lock_whose_memory_is_gone)
{
	start();
	pthread_mutex_t *gone = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hold(worker, gone);
	hold(worker, &lock);
	munmap(gone, PAGE);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

Test(luck_check, tells_nothing_of_memory_that_the_parent_shares)
{
	start();
	pthread_mutex_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	hold(worker, shared);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 0);
}

Test(luck_check, tells_one_place_once_however_many_hold_a_lock_there)
{
	static pthread_mutex_t lanes[3];

	start();
	for (int i = 0; i < 3; i++)
		hold(core_invent_thread(OTHER + i), &lanes[i]);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

Test(luck_check, takes_it_back_when_the_child_goes_on_to_exec)
{
	const struct trace_incident *incident = NULL;

	start();
	hold(worker, &lock);
	core_become_child(self);
	cr_assert_not(luck_check_exec_begins());
	run_on(NULL);
	core_told(TRACE_HELD_AT_FORK, &incident);
	cr_assert(luck_check_exec_begins());
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_RETURNED);
	luck_check_exec_failed(true);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_PENDING);
}

static uint32_t hold_kind(struct thread_record *thread, const void *object, enum trace_lock_kind kind)
{
	uint32_t index = core_invent_hold(thread, object, TRACE_HOLD_HELD);

	thread->held[index].kind = (uint8_t)kind;
	return index;
}

Test(luck_check, tells_a_semaphore_that_is_posted_by_who_took_it)
{
	static sem_t slot; /* value 0: taken */

	start();
	const struct call_registers regs = core_registers();
	hold_kind(worker, &slot, TRACE_LOCK_SEMAPHORE);
	wake_site_init(&slot, 1);
	wake_site_wake(worker, &slot, CALL_sem_post, true, &regs);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

Test(luck_check, tells_no_semaphore_that_is_none_of_a_lock)
{
	static sem_t posted_by_others, of_three, nobody_posted;
	sem_t *const signals[] = {&posted_by_others, &of_three, &nobody_posted};

	start();
	const struct call_registers regs = core_registers();
	for (int i = 0; i < 3; i++)
		hold_kind(worker, signals[i], TRACE_LOCK_SEMAPHORE);
	wake_site_init(&posted_by_others, 1);
	wake_site_wake(worker, &posted_by_others, CALL_sem_post, true, &regs);
	wake_site_wake(self, &posted_by_others, CALL_sem_post, false, &regs);
	wake_site_init(&of_three, 3);
	wake_site_wake(worker, &of_three, CALL_sem_post, true, &regs);
	wake_site_init(&nobody_posted, 1);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 0);
}

Test(luck_check, tells_an_initialisation_of_a_static_variable)
{
	enum { PENDING = 0x100, DONE = 1 };
	static int64_t open_guard = PENDING, done_guard = DONE;

	start();
	hold_kind(worker, &open_guard, TRACE_LOCK_STATIC_INIT);
	hold_kind(worker, &done_guard, TRACE_LOCK_STATIC_INIT);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(told_held(), 1);
}

static void enter(enum libc_family family)
{
	const struct call_registers regs = core_registers();
	struct libc_use entered;

	libc_check_before(&entered, self, family, CALL_getpwnam, &regs);
	libc_check_after(&entered);
}

Test(luck_check, tells_who_was_inside_of_a_function_that_keeps_its_lock)
{
	const struct trace_incident *incident = NULL;

	start();
	hold_kind(worker, libc_check_lock(LIBC_getpwnam), TRACE_LOCK_LIBC);
	hold_kind(worker, libc_check_lock(LIBC_system), TRACE_LOCK_LIBC);
	hold_kind(worker, libc_check_lock(LIBC_catalogues), TRACE_LOCK_LIBC);
	core_become_child(self);
	run_on(NULL);
	cr_assert_eq(core_told(TRACE_HELD_AT_FORK, &incident), 1);
	cr_assert_eq(incident->lock.kind, TRACE_LOCK_LIBC);
	cr_assert_eq(incident->lock.type, LIBC_getpwnam);
}

Test(luck_check, takes_it_back_when_the_child_comes_back_from_there)
{
	const struct trace_incident *incident = NULL;

	start();
	hold_kind(worker, libc_check_lock(LIBC_getpwnam), TRACE_LOCK_LIBC);
	core_become_child(self);
	run_on(NULL);
	core_told(TRACE_HELD_AT_FORK, &incident);
	enter(LIBC_getpwuid);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_PENDING);
	enter(LIBC_getpwnam);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_RETURNED);
}

Test(luck_check, takes_a_function_of_libc_for_a_sign_that_the_child_runs_on)
{
	start();
	hold(worker, &lock);
	core_become_child(self);
	enter(LIBC_environment);
	cr_assert_eq(told_held(), 1);
}
