#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "built_report.h"
#include "fingerprint.h"
#include "rule.h"

static struct finding *made(const char *fingerprint, enum verdict verdict, uint64_t count)
{
	struct finding *finding = calloc(1, sizeof *finding);

	strcpy(finding->fingerprint, fingerprint);
	finding->verdict = verdict;
	finding->count = count;
	finding->pending_count = count;
	return finding;
}

Test(findings, are_sorted_by_verdict_then_count_then_fingerprint)
{
	static const char *const expected[] = {"d", "a", "c", "e", "b", "f"};
	struct finding_list list = {0};

	findings_add(&list, made("f", VERDICT_NOTE, 99));
	findings_add(&list, made("e", VERDICT_LIKELY, 1));
	findings_add(&list, made("c", VERDICT_CERTAIN, 2));
	findings_add(&list, made("a", VERDICT_CERTAIN, 2));
	findings_add(&list, made("b", VERDICT_POSSIBLE, 3));
	findings_add(&list, made("d", VERDICT_CERTAIN, 5));
	findings_sort(&list);
	for (size_t i = 0; i < list.count; i++)
		cr_assert_str_eq(list.items[i]->fingerprint, expected[i], "place %zu", i);
	findings_release(&list);
}

Test(findings, of_luck_those_that_the_child_took_come_first)
{
	struct finding_list list = {0};
	struct finding *held = made("held", VERDICT_POSSIBLE, 10000),
	               *shared = made("shared", VERDICT_POSSIBLE, 1);

	held->incidental = INCIDENTAL_VICTIM;
	shared->incidental = INCIDENTAL_VICTIM | INCIDENTAL_HOLDER;
	findings_add(&list, held);
	findings_add(&list, shared);
	findings_sort(&list);
	cr_assert_str_eq(list.items[0]->fingerprint, "shared");
	findings_release(&list);
}

Test(findings, add_up_the_counts_of_one_fault)
{
	struct finding_list list = {0};

	findings_add(&list, made("a", VERDICT_CERTAIN, 2));
	findings_add(&list, made("b", VERDICT_CERTAIN, 1));
	findings_add(&list, made("a", VERDICT_CERTAIN, 40));
	cr_assert_eq(list.count, 2);
	cr_assert_eq(list.items[0]->count, 42);
	cr_assert_eq(list.items[0]->pending_count, 42);
	findings_release(&list);
}

Test(findings, keep_the_worse_verdict_of_one_fault)
{
	struct finding_list list = {0};

	findings_add(&list, made("a", VERDICT_LIKELY, 1));
	findings_add(&list, made("a", VERDICT_CERTAIN, 1));
	findings_add(&list, made("a", VERDICT_LIKELY, UINT64_MAX));
	cr_assert_eq(list.count, 1);
	cr_assert_eq(list.items[0]->verdict, VERDICT_CERTAIN);
	cr_assert_eq(list.items[0]->count, UINT64_MAX);
	findings_release(&list);
}

static struct frame victim_frames[2];

static struct finding fault(void)
{
	victim_frames[0] = (struct frame){.pc = 0x1000,
	                                  .offset = 0x10,
	                                  .module = "/build/a/libshop.so",
	                                  .build_id = "aa",
	                                  .function = "cache_get",
	                                  .file = "/build/a/cache.c",
	                                  .line = 7};
	victim_frames[1] =
	    (struct frame){.pc = 0x2000, .offset = 0x20, .module = "/build/a/shopd", .build_id = "bb"};
	return (struct finding){
	    .rule_name = "lock-held-by-vanished-thread",
	    .lock = {.kind = "mutex", .name = "cache_mutex"},
	    .observed_name = "blocks",
	    .victim = {.call = "pthread_mutex_lock", .stack = {.frames = victim_frames, .count = 2}},
	};
}

static const char *fingerprint_of(struct finding *finding)
{
	fingerprint_compute(finding);
	cr_assert_eq(strlen(finding->fingerprint), 16);
	cr_assert_eq(strspn(finding->fingerprint, "0123456789abcdef"), 16);
	return finding->fingerprint;
}

Test(fingerprint, is_the_same_in_another_run_build_path_and_layout)
{
	struct finding first = fault(), second;

	fingerprint_of(&first);
	second = fault();
	second.process.pid = second.victim.pid = 99;
	second.holder.tid = 98;
	second.lock.address = 0x7777;
	second.count = 50;
	victim_frames[0].pc = 0x9999;
	victim_frames[0].module = "/home/other/libshop.so";
	victim_frames[0].file = "/home/other/cache.c";
	victim_frames[0].line = 1234;
	victim_frames[0].offset = 0x5550;
	victim_frames[0].build_id = "cc";
	victim_frames[1].module = "/home/other/shopd";
	victim_frames[1].pc = 0x8888;
	cr_assert_str_eq(fingerprint_of(&second), first.fingerprint);
}

/* Stored suppressions and trackers of other people hold these numbers: the hash must not drift. */
Test(fingerprint, stays_what_it_was_in_earlier_versions)
{
	struct finding finding = fault();

	cr_assert_str_eq(fingerprint_of(&finding), "fba457c3c4b41470");
}

Test(fingerprint, differs_by_rule_lock_function_module_and_role)
{
	struct finding base = fault(), other;

	fingerprint_of(&base);
	other = fault();
	other.rule_name = "stale-lock-met";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	other.lock.name = "other_mutex";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	other.lock.kind = "rwlock";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	victim_frames[0].function = "cache_put";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	victim_frames[0].module = "/build/a/libother.so";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	other.victim.call = "pthread_mutex_timedlock";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	other.observed_name = "try-failed";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	other.fork.stack = other.victim.stack;
	other.victim.stack.count = 0;
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
}

Test(fingerprint, goes_by_build_and_offset_where_no_function_is_known)
{
	struct finding base = fault(), other;

	fingerprint_of(&base);
	other = fault();
	victim_frames[1].offset = 0x21;
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
	other = fault();
	victim_frames[1].build_id = "dd";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
}

Test(fingerprint, does_not_depend_on_the_c_library)
{
	struct finding base = fault(), other;

	victim_frames[1].module = "/lib/x86_64-linux-gnu/libc.so.6";
	fingerprint_of(&base);
	other = fault();
	victim_frames[1] =
	    (struct frame){.module = "/usr/lib64/libc-2.31.so", .function = "__libc_start_main"};
	cr_assert_str_eq(fingerprint_of(&other), base.fingerprint);
	other.victim.stack.count = 1;
	cr_assert_str_eq(fingerprint_of(&other), base.fingerprint);
}

Test(fingerprint, tells_unnamed_variables_apart_by_their_place)
{
	struct finding base = fault(), other;

	base.lock.name = NULL;
	base.lock.module = "/build/a/shopd";
	base.lock.module_offset = 0x4060;
	fingerprint_of(&base);
	other = base;
	other.lock.module = "/home/other/shopd";
	cr_assert_str_eq(fingerprint_of(&other), base.fingerprint);
	other.lock.module_offset = 0x4088;
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
}

Test(fingerprint, names_a_lock_without_a_name_by_where_it_was_made)
{
	struct frame made_here = {.module = "/build/a/shopd", .function = "cache_new"};
	struct finding base = fault(), other;

	base.lock.name = NULL;
	base.lock.initialised_at = (struct frame_stack){.frames = &made_here, .count = 1};
	fingerprint_of(&base);
	other = base;
	other.lock.address = 0x4444;
	cr_assert_str_eq(fingerprint_of(&other), base.fingerprint);
	made_here.function = "pool_new";
	cr_assert_str_neq(fingerprint_of(&other), base.fingerprint);
}

Test(findings, merge_the_same_fault_of_many_children)
{
	struct built_incident stories[3] = {trace_builder_story(), trace_builder_story(),
	                                    trace_builder_story()};
	struct report report;

	stories[1].pid = stories[1].tid = 4300;
	stories[1].time_ns += 5;
	stories[2].pid = stories[2].tid = 4100;
	stories[2].time_ns -= 5;
	stories[2].repeats = 7;
	built_report_make(&report, stories, 3);
	cr_assert_eq(report.findings.count, 1);
	cr_assert_eq(report.findings.items[0]->count, 10);
	/* The facts are those of the first in time. */
	cr_assert_eq(report.findings.items[0]->victim.pid, 4100);
	cr_assert_eq(report.summary.by_verdict[VERDICT_CERTAIN], 1);
	report_release(&report);
}

Test(findings, leave_out_frames_of_the_tools_own_library)
{
	struct built_incident story = trace_builder_story();
	const struct finding *finding;
	struct report report;

	story.victim.stack.frames[0].module = BUILT_TOOL;
	finding = built_report_finding(&report, &story);
	cr_assert_eq(finding->victim.stack.count, 3);
	cr_assert_eq(finding->victim.stack.frames[0].offset, 0x1700);
	report_release(&report);
}
