#include <criterion/criterion.h>

#include "model.h"
#include "trace_builder.h"
#include "trace_reader.h"

static void feed(struct model *model, struct trace_builder *builder)
{
	struct trace_reader_result result;
	size_t size_bytes;
	const unsigned char *data = trace_builder_data(builder, &size_bytes);

	trace_reader_scan(data, size_bytes, &model_trace_sink, model, &result);
	cr_assert_eq(result.status, TRACE_STATUS_OK);
	trace_builder_free(builder);
}

static struct trace_builder *image_with(const struct built_incident *incident)
{
	struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);

	trace_builder_add_incident(builder, incident);
	return builder;
}

/* The one incident of a model made from it and, with_run, from a run that ended 10 s after the incident. */
static const struct incident *only_incident(const struct built_incident *built, bool with_run,
                                            struct model **ret_model)
{
	struct model *model = *ret_model = model_new();
	const struct incident *incidents;
	size_t count;

	if (with_run)
		feed(model, trace_builder_new(TRACE_FILE_RUN));
	feed(model, image_with(built));
	model_finish(model);
	incidents = model_incidents(model, &count);
	cr_assert_eq(count, 1);
	return incidents;
}

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

Test(model, finds_fork_handlers_by_the_module_they_live_in)
{
	struct built_incident story = trace_builder_story();
	struct trace_builder *builder = image_with(&story);
	struct model *model = model_new();
	const struct incident *incident;
	size_t count;

	trace_builder_add_atfork(builder, BUILT_PLUGIN);
	trace_builder_add_atfork(builder, BUILT_PLUGIN);
	feed(model, builder);
	model_finish(model);
	incident = model_incidents(model, &count);
	model_atfork(model, &count);
	cr_assert_eq(count, 2);
	cr_assert_eq(model_atfork_of_module(model, incident, NULL), 2);
	cr_assert_eq(model_atfork_of_module(model, incident, incident->lock.module), 0);
	cr_assert_eq(
	    model_atfork_of_module(model, incident, model_module(model, "/opt/story/lib/libplugin.so", NULL)),
	    2);
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

static void take(void *context, const struct vanished_thread *vanished)
{
	const struct vanished_thread **found = context;

	cr_assert_null(*found);
	*found = vanished;
}

static const struct vanished_thread *only_vanished(const struct model *model)
{
	const struct vanished_thread *found = NULL;
	size_t count;

	model_vanished_of(model, model_incidents(model, &count), take, &found);
	cr_assert_eq(count, 1);
	return found;
}

Test(model, knows_the_threads_that_are_missing_beside_an_incident)
{
	static const struct {
		enum trace_hold_state state;
		enum trace_lock_kind kind;
		enum thread_doing doing;
	} cases[] = {
	    {TRACE_HOLD_NONE, 0, DOING_UNKNOWN},
	    {TRACE_HOLD_HELD, TRACE_LOCK_MUTEX, DOING_HOLDS},
	    {TRACE_HOLD_WANT, TRACE_LOCK_MUTEX, DOING_UNKNOWN},
	    {TRACE_HOLD_WANT, TRACE_LOCK_SEMAPHORE, DOING_CALLS},
	    {TRACE_HOLD_WAITING, TRACE_LOCK_CONDVAR, DOING_CALLS},
	    {TRACE_HOLD_WANT, TRACE_LOCK_LIBC, DOING_CALLS},
	};
	struct built_incident story = trace_builder_story();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trace_builder *builder = image_with(&story);
		struct model *model = model_new();

		trace_builder_add_vanished(builder, &story, cases[i].state, cases[i].kind);
		feed(model, builder);
		model_finish(model);
		cr_assert_eq(only_vanished(model)->doing, cases[i].doing, "case %zu", i);
		cr_assert_eq(only_vanished(model)->thread.tid, 4201);
		cr_assert_str_eq(only_vanished(model)->thread.name, "worker");
		model_free(model);
	}
}

Test(model, gives_a_missing_thread_to_its_own_incident_only)
{
	struct built_incident story = trace_builder_story(), other = trace_builder_story();
	struct trace_builder *builder = image_with(&story);
	struct model *model = model_new();

	other.time_ns++;
	trace_builder_add_vanished(builder, &other, TRACE_HOLD_HELD, TRACE_LOCK_MUTEX);
	feed(model, builder);
	model_finish(model);
	cr_assert_null(only_vanished(model));
	model_free(model);
}

Test(model, gives_handed_work_to_its_own_incident_only)
{
	struct built_incident story = trace_builder_story(), other = trace_builder_story();
	struct trace_builder *builder = image_with(&story);
	struct model *model = model_new();
	size_t count;

	other.time_ns++;
	trace_builder_add_handover(builder, &other, 48, 1);
	feed(model, builder);
	cr_assert_null(model_handover_of(model, model_incidents(model, &count)));
	model_free(model);

	builder = image_with(&story);
	model = model_new();
	trace_builder_add_handover(builder, &story, 48, 3);
	feed(model, builder);
	const struct handover *handover = model_handover_of(model, model_incidents(model, &count));
	cr_assert_not_null(handover);
	cr_assert_str_eq(handover->call, "pthread_cond_signal");
	cr_assert_eq(handover->waiting_threads, 3);
	cr_assert_eq(handover->kind, LOCK_CONDVAR);
	cr_assert_eq(handover->address, 0x7040);
	cr_assert_eq(handover->stack.count, story.fork.stack.count);
	model_free(model);
}
