/* What the library keeps of one thread: who it is, and which locks it holds or waits for.
 *
 * What a thread holds is written by itself only, without atomics beyond plain ordered stores. It is read in a
 * forked child, where the copy-on-write copy is a snapshot of the moment of fork: the stores of the vanished
 * thread are seen in program order there. Of a thread that lives others read it only to look for a circle,
 * and believe nothing that the locks themselves do not say. Records live in the arena for ever and are used
 * again after their thread ended, unless it ended while it held locks.
 *
 * Signal safety: a handler that interrupts an update and takes and releases locks itself leaves the entries
 * below held_count as it found them. Two things may be lost to one, and only the stack of a lock, never the
 * lock, whose own word names its owner: the entry of a mutex that the interrupted thread was just letting go,
 * and an entry that was just being written if the handler needs more room than the record has.
 */
#ifndef AFTERFORK_PRELOAD_THREAD_RECORD_H
#define AFTERFORK_PRELOAD_THREAD_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "call_stack.h"
#include "free_list.h"
#include "lock_use.h"
#include "trace_format.h"

enum {
	THREAD_HELD_INITIAL = 6, /* few hold more; what a thread writes to shall be one page */
	THREAD_HELD_GROWN = 16,
	THREAD_HELD_MAX = 16384,
	THREAD_CREATED_FRAMES = 32,
	THREAD_ABANDONED_MAX = 256, /* ended threads whose held locks are remembered */
};

/* A lock that the thread holds or is about to take. Where its stack is: `stack` is the address of an entry of
 * the thread's cache; or, marked by THREAD_STACK_OWN, struct call_site's outer_slot, with the frames in pc[]
 * up to a 0. A lock is recorded in the first cache line alone as long as its stack is in the cache. `bp` is
 * the site's outer_bp: the frame that saved it may have returned by the time that somebody asks.
 * thread_record_site() reads either.
 *
 * A normal mutex stays WANT while it is held: its owner word tells, and the hot path saves a store. */
struct held_entry {
	uint64_t lock;         /* its address */
	_Atomic uint8_t state; /* enum trace_hold_state */
	uint8_t kind;          /* enum trace_lock_kind */
	uint16_t call;         /* id of trace_calls.def */
	int32_t former_tid; /* the owner id under which it was acquired, if a fork has changed that; else 0 */
	uint64_t stack;
	uint64_t bp;
	uint64_t pc[CALL_SITE_FRAMES_MAX];
	uint64_t padding[2];
};
static_assert(sizeof(struct held_entry) == 128, "two cache lines");
enum { THREAD_STACK_OWN = 1 };

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

struct thread_record;

/* The way into a thread's record, in memory that fork wipes in the child (MADV_WIPEONFORK): there every
 * wrapper leaves the hot path until the child has found out what became of it. */
struct thread_gate {
	struct thread_record *record; /* NULL: closed */
	uint64_t padding[7];
};
static_assert(sizeof(struct thread_gate) == 64, "one cache line");

struct thread_record {
	struct held_entry *held;
	_Atomic uint32_t held_count;
	uint32_t held_capacity;
	int32_t tid;
	uint32_t generation;  /* process_state.generation that it belongs to; smaller: vanished */
	uint64_t released_pc; /* return address of the last call that let go of a mutex */
	struct stack_bounds bounds;
	uint64_t noted[LOCK_USES_NOTED]; /* a filter: see lock_use.h */

	_Atomic uint32_t state; /* enum thread_state */
	int32_t owner_tid;      /* what libc writes into locks: differs from tid after a fork past libc */
	int32_t former_tid; /* of a thread that forked and is now the child's: its owner id in the parent */
	bool fork_noted;    /* note describes a fork that is under way */
	bool is_detached;   /* nobody can join it */
	bool fork_counted;  /* and its child is counted already: what comes next is the clone */
	bool fork_runs_handlers;
	struct fork_note first_note; /* here, where a fork writes in any case */
	char name[TRACE_THREAD_NAME_SIZE_BYTES];
	void *start_routine;
	union {
		void *start_argument;
		struct free_link free_link;
	};
	union {
		uint64_t handle;           /* its pthread_t */
		uint64_t stack_size_bytes; /* until it runs */
	};
	uint32_t created_count, created_flags;
	uint64_t created_exact;
	uint64_t created_pc[THREAD_CREATED_FRAMES];
	struct thread_record *next; /* list of all records, never unlinked */
	struct fork_note *note;
	struct thread_gate *gate;
	struct retry_loop *retry; /* what it tries again and again, or NULL */
	struct open_waits *waits; /* what it waits for and may leave without a return, or NULL */
	uint32_t serial;          /* counts the threads that had the record */

	/* Of calls that take locks and such that let go of them: what was last held to be a wrapper, and
	 * hashed pairs that were compared. */
	uint64_t wrapper_pc, wrapper_released_pc;
	uint64_t compared[16];
	uint32_t unreleased;   /* changes to the cache that were put off for the number of locks held */
	uint32_t next_removed; /* where the next lock is, should they be released in order of acquisition */

	struct held_entry held_initial[THREAD_HELD_INITIAL];
	struct lock_use uses[LOCK_USES_KEPT];
	struct call_stack_cache cache;
};

/* The calling thread's record; NULL before its first intercepted call and after its end. */
extern __thread struct thread_record *thread_record_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));
/* Its gate; a closed one where it has none. */
extern __thread struct thread_gate *thread_record_gate
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* A record with state ALIVE and everything else cleared, or NULL. Thread-safe, lock-free. */
struct thread_record *thread_record_new(uint32_t generation);
/* Gives a record back, or keeps it as ENDED where its thread still held locks. Own thread, or the
 * creator of a thread that could not be started. */
void thread_record_release(struct thread_record *record);
/* A word that fork wipes in the child as it does a gate. NULL: no memory. */
_Atomic uint32_t *thread_record_make_wiped_word(void);
/* False where the kernel knows no MADV_WIPEONFORK: gates and words are then as the parent left them. */
bool thread_record_is_wiped_on_fork(void);
/* First of all records, ALIVE, ENDED or FREE; `next` leads on. */
struct thread_record *thread_record_first(void);
extern struct thread_record *_Atomic thread_record_all __attribute__((visibility("hidden")));
/* Makes room for one more entry; older ones go where there is no memory. Own thread; async-signal-safe. */
void thread_record_grow(struct thread_record *record);
/* Acquisitions that went for lack of room since the last call. */
uint64_t thread_record_take_lost(void);

/* Makes it the calling thread's, through a gate that is closed for now; NULL: none. */
void thread_record_become(struct thread_record *record);
/* Opens or closes the gate of the calling thread's record. */
void thread_record_open_gate(struct thread_record *record, bool open);

/* The innermost frames of an entry's stack. */
void thread_record_site(const struct held_entry *entry, struct call_site *ret_site);
/* Captures the calling thread's stack without harm to the entries that refer to the cache. */
void thread_record_capture_site(struct thread_record *record, const struct call_registers *regs,
                                struct call_site *ret_site);
/* The owner id under which the entry was made. */
static inline int32_t thread_record_owner_of(const struct thread_record *record,
                                             const struct held_entry *entry)
{
	return entry->former_tid ? entry->former_tid : record->owner_tid;
}
/* True where a thread has ended while it held a lock. */
bool thread_record_any_abandoned(void);

/* Room for one more entry without growing. */
static inline bool thread_record_has_room(const struct thread_record *record)
{
	return __builtin_expect(
	    atomic_load_explicit(&record->held_count, memory_order_relaxed) < record->held_capacity, 1);
}

static inline void thread_record_set(struct thread_record *record, uint32_t index,
                                     enum trace_hold_state state)
{
	if (__builtin_expect(index < atomic_load_explicit(&record->held_count, memory_order_relaxed), 1))
		atomic_store_explicit(&record->held[index].state, (uint8_t)state, memory_order_release);
}

/* The entry at `index` if it is still the lock's; a signal handler that released one of the thread's locks
 * may have moved it. Else where it is now. UINT32_MAX stays UINT32_MAX. */
static inline uint32_t thread_record_find(const struct thread_record *record, const void *lock);
static inline uint32_t thread_record_confirm(const struct thread_record *record, uint32_t index,
                                             const void *lock)
{
	if (index == UINT32_MAX || __builtin_expect(record->held[index].lock == (uint64_t)(uintptr_t)lock, 1))
		return index;
	return thread_record_find(record, lock);
}

static inline bool thread_record_is_for(const struct held_entry *entry, const void *lock)
{
	return entry->lock == (uint64_t)(uintptr_t)lock &&
	       atomic_load_explicit(&entry->state, memory_order_relaxed) != TRACE_HOLD_NONE;
}

/* The latest entry for the lock, or UINT32_MAX. */
static inline uint32_t thread_record_find(const struct thread_record *record, const void *lock)
{
	uint32_t index = atomic_load_explicit(&record->held_count, memory_order_relaxed);
	while (index-- > 0) {
		if (thread_record_is_for(&record->held[index], lock))
			return index;
	}
	return UINT32_MAX;
}

/* The same for a lock that a thread holds once, and is about to let go. */
static inline uint32_t thread_record_find_once(const struct thread_record *record, const void *lock)
{
	uint32_t next = record->next_removed;
	if (next < atomic_load_explicit(&record->held_count, memory_order_relaxed) &&
	    thread_record_is_for(&record->held[next], lock))
		return next;
	return thread_record_find(record, lock);
}

/* The last entry if it is the lock's, else NULL. */
static inline struct held_entry *thread_record_last(const struct thread_record *record, const void *lock)
{
	uint32_t count = atomic_load_explicit(&record->held_count, memory_order_relaxed);
	if (__builtin_expect(count == 0, 0))
		return NULL;
	struct held_entry *last = &record->held[count - 1];
	return __builtin_expect(last->lock == (uint64_t)(uintptr_t)lock, 1) ? last : NULL;
}

/* True for the entry one above the count: the lock that the thread let go last, or was just letting go. */
static inline bool thread_record_is_popped(const struct thread_record *record, uint32_t index)
{
	return index == atomic_load_explicit(&record->held_count, memory_order_relaxed);
}

/* Takes an entry out. The last entry fills its place, copied before it is voided: a fork in between
 * sees the lock twice, never not at all. */
static inline void thread_record_remove(struct thread_record *record, uint32_t index)
{
	uint32_t last = atomic_load_explicit(&record->held_count, memory_order_relaxed) - 1;
	if (last == UINT32_MAX || index > last)
		return;
	struct held_entry *entry = &record->held[index], *moved = &record->held[last];
	atomic_store_explicit(&entry->state, TRACE_HOLD_NONE, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(entry != moved, 0)) {
		uint8_t state = atomic_load_explicit(&moved->state, memory_order_relaxed);
		entry->lock = moved->lock;
		entry->kind = moved->kind;
		entry->call = moved->call;
		entry->former_tid = moved->former_tid;
		do { /* A signal handler may give the moved entry a stack of its own in between. */
			*(volatile uint64_t *)&entry->stack = *(const volatile uint64_t *)&moved->stack;
			entry->bp = moved->bp;
			if (entry->stack & THREAD_STACK_OWN)
				__builtin_memcpy(entry->pc, moved->pc, sizeof entry->pc);
			atomic_signal_fence(memory_order_seq_cst);
		} while (__builtin_expect(*(const volatile uint64_t *)&moved->stack != entry->stack, 0));
		atomic_store_explicit(&entry->state, state, memory_order_release);
		atomic_store_explicit(&moved->state, TRACE_HOLD_NONE, memory_order_release);
		record->next_removed = index + 1 < last ? index + 1 : 0;
	}
	atomic_store_explicit(&record->held_count, last, memory_order_release);
}

/* The same for what thread_record_last() gave. */
static inline void thread_record_remove_last(struct thread_record *record, struct held_entry *entry)
{
	uint32_t last = atomic_load_explicit(&record->held_count, memory_order_relaxed) - 1;
	atomic_store_explicit(&entry->state, TRACE_HOLD_NONE, memory_order_release);
	atomic_store_explicit(&record->held_count, last, memory_order_release);
}

#endif
