#include <criterion/criterion.h>
#include <errno.h>

#include "core_fixture.h"
#include "retry_loop.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;

static struct incident try_of(struct thread_record *self, const pthread_mutex_t *mutex, uint32_t proof)
{
	return (struct incident){
	    .observed = TRACE_TRY_FAILED_ON_VANISHED,
	    .proof = proof,
	    .lock = mutex,
	    .kind = TRACE_LOCK_MUTEX,
	    .victim = self,
	    .call = CALL_pthread_mutex_trylock,
	    .regs = {.pc = 0x1000, .sp = 0x2000},
	    .holder_entry = UINT32_MAX,
	};
}

static struct incident try_in_child(uint32_t proof)
{
	struct thread_record *self = core_start();

	core_become_child(self);
	return try_of(self, &lock, proof);
}

static void fail_times(const struct incident *try, unsigned times)
{
	while (times--)
		retry_loop_failed(try, (struct incident_handle){0}, EBUSY);
}

Test(retry_loop, vouches_for_a_mapping_but_not_at_every_try)
{
	struct incident try = try_in_child(TRACE_PROOF_PRIVATE_MAPPING);

	cr_assert_not(retry_loop_is_private(&try));
	fail_times(&try, 2);
	cr_assert_not(retry_loop_is_private(&try));
	fail_times(&try, 1);
	cr_assert(retry_loop_is_private(&try));
	fail_times(&try, 1);
	cr_assert_not(retry_loop_is_private(&try));
	fail_times(&try, 1);
	cr_assert(retry_loop_is_private(&try));
}

Test(retry_loop, vouches_for_what_was_seen_only)
{
	struct incident try = try_in_child(0);

	fail_times(&try, 3);
	cr_assert_not(retry_loop_is_private(&try));
}

Test(retry_loop, vouches_for_its_own_lock_and_place_only)
{
	struct incident try = try_in_child(TRACE_PROOF_PRIVATE_MAPPING);

	fail_times(&try, 3);
	struct incident elsewhere = try, of_other = try_of(try.victim, &other, try.proof);
	elsewhere.regs.sp += 16;
	cr_assert_not(retry_loop_is_private(&elsewhere));
	cr_assert_not(retry_loop_is_private(&of_other));
	retry_loop_leave(try.victim);
	cr_assert_not(retry_loop_is_private(&try));
}
