#include <criterion/criterion.h>

#include "core_fixture.h"
#include "libc_check.h"
#include "trace_writer.h"

enum { HOLDER = 100001, OTHER = 100002 };

static struct thread_record *self;

/* An entry such as a bracket makes: the thread is inside. */
static uint32_t enter(struct thread_record *thread, enum libc_family family, unsigned call)
{
	uint32_t index = core_invent_hold(thread, libc_check_lock(family), TRACE_HOLD_WANT);

	thread->held[index].kind = TRACE_LOCK_LIBC;
	thread->held[index].call = (uint16_t)call;
	return index;
}

static struct libc_use use_of(enum libc_family family, unsigned call)
{
	const struct call_registers regs = core_registers();
	struct libc_use use;

	libc_check_before(&use, self, family, call, &regs);
	return use;
}

/* What a child of this process, all of whose other threads vanished, meets in a function of the family. */
static const struct trace_incident *met(enum libc_family family)
{
	return use_of(family, CALL_localtime_r).handle.record;
}

static struct thread_record *vanished_inside(enum libc_family family, unsigned call)
{
	self = core_start();
	struct thread_record *thread = core_invent_thread(HOLDER);
	enter(thread, family, call);
	return thread;
}

Test(libc_check, tells_who_was_inside_at_the_fork)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	core_become_child(self);
	const struct trace_incident *found = met(LIBC_timezone);

	cr_assert_not_null(found);
	cr_assert_eq(found->observed, TRACE_ENTERS_LIBC_LEFT_LOCKED);
	cr_assert_eq(found->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(found->proof, TRACE_PROOF_RECORD | TRACE_PROOF_ONLY_THREAD);
	cr_assert_eq(found->lock.kind, TRACE_LOCK_LIBC);
	cr_assert_eq(found->lock.type, LIBC_timezone);
	cr_assert_eq(found->lock.address, (uint64_t)(uintptr_t)libc_check_lock(LIBC_timezone));
	cr_assert_eq(found->lock.module, TRACE_MODULE_UNKNOWN);
	cr_assert_eq(found->holder.tid, HOLDER);
	cr_assert_eq(found->holder.state, TRACE_HOLD_WANT);
	cr_assert_eq(found->holder.acquire_call, CALL_tzset);
	cr_assert_eq(found->fork.call, CALL_fork);
	cr_assert_eq(found->victim.call, CALL_localtime_r);
}

Test(libc_check, says_nothing_in_a_process_that_is_no_child)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	cr_assert_null(met(LIBC_timezone));
}

Test(libc_check, says_nothing_of_other_families)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	core_become_child(self);
	cr_assert_null(met(LIBC_environment));
	cr_assert_null(met(LIBC_random));
	cr_assert_null(met(LIBC_getpwnam));
}

Test(libc_check, says_nothing_of_one_that_came_back_before_the_fork)
{
	struct thread_record *thread = vanished_inside(LIBC_timezone, CALL_tzset);

	cr_assert(thread_record_pop(thread, libc_check_lock(LIBC_timezone)));
	core_become_child(self);
	cr_assert_null(met(LIBC_timezone));
}

Test(libc_check, says_nothing_of_one_that_had_ended)
{
	thread_record_release(vanished_inside(LIBC_timezone, CALL_tzset));
	cr_assert_not(thread_record_any_abandoned(), "who ended is inside of nothing");
	core_invent_hold(core_invent_thread(OTHER), &self, TRACE_HOLD_HELD);
	core_become_child(self);
	cr_assert_null(met(LIBC_timezone));
}

Test(libc_check, says_nothing_of_a_live_thread_of_the_child)
{
	self = core_start();
	core_invent_hold(core_invent_thread(OTHER), &self, TRACE_HOLD_HELD);
	core_become_child(self);
	enter(core_invent_thread(HOLDER), LIBC_timezone, CALL_tzset);
	cr_assert_null(met(LIBC_timezone));
}

Test(libc_check, knows_whose_functions_take_another_lock_too)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	core_become_child(self);
	const struct trace_incident *found = met(LIBC_syslog);

	cr_assert_not_null(found);
	cr_assert_eq(found->lock.type, LIBC_timezone, "that is the lock that both take");
}

Test(libc_check, knows_it_the_other_way_round)
{
	vanished_inside(LIBC_syslog, CALL_syslog);
	core_become_child(self);
	cr_assert_eq(met(LIBC_timezone)->lock.type, LIBC_timezone);
	cr_assert_eq(met(LIBC_syslog)->lock.type, LIBC_syslog);
}

Test(libc_check, names_who_was_inside_the_same_functions_before_others)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	enter(core_invent_thread(OTHER), LIBC_syslog, CALL_syslog);
	core_become_child(self);
	cr_assert_eq(met(LIBC_timezone)->holder.tid, HOLDER);
	cr_assert_eq(met(LIBC_syslog)->holder.tid, OTHER);
}

Test(libc_check, names_nobody_of_two_but_what_both_were_inside_of)
{
	vanished_inside(LIBC_environment, CALL_setenv);
	enter(core_invent_thread(OTHER), LIBC_environment, CALL_setenv);
	core_become_child(self);
	const struct trace_incident *found = met(LIBC_environment);

	cr_assert_eq(found->holder.tid, 0);
	cr_assert_eq(found->holder.acquired_at.count, 0);
	cr_assert_eq(found->holder.acquire_call, CALL_setenv);
	cr_assert_eq(found->fork.call, CALL_fork);
}

Test(libc_check, names_no_call_of_two_that_differ)
{
	vanished_inside(LIBC_environment, CALL_setenv);
	enter(core_invent_thread(OTHER), LIBC_environment, CALL_putenv);
	core_become_child(self);
	cr_assert_eq(met(LIBC_environment)->holder.acquire_call, 0);
}

Test(libc_check, says_nothing_of_a_thread_that_is_inside_itself)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	core_become_child(self);
	enter(self, LIBC_timezone, CALL_localtime);
	cr_assert_null(met(LIBC_timezone), "a signal handler: it would wait for itself");
	cr_assert_null(met(LIBC_syslog));
}

Test(libc_check, tells_of_the_forking_thread_that_was_inside)
{
	self = core_start();
	uint32_t index = enter(self, LIBC_loader, CALL_dl_iterate_phdr);
	core_become_child(self);
	self->held[index].former_tid = HOLDER;
	const struct trace_incident *found = met(LIBC_loader);

	cr_assert_not_null(found);
	cr_assert_eq(found->holder.tid, HOLDER);
	cr_assert_eq(found->holder.acquire_call, CALL_dl_iterate_phdr);
}

Test(libc_check, takes_it_back_once_the_call_returned)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	core_become_child(self);
	struct libc_use use = use_of(LIBC_timezone, CALL_localtime_r);

	cr_assert_eq(use.handle.record->outcome, TRACE_OUTCOME_PENDING);
	libc_check_after(&use);
	cr_assert_eq(use.handle.record->outcome, TRACE_OUTCOME_RETURNED);
}

Test(libc_check, takes_it_back_once_the_call_called_back)
{
	vanished_inside(LIBC_exit_functions, CALL_on_exit);
	core_become_child(self);
	struct libc_use outer = use_of(LIBC_exit_functions, CALL_exit);
	struct libc_use inner = use_of(LIBC_random, CALL_random);

	cr_assert_null(inner.handle.record);
	cr_assert_eq(outer.handle.record->outcome, TRACE_OUTCOME_RETURNED);
}

Test(libc_check, answers_for_no_other_process)
{
	vanished_inside(LIBC_loader, CALL_dl_iterate_phdr);
	core_become_child(self);
	struct libc_use use = use_of(LIBC_loader, CALL_dl_iterate_phdr);

	core_become_child(self); /* the callback forked, and the child comes back from the call */
	libc_check_after(&use);
	cr_assert_eq(use.handle.record->outcome, TRACE_OUTCOME_PENDING);
	libc_check_past();
	cr_assert_eq(use.handle.record->outcome, TRACE_OUTCOME_PENDING);
}

static struct libc_use same_place(void)
{
	return use_of(LIBC_timezone, CALL_localtime_r);
}

Test(libc_check, takes_over_the_record_of_a_call_that_returned)
{
	vanished_inside(LIBC_timezone, CALL_tzset);
	core_become_child(self);
	uint64_t tail = 0;
	const struct trace_incident *record = NULL;

	for (int i = 0; i < 200; i++) {
		struct libc_use use = same_place();
		cr_assert(!record || use.handle.record == record);
		record = use.handle.record;
		cr_assert_eq(record->outcome, TRACE_OUTCOME_PENDING);
		cr_assert_eq(record->record.state, TRACE_RECORD_COMMITTED);
		libc_check_after(&use);
		cr_assert(!tail || trace_writer_image()->file.tail_bytes == tail);
		tail = trace_writer_image()->file.tail_bytes;
	}
}

Test(libc_check, finds_the_lock_that_two_families_take_besides_their_own)
{
	vanished_inside(LIBC_syslog, CALL_syslog);
	core_become_child(self);
	const struct trace_incident *found = met(LIBC_time_format);

	cr_assert_not_null(found);
	cr_assert_eq(found->lock.type, LIBC_timezone);
	cr_assert_null(met(LIBC_random));
}
