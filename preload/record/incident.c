#include "incident.h"

#include <errno.h>

#include "handler_timing.h"
#include "hash.h"
#include "init_site.h"
#include "open_wait.h"
#include "raw_syscall.h"
#include "record_work.h"
#include "ring_time.h"
#include "trace_writer.h"

enum {
	BLOCKED_RECORDS_MAX = 64, /* records of one fault: so many stuck processes can be told one by one */
	OTHER_RECORDS_MAX = 1,
};

static struct trace_stack add_stack(struct record_work *work, uint64_t *hash)
{
	for (uint32_t i = 0; i < work->stack.count; i++)
		hash_mix(hash, work->stack.pc[i]);
	hash_mix(hash, work->stack.count);
	if (work->stack.flags & TRACE_STACK_CUT)
		trace_writer_add(&trace_writer_run()->cut_stacks, 1);
	return frame_table_add_stack(&work->table, &work->stack);
}

static struct trace_lock describe_lock(const struct incident *incident, struct record_work *work)
{
	struct trace_lock lock = {
	    .address = (uint64_t)(uintptr_t)incident->lock,
	    .kind = incident->kind,
	    .type = incident->state.type,
	    .flags = incident->state.flags,
	    .word = incident->state.word,
	    .owner_tid = incident->state.owner_tid,
	    .module = TRACE_MODULE_UNKNOWN,
	};
	/* A stand-in for a lock of libc's lies in this library: nobody's business. */
	if (incident->kind == TRACE_LOCK_LIBC)
		return lock;
	lock.module = frame_table_add_module_of(&work->table, (uint64_t)(uintptr_t)incident->lock, true);
	if (init_site_find(incident->lock, &work->stack))
		lock.initialised_at = frame_table_add_stack(&work->table, &work->stack);
	return lock;
}

static void describe_origin(const struct thread_record *thread, struct record_work *work,
                            struct trace_holder *ret_holder)
{
	__builtin_memcpy(ret_holder->name, thread->name, sizeof ret_holder->name);
	ret_holder->start_module = TRACE_MODULE_UNKNOWN;
	if (!thread->start_routine)
		return;
	ret_holder->start_routine = (uint64_t)(uintptr_t)thread->start_routine;
	ret_holder->start_module = frame_table_add_module_of(&work->table, ret_holder->start_routine, false);
	work->stack.count = thread->created_count;
	work->stack.flags = thread->created_flags;
	work->stack.exact = thread->created_exact;
	__builtin_memcpy(work->stack.pc, thread->created_pc, sizeof thread->created_pc);
	ret_holder->created_at = frame_table_add_stack(&work->table, &work->stack);
}

/* A lock that names this thread as its owner is held, unless it was just being let go. */
static uint32_t hold_state(const struct incident *incident, const struct held_entry *entry)
{
	if (thread_record_is_popped(incident->holder, incident->holder_entry))
		return TRACE_HOLD_RELEASING;
	uint32_t state = atomic_load(&entry->state);
	return state == TRACE_HOLD_WANT && incident->state.owner_tid ? TRACE_HOLD_HELD : state;
}

/* Its outer frames are gone, or were never looked for. */
static void keep_past(const struct lock_use *past, struct kept_stack *ret_stack)
{
	uint32_t count = 0;
	while (count < CALL_SITE_FRAMES && past->pc[count])
		count++;
	__builtin_memcpy(ret_stack->pc, past->pc, sizeof past->pc);
	ret_stack->count = count;
	ret_stack->exact = 0;
	ret_stack->flags = count == CALL_SITE_FRAMES ? TRACE_STACK_TRUNCATED : 0;
}

static void add_handler(uint64_t handler, struct kept_stack *stack)
{
	if (!handler || !stack->count || stack->count == TRACE_STACK_FRAMES_MAX)
		return;
	__builtin_memmove(stack->pc + 1, stack->pc, stack->count * sizeof *stack->pc);
	stack->pc[0] = handler;
	stack->exact = stack->exact << 1 | 1;
	stack->count++;
}

static struct trace_holder describe_holder(const struct incident *incident, struct record_work *work,
                                           uint64_t *hash)
{
	struct trace_holder holder = {
	    .tid = incident->holder_tid,
	    .start_module = TRACE_MODULE_UNKNOWN,
	    .acquire_call = incident->holder_call,
	};
	struct thread_record *thread = incident->holder;
	if (!thread)
		return holder;
	describe_origin(thread, work, &holder);
	if (incident->past) {
		holder.acquire_call = incident->past->call;
		keep_past(incident->past, &work->stack);
		holder.acquired_at = add_stack(work, hash);
	}
	if (incident->holder_entry == UINT32_MAX)
		return holder;
	const struct held_entry *entry = &thread->held[incident->holder_entry];
	holder.state = hold_state(incident, entry);
	holder.acquire_call = entry->call;
	if (thread == incident->victim) {
		unsigned flags = 0;
		struct call_site site;
		thread_record_site(entry, &site);
		work->stack.count = call_stack_finish(&site, &thread->bounds, work->stack.pc,
		                                      TRACE_STACK_FRAMES_MAX, &flags, &work->stack.exact);
		work->stack.flags = flags;
		add_handler(handler_timing_taker(entry->lock, work->stack.pc[0]), &work->stack);
	} else {
		fork_snapshot_stack_of(thread, incident->holder_entry, &work->stack);
	}
	holder.acquired_at = add_stack(work, hash);
	return holder;
}

static struct trace_fork describe_fork(const struct incident *incident, struct record_work *work,
                                       uint64_t *hash)
{
	const struct fork_note *note = incident->fork;
	if (!note)
		return (struct trace_fork){0};
	struct trace_fork described = {
	    .pid = note->pid,
	    .tid = note->tid,
	    .call = note->call,
	    .vanished_threads = note->vanished_threads,
	    .time_ns = note->time_ns,
	};
	work->stack = note->stack;
	described.stack = add_stack(work, hash);
	return described;
}

static struct trace_victim describe_victim(const struct incident *incident, struct record_work *work,
                                           uint64_t *hash)
{
	const struct trace_image *image = trace_writer_image();
	struct trace_victim victim = {
	    .ppid = trace_writer_is_sealed() ? 0 : (int32_t)raw_syscall0(SYS_getppid),
	    .call = incident->call,
	    .live_threads = atomic_load(&process.live_threads),
	    .exe = image ? frame_table_add_string(&work->table, image->exe) : 0,
	};
	__builtin_memcpy(victim.name, incident->victim->name, sizeof victim.name);
	unsigned flags = 0;
	work->stack.count = call_stack_walk(&incident->regs, &incident->victim->bounds, work->stack.pc,
	                                    TRACE_STACK_FRAMES_MAX, &flags, &work->stack.exact);
	work->stack.flags = flags;
	if (fork_snapshot_in_handlers(incident->victim))
		add_handler(handler_timing_running(work->stack.pc[0]), &work->stack);
	victim.stack = add_stack(work, hash);
	return victim;
}

static uint32_t describe(const struct incident *incident, struct record_work *work)
{
	uint64_t hash = HASH_START;
	hash_mix(&hash, incident->observed);
	frame_table_init(&work->table);
	struct trace_incident *record = &work->record.incident;
	*record = (struct trace_incident){
	    .observed = incident->observed,
	    .proof = incident->proof,
	    .stack_count = 5,
	    .atfork_handlers = process.atfork_handlers,
	};
	record->lock = describe_lock(incident, work);
	record->holder = describe_holder(incident, work, &hash);
	record->fork = describe_fork(incident, work, &hash);
	record->victim = describe_victim(incident, work, &hash);
	record->fault_hash = incident->fault_hash ? incident->fault_hash : hash;
	return frame_table_place(&work->table, record, sizeof *record, &record->tables);
}

static bool is_blocking(enum trace_observed observed)
{
	switch (observed) {
	case TRACE_BLOCKS_ON_VANISHED:
	case TRACE_BLOCKS_ON_PARENT_OWNER:
	case TRACE_BLOCKS_ON_SELF:
	case TRACE_BLOCKS_ON_ENDED_THREAD:
	case TRACE_BLOCKS_IN_CYCLE:
	case TRACE_BLOCKS_IN_ATFORK_HANDLER:
	case TRACE_WAITS_IN_ATFORK_HANDLER:
	case TRACE_WAITS_FOR_VANISHED:
	case TRACE_WAITS_FOR_HANDED_WORK:
	case TRACE_SPINS_ON_VANISHED:
	case TRACE_ABORTS_ON_VANISHED:
	case TRACE_STATIC_INIT_LEFT_OPEN:
	case TRACE_ENTERS_LIBC_LEFT_LOCKED:
		return true;
	default:
		return false;
	}
}

/* The record to count a repeat in, once the fault has as many records of its own as it may have. */
static struct trace_incident *find_full(const struct incident *incident, uint64_t fault_hash)
{
	unsigned limit = is_blocking(incident->observed) ? BLOCKED_RECORDS_MAX : OTHER_RECORDS_MAX;
	uint64_t position = 0;
	struct trace_incident *first = trace_writer_find(fault_hash, &position);
	unsigned count = first ? 1 : 0;
	while (first && count < limit && trace_writer_find(fault_hash, &position))
		count++;
	return count >= limit ? first : NULL;
}

static struct incident_handle count_repeat(struct trace_incident *first)
{
	trace_writer_add(&first->repeats, 1);
	return (struct incident_handle){.record = first, .is_repeat = true};
}

static bool is_only_a_suspicion(enum trace_observed observed)
{
	return observed == TRACE_ENTERS_LIBC_LEFT_LOCKED || observed == TRACE_WAITS_IN_ATFORK_HANDLER;
}

/* What a call that came back left behind says nothing any more where only a hang is a fault. Who finds such a
 * record of the same fault takes it over: so forks may go on for days until one of them hangs.
 */
static struct trace_record *reuse(const struct incident *incident, const struct trace_incident *record,
                                  uint32_t size_bytes)
{
	uint64_t position = 0;
	struct trace_incident *old = NULL;
	while (is_only_a_suspicion(incident->observed) &&
	       (old = trace_writer_find(record->fault_hash, &position))) {
		if (__atomic_load_n(&old->outcome, __ATOMIC_ACQUIRE) != TRACE_OUTCOME_RETURNED ||
		    __atomic_load_n(&old->repeats, __ATOMIC_RELAXED) != 0)
			continue;
		struct trace_record *reused = trace_writer_rewrite(&old->record, &record->record, size_bytes,
		                                                   offsetof(struct trace_incident, observed));
		if (reused)
			return reused;
	}
	return NULL;
}

static struct incident_handle write_or_count(const struct incident *incident)
{
	struct incident_handle handle = {0};
	/* A fork that no wrapper saw left no file for its child to write to. */
	if (!trace_writer_image())
		trace_writer_open_image();
	struct trace_incident *known =
	    incident->fault_hash ? find_full(incident, incident->fault_hash) : NULL;
	if (known)
		return count_repeat(known);
	struct record_work *work = trace_writer_image() ? record_work_take() : NULL;
	if (!work)
		return handle;
	uint32_t size_bytes = describe(incident, work);
	struct trace_incident *record = &work->record.incident;
	struct trace_record *reused = reuse(incident, record, size_bytes);
	struct trace_incident *full = reused ? NULL : find_full(incident, record->fault_hash);
	if (full)
		handle = count_repeat(full);
	else if (reused)
		handle.record = (struct trace_incident *)reused;
	else
		handle.record = (struct trace_incident *)trace_writer_append(
		    TRACE_RECORD_INCIDENT, &record->record, size_bytes,
		    offsetof(struct trace_incident, observed));
	record_work_give(work);
	trace_writer_notify();
	return handle;
}

struct incident_handle incident_write(const struct incident *incident)
{
	bool waits = is_blocking(incident->observed) && incident->observed != TRACE_SPINS_ON_VANISHED;
	/* First: who reads of the wait asks whether a handler will end it. */
	if (waits)
		ring_time_note();
	struct incident_handle handle = write_or_count(incident);
	if (waits)
		open_wait_begin(incident->victim, handle, incident->regs.sp);
	return handle;
}

/* Seen to be without an end, and ended by a signal: nobody let the thread in. */
static bool was_only_interrupted(const struct trace_incident *record, int result)
{
	return result == EINTR &&
	       __atomic_load_n(&record->outcome, __ATOMIC_ACQUIRE) == TRACE_OUTCOME_SEEN_BLOCKED;
}

void incident_returned(struct incident_handle handle, int result)
{
	struct trace_incident *record = handle.record;
	if (!record)
		return;
	open_wait_end(thread_record_self, handle);
	if (handle.is_repeat) {
		trace_writer_add(&record->repeats_returned, 1);
	} else {
		__atomic_store_n(&record->result, result, __ATOMIC_RELAXED);
		__atomic_store_n(&record->left_ns, trace_writer_now_ns(), __ATOMIC_RELAXED);
		if (!was_only_interrupted(record, result))
			__atomic_store_n(&record->outcome, TRACE_OUTCOME_RETURNED, __ATOMIC_RELEASE);
	}
	/* Nobody waits for the others, and a loop of tries would tell of each. */
	if (is_blocking(record->observed))
		trace_writer_notify();
}

void incident_tried(struct incident_handle handle, uint32_t tries)
{
	if (!handle.record || handle.is_repeat)
		return;
	if (handle.record->observed == TRACE_SPINS_ON_VANISHED)
		__atomic_store_n(&handle.record->result, (int32_t)tries, __ATOMIC_RELAXED);
	__atomic_store_n(&handle.record->left_ns, trace_writer_now_ns(), __ATOMIC_RELAXED);
}

void incident_goes_on(struct incident_handle handle)
{
	if (!handle.record)
		return;
	if (handle.is_repeat)
		__atomic_fetch_sub(&handle.record->repeats_returned, 1, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&handle.record->outcome, TRACE_OUTCOME_PENDING, __ATOMIC_RELEASE);
}
