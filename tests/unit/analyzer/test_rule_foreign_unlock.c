#include <criterion/criterion.h>

#include "built_report.h"

Test(rule_foreign_unlock, is_likely_and_names_the_holder)
{
	struct built_incident story = trace_builder_story();
	const struct finding *finding;
	struct report report;

	story.observed = TRACE_FOREIGN_UNLOCK;
	story.outcome = TRACE_OUTCOME_RETURNED;
	story.victim.call = 5;
	story.repeats = 2;
	finding = built_report_finding(&report, &story);
	cr_assert_str_eq(finding->rule_name, "foreign-unlock");
	cr_assert_eq(finding->verdict, VERDICT_LIKELY);
	cr_assert_eq(finding->count, 3);
	cr_assert_eq(finding->pending_count, 0);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 released mutex at 0x555500004060, which it never took: thread 4201 'worker' took it "
	    "in story+0x1210 and vanished when story+0x1500 called fork()");
	cr_assert_eq(strncmp(finding->advice, "Releasing the lock does not finish", 34), 0);
	report_release(&report);
}
