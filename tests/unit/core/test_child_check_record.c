/* What a lock call in a child writes into the trace, and when. */
#include <errno.h>

#include "child_check_fixture.h"
#include "trace_writer.h"

static unsigned count_incidents(const struct trace_incident **ret_last)
{
	const struct trace_image *image = trace_writer_image();
	unsigned count = 0;

	cr_assert_not_null(image);
	for (uint64_t at = TRACE_HEADER_SIZE_BYTES; at < image->file.tail_bytes;) {
		const struct trace_incident *found =
		    (const struct trace_incident *)((const char *)image + at);
		cr_assert_eq(found->record.magic, TRACE_RECORD_MAGIC);
		at += (found->record.size_bytes + TRACE_GRANULE_BYTES - 1) / TRACE_GRANULE_BYTES *
		      TRACE_GRANULE_BYTES;
		if (found->record.type != TRACE_RECORD_INCIDENT)
			continue;
		*ret_last = found;
		count++;
	}
	return count;
}

static const struct trace_incident *expect_written(unsigned expected)
{
	const struct trace_incident *last = NULL;
	unsigned count = count_incidents(&last);

	cr_assert_eq(count, expected, "%u incidents are in the trace, not %u", count, expected);
	return last;
}

Test(child_check, writes_before_a_call_that_may_block)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	struct child_use use = use_lock(CHILD_LOCK);
	const struct trace_incident *found = expect_written(1);
	cr_assert_eq(found->observed, TRACE_BLOCKS_ON_VANISHED);
	cr_assert_eq(found->outcome, TRACE_OUTCOME_PENDING);
	child_check_after(&use, 0);
	cr_assert_eq(found->outcome, TRACE_OUTCOME_RETURNED);
	cr_assert_eq(found->result, 0);
	cr_assert_neq(found->left_ns, 0);
	expect_written(1);
}

Test(child_check, writes_before_a_timed_call_and_its_result_after)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	struct child_use use = use_lock(CHILD_TIMED);
	const struct trace_incident *found = expect_written(1);
	cr_assert_eq(found->outcome, TRACE_OUTCOME_PENDING);
	child_check_after(&use, ETIMEDOUT);
	cr_assert_eq(found->outcome, TRACE_OUTCOME_RETURNED);
	cr_assert_eq(found->result, ETIMEDOUT);
}

static void expect_after(enum child_attempt attempt, int error, enum trace_observed observed)
{
	const struct trace_incident *found = NULL;
	struct child_use use = use_lock(attempt);

	unsigned before = count_incidents(&found);
	child_check_after(&use, error);
	unsigned after = count_incidents(&found);
	cr_assert_eq(after - before, observed ? 1 : 0, "attempt %d, error %d: %u incidents", attempt, error,
	             after - before);
	if (!observed)
		return;
	cr_assert_eq(found->observed, observed);
	cr_assert_eq(found->outcome, TRACE_OUTCOME_RETURNED);
	cr_assert_eq(found->result, error);
}

Test(child_check, writes_a_trylock_that_failed_and_no_other)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	expect_after(CHILD_TRY, 0, 0);
	expect_after(CHILD_TRY, EINVAL, 0);
	expect_after(CHILD_TRY, EBUSY, TRACE_TRY_FAILED_ON_VANISHED);
}

Test(child_check, writes_an_unlock_for_a_vanished_thread)
{
	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	expect_after(CHILD_UNLOCK, EINVAL, 0);
	expect_after(CHILD_UNLOCK, 0, TRACE_FOREIGN_UNLOCK);
	expect_after(CHILD_UNLOCK, EPERM, TRACE_UNLOCK_REFUSED);
}

Test(child_check, writes_a_refused_unlock_of_the_child_s_own_lock)
{
	inherit(&recursive);
	expect_after(CHILD_UNLOCK, 0, 0);
	expect_after(CHILD_UNLOCK, EPERM, TRACE_UNLOCK_REFUSED);
	expect_after(CHILD_TRY, EBUSY, TRACE_RELOCK_REFUSED);
}

Test(child_check, writes_nothing_where_there_is_nothing_to_say)
{
	const struct trace_incident *found;

	vanished_holder(TRACE_HOLD_HELD, HOLDER);
	*lock = normal;
	struct child_use use = use_lock(CHILD_LOCK);
	child_check_after(&use, 0);
	use = use_lock(CHILD_UNLOCK);
	child_check_after(&use, EPERM);
	cr_assert_eq(count_incidents(&found), 0);
}
