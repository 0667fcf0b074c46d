/* Where a look from outside finds this library's state. Nothing here runs. */
#include "fork_snapshot.h"
#include "thread_record.h"
#include "trace_format.h"

/* Const with addresses in it: the loader relocates it and makes it read-only; `used` keeps it although
 * nobody refers to it. */
static const struct {
	char magic[sizeof TRACE_DESCRIPTOR_MAGIC];
	uint32_t version, size_bytes;
	const void *mode_word, *process;
	uint32_t process_pid, process_generation, process_live_threads, process_vanished_threads,
	    process_notes;
	uint32_t notes_kept;
	uint32_t note_pid, note_tid, note_call, note_time_ns;
	uint32_t note_pcs, note_exact_mask, note_count, note_flags;
	const void *threads;
	uint32_t thread_next, thread_note, thread_fork_counted, thread_stack;
} descriptor __attribute__((used)) = {
    .magic = TRACE_DESCRIPTOR_MAGIC,
    .version = TRACE_DESCRIPTOR_VERSION,
    .size_bytes = sizeof(struct trace_descriptor),
    .mode_word = &process_mode_word,
    .process = &process,
    .process_pid = offsetof(struct process_state, pid),
    .process_generation = offsetof(struct process_state, generation),
    .process_live_threads = offsetof(struct process_state, live_threads),
    .process_vanished_threads = offsetof(struct process_state, other_threads_at_fork),
    .process_notes = offsetof(struct process_state, notes),
    .notes_kept = FORK_GENERATIONS_KEPT,
    .note_pid = offsetof(struct fork_note, pid),
    .note_tid = offsetof(struct fork_note, tid),
    .note_call = offsetof(struct fork_note, call),
    .note_time_ns = offsetof(struct fork_note, time_ns),
    .note_pcs = offsetof(struct fork_note, stack.pc),
    .note_exact_mask = offsetof(struct fork_note, stack.exact),
    .note_count = offsetof(struct fork_note, stack.count),
    .note_flags = offsetof(struct fork_note, stack.flags),
    .threads = &thread_record_all,
    .thread_next = offsetof(struct thread_record, next),
    .thread_note = offsetof(struct thread_record, note),
    .thread_fork_counted = offsetof(struct thread_record, fork_counted),
    .thread_stack = offsetof(struct thread_record, bounds),
};
static_assert(sizeof descriptor == sizeof(struct trace_descriptor), "as the format has it");
static_assert(offsetof(struct stack_bounds, low) == 0 && offsetof(struct stack_bounds, high) == 8, "as told");
static_assert(sizeof(void *) == 8, "addresses are 64 bits wide");
