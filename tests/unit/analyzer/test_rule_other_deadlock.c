#include <criterion/criterion.h>
#include <string.h>

#include "built_report.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_other_deadlock, .fini = release);

static const struct finding *find(enum trace_observed observed, enum trace_outcome outcome)
{
	struct built_incident story = trace_builder_story();

	story.observed = observed;
	story.outcome = outcome;
	return built_report_finding(&report, &story);
}

static void expect_note(enum trace_observed observed, const char *message)
{
	const struct finding *finding = find(observed, TRACE_OUTCOME_PENDING);

	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "other-deadlock");
	cr_assert_eq(finding->verdict, VERDICT_NOTE);
	cr_assert_str_eq(finding->message, message);
	cr_assert_eq(report.summary.by_verdict[VERDICT_CERTAIN], 0);
	cr_assert_eq(report.summary.by_verdict[VERDICT_NOTE], 1);
}

Test(rule_other_deadlock, notes_a_relock_by_the_owner)
{
	expect_note(TRACE_BLOCKS_ON_SELF,
	            "pid 4242 waits for mutex at 0x555500004060, which it took itself in "
	            "story+0x1210 and still holds; no fork is to blame");
}

Test(rule_other_deadlock, notes_a_holder_that_ended)
{
	expect_note(TRACE_BLOCKS_ON_ENDED_THREAD, "pid 4242 waits for mutex at 0x555500004060: thread 4201 "
	                                          "'worker' took it in story+0x1210 and ended "
	                                          "without releasing it; no fork is to blame");
}

Test(rule_other_deadlock, notes_a_circle)
{
	expect_note(TRACE_BLOCKS_IN_CYCLE, "pid 4242 waits for mutex at 0x555500004060: thread 4201 'worker' "
	                                   "took it in story+0x1210 and waits "
	                                   "itself, in a circle of live threads; no fork is to blame");
}

Test(rule_other_deadlock, tells_what_could_end_a_standstill)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_STUCK_FOR_ANOTHER_REASON;
	story.outcome = TRACE_OUTCOME_PENDING;
	story.proof = TRACE_PROOF_STANDSTILL;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_not_null(strstr(finding->message, "none is left that could end it"));
	cr_assert_null(strstr(finding->advice, "on purpose"));
	report_release(&report);
	story.proof |= TRACE_PROOF_UNTIL_ASKED;
	finding = built_report_finding(&report, &story);
	cr_assert_eq(finding->verdict, VERDICT_NOTE);
	cr_assert_not_null(strstr(finding->message, "only its handler of a signal that asks it to end"));
	cr_assert_not_null(strstr(finding->advice, "on purpose"));
}

Test(rule_other_deadlock, says_nothing_once_the_call_returned)
{
	cr_assert_null(find(TRACE_BLOCKS_ON_SELF, TRACE_OUTCOME_RETURNED));
}

Test(rule_other_deadlock, says_nothing_of_a_circle_that_came_apart)
{
	cr_assert_null(find(TRACE_BLOCKS_IN_CYCLE, TRACE_OUTCOME_RETURNED));
}

Test(rule_other_deadlock, leaves_what_no_rule_knows_alone)
{
	cr_assert_null(find(200, TRACE_OUTCOME_PENDING));
}
