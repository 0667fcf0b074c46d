/* What stands beside an incident in its image: fork handlers, threads that are missing, work handed over. */
#include "model_fixture.h"

Test(model_beside, finds_fork_handlers_by_the_module_they_live_in)
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

Test(model_beside, knows_the_threads_that_are_missing_beside_an_incident)
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

Test(model_beside, gives_a_missing_thread_to_its_own_incident_only)
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

Test(model_beside, gives_handed_work_to_its_own_incident_only)
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

/* Pids and times come again in other runs, and in other pid namespaces. */
Test(model_beside, is_not_mixed_up_with_what_stands_in_other_images)
{
	struct built_incident story = trace_builder_story();
	struct model *model = model_new();
	size_t count;

	for (unsigned i = 0; i < 3; i++) {
		struct trace_builder *builder = trace_builder_new(TRACE_FILE_IMAGE);

		trace_builder_add_atfork(builder, BUILT_PLUGIN);
		trace_builder_add_vanished(builder, &story, TRACE_HOLD_HELD, TRACE_LOCK_MUTEX);
		trace_builder_add_handover(builder, &story, 48, i + 1);
		trace_builder_add_incident(builder, &story);
		for (unsigned k = 0; k < i; k++)
			trace_builder_add_atfork(builder, BUILT_PLUGIN);
		feed(model, builder);
	}
	model_finish(model);
	const struct incident *incidents = model_incidents(model, &count);
	cr_assert_eq(count, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct vanished_thread *found = NULL;
		unsigned number = model_handover_of(model, &incidents[i])->waiting_threads;

		cr_assert_eq(model_atfork_of_module(model, &incidents[i], NULL), number);
		model_vanished_of(model, &incidents[i], take, &found);
		cr_assert_not_null(found);
	}
	model_free(model);
}
