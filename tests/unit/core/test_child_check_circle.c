/* Circles of live threads of the child that wait for each other. */
#include <criterion/criterion.h>
#include <sys/mman.h>

#include "child_check.h"
#include "core_fixture.h"

enum { FIRST = 100001, SECOND = 100002, VANISHED = 100003 };

static pthread_mutex_t *wanted, *own, *between;
static struct thread_record *self, *first, *second;

static pthread_mutex_t *make_mutex(void)
{
	pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	return mutex;
}

/* In a child with three threads this one holds `own` and is about to want what the first one holds. */
static void start(void)
{
	self = core_start();
	wanted = make_mutex();
	own = make_mutex();
	between = make_mutex();
	core_invent_thread(VANISHED);
	core_become_child(self);
	first = core_invent_thread(FIRST);
	second = core_invent_thread(SECOND);
	core_invent_hold(first, wanted, TRACE_HOLD_HELD);
	core_lock_by_hand(wanted, FIRST);
	core_invent_hold(self, own, TRACE_HOLD_HELD);
	core_lock_by_hand(own, self->owner_tid);
}

TestSuite(child_check_circle, .init = start);

static struct child_use use(enum child_attempt attempt)
{
	const struct call_registers regs = core_registers();
	const struct lock_ref ref = {wanted, TRACE_LOCK_MUTEX, false};
	struct child_use use;

	core_invent_hold(self, wanted, TRACE_HOLD_WANT);
	child_check_before(&use, self, &ref, CALL_pthread_mutex_lock, attempt, &regs);
	return use;
}

Test(child_check_circle, is_seen_where_the_owner_waits_for_what_this_thread_holds)
{
	core_invent_hold(first, own, TRACE_HOLD_WANT);
	struct child_use seen = use(CHILD_LOCK);
	cr_assert_eq(seen.suspect.observed, TRACE_BLOCKS_IN_CYCLE);
	cr_assert_eq(seen.suspect.holder, first);
	cr_assert_eq(seen.suspect.holder_tid, FIRST);
}

Test(child_check_circle, is_seen_through_a_third_thread)
{
	core_invent_hold(first, between, TRACE_HOLD_WANT);
	core_invent_hold(second, between, TRACE_HOLD_HELD);
	core_lock_by_hand(between, SECOND);
	core_invent_hold(second, own, TRACE_HOLD_WANT);
	cr_assert_eq(use(CHILD_LOCK).suspect.observed, TRACE_BLOCKS_IN_CYCLE);
}

Test(child_check_circle, is_none_where_the_owner_waits_for_a_free_lock)
{
	core_invent_hold(first, between, TRACE_HOLD_WANT);
	cr_assert_eq(use(CHILD_LOCK).suspect.observed, 0);
}

Test(child_check_circle, is_none_for_a_call_that_comes_back)
{
	core_invent_hold(first, own, TRACE_HOLD_WANT);
	cr_assert_eq(use(CHILD_TIMED).suspect.observed, 0);
	cr_assert_eq(use(CHILD_TRY).suspect.observed, 0);
}

/* The owner came back from its call meanwhile, and freed the lock that it had waited for. */
Test(child_check_circle, is_none_where_the_lock_between_is_gone)
{
	core_invent_hold(first, between, TRACE_HOLD_WANT);
	cr_assert_eq(munmap(between, 4096), 0);
	cr_assert_eq(use(CHILD_LOCK).suspect.observed, 0);
}
