#include <criterion/criterion.h>

#include "built_report.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_owner_is_parent_thread, .fini = release);

/* The forking thread 4200 holds a recursive lock across the fork. */
static struct built_incident own_lock(enum trace_observed observed, enum trace_outcome outcome,
                                      int32_t result)
{
	struct built_incident story = trace_builder_story();

	story.observed = observed;
	story.outcome = outcome;
	story.result = result;
	story.lock.type = TRACE_MUTEX_RECURSIVE;
	story.lock.owner_tid = 4200;
	story.holder.tid = 4200;
	story.holder.name = "story";
	return story;
}

Test(rule_owner_is_parent_thread, is_certain_when_an_unlock_is_refused)
{
	struct built_incident story = own_lock(TRACE_UNLOCK_REFUSED, TRACE_OUTCOME_RETURNED, 1);
	const struct finding *finding;

	story.victim.call = 5;
	story.repeats = story.repeats_returned = 3;
	finding = built_report_finding(&report, &story);
	cr_assert_str_eq(finding->rule_name, "owner-is-parent-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_eq(finding->count, 4);
	cr_assert_eq(finding->pending_count, 0);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 cannot release recursive mutex at 0x555500004060: pthread_mutex_unlock() is refused "
	    "(EPERM), since the owner recorded is thread 4200 'story' of the parent, which took it in "
	    "story+0x1210 before story+0x1500 called fork()");
}

Test(rule_owner_is_parent_thread, is_certain_when_a_trylock_of_an_own_lock_is_refused)
{
	struct built_incident story = own_lock(TRACE_RELOCK_REFUSED, TRACE_OUTCOME_RETURNED, 16);
	const struct finding *finding;

	story.victim.call = 2;
	finding = built_report_finding(&report, &story);
	cr_assert_str_eq(finding->rule_name, "owner-is-parent-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_not_null(strstr(finding->message, "cannot take again recursive mutex at 0x555500004060: "
	                                            "pthread_mutex_trylock() is refused (EBUSY)"));
}

Test(rule_owner_is_parent_thread, is_certain_while_a_relock_is_pending)
{
	struct built_incident story = own_lock(TRACE_BLOCKS_ON_PARENT_OWNER, TRACE_OUTCOME_PENDING, 0);
	const struct finding *finding = built_report_finding(&report, &story);

	cr_assert_str_eq(finding->rule_name, "owner-is-parent-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_eq(finding->pending_count, 1);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 waits for ever for recursive mutex at 0x555500004060: the owner recorded is thread "
	    "4200 'story' of the parent, which took it in story+0x1210 before story+0x1500 called fork()");
}

Test(rule_owner_is_parent_thread, leaves_a_relock_that_returned_to_stale_lock_met)
{
	struct built_incident story = own_lock(TRACE_BLOCKS_ON_PARENT_OWNER, TRACE_OUTCOME_RETURNED, 0);
	const struct finding *finding = built_report_finding(&report, &story);

	cr_assert_str_eq(finding->rule_name, "stale-lock-met");
	cr_assert_eq(finding->verdict, VERDICT_LIKELY);
}

Test(rule_owner_is_parent_thread, names_the_kind_of_mutex_in_its_advice)
{
	struct built_incident story = own_lock(TRACE_UNLOCK_REFUSED, TRACE_OUTCOME_RETURNED, 1);

	story.lock.type = TRACE_MUTEX_NORMAL;
	story.lock.flags = TRACE_LOCK_ROBUST;
	cr_assert_eq(
	    strncmp(built_report_finding(&report, &story)->advice, "A robust mutex knows its owner", 30), 0);
}

Test(rule_owner_is_parent_thread, is_certain_when_libc_ends_the_process)
{
	struct built_incident story = own_lock(TRACE_ABORTS_ON_VANISHED, TRACE_OUTCOME_PENDING, 0);
	const struct finding *finding;

	story.lock.type = TRACE_MUTEX_NORMAL;
	story.lock.flags = TRACE_LOCK_PRIO_INHERIT;
	finding = built_report_finding(&report, &story);
	cr_assert_str_eq(finding->rule_name, "owner-is-parent-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 is ended by libc, which cannot give it mutex at 0x555500004060: the owner recorded is "
	    "thread 4200 'story' of the parent, which took it in story+0x1210 before story+0x1500 called "
	    "fork()");
}
