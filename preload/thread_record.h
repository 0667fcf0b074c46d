/* What the library keeps of one thread: who it is, and which locks it holds or waits for.
 *
 * A record is written by its own thread only, without atomics beyond plain ordered stores; other threads never
 * read it. It is read in a forked child, where the copy-on-write copy is a snapshot of the moment of fork: the stores of the
 * vanished thread are seen in program order there. Records live in the arena for ever and are used again
 * after their thread ended, unless it ended while it held locks.
 *
 * Signal safety: a handler that interrupts an update and takes and releases locks itself leaves the record as it
 * found it; entries at or above held_count are always TRACE_HOLD_NONE.
 */
#ifndef AFTERFORK_PRELOAD_THREAD_RECORD_H
#define AFTERFORK_PRELOAD_THREAD_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "call_stack.h"
#include "trace_format.h"

enum {
	THREAD_HELD_INITIAL = 16,
	THREAD_HELD_MAX = 16384,
	THREAD_CREATED_FRAMES = 32,
	THREAD_ABANDONED_MAX = 256, /* ended threads whose held locks are remembered */
};

struct held_entry {
	uint64_t lock; /* its address */
	_Atomic uint8_t state; /* enum trace_hold_state */
	uint8_t kind;          /* enum trace_lock_kind */
	uint16_t call;         /* id of trace_calls.def */
	int32_t tid;           /* the thread's id when it acquired: differs after a fork */
	struct call_site site;
};
static_assert(sizeof(struct held_entry) == 64, "one cache line");

/* A stack as return addresses, innermost first. */
struct kept_stack {
	uint64_t pc[TRACE_STACK_FRAMES_MAX];
	uint64_t exact; /* bit i: pc[i] is not a return address */
	uint32_t count;
	uint32_t flags; /* TRACE_STACK_* */
};

/* A fork as its caller saw it. */
struct fork_note {
	int32_t pid, tid; /* of the forking thread, in the parent */
	uint32_t call;
	uint32_t vanished_threads; /* known in the child only */
	uint64_t time_ns;
	struct kept_stack stack;
};

enum thread_state { THREAD_FREE = 0, THREAD_ALIVE, THREAD_ENDED };

struct thread_record {
	struct held_entry *held;
	_Atomic uint32_t held_count;
	uint32_t held_capacity;
	int32_t tid;
	uint32_t generation; /* process_state.generation that it belongs to; smaller: vanished */
	struct stack_bounds bounds;

	_Atomic uint32_t state; /* enum thread_state */
	int32_t former_tid;     /* of a thread that forked and is now the child's: its id in the parent */
	bool fork_noted;        /* note describes a fork that is under way */
	char name[TRACE_THREAD_NAME_SIZE_BYTES];
	void *start_routine;
	void *start_argument;
	uint64_t handle; /* its pthread_t */
	uint64_t stack_size_bytes;
	uint32_t created_count, created_flags;
	uint64_t created_exact;
	uint64_t created_pc[THREAD_CREATED_FRAMES];
	struct thread_record *next;      /* list of all records, never unlinked */
	struct thread_record *next_free;
	struct fork_note *note;

	struct held_entry held_initial[THREAD_HELD_INITIAL];
	struct call_stack_cache cache;
};

/* The calling thread's record; NULL before its first intercepted call and after its end. */
extern __thread struct thread_record *thread_record_self __attribute__((tls_model("initial-exec")));

/* A record with state ALIVE and everything else cleared, or NULL. Thread-safe, lock-free. */
struct thread_record *thread_record_new(uint32_t generation);
/* Gives a record back, or keeps it as ENDED where its thread still held locks. Own thread, or the
 * creator of a thread that could not be started. */
void thread_record_release(struct thread_record *record);
/* First of all records, ALIVE, ENDED or FREE; `next` leads on. */
struct thread_record *thread_record_first(void);
/* Room for one more entry. False when there is none; then the acquisition goes unrecorded. */
bool thread_record_grow(struct thread_record *record);
/* Acquisitions that found no room, since the process started. */
uint64_t thread_record_lost_count(void);

/* Appends an entry in state WANT for a lock about to be acquired. Returns its index, or UINT32_MAX when full. */
static inline uint32_t thread_record_want(struct thread_record *record, const void *lock, unsigned kind, unsigned call,
					  const struct call_registers *regs)
{
	uint32_t index = atomic_load_explicit(&record->held_count, memory_order_relaxed);
	if (__builtin_expect(index >= record->held_capacity, 0) && !thread_record_grow(record))
		return UINT32_MAX;
	/* The count goes up first: a signal handler that takes a lock from here on uses the next entry. */
	atomic_store_explicit(&record->held_count, index + 1, memory_order_release);
	struct held_entry *entry = &record->held[index];
	call_stack_capture(&record->cache, &record->bounds, regs, &entry->site);
	entry->lock = (uint64_t)(uintptr_t)lock;
	entry->kind = (uint8_t)kind;
	entry->call = (uint16_t)call;
	entry->tid = record->tid;
	atomic_store_explicit(&entry->state, TRACE_HOLD_WANT, memory_order_release);
	return index;
}

static inline void thread_record_set(struct thread_record *record, uint32_t index, enum trace_hold_state state)
{
	if (__builtin_expect(index != UINT32_MAX, 1))
		atomic_store_explicit(&record->held[index].state, (uint8_t)state, memory_order_release);
}

/* The latest entry for the lock, or UINT32_MAX. */
static inline uint32_t thread_record_find(const struct thread_record *record, const void *lock)
{
	uint32_t index = atomic_load_explicit(&record->held_count, memory_order_relaxed);
	while (index-- > 0) {
		const struct held_entry *entry = &record->held[index];
		if (entry->lock == (uint64_t)(uintptr_t)lock &&
		    atomic_load_explicit(&entry->state, memory_order_relaxed) != TRACE_HOLD_NONE)
			return index;
	}
	return UINT32_MAX;
}

/* Takes an entry out. The last entry fills its place, copied before it is voided: a fork in between
 * sees the lock twice, never not at all. */
static inline void thread_record_remove(struct thread_record *record, uint32_t index)
{
	if (index == UINT32_MAX)
		return;
	uint32_t last = atomic_load_explicit(&record->held_count, memory_order_relaxed) - 1;
	struct held_entry *entry = &record->held[index];
	atomic_store_explicit(&entry->state, TRACE_HOLD_NONE, memory_order_release);
	if (__builtin_expect(index != last, 0)) {
		struct held_entry *moved = &record->held[last];
		entry->lock = moved->lock;
		entry->kind = moved->kind;
		entry->call = moved->call;
		entry->tid = moved->tid;
		entry->site = moved->site;
		atomic_store_explicit(&entry->state, moved->state, memory_order_release);
		atomic_store_explicit(&moved->state, TRACE_HOLD_NONE, memory_order_release);
	}
	atomic_store_explicit(&record->held_count, last, memory_order_release);
}

#endif
