#include <criterion/criterion.h>
#include <string.h>

#include "record_work.h"

Test(record_work, is_used_again_once_given_back)
{
	struct record_work *work = record_work_take();

	cr_assert_not_null(work);
	record_work_give(work);
	cr_assert_eq(record_work_take(), work);
}

Test(record_work, is_never_had_by_two)
{
	struct record_work *one = record_work_take(), *other = record_work_take();

	cr_assert_not_null(one);
	cr_assert_not_null(other);
	memset(one, 1, sizeof *one);
	memset(other, 2, sizeof *other);
	cr_assert_eq(one->record.bytes[0], 1);
	cr_assert_eq(one->record.bytes[sizeof one->record.bytes - 1], 1);
	record_work_give(one);
	record_work_give(NULL);
	cr_assert_eq(record_work_take(), one);
}

/* Threads that write at the same time do so again and again. */
Test(record_work, is_all_used_again)
{
	struct record_work *one = record_work_take(), *other = record_work_take();

	record_work_give(one);
	record_work_give(other);
	cr_assert_eq(record_work_take(), other);
	cr_assert_eq(record_work_take(), one);
}
