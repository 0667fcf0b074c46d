#include <criterion/criterion.h>

#include "core_fixture.h"
#include "init_site.h"
#include "lock_use.h"

static pthread_mutex_t locks[LOCK_USES_KEPT * 4];

static uint64_t address_of(const void *lock)
{
	return (uint64_t)(uintptr_t)lock;
}

/* An acquisition from a call site that the cache does not know, and the release. */
static void use(struct thread_record *record, const void *lock)
{
	core_invent_hold(record, lock, TRACE_HOLD_WANT);
	cr_assert(thread_record_pop(record, lock));
}

Test(lock_use, is_known_after_the_lock_was_released)
{
	struct thread_record *self = core_start();

	cr_assert_null(lock_use_find(self, address_of(&locks[0])));
	use(self, &locks[0]);
	const struct lock_use *found = lock_use_find(self, address_of(&locks[0]));
	cr_assert_not_null(found);
	cr_assert_eq(found->call, CALL_pthread_mutex_lock);
	cr_assert_eq(found->kind, TRACE_LOCK_MUTEX);
	cr_assert_eq(found->pc[0], 0x1000);
	cr_assert_eq(found->under, 0);
	cr_assert_null(lock_use_find(self, address_of(&locks[1])));
}

Test(lock_use, tells_inside_of_which_lock_and_keeps_the_use_outside_of_any)
{
	struct thread_record *self = core_start();

	core_invent_hold(self, &locks[0], TRACE_HOLD_WANT);
	use(self, &locks[1]);
	cr_assert_eq(lock_use_find(self, address_of(&locks[1]))->under, address_of(&locks[0]));
	cr_assert(thread_record_pop(self, &locks[0]));
	use(self, &locks[1]);
	cr_assert_eq(lock_use_find(self, address_of(&locks[1]))->under, 0);
	core_invent_hold(self, &locks[0], TRACE_HOLD_WANT);
	use(self, &locks[1]);
	cr_assert_eq(lock_use_find(self, address_of(&locks[1]))->under, 0);
}

Test(lock_use, is_not_handed_to_the_record_s_next_thread)
{
	core_start();
	struct thread_record *first = core_invent_thread(100001);
	use(first, &locks[0]);
	thread_record_release(first);
	struct thread_record *second = core_invent_thread(100002);
	cr_assert_eq(second, first);
	cr_assert_null(lock_use_find(second, address_of(&locks[0])));
	use(second, &locks[0]);
	cr_assert_not_null(lock_use_find(second, address_of(&locks[0])));
}

Test(lock_use, keeps_the_latest_of_many_and_claims_no_other)
{
	enum { LOCKS = sizeof locks / sizeof *locks };
	struct thread_record *self = core_start();
	unsigned known = 0;

	for (unsigned i = 0; i < LOCKS; i++) {
		use(self, &locks[i]);
		cr_assert_not_null(lock_use_find(self, address_of(&locks[i])), "lock %u", i);
	}
	for (unsigned i = 0; i < LOCKS; i++) {
		const struct lock_use *found = lock_use_find(self, address_of(&locks[i]));
		known += found != NULL;
		cr_assert(!found || found->lock == address_of(&locks[i]));
	}
	cr_assert_leq(known, LOCK_USES_KEPT);
	cr_assert_gt(known, LOCK_USES_KEPT / 2);
}

Test(lock_use, carries_the_count_of_initialisations)
{
	struct thread_record *self = core_start();
	const struct call_registers regs = core_registers();

	use(self, &locks[0]);
	cr_assert_eq(init_site_epoch_of(&locks[0]), 0);
	init_site_record(self, &locks[0], &regs);
	cr_assert_lt(lock_use_find(self, address_of(&locks[0]))->epoch, init_site_epoch_of(&locks[0]));
	use(self, &locks[0]);
	cr_assert_geq(lock_use_find(self, address_of(&locks[0]))->epoch, init_site_epoch_of(&locks[0]));
}
