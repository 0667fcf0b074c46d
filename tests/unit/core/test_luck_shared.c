#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdlib.h>

#include "core_fixture.h"
#include "init_site.h"
#include "libc_check.h"
#include "luck_shared.h"
#include "wake_site.h"

enum { WORKER = 100001 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static sem_t slot;
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

static void use(struct thread_record *thread, const void *mutex)
{
	core_invent_hold(thread, mutex, TRACE_HOLD_WANT);
	cr_assert(thread_record_pop(thread, mutex));
}

/* What a wrapper would do, for a lock of any kind. */
static void want(struct thread_record *thread, const void *object, enum trace_lock_kind kind, unsigned call)
{
	const struct call_registers regs = {.pc = 0x2000};
	cr_assert_neq(thread_record_want(thread, object, kind, call, &regs), UINT32_MAX);
}

static void use_kind(struct thread_record *thread, const void *object, enum trace_lock_kind kind,
                     unsigned call)
{
	want(thread, object, kind, call);
	cr_assert(thread_record_pop(thread, object));
}

static void take_kind(const void *object, enum trace_lock_kind kind, bool shared)
{
	const struct incident taken = {.lock = object,
	                               .kind = kind,
	                               .victim = self,
	                               .call = CALL_pthread_mutex_lock,
	                               .regs = core_registers()};
	luck_shared_took(&taken, shared);
}

static void take(const void *mutex)
{
	take_kind(mutex, TRACE_LOCK_MUTEX, false);
}

static unsigned told_shared(void)
{
	return core_told(TRACE_SHARED_WITH_VANISHED, NULL);
}

Test(luck_shared, tells_a_lock_that_a_vanished_thread_used)
{
	const struct trace_incident *incident = NULL;

	start();
	use(worker, &lock);
	core_become_child(self);
	take(&lock);
	take(&lock);
	cr_assert_eq(core_told(TRACE_SHARED_WITH_VANISHED, &incident), 1);
	cr_assert_eq(incident->holder.tid, WORKER);
	cr_assert_eq(incident->holder.acquired_at.count, 1);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_RETURNED);
	cr_assert_eq(incident->repeats, 0);
}

Test(luck_shared, tells_nothing_of_what_the_forking_thread_held)
{
	start();
	use(worker, &lock);
	hold(self, &lock);
	core_become_child(self);
	cr_assert(thread_record_pop(self, &lock));
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_shared, tells_nothing_of_what_is_used_inside_of_a_covered_lock_only)
{
	start();
	core_invent_hold(worker, &outer, TRACE_HOLD_WANT);
	use(worker, &lock);
	cr_assert(thread_record_pop(worker, &outer));
	hold(self, &outer);
	core_become_child(self);
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_shared, tells_nothing_of_what_nobody_used_or_was_made_anew)
{
	start();
	use(worker, &lock);
	core_become_child(self);
	take(&outer);
	const struct call_registers regs = core_registers();
	init_site_record(self, &lock, &regs);
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_shared, tells_nothing_of_a_lock_that_was_held_at_the_fork_and_is_free)
{
	start();
	hold(worker, &lock);
	core_become_child(self);
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	take(&lock);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_shared, tells_heap_locks_only_where_their_beginning_was_seen)
{
	pthread_mutex_t *seen = calloc(1, sizeof *seen), *unseen = calloc(1, sizeof *unseen);

	start();
	const struct call_registers regs = core_registers();
	init_site_record(self, seen, &regs);
	use(worker, seen);
	use(worker, unseen);
	core_become_child(self);
	take(unseen);
	cr_assert_eq(told_shared(), 0);
	take(seen);
	cr_assert_eq(told_shared(), 1);
}

Test(luck_shared, tells_nothing_of_an_earlier_lock_at_the_address_after_very_many)
{
	pthread_mutex_t *reused = calloc(1, sizeof *reused);

	start();
	const struct call_registers regs = core_registers();
	atomic_store(&init_site_epoch_now, UINT32_MAX);
	use(worker, reused);
	init_site_record(self, &lock, &regs);
	init_site_record(self, reused, &regs);
	core_become_child(self);
	take(reused);
	cr_assert_eq(told_shared(), 0);
}

/* Each once more than there is room for. */
Test(luck_shared, tells_so_many_and_no_more)
{
	enum { MANY = 100, TOLD_MAX = 64 };
	static pthread_mutex_t many[MANY];

	start();
	for (int i = 0; i < MANY; i++) {
		struct thread_record *user = core_invent_thread(WORKER + 1 + i);

		use(user, &many[i]);
	}
	core_become_child(self);
	for (int i = 0; i < MANY; i++)
		take(&many[i]);
	cr_assert_eq(told_shared(), TOLD_MAX);
}

Test(luck_shared, takes_no_entry_but_a_lock_s_for_what_covers)
{
	start();
	want(worker, &table, TRACE_LOCK_CONDVAR, CALL_pthread_cond_wait);
	use(worker, &lock);
	cr_assert(thread_record_pop(worker, &table));
	want(self, &table, TRACE_LOCK_CONDVAR, CALL_pthread_cond_wait);
	core_become_child(self);
	take(&lock);
	cr_assert_eq(told_shared(), 1);
}

Test(luck_shared, takes_no_read_lock_for_one_that_keeps_others_out)
{
	start();
	want(worker, &table, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_rdlock);
	use(worker, &lock);
	cr_assert(thread_record_pop(worker, &table));
	want(self, &table, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_rdlock);
	core_become_child(self);
	take(&lock);
	cr_assert_eq(told_shared(), 1);
}

Test(luck_shared, tells_a_reader_of_writers_only)
{
	start();
	use_kind(worker, &table, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_rdlock);
	core_become_child(self);
	take_kind(&table, TRACE_LOCK_RWLOCK, true);
	cr_assert_eq(told_shared(), 0);
	take_kind(&table, TRACE_LOCK_RWLOCK, false);
	cr_assert_eq(told_shared(), 1);
}

Test(luck_shared, remembers_that_a_reader_wrote_once)
{
	start();
	use_kind(worker, &table, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_wrlock);
	use_kind(worker, &table, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_rdlock);
	core_become_child(self);
	take_kind(&table, TRACE_LOCK_RWLOCK, true);
	cr_assert_eq(told_shared(), 1);
}

Test(luck_shared, lets_off_a_writer_where_the_forking_thread_was_one)
{
	start();
	use_kind(worker, &table, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_wrlock);
	want(self, &table, TRACE_LOCK_RWLOCK, CALL_pthread_rwlock_wrlock);
	core_become_child(self);
	take_kind(&table, TRACE_LOCK_RWLOCK, false);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_shared, tells_semaphores_that_are_locks)
{
	start();
	const struct call_registers regs = core_registers();
	init_site_record(self, &slot, &regs);
	wake_site_init(&slot, 1);
	use_kind(worker, &slot, TRACE_LOCK_SEMAPHORE, CALL_sem_wait);
	core_become_child(self);
	take_kind(&slot, TRACE_LOCK_SEMAPHORE, false);
	cr_assert_eq(told_shared(), 0);
	wake_site_wake(self, &slot, CALL_sem_post, true, &regs);
	take_kind(&slot, TRACE_LOCK_SEMAPHORE, false);
	cr_assert_eq(told_shared(), 1);
}

static void enter(enum libc_family family)
{
	const struct call_registers regs = core_registers();
	struct libc_use entered;

	libc_check_before(&entered, self, family, CALL_localtime_r, &regs);
	libc_check_after(&entered);
}

static void use_libc(enum libc_family family)
{
	use_kind(worker, libc_check_lock(family), TRACE_LOCK_LIBC, CALL_tzset);
}

Test(luck_shared, tells_a_lock_of_libc_s_that_a_vanished_thread_took_before)
{
	const struct trace_incident *incident = NULL;

	start();
	use_libc(LIBC_timezone);
	core_become_child(self);
	enter(LIBC_random);
	cr_assert_eq(told_shared(), 0);
	enter(LIBC_timezone);
	enter(LIBC_timezone);
	cr_assert_eq(core_told(TRACE_SHARED_WITH_VANISHED, &incident), 1);
	cr_assert_eq(incident->lock.kind, TRACE_LOCK_LIBC);
	cr_assert_eq(incident->lock.type, LIBC_timezone);
	cr_assert_eq(incident->holder.tid, WORKER);
	cr_assert_eq(incident->holder.acquire_call, CALL_tzset);
	cr_assert_eq(incident->outcome, TRACE_OUTCOME_RETURNED);
}

Test(luck_shared, tells_the_lock_that_functions_of_two_families_take)
{
	const struct trace_incident *incident = NULL;

	start();
	use_libc(LIBC_syslog);
	core_become_child(self);
	enter(LIBC_timezone);
	cr_assert_eq(core_told(TRACE_SHARED_WITH_VANISHED, &incident), 1);
	cr_assert_eq(incident->lock.type, LIBC_timezone);
}

Test(luck_shared, tells_nothing_of_locks_that_not_every_call_takes)
{
	start();
	use_libc(LIBC_exit_functions);
	use_libc(LIBC_time_format);
	use_libc(LIBC_gethostbyname);
	core_become_child(self);
	enter(LIBC_exit_functions);
	enter(LIBC_timezone);
	enter(LIBC_addresses);
	cr_assert_eq(told_shared(), 0);
}

Test(luck_shared, leaves_a_function_that_a_thread_was_inside_of_to_its_own_check)
{
	start();
	use_libc(LIBC_timezone);
	want(worker, libc_check_lock(LIBC_timezone), TRACE_LOCK_LIBC, CALL_tzset);
	core_become_child(self);
	enter(LIBC_timezone);
	cr_assert_eq(told_shared(), 0);
}
