/* Fills the model from the records of a trace. */
#include <errno.h>
#include <string.h>

#include "model_private.h"
#include "trace_reader.h"
#include "trace_terms.h"

static const char **split_command(struct model *model, const char *bytes, size_t size_bytes,
                                  size_t *ret_count)
{
	size_t count = 0, at = 0;
	const char **command;

	for (size_t i = 0; i < size_bytes; i++)
		count += bytes[i] == '\0';
	command = pool_take(&model->pool, (count + 1) * sizeof *command);
	if (!command)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		command[i] = pool_string(&model->pool, bytes + at, size_bytes - at);
		if (!command[i])
			return NULL;
		at += strlen(command[i]) + 1;
	}
	*ret_count = count;
	return command;
}

static int add_run(void *context, const struct trace_run *trace)
{
	struct model *model = context;
	struct model_run *run = model_add_run(model, trace->file.run_id);

	model->current_image = NULL;
	model->current_run_id = trace->file.run_id;
	if (!run)
		return -ENOMEM;
	run->has_file = true;
	run->command = split_command(model, trace->command, trace->command_size_bytes, &run->command_count);
	run->command_truncated = trace->command_truncated != 0;
	run->started_realtime_ns = trace->file.started_realtime_ns;
	run->started_monotonic_ns = trace->file.started_monotonic_ns;
	run->ended = trace->ended != 0;
	run->ended_ns = trace->ended_ns;
	run->exit_code = trace->exit_code;
	run->exit_signal = trace->exit_signal;
	run->processes = trace->processes;
	run->threads = trace->threads;
	run->forks = trace->forks;
	run->images = trace->images;
	run->images_unrecorded = trace->images_unrecorded;
	run->cut_stacks = trace->cut_stacks;
	run->lost_held = trace->lost_held;
	run->execs_uncovered = trace->execs_uncovered;
	return run->command ? 0 : -ENOMEM;
}

static int add_image(void *context, const struct trace_image *trace)
{
	struct model *model = context;
	struct model_image *image = pool_take(&model->pool, sizeof *image);

	if (!image || !model_add_run(model, trace->file.run_id))
		return -ENOMEM;
	image->run_id = trace->file.run_id;
	image->pid = trace->pid;
	image->ppid = trace->ppid;
	image->exe = trace->exe[0] ? pool_string(&model->pool, trace->exe, sizeof trace->exe) : NULL;
	image->libc_version = pool_string(&model->pool, trace->libc_version, sizeof trace->libc_version);
	image->command =
	    split_command(model, trace->command, trace->command_size_bytes, &image->command_count);
	model->current_image = image;
	model->current_run_id = image->run_id;
	return image->command ? 0 : -ENOMEM;
}

static void build_id_to_hex(const struct trace_module *module, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";

	for (uint32_t i = 0; i < module->build_id_size_bytes; i++) {
		*ret_hex++ = digits[module->build_id[i] >> 4];
		*ret_hex++ = digits[module->build_id[i] & 15];
	}
	*ret_hex = '\0';
}

/* What the conversion of one record needs; `failed` is set once memory ran out. */
struct conversion {
	struct model *model;
	const struct trace_tables *tables;
	const struct module_ref *modules[TRACE_MODULES_MAX];
	bool failed;
};

static void begin_conversion(struct conversion *conversion, struct model *model,
                             const struct trace_tables *tables)
{
	conversion->model = model;
	conversion->tables = tables;
	conversion->failed = false;
	for (uint32_t i = 0; i < tables->module_count; i++) {
		const struct trace_module *module = &tables->modules[i];
		char hex[2 * TRACE_BUILD_ID_SIZE_BYTES + 1];

		build_id_to_hex(module, hex);
		conversion->modules[i] =
		    model_module(model, tables->strings + module->path, hex[0] ? hex : NULL);
		conversion->failed |= !conversion->modules[i];
	}
}

static struct raw_frame convert_address(const struct conversion *conversion, uint64_t pc, uint32_t module,
                                        bool exact_pc)
{
	struct raw_frame frame = {.pc = pc, .exact_pc = exact_pc};

	if (module != TRACE_MODULE_UNKNOWN) {
		frame.module = conversion->modules[module];
		frame.offset = pc - conversion->tables->modules[module].bias;
	}
	return frame;
}

static struct raw_stack convert_stack(struct conversion *conversion, const struct trace_stack *stack)
{
	struct raw_stack converted = {
	    .count = stack->count,
	    .cut = (stack->flags & TRACE_STACK_CUT) != 0,
	    .truncated = (stack->flags & TRACE_STACK_TRUNCATED) != 0,
	};

	if (!stack->count)
		return converted;
	converted.frames = pool_take(&conversion->model->pool, stack->count * sizeof *converted.frames);
	if (!converted.frames) {
		conversion->failed = true;
		return (struct raw_stack){0};
	}
	for (uint32_t i = 0; i < stack->count; i++) {
		const struct trace_frame *frame = &conversion->tables->frames[stack->first + i];

		converted.frames[i] = convert_address(conversion, frame->pc, frame->module,
		                                      (frame->flags & TRACE_FRAME_EXACT_PC) != 0);
	}
	return converted;
}

static const char *convert_string(struct conversion *conversion, const char *text, size_t size_max)
{
	const char *copy;

	if (!text[0])
		return NULL;
	copy = pool_string(&conversion->model->pool, text, size_max);
	conversion->failed |= !copy;
	return copy;
}

/* The outcome fields change while a live trace is read: repeats_returned may be newer than repeats. */
static void convert_outcome(struct incident *incident, const struct trace_incident *trace)
{
	uint64_t returned =
	    trace->repeats_returned < trace->repeats ? trace->repeats_returned : trace->repeats;

	incident->seen_blocked =
	    trace->outcome == TRACE_OUTCOME_SEEN_BLOCKED || trace->outcome == TRACE_OUTCOME_SEEN_WAITING;
	incident->first_pending = trace->outcome == TRACE_OUTCOME_PENDING || incident->seen_blocked;
	bool is_interrupted = trace->outcome == TRACE_OUTCOME_SEEN_BLOCKED && trace->result == EINTR;
	bool is_over = !incident->first_pending || is_interrupted;
	incident->first_result = is_over ? trace->result : 0;
	incident->tries =
	    !is_over && trace->observed == TRACE_SPINS_ON_VANISHED ? (unsigned)trace->result : 0;
	incident->count = trace->repeats == UINT64_MAX ? UINT64_MAX : 1 + trace->repeats;
	incident->pending_count = trace->repeats - returned;
	if (incident->first_pending && incident->pending_count < UINT64_MAX)
		incident->pending_count++;
	if (is_over && incident->time_ns && trace->left_ns >= incident->time_ns) {
		incident->blocked_ns = trace->left_ns - incident->time_ns;
		incident->blocked_known = true;
	}
}

static void convert_lock(struct conversion *conversion, struct incident *incident,
                         const struct trace_lock *trace)
{
	const struct libc_family *family =
	    trace->kind == TRACE_LOCK_LIBC ? trace_terms_libc_family(trace->type) : NULL;

	incident->lock.address = trace->address;
	incident->lock.kind = trace_terms_lock_kind(trace->kind);
	incident->lock.type = trace_terms_mutex_type(trace->type);
	if (family) {
		incident->lock.libc_name = family->name;
		incident->lock.libc_is_brief = family->is_brief;
	}
	incident->lock.process_shared = (trace->flags & TRACE_LOCK_PSHARED) != 0;
	incident->lock.robust = (trace->flags & TRACE_LOCK_ROBUST) != 0;
	incident->lock.prio_inherit = (trace->flags & TRACE_LOCK_PRIO_INHERIT) != 0;
	incident->lock.prio_protect = (trace->flags & TRACE_LOCK_PRIO_PROTECT) != 0;
	incident->lock.owner_tid = trace->owner_tid;
	incident->lock.initialised_at = convert_stack(conversion, &trace->initialised_at);
	if (trace->module != TRACE_MODULE_UNKNOWN) {
		incident->lock.module = conversion->modules[trace->module];
		incident->lock.module_offset =
		    trace->address - conversion->tables->modules[trace->module].bias;
	}
}

static struct thread_story convert_thread(struct conversion *conversion, const struct trace_holder *trace)
{
	struct thread_story thread = {
	    .tid = trace->tid,
	    .name = convert_string(conversion, trace->name, sizeof trace->name),
	    .acquire_call = trace_terms_call_name(trace->acquire_call),
	};

	if (trace->start_routine)
		thread.start_routine =
		    convert_address(conversion, trace->start_routine, trace->start_module, true);
	thread.created_at = convert_stack(conversion, &trace->created_at);
	thread.acquired_at = convert_stack(conversion, &trace->acquired_at);
	return thread;
}

static void convert_people(struct conversion *conversion, struct incident *incident,
                           const struct trace_incident *trace)
{
	incident->holder = convert_thread(conversion, &trace->holder);
	incident->fork.pid = trace->fork.pid;
	incident->fork.tid = trace->fork.tid;
	incident->fork.call = trace_terms_call_name(trace->fork.call);
	incident->fork.vanished_threads = trace->fork.vanished_threads;
	incident->fork.stack = convert_stack(conversion, &trace->fork.stack);
	incident->victim.ppid = trace->victim.ppid;
	incident->victim.name = convert_string(conversion, trace->victim.name, sizeof trace->victim.name);
	incident->victim.exe = convert_string(conversion, conversion->tables->strings + trace->victim.exe,
	                                      TRACE_PATH_SIZE_BYTES);
	incident->victim.call = trace_terms_call_name(trace->victim.call);
	incident->victim.live_threads = trace->victim.live_threads;
	incident->victim.stack = convert_stack(conversion, &trace->victim.stack);
}

static int add_incident(void *context, const struct trace_incident *trace, const struct trace_tables *tables)
{
	struct model *model = context;
	struct incident *incident;
	struct conversion conversion;

	/* A file `run` holds no incidents; one that claims to is damaged, and has no image to hang them on.
	 */
	if (!model->current_image)
		return 0;
	incident = model_add_incident(model);
	if (!incident)
		return -ENOMEM;
	begin_conversion(&conversion, model, tables);
	incident->image = model->current_image;
	incident->pid = trace->record.pid;
	incident->tid = trace->record.tid;
	incident->time_ns = trace->record.time_ns;
	incident->observed = trace_terms_observed(trace->observed);
	incident->owner_word_names_holder = (trace->proof & TRACE_PROOF_OWNER_WORD) != 0;
	incident->record_names_lock = (trace->proof & TRACE_PROOF_RECORD) != 0;
	incident->private_mapping = (trace->proof & TRACE_PROOF_PRIVATE_MAPPING) != 0;
	incident->only_thread = (trace->proof & TRACE_PROOF_ONLY_THREAD) != 0;
	incident->at_standstill = (trace->proof & TRACE_PROOF_STANDSTILL) != 0;
	incident->at_meeting = (trace->proof & TRACE_PROOF_MEETING) != 0;
	incident->until_asked = (trace->proof & TRACE_PROOF_UNTIL_ASKED) != 0;
	incident->atfork_handlers = trace->atfork_handlers;
	convert_outcome(incident, trace);
	convert_lock(&conversion, incident, &trace->lock);
	convert_people(&conversion, incident, trace);
	if (!incident->victim.exe)
		incident->victim.exe = model->current_image->exe;
	return conversion.failed ? -ENOMEM : 0;
}

static int add_notice(void *context, const struct trace_notice *trace, const char *path)
{
	struct model *model = context;
	struct notice *notice = model_add_notice(model);

	if (!notice)
		return -ENOMEM;
	notice->kind = trace_terms_notice_kind(trace->kind);
	notice->pid = trace->record.pid;
	notice->error = trace->error;
	if (!path[0])
		return 0;
	notice->path = pool_string(&model->pool, path, TRACE_RECORD_SIZE_MAX);
	return notice->path ? 0 : -ENOMEM;
}

static int add_atfork(void *context, const struct trace_atfork *trace, const struct trace_tables *tables)
{
	struct model *model = context;
	struct atfork_registration *registration;
	struct conversion conversion;
	struct raw_stack handlers;

	if (!model->current_image)
		return 0;
	registration = model_add_atfork(model);
	if (!registration)
		return -ENOMEM;
	begin_conversion(&conversion, model, tables);
	registration->image = model->current_image;
	registration->pid = trace->record.pid;
	registration->prepare = (trace->handler_mask & 1) != 0;
	registration->parent = (trace->handler_mask & 2) != 0;
	registration->child = (trace->handler_mask & 4) != 0;
	registration->longest_ns = UINT64_C(1000) * (trace->longest & TRACE_ATFORK_TIME_MASK);
	registration->longest_of = trace->longest >> TRACE_ATFORK_PHASE_SHIFT;
	handlers = convert_stack(&conversion, &trace->handlers);
	for (size_t i = 0; i < handlers.count; i++)
		registration->handlers[i] = handlers.frames[i];
	registration->registered_at = convert_stack(&conversion, &trace->registered_at);
	return conversion.failed ? -ENOMEM : 0;
}

/* A mutex is wanted until it is let go; what else is wanted is what the thread is in a call for. */
static enum thread_doing doing(const struct trace_vanished *trace)
{
	switch (trace->thread.state) {
	case TRACE_HOLD_HELD:
		return trace->lock_kind == TRACE_LOCK_LIBC ? DOING_CALLS : DOING_HOLDS;
	case TRACE_HOLD_WANT:
		return trace->lock_kind == TRACE_LOCK_MUTEX ? DOING_UNKNOWN : DOING_CALLS;
	case TRACE_HOLD_WAITING:
		return DOING_CALLS;
	default:
		return DOING_UNKNOWN;
	}
}

static int add_vanished(void *context, const struct trace_vanished *trace, const struct trace_tables *tables)
{
	struct model *model = context;
	struct vanished_thread *vanished;
	struct conversion conversion;

	if (!model->current_image)
		return 0;
	vanished = model_add_vanished(model);
	if (!vanished)
		return -ENOMEM;
	begin_conversion(&conversion, model, tables);
	vanished->thread = convert_thread(&conversion, &trace->thread);
	vanished->doing = doing(trace);
	vanished->pid = trace->record.pid;
	vanished->tid = trace->record.tid;
	vanished->time_ns = trace->record.time_ns;
	return conversion.failed ? -ENOMEM : 0;
}

static int add_handover(void *context, const struct trace_handover *trace, const struct trace_tables *tables)
{
	struct model *model = context;
	struct handover *handover;
	struct conversion conversion;

	if (!model->current_image)
		return 0;
	handover = model_add_handover(model);
	if (!handover)
		return -ENOMEM;
	begin_conversion(&conversion, model, tables);
	handover->by = trace->tid;
	handover->call = trace_terms_call_name(trace->call);
	handover->waiting_threads = trace->waiting_threads;
	handover->count = trace->count;
	handover->address = trace->lock_address;
	handover->kind = trace_terms_lock_kind(trace->lock_kind);
	if (trace->lock_module != TRACE_MODULE_UNKNOWN) {
		handover->module = conversion.modules[trace->lock_module];
		handover->module_offset = trace->lock_address - tables->modules[trace->lock_module].bias;
	}
	handover->stack = convert_stack(&conversion, &trace->stack);
	handover->pid = trace->record.pid;
	handover->tid = trace->record.tid;
	handover->time_ns = trace->incident_time_ns;
	return conversion.failed ? -ENOMEM : 0;
}

const struct trace_reader_sink model_trace_sink = {
    .run = add_run,
    .image = add_image,
    .incident = add_incident,
    .notice = add_notice,
    .atfork = add_atfork,
    .vanished = add_vanished,
    .handover = add_handover,
};
