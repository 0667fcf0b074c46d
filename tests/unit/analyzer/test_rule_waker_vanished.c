#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "built_report.h"
#include "renderer.h"
#include "sample_report.h"

static struct report report;
extern const struct renderer render_text, render_json;

static void release(void)
{
	report_release(&report);
}

TestSuite(rule_waker_vanished, .fini = release);

enum {
	CALL_COND_SIGNAL = 48,
	CALL_SEM_POST = 47,
	CALL_SEM_WAIT = 43,
	CALL_COND_DESTROY = 50,
	CALL_BARRIER_WAIT = 54
};

static struct built_incident wait_story(enum trace_lock_kind kind, uint32_t call)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_WAITS_FOR_VANISHED;
	story.proof = TRACE_PROOF_RECORD | TRACE_PROOF_PRIVATE_MAPPING | TRACE_PROOF_ONLY_THREAD;
	story.lock.kind = kind;
	story.lock.owner_tid = 0;
	story.victim.call = call;
	return story;
}

static void expect(const struct built_incident *story, enum verdict verdict, const char *message)
{
	const struct finding *finding = built_report_finding(&report, story);

	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "waker-vanished");
	cr_assert_eq(finding->verdict, verdict);
	cr_assert_str_eq(finding->message, message);
}

Test(rule_waker_vanished, names_who_used_to_post)
{
	struct built_incident story = wait_story(TRACE_LOCK_SEMAPHORE, CALL_SEM_WAIT);

	story.holder.acquire_call = CALL_SEM_POST;
	expect(&story, VERDICT_CERTAIN,
	       "pid 4242 waits for ever on semaphore at 0x555500004060: thread 4201 'worker' posted it in "
	       "story+0x1210 and vanished when story+0x1500 called fork()");
}

Test(rule_waker_vanished, is_likely_where_no_vanished_thread_was_seen_to_do_it)
{
	struct built_incident story = wait_story(TRACE_LOCK_CONDVAR, 15);

	story.proof &= ~(uint32_t)TRACE_PROOF_RECORD;
	story.holder.tid = 0;
	story.holder.name = NULL;
	expect(
	    &story, VERDICT_LIKELY,
	    "pid 4242 waits for ever on condvar at 0x555500004060: no thread is left that could wake it; the "
	    "others vanished when story+0x1500 called fork()");
}

/* As the watch from outside tells it. */
static struct built_incident stuck_story(void)
{
	struct built_incident story = trace_builder_story();

	story.observed = TRACE_STUCK_ON_VANISHED;
	story.proof = TRACE_PROOF_STANDSTILL | TRACE_PROOF_PRIVATE_MAPPING | TRACE_PROOF_ONLY_THREAD;
	story.lock.kind = TRACE_LOCK_FUTEX;
	story.lock.owner_tid = story.holder.tid = 0;
	return story;
}

Test(rule_waker_vanished, names_who_slept_where_a_signal_waits_for_that_one_to_leave)
{
	struct built_incident story = stuck_story();

	story.proof &= ~(uint32_t)TRACE_PROOF_ONLY_THREAD;
	story.lock.kind = TRACE_LOCK_CONDVAR;
	story.holder = trace_builder_story().holder;
	expect(
	    &story, VERDICT_LIKELY,
	    "pid 4242 waits for ever on condvar at 0x555500004060: thread 4201 'worker' was waiting on it in "
	    "story+0x1210 and vanished when story+0x1500 called fork()");
}

Test(rule_waker_vanished, is_certain_of_a_home_made_lock_only_where_threads_meet)
{
	struct built_incident story = stuck_story();

	cr_assert_eq(built_report_finding(&report, &story)->verdict, VERDICT_LIKELY);
	report_release(&report);
	story.proof |= TRACE_PROOF_MEETING;
	cr_assert_eq(built_report_finding(&report, &story)->verdict, VERDICT_CERTAIN);
	report_release(&report);
	story.proof &= ~(uint32_t)TRACE_PROOF_ONLY_THREAD;
	cr_assert_eq(built_report_finding(&report, &story)->verdict, VERDICT_LIKELY);
}

Test(rule_waker_vanished, names_who_was_importing_a_module)
{
	struct built_incident story = stuck_story();

	story.lock.kind = TRACE_LOCK_SEMAPHORE;
	story.holder.tid = 4201;
	expect(&story, VERDICT_LIKELY,
	       "pid 4242 waits for ever on semaphore at 0x555500004060: thread 4201 'worker', which was "
	       "importing the module that it imports, vanished when story+0x1500 called fork()");
	cr_assert_not_null(strstr(report.findings.items[0]->advice, "Import what the child needs"));
}

/* The whole way: from the records of a trace to both renderers. */
Test(rule_waker_vanished, lists_the_threads_that_vanished_where_nobody_is_known_to_be_the_waker)
{
	struct built_incident story = stuck_story(), thread = stuck_story();
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);
	const struct render_options options = {.width_columns = 120};
	char *folder = built_report_folder(), *text;

	thread.holder.tid = 4201;
	thread.holder.acquire_call = CALL_SEM_WAIT;
	story.holder = (__typeof__(story.holder)){0};
	trace_builder_add_incident(builder, &story);
	trace_builder_add_vanished(builder, &thread, TRACE_HOLD_WANT, TRACE_LOCK_SEMAPHORE);
	built_report_add(folder, "image-4200-0", builder);
	const struct report_options report_options = {0};
	cr_assert_eq(report_build(&report, &folder, 1, &report_options), 0);
	const struct finding *finding = report.findings.items[0];
	cr_assert_str_eq(finding->message,
	                 "pid 4242 waits for ever on futex at 0x555500004060: no thread is left that could "
	                 "wake it; thread "
	                 "4201 'worker' (in sem_wait()) vanished when story+0x1500 called fork()");
	text = sample_report_render(&report, &render_text, &options);
	cr_assert(strstr(
	    text, "Who vanished: thread 4201 \"worker\" (runs story+0x1200), in sem_wait, called at:"));
	free(text);
	text = sample_report_render(&report, &render_json, &options);
	cr_assert(strstr(text, "\"doing\":\t\"calls\""));
	cr_assert(strstr(text, "\"start_routine\":\t\"story+0x1200\""));
	free(text);
	built_report_remove(folder);
}

Test(rule_waker_vanished, is_not_certain_without_a_private_mapping)
{
	struct built_incident story = wait_story(TRACE_LOCK_SEMAPHORE, CALL_SEM_WAIT);

	story.proof &= ~(uint32_t)TRACE_PROOF_PRIVATE_MAPPING;
	cr_assert_eq(built_report_finding(&report, &story)->verdict, VERDICT_LIKELY);
}

Test(rule_waker_vanished, tells_of_a_destruction)
{
	struct built_incident story = wait_story(TRACE_LOCK_CONDVAR, CALL_COND_DESTROY);

	expect(&story, VERDICT_CERTAIN,
	       "pid 4242 waits for ever in the destruction of condvar at 0x555500004060: thread 4201 "
	       "'worker' was "
	       "waiting on it in story+0x1210 and vanished when story+0x1500 called fork()");
}

Test(rule_waker_vanished, tells_of_a_barrier)
{
	struct built_incident story = wait_story(TRACE_LOCK_BARRIER, CALL_BARRIER_WAIT);

	expect(&story, VERDICT_CERTAIN,
	       "pid 4242 waits for ever on barrier at 0x555500004060: threads that the barrier counts on "
	       "vanished "
	       "when story+0x1500 called fork()");
}

Test(rule_waker_vanished, tells_of_a_join)
{
	struct built_incident story = wait_story(TRACE_LOCK_THREAD, 22);

	expect(&story, VERDICT_CERTAIN,
	       "pid 4242 waits for ever on a thread: thread 4201 'worker', which it joins, vanished when "
	       "story+0x1500 called fork()");
}

Test(rule_waker_vanished, says_nothing_of_a_wait_that_ended)
{
	struct built_incident story = wait_story(TRACE_LOCK_SEMAPHORE, CALL_SEM_WAIT);

	story.outcome = TRACE_OUTCOME_RETURNED;
	cr_assert_null(built_report_finding(&report, &story));
}

static struct built_incident answer_story(void)
{
	struct built_incident story = wait_story(TRACE_LOCK_CONDVAR, 15);

	story.observed = TRACE_WAITS_FOR_HANDED_WORK;
	/* As much as can be known, and still no proof that the answer would have come. */
	story.proof = TRACE_PROOF_RECORD | TRACE_PROOF_PRIVATE_MAPPING | TRACE_PROOF_ONLY_THREAD |
	              TRACE_PROOF_STANDSTILL;
	return story;
}

Test(rule_waker_vanished, is_likely_where_work_was_handed_to_vanished_threads)
{
	struct built_incident story = answer_story();
	const struct finding *finding = built_report_of_handed_work(&report, &story, CALL_COND_SIGNAL);

	cr_assert_not_null(finding);
	cr_assert_str_eq(finding->rule_name, "waker-vanished");
	cr_assert_eq(finding->verdict, VERDICT_LIKELY);
	cr_assert_str_eq(
	    finding->message,
	    "pid 4242 waits for ever on condvar at 0x555500004060: the work that it handed over by "
	    "pthread_cond_signal() in story+0x1500 was for thread 4201 'worker' and 1 more, which "
	    "slept in story+0x1210 and vanished when story+0x1500 called fork()");
	cr_assert_not_null(strstr(finding->advice, "thread pool"));
	cr_assert_null(strstr(finding->advice, "Python"));
}

Test(rule_waker_vanished, says_of_a_worker_that_was_busy_where_it_used_to_sleep)
{
	struct built_incident story = answer_story();
	struct render_options options = {.width_columns = 300};
	const struct finding *finding = built_report_of_work_for(&report, &story, CALL_COND_SIGNAL, 0);

	cr_assert_eq(finding->verdict, VERDICT_LIKELY);
	cr_assert_not_null(strstr(finding->message, " was for thread 4201 'worker', which used to sleep in "
	                                            "story+0x1210, was busy and vanished when "),
	                   "%s", finding->message);
	char *text = sample_report_render(&report, &render_text, &options);
	cr_assert_not_null(strstr(text, "threads that vanished had ever waited"), "%s", text);
	free(text);
}

Test(rule_waker_vanished, knows_no_hazard_in_an_answer_that_came)
{
	struct built_incident story = answer_story();

	story.outcome = TRACE_OUTCOME_RETURNED;
	cr_assert_null(built_report_of_handed_work(&report, &story, CALL_COND_SIGNAL));
}

Test(rule_waker_vanished, shows_where_work_was_handed_over)
{
	struct built_incident story = answer_story();
	struct render_options options = {.width_columns = 300};

	cr_assert_not_null(built_report_of_handed_work(&report, &story, CALL_COND_SIGNAL));
	char *text = sample_report_render(&report, &render_text, &options);
	cr_assert_not_null(strstr(text, "1. Who was to do the work: thread 4201 \"worker\""), "%s", text);
	cr_assert_not_null(
	    strstr(text, "3. Where the work was handed over: thread 4242, by pthread_cond_signal on"), "%s",
	    text);
	cr_assert_not_null(strstr(text, "threads that vanished had waited"), "%s", text);
	cr_assert_not_null(strstr(text, "4. Who is stuck: process 4242"), "%s", text);
	free(text);
	text = sample_report_render(&report, &render_json, &options);
	cr_assert_not_null(strstr(text, "\"handed_over\":"), "%s", text);
	cr_assert_not_null(strstr(text, "\"waiting_threads\":\t2"), "%s", text);
	free(text);
}
