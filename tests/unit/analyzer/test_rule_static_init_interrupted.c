#include <criterion/criterion.h>

#include "built_report.h"

enum { CALL_GUARD_ACQUIRE = 56 };

Test(rule_static_init_interrupted, is_certain_while_the_call_is_pending)
{
	struct built_incident story = trace_builder_story();
	struct report report;

	story.observed = TRACE_STATIC_INIT_LEFT_OPEN;
	story.lock.kind = TRACE_LOCK_STATIC_INIT;
	story.holder.acquire_call = story.victim.call = CALL_GUARD_ACQUIRE;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_str_eq(finding->rule_name, "static-init-interrupted");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_str_eq(finding->lock.kind, "static-init");
	cr_assert_str_eq(finding->victim.call, "__cxa_guard_acquire");
	report_release(&report);
	story.outcome = TRACE_OUTCOME_RETURNED;
	cr_assert_null(built_report_finding(&report, &story));
	report_release(&report);
}
