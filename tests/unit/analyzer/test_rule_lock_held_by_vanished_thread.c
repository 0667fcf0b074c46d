#include <criterion/criterion.h>
#include <errno.h>

#include "built_report.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_lock_held_by_vanished_thread, .fini = release);

Test(rule_lock_held_by_vanished_thread, is_certain_while_the_call_is_pending)
{
	struct built_incident story = trace_builder_story();
	const struct finding *finding = built_report_finding(&report, &story);

	cr_assert_str_eq(finding->rule_name, "lock-held-by-vanished-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_eq(finding->count, 1);
	cr_assert_eq(finding->pending_count, 1);
	cr_assert_eq(report.summary.by_verdict[VERDICT_CERTAIN], 1);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 waits for ever for mutex at 0x555500004060: thread 4201 'worker' took it in "
	    "story+0x1210 and vanished when story+0x1500 called fork()");
}

Test(rule_lock_held_by_vanished_thread, is_certain_where_a_signal_alone_ended_what_was_seen_to_be_endless)
{
	struct built_incident story = trace_builder_story();

	story.outcome = TRACE_OUTCOME_SEEN_BLOCKED;
	story.result = EINTR;
	story.left_ns = story.time_ns + 5000;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert(finding->victim.was_interrupted);
	cr_assert_eq(finding->victim.blocked_ns, 5000);
}

Test(rule_lock_held_by_vanished_thread, is_certain_as_long_as_one_of_many_is_pending)
{
	struct built_incident story = trace_builder_story();
	const struct finding *finding;

	story.outcome = TRACE_OUTCOME_RETURNED;
	story.repeats = 9;
	story.repeats_returned = 8;
	finding = built_report_finding(&report, &story);
	cr_assert_str_eq(finding->rule_name, "lock-held-by-vanished-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_eq(finding->count, 10);
	cr_assert_eq(finding->pending_count, 1);
}

Test(rule_lock_held_by_vanished_thread, needs_no_proof_by_the_mapping_for_a_private_lock)
{
	struct built_incident story = trace_builder_story();

	story.proof = TRACE_PROOF_OWNER_WORD;
	cr_assert_eq(built_report_finding(&report, &story)->verdict, VERDICT_CERTAIN);
}

Test(rule_lock_held_by_vanished_thread, is_not_certain_where_the_holder_may_live_on_in_shared_memory)
{
	struct built_incident story = trace_builder_story();
	const struct finding *finding;

	story.proof = TRACE_PROOF_OWNER_WORD | TRACE_PROOF_RECORD;
	story.lock.flags = TRACE_LOCK_PSHARED;
	finding = built_report_finding(&report, &story);
	cr_assert_eq(finding->verdict, VERDICT_LIKELY);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 waits for mutex at 0x555500004060: thread 4201 'worker' took it in story+0x1210 "
	    "and vanished when story+0x1500 called fork()");
}

Test(rule_lock_held_by_vanished_thread, is_certain_for_a_process_shared_lock_in_private_memory)
{
	struct built_incident story = trace_builder_story();

	story.lock.flags = TRACE_LOCK_PSHARED;
	cr_assert_eq(built_report_finding(&report, &story)->verdict, VERDICT_CERTAIN);
}

Test(rule_lock_held_by_vanished_thread, is_certain_for_a_robust_lock_which_always_looks_shared)
{
	struct built_incident story = trace_builder_story();

	story.proof = TRACE_PROOF_OWNER_WORD;
	story.lock.flags = TRACE_LOCK_PSHARED | TRACE_LOCK_ROBUST;
	cr_assert_eq(built_report_finding(&report, &story)->verdict, VERDICT_CERTAIN);
}

Test(rule_lock_held_by_vanished_thread, says_a_thread_where_the_holder_is_not_known)
{
	struct built_incident story = trace_builder_story();

	story.holder.tid = 0;
	story.holder.acquired_at.count = 0;
	story.tid = 4250;
	story.fork.call = 0;
	cr_assert_str_eq(
	    built_report_finding(&report, &story)->message,
	    "thread 4250 of pid 4242 waits for ever for mutex at 0x555500004060: a thread took it and "
	    "vanished when story+0x1500 forked");
}

Test(rule_lock_held_by_vanished_thread, advises_handlers_where_the_module_registers_none)
{
	struct built_incident story = trace_builder_story();

	cr_assert_str_eq(built_report_finding(&report, &story)->advice,
	                 "Let the child call exec at once (or use posix_spawn), or fork before threads are "
	                 "started. Where it "
	                 "must run on: story registers no fork handlers: register some with pthread_atfork() "
	                 "that take this "
	                 "lock before the fork and release it on both sides.");
}

Test(rule_lock_held_by_vanished_thread, advises_a_new_init_for_recursive_locks)
{
	struct built_incident story = trace_builder_story();

	story.lock.type = TRACE_MUTEX_RECURSIVE;
	cr_assert_not_null(strstr(built_report_finding(&report, &story)->advice,
	                          "In the child handler initialise this recursive mutex anew with "
	                          "pthread_mutex_init(): an unlock is refused there"));
}

Test(rule_lock_held_by_vanished_thread, tells_handlers_that_miss_the_lock)
{
	struct trace_builder *image = trace_builder_new(TRACE_FILE_IMAGE);
	struct built_incident story = trace_builder_story();
	char *folder = built_report_folder();

	trace_builder_add_atfork(image, BUILT_PROGRAM);
	trace_builder_add_incident(image, &story);
	built_report_add(folder, "image-4200-1", image);
	cr_assert_eq(report_build(&report, &folder, 1, &(struct report_options){0}), 0);
	built_report_remove(folder);
	cr_assert_not_null(
	    strstr(report.findings.items[0]->advice,
	           "story registers fork handlers, but they do not cover this lock: take it in the "
	           "prepare handler too, and release it in the parent and child handlers."));
}

static struct built_incident endless_loop(void)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_SPINS_ON_VANISHED;
	story.result = 812;
	return story;
}

Test(rule_lock_held_by_vanished_thread, is_certain_of_an_endless_loop)
{
	struct built_incident story = endless_loop();
	const struct finding *finding = built_report_finding(&report, &story);

	cr_assert_str_eq(finding->rule_name, "lock-held-by-vanished-thread");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_str_eq(finding->message,
	                 "pid 4242 is in a loop that never ends: it has tried 812 times, and each try fails, "
	                 "to get mutex at 0x555500004060: thread 4201 'worker' took it in story+0x1210 and "
	                 "vanished when story+0x1500 called fork()");
}

Test(rule_lock_held_by_vanished_thread, leaves_a_loop_that_was_left_after_all)
{
	struct built_incident story = endless_loop();

	story.outcome = TRACE_OUTCOME_RETURNED;
	cr_assert_null(built_report_finding(&report, &story));
}

/* The loop's first try was recorded before anybody could know how it goes on. */
static size_t count_findings_beside(struct built_incident loop, enum trace_observed observed)
{
	struct built_incident stories[] = {loop, loop};

	stories[0].observed = observed;
	stories[0].outcome = TRACE_OUTCOME_RETURNED;
	stories[0].result = 16;
	built_report_make(&report, stories, 2);
	return report.findings.count;
}

Test(rule_lock_held_by_vanished_thread, tells_an_endless_loop_once)
{
	cr_assert_eq(count_findings_beside(endless_loop(), TRACE_TRY_FAILED_ON_VANISHED), 1);
	report_release(&report);
	cr_assert_eq(count_findings_beside(endless_loop(), TRACE_TIMED_WAIT_ON_VANISHED), 1);
	report_release(&report);
	struct built_incident elsewhere = endless_loop();
	elsewhere.outcome = TRACE_OUTCOME_RETURNED;
	cr_assert_eq(count_findings_beside(elsewhere, TRACE_TRY_FAILED_ON_VANISHED), 1);
	cr_assert_eq(report.findings.items[0]->verdict, VERDICT_LIKELY);
}
