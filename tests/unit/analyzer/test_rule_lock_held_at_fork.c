#include <criterion/criterion.h>

#include "built_report.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_lock_held_at_fork, .fini = release);

static struct built_incident held(void)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_HELD_AT_FORK;
	return story;
}

Test(rule_lock_held_at_fork, is_possible_and_names_the_holder)
{
	struct built_incident story = held();

	story.repeats = 4;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "lock-held-at-fork");
	cr_assert_eq(finding->verdict, VERDICT_POSSIBLE);
	cr_assert_eq(finding->count, 5);
	cr_assert_eq(finding->pending_count, 0);
	cr_assert_not(finding->victim.blocked_known);
	cr_assert_str_eq(
	    finding->message,
	    "thread 4201 'worker' held mutex at 0x555500004060 in story+0x1210 when story+0x1500 "
	    "called fork(), and pid 4242 ran on without exec: a use of this lock there would have "
	    "waited for ever");
}

Test(rule_lock_held_at_fork, counts_no_child_that_went_on_to_exec)
{
	struct built_incident story = held();

	story.repeats = 4;
	story.repeats_returned = 3;
	story.outcome = TRACE_OUTCOME_RETURNED;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_eq(finding->count, 1);
	report_release(&report);
	story.repeats_returned = 4;
	cr_assert_null(built_report_finding(&report, &story));
}

Test(rule_lock_held_at_fork, is_one_fault_wherever_children_show_that_they_run_on)
{
	struct built_incident stories[2] = {held(), held()};

	stories[1].victim.stack.frames[0].offset += 0x40;
	stories[1].victim.call = 20;
	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_eq(report.findings.items[0]->count, 2);
}

Test(rule_lock_held_at_fork, yields_to_a_proof_for_the_same_lock_and_fork)
{
	struct built_incident stories[2] = {held(), trace_builder_story()};

	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_str_eq(report.findings.items[0]->rule_name, "lock-held-by-vanished-thread");
	cr_assert_eq(report.summary.by_verdict[VERDICT_POSSIBLE], 0);
}

Test(rule_lock_held_at_fork, stays_beside_a_proof_for_another_fork)
{
	struct built_incident stories[2] = {held(), trace_builder_story()};

	stories[0].fork.stack.frames[0].offset += 0x40;
	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.count, 2);
	cr_assert_eq(report.findings.items[1]->verdict, VERDICT_POSSIBLE);
}

Test(rule_lock_held_at_fork, stays_beside_a_proof_for_another_lock)
{
	struct built_incident stories[2] = {held(), trace_builder_story()};

	stories[0].holder.acquired_at.frames[0].offset += 0x40;
	stories[0].lock.address += 0x40;
	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.count, 2);
}
