#include <criterion/criterion.h>

#include "built_report.h"

static struct report report;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_atfork_handler_deadlock, .fini = release);

/* Thread 4200 of process 4200 forks; the handler story+0x1700 is called from libc. */
static struct built_incident stuck(void)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_BLOCKS_IN_ATFORK_HANDLER;
	story.pid = story.tid = story.fork.pid = story.fork.tid = 4200;
	story.victim.stack = (struct built_stack){
	    .count = 5,
	    .frames = {{0x1a00, BUILT_PROGRAM, false},
	               {0x1700, BUILT_PROGRAM, false},
	               {0x500, BUILT_LIBC, false},
	               {0x400, BUILT_LIBC, false},
	               story.fork.stack.frames[0]},
	};
	return story;
}

Test(rule_atfork_handler_deadlock, is_certain_and_names_the_handler_and_the_circle)
{
	struct built_incident story = stuck();
	const struct finding *finding = built_report_finding(&report, &story);

	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "atfork-handler-deadlock");
	cr_assert_eq(finding->verdict, VERDICT_CERTAIN);
	cr_assert_eq(finding->pending_count, 1);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4200 is stuck inside of fork(), in the fork handler story+0x1700, for ever: it "
	    "waits for mutex at 0x555500004060, which thread 4201 'worker' took in story+0x1210; and "
	    "that one waits in turn for a lock that the forking thread holds");
	cr_assert_eq(strncmp(finding->advice, "Let the prepare handlers take", 29), 0);
}

Test(rule_atfork_handler_deadlock, tells_a_lock_of_the_forking_thread_itself)
{
	struct built_incident story = stuck();

	story.holder.tid = 4200;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_str_eq(finding->message,
	                 "pid 4200 is stuck inside of fork(), in the fork handler story+0x1700, for ever: it "
	                 "waits for mutex at 0x555500004060, which the forking thread itself took in "
	                 "story+0x1210 and still holds");
	cr_assert_eq(strncmp(finding->advice, "Do not fork while holding", 25), 0);
}

Test(rule_atfork_handler_deadlock, claims_nothing_of_a_call_that_came_back)
{
	struct built_incident story = stuck();

	story.outcome = TRACE_OUTCOME_RETURNED;
	cr_assert_null(built_report_finding(&report, &story));
}

Test(rule_atfork_handler_deadlock, names_no_handler_where_the_stack_shows_none)
{
	struct built_incident story = stuck();

	story.victim.stack.count = 4;
	const struct finding *finding = built_report_finding(&report, &story);
	cr_assert_eq(strncmp(finding->message, "pid 4200 is stuck inside of fork() for ever", 43), 0);
}

/* A semaphore that its own thread took. */
static struct built_incident waiting(void)
{
	struct built_incident story = stuck();

	story.observed = TRACE_WAITS_IN_ATFORK_HANDLER;
	story.lock.kind = TRACE_LOCK_SEMAPHORE;
	story.holder.tid = 4200;
	story.proof = TRACE_PROOF_RECORD;
	return story;
}

static const struct finding *verdict_is(const struct built_incident *story, enum verdict verdict)
{
	const struct finding *finding = built_report_finding(&report, story);

	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "atfork-handler-deadlock");
	cr_assert_eq(finding->verdict, verdict);
	return finding;
}

Test(rule_atfork_handler_deadlock, is_certain_of_a_wait_once_seen_blocked)
{
	struct built_incident story = waiting();

	story.outcome = TRACE_OUTCOME_SEEN_BLOCKED;
	story.holder.tid = 0;
	story.proof = 0;
	const struct finding *finding = verdict_is(&story, VERDICT_CERTAIN);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4200 is stuck inside of fork(), in the fork handler story+0x1700, for ever: it "
	    "waits for semaphore at 0x555500004060; and no thread of the process can go on to end "
	    "the wait");
	cr_assert_eq(strncmp(finding->advice, "Let no fork handler wait", 24), 0);
}

Test(rule_atfork_handler_deadlock, is_certain_of_a_wait_of_the_only_thread)
{
	struct built_incident story = waiting();

	story.proof |= TRACE_PROOF_ONLY_THREAD;
	verdict_is(&story, VERDICT_CERTAIN);
}

Test(rule_atfork_handler_deadlock, is_likely_of_a_semaphore_that_the_thread_has_as_a_lock)
{
	struct built_incident story = waiting();

	const struct finding *finding = verdict_is(&story, VERDICT_LIKELY);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4200 did not come back from fork(), in the fork handler story+0x1700, but waits "
	    "for semaphore at 0x555500004060, which the forking thread itself took in story+0x1210 "
	    "and still holds");
}

/* A built story is over after ten seconds. */
static void let_wait(struct built_incident *story, uint64_t ms)
{
	story->time_ns += (10000 - ms) * 1000000;
}

Test(rule_atfork_handler_deadlock, is_likely_of_a_wait_that_no_slow_handler_takes)
{
	struct built_incident story = waiting();

	story.proof = 0;
	story.holder.tid = 0;
	story.lock.kind = TRACE_LOCK_THREAD;
	let_wait(&story, 6000);
	const struct finding *finding = verdict_is(&story, VERDICT_LIKELY);
	cr_assert_not_null(strstr(finding->message, " did not come back from fork(), in the fork handler "
	                                            "story+0x1700, but joins a thread; it had waited for 6 s "
	                                            "when the run ended"),
	                   "%s", finding->message);
}

static void is_no_finding(const struct built_incident *story)
{
	cr_assert_null(built_report_finding(&report, story));
	report_release(&report);
}

Test(rule_atfork_handler_deadlock, claims_nothing_of_a_wait_that_others_may_end)
{
	struct built_incident story = waiting();

	story.proof = 0;
	let_wait(&story, 4900);
	is_no_finding(&story);
	story.proof = TRACE_PROOF_RECORD;
	story.holder.tid = 4201;
	is_no_finding(&story);
	story = waiting();
	story.outcome = TRACE_OUTCOME_RETURNED;
	is_no_finding(&story);
}
