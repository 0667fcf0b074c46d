#include <criterion/criterion.h>

#include "built_report.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_stale_lock_met, .fini = release);

static const struct finding *find(enum trace_observed observed, enum trace_outcome outcome, int32_t result)
{
	struct built_incident story = trace_builder_story();
	const struct finding *finding;

	story.observed = observed;
	story.outcome = outcome;
	story.result = result;
	finding = built_report_finding(&report, &story);
	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "stale-lock-met");
	cr_assert_eq(finding->verdict, VERDICT_LIKELY);
	return finding;
}

#define HOLDER ": thread 4201 'worker' took it in story+0x1210 and vanished when story+0x1500 called fork()"

Test(rule_stale_lock_met, takes_a_trylock_that_failed)
{
	cr_assert_str_eq(find(TRACE_TRY_FAILED_ON_VANISHED, TRACE_OUTCOME_RETURNED, 16)->message,
	                 "pid 4242 found the stale mutex at 0x555500004060 and went on without it" HOLDER);
}

Test(rule_stale_lock_met, tells_how_long_a_loop_of_tries_went_on)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_TRY_FAILED_ON_VANISHED;
	story.outcome = TRACE_OUTCOME_RETURNED;
	story.result = 16;
	story.left_ns = story.time_ns + 2500000000;
	cr_assert_str_eq(built_report_finding(&report, &story)->message,
	                 "pid 4242 tried again and again for 2.5 s to get the stale mutex at 0x555500004060, "
	                 "and each try failed" HOLDER);
}

Test(rule_stale_lock_met, counts_the_try_in_front_of_a_loop_to_the_loop)
{
	struct built_incident stories[] = {trace_builder_story(), trace_builder_story()};

	for (int i = 0; i < 2; i++) {
		stories[i].observed = TRACE_TRY_FAILED_ON_VANISHED;
		stories[i].outcome = TRACE_OUTCOME_RETURNED;
		stories[i].result = 16;
	}
	stories[1].time_ns += 1000;
	stories[1].left_ns = stories[1].time_ns + 1000;
	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.items[0]->count, 2, "two tries, each for itself");
	release();
	stories[1].left_ns += 2500000000;
	built_report_make(&report, stories, 2);
	cr_assert_eq(report.findings.items[0]->count, 1);
	cr_assert(strstr(report.findings.items[0]->message, "tried again and again for 2.5 s"));
}

Test(rule_stale_lock_met, takes_a_timed_wait_that_gave_up)
{
	cr_assert_str_eq(find(TRACE_TIMED_WAIT_ON_VANISHED, TRACE_OUTCOME_RETURNED, 110)->message,
	                 "pid 4242 gave up waiting for the stale mutex at 0x555500004060" HOLDER);
}

Test(rule_stale_lock_met, takes_a_wait_that_a_signal_ended)
{
	cr_assert_str_eq(find(TRACE_BLOCKS_ON_VANISHED, TRACE_OUTCOME_RETURNED, 4)->message,
	                 "pid 4242 was interrupted by a signal while it waited for the stale mutex at "
	                 "0x555500004060" HOLDER);
}

Test(rule_stale_lock_met, takes_a_timed_wait_that_is_pending)
{
	const struct finding *finding = find(TRACE_TIMED_WAIT_ON_VANISHED, TRACE_OUTCOME_PENDING, 0);

	cr_assert_eq(finding->pending_count, 1);
	cr_assert_str_eq(finding->message,
	                 "pid 4242 waits, with a time limit, for the stale mutex at 0x555500004060" HOLDER);
}

Test(rule_stale_lock_met, takes_a_wait_without_limit_that_returned_after_all)
{
	cr_assert_str_eq(
	    find(TRACE_BLOCKS_ON_VANISHED, TRACE_OUTCOME_RETURNED, 0)->message,
	    "pid 4242 waited for the stale mutex at 0x555500004060 and got it in the end" HOLDER);
}

Test(rule_stale_lock_met, does_not_call_the_forking_thread_vanished)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_TIMED_WAIT_ON_VANISHED;
	story.outcome = TRACE_OUTCOME_RETURNED;
	story.result = 110;
	story.holder.tid = 4200;
	story.holder.name = NULL;
	cr_assert_str_eq(
	    built_report_finding(&report, &story)->message,
	    "pid 4242 gave up waiting for the stale mutex at 0x555500004060: thread 4200 took it in "
	    "story+0x1210 before story+0x1500 called fork()");
}
