#include <criterion/criterion.h>

#include "built_report.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_lock_shared_with_vanished_thread, .fini = release);

static struct built_incident shared(void)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_SHARED_WITH_VANISHED;
	story.outcome = TRACE_OUTCOME_RETURNED;
	return story;
}

Test(rule_lock_shared_with_vanished_thread, is_possible_and_names_the_other_user)
{
	struct built_incident story = shared();

	story.repeats = story.repeats_returned = 9;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "lock-shared-with-vanished-thread");
	cr_assert_eq(finding->verdict, VERDICT_POSSIBLE);
	cr_assert_eq(finding->count, 10);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 took mutex at 0x555500004060, which happened to be free: thread 4201 'worker' "
	    "uses it in story+0x1210, and would have left it locked for ever had it held it when "
	    "story+0x1500 called fork()");
}

Test(rule_lock_shared_with_vanished_thread, yields_to_the_same_lock_held_at_the_same_fork)
{
	struct built_incident stories[2] = {shared(), shared()};

	stories[1].observed = TRACE_HELD_AT_FORK;
	stories[1].outcome = TRACE_OUTCOME_PENDING;
	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_str_eq(report.findings.items[0]->rule_name, "lock-held-at-fork");
}

Test(rule_lock_shared_with_vanished_thread, is_one_fault_for_a_known_lock_whoever_uses_it)
{
	struct built_incident stories[2] = {shared(), shared()};

	for (int i = 0; i < 2; i++)
		stories[i].lock.module = BUILT_PROGRAM;
	stories[1].holder.acquired_at.frames[0].offset += 0x40;
	stories[1].victim.stack.frames[0].offset += 0x40;
	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_eq(report.findings.items[0]->count, 2);
}
