#include "report_finding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fingerprint.h"
#include "story.h"

/* afterfork's own wrappers and thread starter say nothing about the program. */
static bool is_own_frame(const struct raw_frame *frame)
{
	static const char own_library[] = "libafterfork.so";

	return frame->module &&
	       !strncmp(frame_module_base_name(frame->module->path), own_library, sizeof own_library - 1);
}

static int symbolize_stack(struct report *report, const struct raw_stack *raw, struct frame_stack *ret_stack)
{
	struct raw_frame *kept = raw->count ? malloc(raw->count * sizeof *kept) : NULL;
	size_t count = 0;
	int error;

	ret_stack->cut = raw->cut;
	ret_stack->truncated = raw->truncated;
	if (raw->count && !kept)
		return -1;
	for (size_t i = 0; i < raw->count; i++)
		if (!is_own_frame(&raw->frames[i]))
			kept[count++] = raw->frames[i];
	error = symbolize_frames(report->symbolizer, kept, count, &ret_stack->frames, &ret_stack->count);
	free(kept);
	return error;
}

static const char *pool_format_offset(struct report *report, const struct raw_frame *frame)
{
	char text[512];

	if (!frame->module)
		return NULL;
	snprintf(text, sizeof text, "%s+0x%" PRIx64, frame_module_base_name(frame->module->path),
	         frame->offset);
	return pool_string(&report->pool, text, sizeof text);
}

static const char *function_at(struct report *report, const struct raw_frame *frame)
{
	const char *name = NULL;
	struct frame *frames;
	size_t count;

	if (!frame->pc || symbolize_frames(report->symbolizer, frame, 1, &frames, &count))
		return NULL;
	/* The outermost of the inlined ones is the function whose address it is. */
	if (count)
		name = frames[count - 1].function;
	free(frames);
	return name ? name : pool_format_offset(report, frame);
}

/* The C++ library lets waits for std::barrier, std::atomic and the like sleep in a table of its own. Which
 * slot that is differs from run to run. */
static bool is_shared_slot(const char *name)
{
	static const char table[] = "std::__detail::__waiter_pool_base::";

	return name && !strncmp(name, table, sizeof table - 1);
}

static void describe_lock(struct report *report, const struct incident *incident, struct finding *finding)
{
	finding->lock.kind = lock_kind_name(incident->lock.kind);
	finding->lock.type = incident->lock.kind == LOCK_MUTEX ? mutex_type_name(incident->lock.type) : NULL;
	finding->lock.address = incident->lock.address;
	finding->lock.address_known = incident->lock.address != 0 && incident->lock.kind != LOCK_LIBC;
	finding->lock.robust = incident->lock.robust;
	finding->lock.process_shared = incident->lock.process_shared;
	finding->lock.prio_inherit = incident->lock.prio_inherit;
	finding->lock.name = incident->lock.libc_name;
	if (!incident->lock.module)
		return;
	finding->lock.module = incident->lock.module->path;
	finding->lock.build_id = incident->lock.module->build_id;
	finding->lock.module_offset = incident->lock.module_offset;
	finding->lock.name =
	    symbolize_data(report->symbolizer, incident->lock.module, incident->lock.module_offset);
	if (is_shared_slot(finding->lock.name)) {
		finding->lock.name = finding->lock.module = finding->lock.build_id = NULL;
		finding->lock.module_offset = 0;
	}
}

static int describe_thread(struct report *report, const struct thread_story *story,
                           struct finding_thread *ret_thread)
{
	const char *function;

	ret_thread->tid = story->tid;
	ret_thread->name = story->name;
	ret_thread->start_routine = function_at(report, &story->start_routine);
	ret_thread->acquire_call = story->acquire_call;
	if (symbolize_stack(report, &story->created_at, &ret_thread->created_at) ||
	    symbolize_stack(report, &story->acquired_at, &ret_thread->acquired_at))
		return -1;
	if (frame_is_std_thread_start(ret_thread->start_routine) &&
	    (function = story_std_thread_function(&ret_thread->acquired_at)))
		ret_thread->start_routine = function;
	return 0;
}

struct vanished_search {
	struct report *report;
	struct finding *finding;
	int error;
};

static void take_vanished(void *context, const struct vanished_thread *vanished)
{
	static const char *const doing[] = {[DOING_HOLDS] = "holds", [DOING_CALLS] = "calls"};
	struct vanished_search *search = context;
	struct finding *finding = search->finding;
	struct finding_vanished *items =
	    reallocarray(finding->vanished, finding->vanished_count + 1, sizeof *items);

	if (!items) {
		search->error = -1;
		return;
	}
	finding->vanished = items;
	items[finding->vanished_count] = (struct finding_vanished){.doing = doing[vanished->doing]};
	search->error |=
	    describe_thread(search->report, &vanished->thread, &items[finding->vanished_count++].thread);
}

static int describe_vanished(struct report *report, const struct incident *incident, struct finding *finding)
{
	struct vanished_search search = {report, finding, 0};

	model_vanished_of(report->model, incident, take_vanished, &search);
	return search.error;
}

static int describe_handover(struct report *report, const struct incident *incident, struct finding *finding)
{
	const struct handover *handover = model_handover_of(report->model, incident);

	if (!handover)
		return 0;
	finding->handover = (struct finding_handover){
	    .call = handover->call,
	    .tid = handover->by,
	    .kind = lock_kind_name(handover->kind),
	    .address = handover->address,
	    .waiting_threads = handover->waiting_threads,
	    .count = handover->count,
	};
	if (handover->module)
		finding->handover.name =
		    symbolize_data(report->symbolizer, handover->module, handover->module_offset);
	return symbolize_stack(report, &handover->stack, &finding->handover.stack);
}

static void describe_people(const struct incident *incident, struct finding *finding)
{
	finding->process.pid = finding->victim.pid = incident->pid;
	finding->process.ppid = incident->victim.ppid;
	finding->process.exe = incident->victim.exe;
	finding->fork.pid = incident->fork.pid;
	finding->fork.tid = incident->fork.tid;
	finding->fork.call = incident->fork.call;
	finding->fork.vanished_threads = incident->fork.vanished_threads;
	finding->victim.tid = incident->tid;
	finding->victim.name = incident->victim.name;
	finding->victim.call = incident->victim.call;
	finding->victim.live_threads = incident->victim.live_threads;
	finding->victim.blocked_ns = incident->blocked_ns;
	finding->victim.blocked_known = incident->blocked_known;
	finding->victim.was_interrupted = incident->seen_blocked && incident->first_result == EINTR;
}

static int symbolize_all(struct report *report, const struct incident *incident, struct finding *finding)
{
	const struct {
		const struct raw_stack *raw;
		struct frame_stack *stack;
	} stacks[] = {
	    {&incident->lock.initialised_at, &finding->lock.initialised_at},
	    {&incident->fork.stack, &finding->fork.stack},
	    {&incident->victim.stack, &finding->victim.stack},
	};

	for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++)
		if (symbolize_stack(report, stacks[i].raw, stacks[i].stack))
			return -1;
	return 0;
}

typedef void (*teller)(const struct finding *finding, const struct model *model, FILE *out);

static char *told(teller tell, const struct finding *finding, const struct model *model)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	tell(finding, model, out);
	return fclose(out) ? NULL : text;
}

static int tell_all(struct finding *finding, const struct model *model)
{
	finding->message = told(finding->rule->tell, finding, model);
	finding->advice = finding->rule->advise ? told(finding->rule->advise, finding, model)
	                                        : strdup(finding->rule->advice);
	return finding->message && finding->advice ? 0 : -1;
}

struct finding *report_finding_make(struct report *report, const struct incident *incident,
                                    const struct rule *rule, const struct rule_match *match)
{
	struct finding *finding = calloc(1, sizeof *finding);

	if (!finding)
		return NULL;
	finding->rule = rule;
	finding->rule_name = rule->name;
	finding->observed_name = observed_name(incident->observed);
	finding->incident = incident;
	finding->incidental = rule->incidental;
	finding->verdict = match->verdict;
	finding->count = match->count;
	finding->pending_count = match->pending_count;
	describe_lock(report, incident, finding);
	describe_people(incident, finding);
	if (describe_thread(report, &incident->holder, &finding->holder) ||
	    describe_vanished(report, incident, finding) || describe_handover(report, incident, finding) ||
	    symbolize_all(report, incident, finding) || tell_all(finding, report->model)) {
		finding_free(finding);
		return NULL;
	}
	fingerprint_compute(finding);
	return finding;
}
