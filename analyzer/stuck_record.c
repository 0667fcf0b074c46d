#include "stuck_record.h"

#include <stdlib.h>
#include <string.h>

#include "trace_append.h"

enum {
	FRAMES_MAX = 2 * TRACE_STACK_FRAMES_MAX,
	STRINGS_MAX = 16384,
};

/* The tables that follow the fixed part of a record. */
struct tables {
	struct trace_frame frames[FRAMES_MAX];
	struct trace_module modules[TRACE_MODULES_MAX];
	char strings[STRINGS_MAX];
	uint32_t frame_count, module_count, strings_size_bytes;
};

struct draft {
	struct trace_incident incident;
	char room[sizeof(struct tables) + 64];
};
static_assert(sizeof(struct draft) <= TRACE_RECORD_SIZE_MAX, "a record of this size is read");

static uint32_t add_string(struct tables *tables, const char *text)
{
	size_t size = strlen(text) + 1;

	if (!tables->strings_size_bytes)
		tables->strings_size_bytes = 1; /* offset 0 is the empty string */
	if (size > STRINGS_MAX - tables->strings_size_bytes)
		return 0;
	uint32_t offset = tables->strings_size_bytes;
	memcpy(tables->strings + offset, text, size);
	tables->strings_size_bytes += (uint32_t)size;
	return offset;
}

static uint32_t add_module(struct tables *tables, const struct stack_frame *frame)
{
	if (!frame->has_module)
		return TRACE_MODULE_UNKNOWN;
	for (uint32_t i = 0; i < tables->module_count; i++)
		if (tables->modules[i].start == frame->module_start)
			return i;
	if (tables->module_count == TRACE_MODULES_MAX)
		return TRACE_MODULE_UNKNOWN;
	struct trace_module *module = &tables->modules[tables->module_count];
	*module = (struct trace_module){
	    .start = frame->module_start,
	    .end = frame->module_end,
	    .bias = frame->module_bias,
	    .build_id_size_bytes = frame->build_id_size_bytes,
	    .path = add_string(tables, frame->module_path),
	};
	memcpy(module->build_id, frame->build_id, sizeof(module->build_id));
	return tables->module_count++;
}

static void mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * 0x100000001b3u;
}

static struct trace_stack add_stack(struct tables *tables, const struct stack_frame *frames, size_t count,
                                    unsigned flags, uint64_t *hash)
{
	struct trace_stack stack = {.first = tables->frame_count, .flags = (uint16_t)flags};

	for (size_t i = 0; i < count && tables->frame_count < FRAMES_MAX; i++) {
		tables->frames[tables->frame_count++] = (struct trace_frame){
		    .pc = frames[i].pc,
		    .module = add_module(tables, &frames[i]),
		    .flags = frames[i].is_exact ? TRACE_FRAME_EXACT_PC : 0,
		};
		mix(hash, frames[i].pc);
		stack.count++;
	}
	mix(hash, stack.count);
	return stack;
}

static void describe_lock(const struct stuck_process *process, struct stack_reader *reader,
                          const struct stuck_judgement *judgement, struct tables *tables,
                          struct trace_lock *ret_lock)
{
	const struct stuck_thread *thread = &process->threads[judgement->thread];
	struct stack_frame place;

	*ret_lock = (struct trace_lock){
	    .address = thread->wait.address,
	    .kind = judgement->kind,
	    .owner_tid = judgement->owner_tid,
	    .module = TRACE_MODULE_UNKNOWN,
	};
	if (thread->has_object)
		memcpy(&ret_lock->word, thread->object + STUCK_OBJECT_SIZE_BYTES / 2, sizeof(ret_lock->word));
	const struct proc_map *map = stuck_judge_module_data(&process->maps, thread->wait.address);
	if (!map)
		return;
	/* .bss has no file behind it: the module's own part in front of it does. */
	stack_reader_describe(reader, map->start, true, &place);
	ret_lock->module = add_module(tables, &place);
	if (ret_lock->module != TRACE_MODULE_UNKNOWN &&
	    tables->modules[ret_lock->module].end <= thread->wait.address)
		tables->modules[ret_lock->module].end = thread->wait.address + sizeof(ret_lock->word);
}

static void describe_fork(const struct stuck_process *process, struct stack_reader *reader,
                          struct tables *tables, uint64_t *hash, struct trace_fork *ret_fork)
{
	const struct library_fork *fork = &process->library.fork;
	struct stack_frame *frames = calloc(TRACE_STACK_FRAMES_MAX, sizeof(*frames));

	*ret_fork = (struct trace_fork){
	    .pid = fork->pid ? fork->pid : process->ppid,
	    .tid = fork->tid,
	    .call = fork->call,
	    .vanished_threads = process->library.vanished_threads,
	    .time_ns = fork->time_ns,
	};
	for (uint32_t i = 0; frames && i < fork->frame_count; i++)
		stack_reader_describe(reader, fork->pc[i], fork->exact_mask >> i & 1, &frames[i]);
	if (frames)
		ret_fork->stack = add_stack(tables, frames, fork->frame_count, fork->stack_flags, hash);
	free(frames);
}

static uint32_t place(struct draft *draft, uint32_t *offset, const void *from, size_t size_bytes)
{
	uint32_t at = (*offset + 7) & ~7u;

	memcpy((char *)draft + at, from, size_bytes);
	*offset = at + (uint32_t)size_bytes;
	return at;
}

static void place_tables(struct draft *draft, const struct tables *tables)
{
	struct trace_incident *incident = &draft->incident;
	uint32_t offset = sizeof(*incident);

	incident->frame_count = tables->frame_count;
	incident->module_count = tables->module_count;
	incident->strings_size_bytes = tables->strings_size_bytes;
	incident->frames_offset =
	    place(draft, &offset, tables->frames, tables->frame_count * sizeof(*tables->frames));
	incident->modules_offset =
	    place(draft, &offset, tables->modules, tables->module_count * sizeof(*tables->modules));
	incident->strings_offset = place(draft, &offset, tables->strings, tables->strings_size_bytes);
	incident->record.size_bytes = offset;
}

static void fill(const struct stuck_process *process, struct stack_reader *reader,
                 const struct stuck_judgement *judgement, const struct stuck_stack *stack,
                 struct tables *tables, struct draft *ret_draft)
{
	const struct stuck_thread *thread = &process->threads[judgement->thread];
	struct trace_incident *incident = &ret_draft->incident;
	uint64_t hash = 0xcbf29ce484222325u;

	add_string(tables, "");
	mix(&hash, judgement->observed);
	incident->record.pid = process->pid;
	incident->record.tid = thread->tid;
	incident->record.time_ns = process->since_ns;
	incident->observed = judgement->observed;
	incident->proof = judgement->proof;
	incident->stack_count = 5;
	describe_lock(process, reader, judgement, tables, &incident->lock);
	incident->holder.tid = judgement->owner_tid;
	incident->holder.start_module = TRACE_MODULE_UNKNOWN;
	describe_fork(process, reader, tables, &hash, &incident->fork);
	incident->victim.ppid = process->ppid;
	incident->victim.live_threads = (uint32_t)process->thread_count;
	incident->victim.exe = process->exe ? add_string(tables, process->exe) : 0;
	memcpy(incident->victim.name, thread->name, sizeof(incident->victim.name));
	incident->victim.stack = add_stack(tables, stack->frames, stack->count, stack->flags, &hash);
	incident->fault_hash = hash;
	place_tables(ret_draft, tables);
}

static bool walk_all(const struct stuck_process *process, struct stack_reader *reader,
                     struct stuck_stack *stacks)
{
	for (size_t i = 0; i < process->thread_count; i++) {
		stacks[i].frames = calloc(TRACE_STACK_FRAMES_MAX, sizeof(*stacks[i].frames));
		if (!stacks[i].frames)
			return false;
		stacks[i].count = stack_reader_walk(reader, &process->threads[i].source, stacks[i].frames,
		                                    TRACE_STACK_FRAMES_MAX, &stacks[i].flags);
	}
	return true;
}

static bool write_down(const struct stuck_process *process, struct stack_reader *reader,
                       const struct stuck_judgement *judgement, const struct stuck_stack *stack,
                       int folder_fd)
{
	struct draft *draft = calloc(1, sizeof(*draft));
	struct tables *tables = calloc(1, sizeof(*tables));
	uint64_t run_id = trace_append_run_id(folder_fd);
	bool done = false;

	if (draft && tables && run_id) {
		fill(process, reader, judgement, stack, tables, draft);
		done = trace_append_incident(folder_fd, process->image_name, run_id, &draft->incident);
	}
	free(draft);
	free(tables);
	return done;
}

enum stuck_verdict stuck_record_write(const struct stuck_process *process, int folder_fd)
{
	struct stack_reader *reader =
	    process->image_name ? stack_reader_new(process->pid, &process->maps) : NULL;
	struct stuck_stack *stacks = calloc(process->thread_count, sizeof(*stacks));
	struct stuck_judgement judgement = {.verdict = STUCK_UNCLEAR};

	if (reader && stacks && walk_all(process, reader, stacks))
		judgement = stuck_judge(process, stacks);
	if (judgement.verdict != STUCK_UNCLEAR &&
	    !write_down(process, reader, &judgement, &stacks[judgement.thread], folder_fd))
		judgement.verdict = STUCK_UNCLEAR;
	for (size_t i = 0; stacks && i < process->thread_count; i++)
		free(stacks[i].frames);
	free(stacks);
	stack_reader_free(reader);
	return judgement.verdict;
}
