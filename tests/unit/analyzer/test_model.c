#include <errno.h>

#include "model_fixture.h"

Test(model, keeps_what_the_record_says)
{
	struct built_incident story = trace_builder_story();
	struct model *model;
	const struct incident *incident = only_incident(&story, true, &model);

	cr_assert_eq(incident->pid, 4242);
	cr_assert_eq(incident->observed, OBSERVED_BLOCKS_ON_VANISHED);
	cr_assert(incident->owner_word_names_holder && incident->record_names_lock &&
	          incident->private_mapping && incident->only_thread);
	cr_assert_eq(incident->lock.kind, LOCK_MUTEX);
	cr_assert_eq(incident->lock.type, MUTEX_NORMAL);
	cr_assert_str_eq(incident->lock.module->path, "/opt/story/bin/story");
	cr_assert_str_eq(incident->lock.module->build_id, "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
	cr_assert_eq(incident->lock.module_offset, 0x4060);
	cr_assert_eq(incident->holder.tid, 4201);
	cr_assert_str_eq(incident->holder.name, "worker");
	cr_assert_eq(incident->holder.start_routine.offset, 0x1200);
	cr_assert(incident->holder.start_routine.exact_pc);
	cr_assert_str_eq(incident->holder.acquire_call, "pthread_mutex_lock");
	cr_assert_eq(incident->holder.acquired_at.count, 3);
	cr_assert_eq(incident->holder.acquired_at.frames[1].offset, 0x1310);
	cr_assert_not(incident->holder.acquired_at.frames[1].exact_pc);
	cr_assert_str_eq(incident->holder.acquired_at.frames[2].module->path, "/opt/story/lib/libc.so.6");
	cr_assert_eq(incident->fork.pid, 4200);
	cr_assert_str_eq(incident->fork.call, "fork");
	cr_assert_eq(incident->fork.vanished_threads, 1);
	cr_assert_eq(incident->victim.ppid, 4200);
	cr_assert_str_eq(incident->victim.exe, "/opt/story/bin/story");
	cr_assert_eq(incident->victim.stack.count, 4);
	cr_assert_eq(incident->image->pid, 4200);
	model_free(model);
}

Test(model, interns_modules_by_path_and_build_id)
{
	struct model *model = model_new();
	const struct module_ref *first = model_module(model, "/lib/a.so", "aa");

	cr_assert_eq(model_module(model, "/lib/a.so", "aa"), first);
	cr_assert_neq(model_module(model, "/lib/a.so", "bb"), first);
	cr_assert_neq(model_module(model, "/lib/b.so", "aa"), first);
	cr_assert_neq(model_module(model, "/lib/a.so", NULL), first);
	cr_assert_null(model_module(model, "/lib/a.so", NULL)->build_id);
	model_free(model);
}

Test(model, gives_frames_of_different_records_the_same_module)
{
	struct built_incident story = trace_builder_story();
	struct model *model = model_new();
	const struct incident *incidents;
	size_t count;

	feed(model, image_with(&story));
	feed(model, image_with(&story));
	incidents = model_incidents(model, &count);
	cr_assert_eq(count, 2);
	cr_assert_eq(incidents[0].lock.module, incidents[1].victim.stack.frames[0].module);
	model_free(model);
}

Test(model, leaves_unknown_things_unknown)
{
	struct built_incident story = trace_builder_story();
	struct model *model;
	const struct incident *incident;

	story.lock.module = BUILT_NONE;
	story.holder.tid = 0;
	story.holder.name = NULL;
	story.holder.start_offset = 0;
	story.holder.acquire_call = 0;
	story.fork.call = 0;
	story.victim.call = 4711;
	story.observed = 200;
	story.victim.stack.frames[1].module = BUILT_NONE;
	incident = only_incident(&story, false, &model);
	cr_assert_null(incident->lock.module);
	cr_assert_eq(incident->holder.tid, 0);
	cr_assert_null(incident->holder.name);
	cr_assert_eq(incident->holder.start_routine.pc, 0);
	cr_assert_null(incident->holder.acquire_call);
	cr_assert_null(incident->fork.call);
	cr_assert_null(incident->victim.call);
	cr_assert_eq(incident->observed, OBSERVED_UNKNOWN);
	cr_assert_null(incident->victim.stack.frames[1].module);
	cr_assert_eq(incident->victim.stack.frames[1].pc, 0x1700);
	model_free(model);
}

Test(model, takes_the_program_from_the_image_where_the_record_has_none)
{
	struct built_incident story = trace_builder_story();
	struct model *model;

	story.victim.exe = NULL;
	cr_assert_str_eq(only_incident(&story, false, &model)->victim.exe, "/opt/story/bin/story");
	model_free(model);
}

Test(model, measures_a_pending_wait_until_the_end_of_the_run)
{
	struct built_incident story = trace_builder_story();
	struct model *model;
	const struct incident *incident = only_incident(&story, true, &model);

	cr_assert(incident->blocked_known);
	cr_assert_eq(incident->blocked_ns, 10000000000u);
	model_free(model);
}

Test(model, measures_a_wait_that_returned_by_its_end)
{
	struct built_incident story = trace_builder_story();
	struct model *model;
	const struct incident *incident;

	story.outcome = TRACE_OUTCOME_RETURNED;
	story.result = 110;
	story.left_ns = story.time_ns + 1500;
	incident = only_incident(&story, true, &model);
	cr_assert(incident->blocked_known);
	cr_assert_eq(incident->blocked_ns, 1500);
	cr_assert_not(incident->first_pending);
	cr_assert_eq(incident->first_result, 110);
	model_free(model);
}

Test(model, does_not_guess_a_wait_without_an_end)
{
	struct built_incident story = trace_builder_story();
	struct model *model;

	cr_assert_not(only_incident(&story, false, &model)->blocked_known);
	model_free(model);
}

Test(model, does_not_measure_from_a_time_that_was_not_taken)
{
	struct built_incident story = trace_builder_story();
	struct model *model;

	story.time_ns = 0;
	cr_assert_not(only_incident(&story, true, &model)->blocked_known);
	model_free(model);
}

struct count_case {
	enum trace_outcome outcome;
	uint64_t repeats, returned, count, pending;
};

Test(model, counts_occurrences_and_those_still_pending)
{
	const struct count_case cases[] = {
	    {TRACE_OUTCOME_PENDING, 0, 0, 1, 1},
	    {TRACE_OUTCOME_RETURNED, 0, 0, 1, 0},
	    {TRACE_OUTCOME_PENDING, 4, 4, 5, 1},
	    {TRACE_OUTCOME_RETURNED, 4, 1, 5, 3},
	    {TRACE_OUTCOME_RETURNED, 4, 4, 5, 0},
	    /* Read while a child was counting: the return was seen, the repeat not yet. */
	    {TRACE_OUTCOME_RETURNED, 4, 5, 5, 0},
	    {TRACE_OUTCOME_PENDING, UINT64_MAX, 0, UINT64_MAX, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct built_incident story = trace_builder_story();
		const struct incident *incident;
		struct model *model;

		story.outcome = cases[i].outcome;
		story.repeats = cases[i].repeats;
		story.repeats_returned = cases[i].returned;
		incident = only_incident(&story, false, &model);
		cr_assert_eq(incident->count, cases[i].count, "case %zu", i);
		cr_assert_eq(incident->pending_count, cases[i].pending, "case %zu", i);
		model_free(model);
	}
}

Test(model, takes_a_call_that_was_seen_from_outside_for_pending)
{
	static const enum trace_outcome outcomes[] = {TRACE_OUTCOME_SEEN_BLOCKED, TRACE_OUTCOME_SEEN_WAITING};

	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
		struct built_incident story = trace_builder_story();
		const struct incident *incident;
		struct model *model;

		story.outcome = outcomes[i];
		incident = only_incident(&story, true, &model);
		cr_assert(incident->seen_blocked, "case %zu", i);
		cr_assert(incident->first_pending, "case %zu", i);
		cr_assert_eq(incident->pending_count, 1, "case %zu", i);
		cr_assert_eq(incident->blocked_ns, 10000000000u, "case %zu", i);
		model_free(model);
	}
}

/* A wait that a handler may end is over with the call's return, not with a signal. */
Test(model, knows_the_signal_that_ended_what_no_handler_could)
{
	static const struct {
		enum trace_outcome outcome;
		int first_result;
	} cases[] = {{TRACE_OUTCOME_SEEN_BLOCKED, EINTR}, {TRACE_OUTCOME_SEEN_WAITING, 0}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct built_incident story = trace_builder_story();
		const struct incident *incident;
		struct model *model;

		story.outcome = cases[i].outcome;
		story.result = EINTR;
		story.left_ns = story.time_ns + 1500;
		incident = only_incident(&story, true, &model);
		cr_assert_eq(incident->first_result, cases[i].first_result, "case %zu", i);
		cr_assert_eq(incident->blocked_ns, cases[i].first_result ? 1500 : 10000000000u, "case %zu",
		             i);
		model_free(model);
	}
}

Test(model, sorts_incidents_by_time)
{
	struct built_incident late = trace_builder_story(), early = late;
	struct model *model = model_new();
	const struct incident *incidents;
	size_t count;

	early.time_ns -= 100;
	early.pid = 1;
	feed(model, image_with(&late));
	feed(model, image_with(&early));
	model_finish(model);
	incidents = model_incidents(model, &count);
	cr_assert_eq(incidents[0].pid, 1);
	cr_assert_eq(incidents[1].pid, 4242);
	model_free(model);
}

Test(model, makes_a_run_of_image_files_alone)
{
	struct built_incident story = trace_builder_story();
	struct model *model;
	const struct model_run *runs;
	size_t count;

	only_incident(&story, false, &model);
	runs = model_runs(model, &count);
	cr_assert_eq(count, 1);
	cr_assert_eq(runs[0].run_id, TRACE_BUILDER_RUN_ID);
	cr_assert_not(runs[0].has_file);
	model_free(model);
}

Test(model, takes_command_and_counters_from_the_run_file)
{
	struct built_incident story = trace_builder_story();
	struct model *model;
	const struct model_run *runs;
	size_t count;

	only_incident(&story, true, &model);
	runs = model_runs(model, &count);
	cr_assert_eq(count, 1);
	cr_assert(runs[0].has_file && runs[0].ended);
	cr_assert_eq(runs[0].command_count, 3);
	cr_assert_str_eq(runs[0].command[1], "--workers");
	cr_assert_null(runs[0].command[3]);
	cr_assert_eq(runs[0].processes, 2);
	cr_assert_eq(runs[0].threads, 3);
	cr_assert_eq(runs[0].forks, 1);
	model_free(model);
}

Test(model, keeps_a_command_that_was_cut_without_its_unfinished_end)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_RUN);
	struct model *model = model_new();
	const struct model_run *runs;
	size_t count;

	trace_builder_run(builder)->command_size_bytes = 8; /* "story\0--" */
	trace_builder_run(builder)->command_truncated = 1;
	feed(model, builder);
	runs = model_runs(model, &count);
	cr_assert_eq(runs[0].command_count, 1);
	cr_assert(runs[0].command_truncated);
	model_free(model);
}

Test(model, keeps_notices_with_their_reason)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_RUN);
	struct model *model = model_new();
	const struct notice *notices;
	size_t count;

	trace_builder_add_notice(builder, TRACE_NOTICE_EXEC_STATIC, 0, "/bin/busybox");
	trace_builder_add_notice(builder, TRACE_NOTICE_UNRECORDED, 28, NULL);
	trace_builder_add_notice(builder, 99, 0, NULL);
	feed(model, builder);
	notices = model_notices(model, &count);
	cr_assert_eq(count, 3);
	cr_assert_eq(notices[0].kind, NOTICE_EXEC_STATIC);
	cr_assert_str_eq(notices[0].path, "/bin/busybox");
	cr_assert_eq(notices[1].kind, NOTICE_UNRECORDED);
	cr_assert_eq(notices[1].error, 28);
	cr_assert_null(notices[1].path);
	cr_assert_eq(notices[2].kind, NOTICE_UNKNOWN);
	model_free(model);
}
