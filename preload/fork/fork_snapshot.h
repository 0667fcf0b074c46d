/* The process as forks change it: which mode the library is in, and what the last forks left behind.
 *
 * The snapshot itself is the child's copy-on-write copy of the thread records: nothing is built at fork.
 * A record whose generation is smaller than the process's belongs to a thread that vanished.
 *
 * One word on a page marked MADV_WIPEONFORK reads FRESH in every child that got a copy of the memory,
 * whatever road it came by; a vfork or CLONE_VM child shares the parent's page and changes nothing.
 */
#ifndef AFTERFORK_PRELOAD_FORK_SNAPSHOT_H
#define AFTERFORK_PRELOAD_FORK_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "thread_record.h"
#include "trace_descriptor.h"

enum process_mode {
	PROCESS_FRESH = 0, /* a new child, or not yet initialised */
	PROCESS_PLAIN,     /* no vanished thread matters: record only */
	PROCESS_CHILD,     /* a child of a fork in which threads vanished or locks were held */
	PROCESS_ENTERING,  /* a new child, finding out what became of it */
	PROCESS_OFF,       /* initialisation failed: pass every call through */
};

enum { FORK_GENERATIONS_KEPT = 16 };

struct process_state {
	int32_t pid;
	uint32_t generation; /* forks between the program image's start and this process */
	bool initialised;
	/* The thread that runs the program's child handlers in this new child; NULL: they are over, or have
	 * made no intercepted call yet. */
	struct thread_record *in_handlers;
	_Atomic uint32_t live_threads;
	_Atomic bool shares_memory;     /* with a child of its own, by clone(CLONE_VM) */
	uint32_t other_threads_at_fork; /* summed over the generations */
	uint32_t atfork_handlers;       /* registrations of fork handlers seen */
	_Atomic uint64_t rings_ns;      /* TRACE_RINGS_*, or when the alarm rings (CLOCK_MONOTONIC) */
	/* notes[g % FORK_GENERATIONS_KEPT]: the fork that ended generation g in this process's line */
	struct fork_note *notes[FORK_GENERATIONS_KEPT];
};
extern struct process_state process __attribute__((visibility("hidden")));
extern _Atomic uint32_t *process_mode_word __attribute__((visibility("hidden")));

static inline bool process_is_plain(void)
{
	return __builtin_expect(
	    atomic_load_explicit(process_mode_word, memory_order_relaxed) == PROCESS_PLAIN, 1);
}
static inline bool process_is_child(void)
{
	return atomic_load_explicit(process_mode_word, memory_order_relaxed) == PROCESS_CHILD;
}

/* Set in a child that was not entered when its handlers were over. In thread-local memory: libc and the
 * kernel write to that page in a child in any case, and any other would have to be copied first. */
extern __thread bool fork_snapshot_handlers_over
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* True while the thread is inside of fork, where handlers run. */
static inline bool fork_snapshot_in_handlers(const struct thread_record *self)
{
	return self->fork_noted || process.in_handlers == self;
}

/* Once, in the image's first thread. False when the kernel gives no memory. */
bool fork_snapshot_init(void);

/* In the forking thread, before any handler runs: keeps the call and its stack, and makes sure that the
 * trace has a file that the child can write to. record may be NULL: nothing is kept. */
void fork_snapshot_prefork(struct thread_record *record, unsigned call, const struct call_registers *regs);
/* The part of it that opens the trace's file if the child may have something to say. Called again after the
 * program's prepare handlers, which may have taken locks. */
void fork_snapshot_open_trace(const struct thread_record *record);
/* Right before the clone: counts the child, whose own first write to the trace would be a page fault. Where
 * nobody did, the child counts itself when it enters. */
void fork_snapshot_count(struct thread_record *record);
/* In the parent after the fork. */
void fork_snapshot_postfork_parent(struct thread_record *record, bool failed);
/* In the child, before anything there reads or writes the library's state: enters the snapshot. Most children
 * go on to exec or _exit without an intercepted call, so none is entered before its first. Does nothing
 * elsewhere. Async-signal-safe. */
void fork_snapshot_postfork_child(void);

/* False in a child of vfork(), which runs on the memory of the process that made it. In a sandbox nobody may
 * ask: true there. */
bool fork_snapshot_is_own_process(void);

/* What libc takes for the calling thread's id and writes into locks, found without a system call. A fork past
 * libc (a raw system call, clone) leaves the parent's there. */
int32_t fork_snapshot_owner_tid(void);

/* The fork at which the record's thread vanished, or NULL when it is too long ago or was not seen. */
const struct fork_note *fork_snapshot_note_of(const struct thread_record *vanished);
/* The last fork in this process's line, and one by a thread of that id; NULL as above. */
const struct fork_note *fork_snapshot_last_note(void);
const struct fork_note *fork_snapshot_note_by(int32_t tid);
/* True for a thread of an earlier generation that was alive at the fork. */
static inline bool fork_snapshot_is_vanished(const struct thread_record *record)
{
	return record->generation < process.generation && atomic_load(&record->state) == THREAD_ALIVE;
}

/* One of this process. */
static inline bool fork_snapshot_is_alive(const struct thread_record *record)
{
	return record->generation == process.generation && atomic_load(&record->state) == THREAD_ALIVE;
}
/* That of them which locks name by the id; NULL: none. */
struct thread_record *fork_snapshot_find_alive(int32_t owner_tid);

/* Before the child makes a thread: glibc may give it a vanished thread's stack. Completes the
 * stacks of what vanished threads hold, while they can still be walked. Idempotent. */
void fork_snapshot_preserve_stacks(void);
/* The full stack of an entry of a vanished thread: preserved, or walked now. */
void fork_snapshot_stack_of(struct thread_record *vanished, uint32_t index, struct kept_stack *ret_stack);

#endif
