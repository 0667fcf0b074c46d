#include "stuck_record.h"

#include <stdlib.h>
#include <string.h>

#include "stuck_holder.h"
#include "stuck_tables.h"
#include "trace_append.h"

enum { VANISHED_TOLD_MAX = 8 };

/* A record that is being made. */
struct draft {
	union {
		struct trace_record record;
		struct trace_incident incident;
		struct trace_vanished vanished;
		struct trace_handover handover;
	};
	char room[sizeof(struct stuck_tables) + 64];
};
static_assert(sizeof(struct draft) <= TRACE_RECORD_SIZE_MAX, "a record of this size is read");

/* All that the records of one stuck process are made from. */
struct telling {
	const struct stuck_process *process;
	struct stack_reader *reader;
	const struct stuck_judgement *judgement;
	const struct stuck_stack *stack;
	struct stuck_holder holder;
	struct stuck_tables *tables;
	struct draft *draft;
};

/* Of a variable. .bss has no file behind it: the module's own part in front of it does. */
static uint32_t add_module_of(const struct telling *telling, uint64_t address)
{
	const struct proc_map *map = stuck_object_module_data(&telling->process->maps, address);
	struct stuck_tables *tables = telling->tables;
	struct stack_frame place;

	if (!map)
		return TRACE_MODULE_UNKNOWN;
	stack_reader_describe(telling->reader, map->start, true, &place);
	uint32_t module = stuck_tables_add_module(tables, &place);
	if (module != TRACE_MODULE_UNKNOWN && tables->modules[module].end <= address)
		tables->modules[module].end = address + sizeof(uint32_t);
	return module;
}

static struct trace_lock describe_lock(const struct telling *telling)
{
	const struct stuck_process *process = telling->process;
	const struct stuck_object *object = telling->judgement->object;
	struct trace_lock lock = {
	    .address = telling->judgement->lock_address,
	    .kind = telling->judgement->kind,
	    .owner_tid = telling->judgement->owner_tid,
	};

	if (!object)
		object = &process->threads[telling->judgement->thread].object;
	if (object->is_known)
		memcpy(&lock.word, object->bytes + STUCK_OBJECT_MIDDLE, sizeof(lock.word));
	lock.module = add_module_of(telling, lock.address);
	return lock;
}

static struct trace_fork describe_fork(const struct telling *telling)
{
	const struct stuck_process *process = telling->process;
	const struct library_fork *fork = &process->library.fork;
	struct trace_fork described = {
	    .pid = process->forking_pid,
	    .tid = process->forking_tid,
	    .call = fork->call,
	    .vanished_threads = process->vanished_threads,
	    .time_ns = fork->time_ns,
	};

	described.stack = stuck_tables_add_addresses(telling->tables, telling->reader, fork->pc,
	                                             fork->frame_count, fork->exact_mask, fork->stack_flags);
	return described;
}

static uint32_t hold_state(const struct telling *telling, const struct library_hold *hold)
{
	bool is_owner = hold->state == TRACE_HOLD_WANT && hold->kind == TRACE_LOCK_MUTEX &&
	                hold->lock == telling->judgement->lock_address && telling->judgement->owner_tid;

	return is_owner ? TRACE_HOLD_HELD : hold->state;
}

static struct trace_holder describe_thread(const struct telling *telling, const struct stuck_holder *holder)
{
	struct trace_holder described = {.start_module = TRACE_MODULE_UNKNOWN};
	struct stack_frame place;

	if (!holder->thread)
		return described;
	const struct library_thread *known = &holder->thread->known;
	described.tid = known->owner_tid;
	memcpy(described.name, known->name, sizeof(described.name));
	if (known->start_routine) {
		stack_reader_describe(telling->reader, known->start_routine, true, &place);
		described.start_routine = known->start_routine;
		described.start_module = stuck_tables_add_module(telling->tables, &place);
	}
	described.created_at =
	    stuck_tables_add_addresses(telling->tables, telling->reader, known->created_pc,
	                               known->created_count, known->created_exact, known->created_flags);
	if (holder->hold) {
		described.state = hold_state(telling, holder->hold);
		described.acquire_call = holder->hold->call;
	}
	described.acquired_at =
	    stuck_tables_add_stack(telling->tables, holder->frames, holder->frame_count, holder->flags);
	return described;
}

static struct trace_victim describe_victim(const struct telling *telling)
{
	const struct stuck_process *process = telling->process;
	const struct stuck_thread *thread = &process->threads[telling->judgement->thread];
	struct trace_victim victim = {
	    .ppid = process->ppid,
	    .live_threads = (uint32_t)process->thread_count,
	    .exe = process->exe ? stuck_tables_add_string(telling->tables, process->exe) : 0,
	};

	memcpy(victim.name, thread->name, sizeof(victim.name));
	victim.stack = stuck_tables_add_stack(telling->tables, telling->stack->frames, telling->stack->count,
	                                      telling->stack->flags);
	return victim;
}

static void begin(const struct telling *telling, uint32_t type)
{
	memset(telling->draft, 0, sizeof(*telling->draft));
	stuck_tables_init(telling->tables, telling->judgement->observed);
	telling->draft->record = (struct trace_record){
	    .type = type,
	    .pid = telling->process->pid,
	    .tid = telling->process->threads[telling->judgement->thread].tid,
	    .time_ns = telling->process->since_ns,
	};
}

static void draft_incident(const struct telling *telling)
{
	struct trace_incident *incident = &telling->draft->incident;

	begin(telling, TRACE_RECORD_INCIDENT);
	incident->observed = telling->judgement->observed;
	incident->proof = telling->judgement->proof;
	incident->stack_count = 5;
	incident->atfork_handlers = telling->process->library.atfork_handlers;
	incident->lock = describe_lock(telling);
	incident->holder = describe_thread(telling, &telling->holder);
	if (!incident->holder.tid)
		incident->holder.tid = telling->judgement->owner_tid;
	incident->fork = describe_fork(telling);
	incident->victim = describe_victim(telling);
	incident->fault_hash = telling->tables->hash;
	incident->record.size_bytes =
	    stuck_tables_place(telling->tables, incident, sizeof *incident, &incident->tables);
}

static void draft_vanished(const struct telling *telling, const struct stuck_vanished *thread)
{
	struct trace_vanished *vanished = &telling->draft->vanished;
	const struct library_hold *latest = stuck_vanished_latest(thread);
	struct stuck_holder holder;

	begin(telling, TRACE_RECORD_VANISHED);
	stuck_holder_describe(thread, latest, telling->reader, &holder);
	vanished->thread = describe_thread(telling, &holder);
	stuck_holder_release(&holder);
	if (latest) {
		vanished->lock_address = latest->lock;
		vanished->lock_kind = latest->kind;
	}
	vanished->record.size_bytes =
	    stuck_tables_place(telling->tables, vanished, sizeof *vanished, &vanished->tables);
}

/* Where nobody is known to be the holder: who may have been. Those of whom more is known go first. */
static void tell_vanished(const struct telling *telling, struct trace_append *trace)
{
	const struct stuck_vanished_list *list = &telling->process->vanished;
	unsigned told = 0;

	for (int with_record = 1; with_record >= 0; with_record--)
		for (size_t i = 0; i < list->count && told < VANISHED_TOLD_MAX; i++) {
			if ((stuck_vanished_latest(&list->items[i]) != NULL) != with_record)
				continue;
			draft_vanished(telling, &list->items[i]);
			told += trace_append_record(trace, &telling->draft->record);
		}
}

static void tell_handover(const struct telling *telling, struct trace_append *trace)
{
	const struct library_handover *work = &telling->process->library.handover;
	struct trace_handover *handover = &telling->draft->handover;

	begin(telling, TRACE_RECORD_HANDOVER);
	handover->incident_time_ns = telling->process->since_ns;
	handover->lock_address = work->object;
	handover->lock_kind = work->kind;
	handover->lock_module = add_module_of(telling, work->object);
	handover->call = work->call;
	handover->waiting_threads = work->waiting_count;
	handover->count = work->calls;
	handover->tid = work->tid;
	handover->stack = stuck_tables_add_addresses(telling->tables, telling->reader, work->pc,
	                                             work->frame_count, work->exact_mask, work->stack_flags);
	handover->record.size_bytes =
	    stuck_tables_place(telling->tables, handover, sizeof *handover, &handover->tables);
	trace_append_record(trace, &handover->record);
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

static bool tell(const struct telling *telling, int folder_fd)
{
	const struct stuck_process *process = telling->process;
	const struct trace_append_image image = {process->image_name, process->pid, process->ppid,
	                                         process->exe};
	struct trace_append trace;
	bool is_repeat = false;

	if (!trace_append_open(folder_fd, &image, &trace))
		return false;
	draft_incident(telling);
	bool done = trace_append_incident(&trace, &telling->draft->incident, &is_repeat);
	if (done && !is_repeat && !telling->draft->incident.holder.tid)
		tell_vanished(telling, &trace);
	if (done && !is_repeat && telling->judgement->observed == TRACE_WAITS_FOR_HANDED_WORK)
		tell_handover(telling, &trace);
	trace_append_close(&trace);
	return done;
}

static bool write_down(const struct stuck_process *process, struct stack_reader *reader,
                       const struct stuck_judgement *judgement, const struct stuck_stack *stack,
                       int folder_fd)
{
	struct telling telling = {
	    .process = process,
	    .reader = reader,
	    .judgement = judgement,
	    .stack = stack,
	    .tables = calloc(1, sizeof(*telling.tables)),
	    .draft = calloc(1, sizeof(*telling.draft)),
	};
	bool done = false;

	if (telling.tables && telling.draft) {
		stuck_holder_find(process, reader, judgement, stack, &telling.holder);
		done = tell(&telling, folder_fd);
	}
	stuck_holder_release(&telling.holder);
	free(telling.tables);
	free(telling.draft);
	return done;
}

/* What waits to be asked to end may be asked any moment. */
static bool is_time_to_tell(const struct stuck_process *process, const struct stuck_judgement *judgement)
{
	return judgement->verdict != STUCK_UNTIL_ASKED ||
	       process->seen_ns - process->since_ns >= STUCK_PATIENCE_MS * UINT64_C(1000000);
}

enum stuck_verdict stuck_record_write(const struct stuck_process *process, int folder_fd)
{
	struct stack_reader *reader = stack_reader_new(&process->maps);
	struct stuck_stack *stacks = calloc(process->thread_count, sizeof(*stacks));
	struct stuck_judgement judgement = {.verdict = STUCK_UNCLEAR};

	if (reader && stacks && walk_all(process, reader, stacks))
		judgement = stuck_judge(process, stacks);
	if (folder_fd < 0 && judgement.verdict == STUCK_BY_FORK)
		judgement.verdict = STUCK_ANYHOW;
	if (folder_fd >= 0 && judgement.verdict != STUCK_UNCLEAR && is_time_to_tell(process, &judgement) &&
	    !write_down(process, reader, &judgement, &stacks[judgement.thread], folder_fd))
		judgement.verdict = STUCK_UNCLEAR;
	for (size_t i = 0; stacks && i < process->thread_count; i++)
		free(stacks[i].frames);
	free(stacks);
	stack_reader_free(reader);
	return judgement.verdict;
}
