#include <criterion/criterion.h>

#include "built_report.h"
#include "trace_libc.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_libc_lock_held_by_vanished_thread, .fini = release);

enum call_id {
#define CALL(id, name) CALL_##name = id,
#include "trace_calls.def"
#undef CALL
};

static struct built_incident inside(enum libc_family family, enum trace_outcome outcome)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_ENTERS_LIBC_LEFT_LOCKED;
	story.outcome = outcome;
	story.proof = TRACE_PROOF_RECORD | TRACE_PROOF_ONLY_THREAD;
	story.lock.kind = TRACE_LOCK_LIBC;
	story.lock.type = (enum trace_mutex_type)family;
	story.lock.module = BUILT_NONE;
	story.holder.acquire_call = CALL_tzset;
	story.victim.call = CALL_localtime_r;
	return story;
}

static const struct finding *find(enum libc_family family, enum trace_outcome outcome)
{
	struct built_incident story = inside(family, outcome);

	return built_report_finding(&report, &story);
}

Test(rule_libc_lock_held_by_vanished_thread, is_certain_once_seen_blocked)
{
	const struct finding *finding = find(LIBC_timezone, TRACE_OUTCOME_SEEN_BLOCKED);

	cr_assert_str_eq(finding->rule_name, "libc-lock-held-by-vanished-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_eq(finding->count, 1);
	cr_assert_eq(finding->pending_count, 1);
	cr_assert_str_eq(finding->lock.kind, "libc");
	cr_assert_str_eq(finding->lock.name, "time zone lock (tzset)");
	cr_assert_null(finding->lock.type);
	cr_assert_null(finding->lock.module);
	cr_assert_not(finding->lock.address_known, "it is a stand-in's");
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 waits for ever inside localtime_r(): thread 4201 'worker' was inside tzset() in "
	    "story+0x1210 when story+0x1500 called fork()");
	cr_assert_not_null(strstr(finding->advice, "signal-safety(7)"));
}

Test(rule_libc_lock_held_by_vanished_thread, is_nothing_once_returned)
{
	cr_assert_null(find(LIBC_timezone, TRACE_OUTCOME_RETURNED));
}

Test(rule_libc_lock_held_by_vanished_thread, is_nothing_where_only_repeats_are_pending)
{
	struct built_incident story = inside(LIBC_timezone, TRACE_OUTCOME_RETURNED);

	story.repeats = 3;
	cr_assert_null(built_report_finding(&report, &story), "nobody knows how long they were inside");
}

Test(rule_libc_lock_held_by_vanished_thread, is_likely_where_a_brief_function_did_not_come_back)
{
	const struct finding *finding = find(LIBC_timezone, TRACE_OUTCOME_PENDING);

	cr_assert_eq(finding->verdict, VERDICT_LIKELY);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 did not come back from localtime_r(); thread 4201 'worker' was inside tzset() "
	    "in story+0x1210 when story+0x1500 called fork()");
}

Test(rule_libc_lock_held_by_vanished_thread, is_nothing_where_a_function_may_wait_for_something_else)
{
	cr_assert_null(find(LIBC_getpwnam, TRACE_OUTCOME_PENDING));
	report_release(&report);
	cr_assert_null(find(LIBC_exit_functions, TRACE_OUTCOME_PENDING));
	report_release(&report);
	cr_assert_null(find(LIBC_loader, TRACE_OUTCOME_PENDING));
}

Test(rule_libc_lock_held_by_vanished_thread, says_what_they_were_inside_of_where_the_holder_is_one_of_several)
{
	struct built_incident story = inside(LIBC_timezone, TRACE_OUTCOME_SEEN_BLOCKED);

	story.holder.tid = 0;
	story.holder.acquired_at.count = 0;
	cr_assert_str_eq(built_report_finding(&report, &story)->message,
	                 "pid 4242 waits for ever inside localtime_r(): a thread was inside tzset() when "
	                 "story+0x1500 called fork()");
}

Test(rule_libc_lock_held_by_vanished_thread, leaves_out_the_name_of_a_lock_that_it_does_not_know)
{
	const struct finding *finding = find((enum libc_family)63, TRACE_OUTCOME_SEEN_BLOCKED);

	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_null(finding->lock.name);
}

Test(rule_libc_lock_held_by_vanished_thread, advises_without_a_family_where_it_was_seen_from_outside)
{
	struct built_incident story = inside(LIBC_timezone, TRACE_OUTCOME_SEEN_BLOCKED);

	story.observed = TRACE_STUCK_ON_VANISHED;
	const char *advice = built_report_finding(&report, &story)->advice;
	cr_assert_eq(strncmp(advice, "The lock is libc's own: ", 24), 0, "%s", advice);
	cr_assert_not_null(strstr(advice, "do what needs libc before the fork"), "%s", advice);
}

Test(rule_libc_lock_held_by_vanished_thread, tells_the_worst_of_one_fault)
{
	struct built_incident both[] = {inside(LIBC_timezone, TRACE_OUTCOME_PENDING),
	                                inside(LIBC_timezone, TRACE_OUTCOME_SEEN_BLOCKED)};

	both[1].pid = both[1].tid = 5555;
	both[1].time_ns++;
	built_report_make(&report, both, 2);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_eq(report.findings.items[0]->verdict, VERDICT_CERTAIN);
	cr_assert_eq(report.findings.items[0]->count, 2);
	cr_assert_eq(report.findings.items[0]->victim.pid, 5555);
	cr_assert_not_null(strstr(report.findings.items[0]->message, "waits for ever"));
}
