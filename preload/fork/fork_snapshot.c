/* Rules of this file: everything here may run in a forked child or in a signal handler.
 * 1. No libc function but memcpy; system calls by raw_syscall.h; memory from the arena.
 * 2. No lock: in the child nobody could release it. */
#include "fork_snapshot.h"

#include <signal.h>

#include "arena.h"
#include "lock_word.h"
#include "luck_check.h"
#include "luck_shared.h"
#include "module_map.h"
#include "raw_syscall.h"
#include "real.h"
#include "trace_writer.h"

struct process_state process;
__thread bool fork_snapshot_handlers_over __attribute__((tls_model("initial-exec")));

static _Atomic uint32_t mode_before_init = PROCESS_FRESH;
_Atomic uint32_t *process_mode_word = &mode_before_init;

struct preserved_stack {
	const struct thread_record *record;
	uint32_t index;
	struct kept_stack stack;
	struct preserved_stack *next;
};
static struct preserved_stack *preserved;
static uint32_t preserved_generation;

bool fork_snapshot_init(void)
{
	_Atomic uint32_t *word = thread_record_make_wiped_word();
	if (!word)
		return false;
	process.pid = (int32_t)raw_syscall0(SYS_getpid);
	process_mode_word = word;
	return true;
}

void fork_snapshot_prefork(struct thread_record *record, unsigned call, const struct call_registers *regs)
{
	real_resolve_for_children();
	fork_snapshot_open_trace(record);
	trace_writer_add(&trace_writer_run()->lost_held, thread_record_take_lost());
	if (!record || record->fork_noted)
		return;
	if (!record->note)
		record->note = arena_alloc(sizeof *record->note);
	struct fork_note *note = record->note;
	if (!note)
		return;
	unsigned flags = 0;
	note->vanished_threads = 0;
	note->pid = process.pid;
	note->tid = record->tid;
	note->call = call;
	note->time_ns = trace_writer_now_ns();
	note->stack.count = call_stack_walk(regs, &record->bounds, note->stack.pc, TRACE_STACK_FRAMES_MAX,
	                                    &flags, &note->stack.exact);
	note->stack.flags = flags;
	record->fork_noted = true;
	/* What the handlers lock goes the watched way. */
	if (process_is_plain())
		thread_record_open_gate(record, false);
}

void fork_snapshot_open_trace(const struct thread_record *record)
{
	bool holds = record && atomic_load(&record->held_count) > 0;
	if (atomic_load(&process.live_threads) > 1 || holds || process_is_child() ||
	    thread_record_any_abandoned())
		trace_writer_open_image();
}

void fork_snapshot_count(struct thread_record *record)
{
	if (!record || !record->fork_noted)
		return;
	trace_writer_count_fork(1);
	record->fork_counted = true;
}

static void end_fork(struct thread_record *record)
{
	record->fork_noted = false;
	record->fork_counted = false;
	record->fork_runs_handlers = false;
}

void fork_snapshot_postfork_parent(struct thread_record *record, bool failed)
{
	if (!record || !record->fork_noted)
		return;
	if (failed && record->fork_counted)
		trace_writer_count_fork(-1);
	end_fork(record);
	if (process_is_plain())
		thread_record_open_gate(record, true);
}

/* The note goes over to the process: the thread's own is used again at its next fork. */
static void keep_note(struct thread_record *record, uint32_t generation, uint32_t vanished_threads)
{
	struct fork_note **slot = &process.notes[generation % FORK_GENERATIONS_KEPT];
	struct fork_note *old = *slot;
	*slot = NULL;
	if (!record || !record->fork_noted)
		return;
	*slot = record->note;
	(*slot)->vanished_threads = vanished_threads;
	record->note = old;
	end_fork(record);
}

/* The thread that forked. Where another one is the first to call in, the fork's own mark tells. */
static struct thread_record *find_forking_thread(void)
{
	struct thread_record *thread = thread_record_self;
	if (thread)
		return thread;
	thread = thread_record_first();
	while (thread && !(thread->fork_counted && fork_snapshot_is_alive(thread)))
		thread = thread->next;
	return thread;
}

bool fork_snapshot_is_own_process(void)
{
	return trace_writer_is_sealed() || (int32_t)raw_syscall0(SYS_getpid) == process.pid;
}

int32_t fork_snapshot_owner_tid(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	real.pthread_mutex_lock(&mutex);
	int32_t owner_tid = lock_word_of_mutex(&mutex).owner_tid;
	real.pthread_mutex_unlock(&mutex);
	return owner_tid;
}

/* What the forking thread holds it holds under the id that it had in the parent. */
static void mark_inherited(struct thread_record *self)
{
	for (uint32_t i = 0; i < atomic_load(&self->held_count) && self->owner_tid != self->former_tid; i++) {
		if (!self->held[i].former_tid)
			self->held[i].former_tid = self->former_tid;
	}
}

/* In a sandbox no call is made that the program did not ask for. */
static int32_t find_pid(int32_t owner_tid)
{
	return trace_writer_is_sealed() ? owner_tid : (int32_t)raw_syscall0(SYS_getpid);
}

/* libc gives the thread that forked its new id, which is that of the process, too; a fork past libc leaves it
 * the old one. An id that is neither the forking thread's nor this process's is that of a process in between,
 * which forked past libc, and never called in: the mark on the thread stands for that one. */
static bool is_counted(const struct thread_record *self, int32_t owner_tid)
{
	return self && self->fork_counted &&
	       (self != thread_record_self || owner_tid == self->owner_tid || owner_tid == process.pid);
}

void fork_snapshot_postfork_child(void)
{
	uint32_t fresh = PROCESS_FRESH;
	/* A signal handler may call in while this is under way: it passes unexamined. */
	if (!process.initialised ||
	    !atomic_compare_exchange_strong(process_mode_word, &fresh, PROCESS_ENTERING))
		return;
	struct thread_record *self = find_forking_thread();
	uint32_t live = atomic_load(&process.live_threads);
	/* A thread past its end that forks is not counted any more. */
	uint32_t vanished = live - (self && live > 0);
	int32_t owner_tid = fork_snapshot_owner_tid();
	process.pid = find_pid(owner_tid);
	process.in_handlers = self && self->fork_runs_handlers && !fork_snapshot_handlers_over ? self : NULL;
	fork_snapshot_handlers_over = false;
	if (!is_counted(self, owner_tid))
		trace_writer_count_fork(1);
	keep_note(self, process.generation, vanished);
	luck_check_enter();
	luck_shared_enter(self);
	process.generation++;
	process.other_threads_at_fork += vanished;
	atomic_store(&process.live_threads, self != NULL);
	atomic_store(&process.shares_memory, false);
	atomic_store(&process.rings_ns, TRACE_RINGS_NOT_KNOWN);
	if (self) {
		self->generation = process.generation;
		self->former_tid = self->owner_tid;
		self->tid = process.pid;
		self->owner_tid = self == thread_record_self ? owner_tid : process.pid;
		mark_inherited(self);
	}
	module_map_child();
	trace_writer_child(process.pid);
	bool holds = self && atomic_load(&self->held_count) > 0;
	bool matters = process.other_threads_at_fork > 0 || holds || thread_record_any_abandoned();
	if (self)
		thread_record_open_gate(self, !matters);
	atomic_store(process_mode_word, matters ? PROCESS_CHILD : PROCESS_PLAIN);
}

const struct fork_note *fork_snapshot_note_of(const struct thread_record *vanished)
{
	if (process.generation - vanished->generation > FORK_GENERATIONS_KEPT)
		return NULL;
	return process.notes[vanished->generation % FORK_GENERATIONS_KEPT];
}

const struct fork_note *fork_snapshot_last_note(void)
{
	return process.generation ? process.notes[(process.generation - 1) % FORK_GENERATIONS_KEPT] : NULL;
}

const struct fork_note *fork_snapshot_note_by(int32_t tid)
{
	for (unsigned i = 0; i < FORK_GENERATIONS_KEPT; i++) {
		const struct fork_note *note = process.notes[i];
		if (note && note->tid == tid)
			return note;
	}
	return NULL;
}

struct thread_record *fork_snapshot_find_alive(int32_t owner_tid)
{
	struct thread_record *thread = thread_record_first();
	while (thread && !(fork_snapshot_is_alive(thread) && thread->owner_tid == owner_tid))
		thread = thread->next;
	return thread;
}

/* The program may have unmapped the vanished thread's stack since: the mapping that is there now bounds the
 * walk. */
static struct stack_bounds bounds_now(const struct thread_record *vanished, const struct call_site *site)
{
	struct stack_bounds bounds = vanished->bounds;
	uint64_t low, high;
	if (trace_writer_is_sealed() || !site->outer_slot)
		return bounds;
	if (!call_stack_find_bounds(site->outer_slot, &low, &high))
		return (struct stack_bounds){0};
	bounds = (struct stack_bounds){
	    .low = bounds.low > low ? bounds.low : low,
	    .high = bounds.high && bounds.high < high ? bounds.high : high,
	};
	if (site->outer_slot < bounds.low || site->outer_slot >= bounds.high)
		bounds = (struct stack_bounds){.low = low, .high = high}; /* it was on another stack */
	return bounds;
}

static void walk(struct thread_record *vanished, uint32_t index, struct kept_stack *ret_stack)
{
	unsigned flags = 0;
	struct call_site site;
	thread_record_site(&vanished->held[index], &site);
	struct stack_bounds bounds = bounds_now(vanished, &site);
	ret_stack->count = call_stack_finish(&site, &bounds, ret_stack->pc, TRACE_STACK_FRAMES_MAX, &flags,
	                                     &ret_stack->exact);
	ret_stack->flags = flags;
}

static void preserve(struct thread_record *record)
{
	/* The entry one above the count may be a lock that was just being let go. */
	for (uint32_t i = 0; i <= atomic_load(&record->held_count) && i < record->held_capacity; i++) {
		if (atomic_load(&record->held[i].state) == TRACE_HOLD_NONE)
			continue;
		struct preserved_stack *kept = arena_alloc(sizeof *kept);
		if (!kept)
			return;
		kept->record = record;
		kept->index = i;
		walk(record, i, &kept->stack);
		kept->next = preserved;
		preserved = kept;
	}
}

void fork_snapshot_preserve_stacks(void)
{
	if (preserved_generation == process.generation)
		return;
	for (struct thread_record *record = thread_record_first(); record; record = record->next) {
		/* Threads of earlier generations were preserved when those made threads, or are walked as
		 * before. */
		if (fork_snapshot_is_vanished(record) && record->generation >= preserved_generation)
			preserve(record);
	}
	preserved_generation = process.generation;
}

void fork_snapshot_stack_of(struct thread_record *vanished, uint32_t index, struct kept_stack *ret_stack)
{
	for (const struct preserved_stack *kept = preserved; kept; kept = kept->next) {
		if (kept->record == vanished && kept->index == index) {
			*ret_stack = kept->stack;
			return;
		}
	}
	walk(vanished, index, ret_stack);
}
