#include "thread_record.h"

#include <sys/mman.h>

#include "arena.h"
#include "lock_word.h"
#include "own_memory.h"
#include "placement.h"
#include "raw_syscall.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* A thread costs as many pages as it writes to, and each fork copies them: there is room for no other field.
 */
static_assert(offsetof(struct thread_record, cache.entry) == ARENA_PAGE_SIZE_BYTES, "one page");
static_assert(sizeof(struct thread_record) % ARENA_PAGE_SIZE_BYTES == 0, "whole pages");
static_assert(offsetof(struct thread_record, held_initial) % 64 == 0, "an entry begins a cache line");

__thread struct thread_record *thread_record_self __attribute__((tls_model("initial-exec")));
static struct thread_gate closed_gate;
__thread struct thread_gate *thread_record_gate __attribute__((tls_model("initial-exec"))) = &closed_gate;

enum {
	GATES_SIZE_BYTES = 64 << 10,
	GATES = GATES_SIZE_BYTES / sizeof(struct thread_gate),
	PAGE_SIZE_BYTES = 4096
};

struct gate_block {
	struct thread_gate *gates;
	_Atomic uint32_t used;
};
static struct gate_block *_Atomic gate_block;
static _Atomic bool is_unwiped;

struct thread_record *_Atomic thread_record_all;
static free_list free_records;
static _Atomic uint32_t abandoned_count;
static _Atomic uint64_t lost_count;

static struct thread_record *take_free(void)
{
	struct free_link *link = free_list_take(&free_records);
	return link ? (void *)((char *)link - offsetof(struct thread_record, free_link)) : NULL;
}

static struct gate_block *add_gate_block(struct gate_block *used_up)
{
	/* Mapped after the arena's first chunk, which then is one with the loader's own memory: each mapping
	 * more makes every fork dearer. */
	struct gate_block *block = arena_is_sealed() ? NULL : arena_alloc(sizeof *block);
	if (!block)
		return NULL;
	long memory = raw_syscall6(SYS_mmap, 0, GATES_SIZE_BYTES, PROT_READ | PROT_WRITE,
	                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory < 0 && memory > -PAGE_SIZE_BYTES)
		return NULL;
	if (raw_syscall3(SYS_madvise, memory, GATES_SIZE_BYTES, MADV_WIPEONFORK) != 0)
		atomic_store(&is_unwiped, true);
	block->gates = (struct thread_gate *)memory;
	if (atomic_compare_exchange_strong(&gate_block, &used_up, block))
		return block;
	raw_syscall2(SYS_munmap, memory, GATES_SIZE_BYTES);
	return used_up;
}

static struct thread_gate *make_gate(void)
{
	struct gate_block *block = atomic_load(&gate_block);
	for (;;) {
		uint32_t index = block ? atomic_fetch_add(&block->used, 1) : GATES;
		if (index < GATES)
			return &block->gates[index];
		block = add_gate_block(block);
		if (!block)
			return NULL;
	}
}

_Atomic uint32_t *thread_record_make_wiped_word(void)
{
	return (_Atomic uint32_t *)(void *)make_gate();
}

CHILD_CODE bool thread_record_is_wiped_on_fork(void)
{
	return !atomic_load_explicit(&is_unwiped, memory_order_relaxed);
}

static struct thread_record *make(void)
{
	struct thread_record *record = arena_alloc_pages(sizeof *record);
	struct thread_gate *gate = make_gate();
	if (!record || !gate)
		return NULL;
	record->gate = gate;
	record->note = &record->first_note;
	record->held = record->held_initial;
	record->held_capacity = THREAD_HELD_INITIAL;
	struct thread_record *head = atomic_load(&thread_record_all);
	do {
		record->next = head;
	} while (!atomic_compare_exchange_weak(&thread_record_all, &head, record));
	return record;
}

static void reset(struct thread_record *record)
{
	record->serial++;
	__builtin_memset(record->noted, 0, sizeof record->noted);
	/* What the last thread's stack looked like would be found again in the next one's, and no use of a
	 * lock be noted. */
	for (unsigned i = 0; i < CALL_STACK_CACHE_ENTRIES && record->serial > 1; i++)
		record->cache.entry[i].sp = 0;
	record->tid = 0;
	record->owner_tid = 0;
	record->former_tid = 0;
	record->fork_noted = false;
	record->fork_counted = false;
	record->fork_runs_handlers = false;
	record->is_detached = false;
	record->bounds = (struct stack_bounds){0};
	__builtin_memset(record->name, 0, sizeof record->name);
	record->start_routine = NULL;
	record->start_argument = NULL;
	record->handle = 0;
	record->created_count = 0;
	record->created_flags = 0;
	record->created_exact = 0;
}

/* Between the moment at which a thread takes a mutex out of its record and that at which it lets go of it,
 * the entry stands one above the count. */
static bool is_letting_go(const struct thread_record *record)
{
	uint32_t popped = atomic_load(&record->held_count);
	const struct held_entry *entry = &record->held[popped];
	pthread_mutex_t mutex;
	if (popped >= record->held_capacity || atomic_load(&entry->state) == TRACE_HOLD_NONE ||
	    entry->kind != TRACE_LOCK_MUTEX || !own_memory_read(entry->lock, &mutex, sizeof mutex))
		return false;
	struct lock_state state = lock_word_of_mutex(&mutex);
	return state.locked && (!state.owner_tid || state.owner_tid == thread_record_owner_of(record, entry));
}

/* Threads that vanished two forks ago or earlier and held nothing are of no interest any more. A process that
 * forks on and on from child to child does not grow by them. */
static void reclaim_vanished(uint32_t generation)
{
	static _Atomic uint32_t reclaimed;
	if (generation < 2 || atomic_exchange(&reclaimed, generation) == generation)
		return;
	for (struct thread_record *record = atomic_load(&thread_record_all); record; record = record->next) {
		if (record->generation + 2 <= generation && atomic_load(&record->state) == THREAD_ALIVE &&
		    atomic_load(&record->held_count) == 0 && !is_letting_go(record))
			thread_record_release(record);
	}
}

struct thread_record *thread_record_new(uint32_t generation)
{
	reclaim_vanished(generation);
	struct thread_record *record = take_free();
	if (!record)
		record = make();
	if (!record)
		return NULL;
	reset(record);
	record->generation = generation;
	atomic_store_explicit(&record->state, THREAD_ALIVE, memory_order_release);
	return record;
}

/* True if the thread ends with a lock held. A thread that ends waits for nothing: what it wanted it has, also
 * after a wait that was cancelled, which retook the mutex. It is inside no function of libc any more either.
 */
static bool ends_holding(struct thread_record *record)
{
	for (uint32_t i = atomic_load(&record->held_count); i-- > 0;) {
		if (atomic_load(&record->held[i].state) == TRACE_HOLD_NONE ||
		    record->held[i].kind == TRACE_LOCK_LIBC)
			thread_record_remove(record, i);
	}
	return atomic_load(&record->held_count) > 0;
}

void thread_record_release(struct thread_record *record)
{
	if (ends_holding(record)) {
		if (atomic_fetch_add(&abandoned_count, 1) < THREAD_ABANDONED_MAX) {
			thread_record_open_gate(record, false);
			atomic_store(&record->state, THREAD_ENDED);
			return;
		}
		atomic_fetch_add(&lost_count, atomic_load(&record->held_count));
		while (atomic_load(&record->held_count) > 0)
			thread_record_remove(record, atomic_load(&record->held_count) - 1);
	}
	thread_record_open_gate(record, false);
	/* What it let go last stands one above the count: not the next thread's. */
	atomic_store(&record->held[0].state, TRACE_HOLD_NONE);
	atomic_store(&record->state, THREAD_FREE);
	free_list_give(&free_records, &record->free_link);
}

void thread_record_become(struct thread_record *record)
{
	thread_record_self = record;
	thread_record_gate = record ? record->gate : &closed_gate;
}

void thread_record_open_gate(struct thread_record *record, bool open)
{
	*(struct thread_record *volatile *)&record->gate->record = open ? record : NULL;
}

struct thread_record *thread_record_first(void)
{
	return atomic_load_explicit(&thread_record_all, memory_order_acquire);
}

/* A normal mutex is held once: of several entries for one all but the last are left over from acquisitions
 * that another thread released. True if that made room. */
static bool drop_leftovers(struct thread_record *record)
{
	enum { COMPARED_MAX = 1024 };
	uint32_t count = atomic_load(&record->held_count);
	if (count > COMPARED_MAX)
		return false;
	for (uint32_t later = count; later-- > 1;) {
		uint64_t lock = record->held[later].lock;
		for (uint32_t i = later; i-- > 0 && later < atomic_load(&record->held_count);) {
			struct held_entry *entry = &record->held[i];
			if (entry->lock == lock && atomic_load(&entry->state) == TRACE_HOLD_WANT)
				thread_record_remove(record, i);
		}
	}
	return atomic_load(&record->held_count) < count;
}

/* At the limit, or where there is no memory, the older half goes: it is likelier to be left over than what
 * comes now. */
static void drop_older_half(struct thread_record *record)
{
	uint32_t half = record->held_capacity / 2;
	atomic_fetch_add_explicit(&lost_count, half, memory_order_relaxed);
	__builtin_memcpy(record->held, record->held + half, half * sizeof *record->held);
	for (uint32_t i = half; i < record->held_capacity; i++)
		atomic_store(&record->held[i].state, TRACE_HOLD_NONE);
	atomic_store(&record->held_count, half);
}

void thread_record_grow(struct thread_record *record)
{
	if (drop_leftovers(record))
		return;
	uint32_t before = record->held_capacity, count = atomic_load(&record->held_count);
	uint32_t capacity = before < THREAD_HELD_GROWN ? THREAD_HELD_GROWN : before * 2;
	struct held_entry *smaller = record->held;
	/* One more: a signal handler that keeps a lock may come between the look for room and the entry. */
	struct held_entry *bigger =
	    capacity <= THREAD_HELD_MAX ? arena_alloc((capacity + 1) * sizeof *bigger) : NULL;
	if (!bigger) {
		drop_older_half(record);
		return;
	}
	__builtin_memcpy(bigger, smaller, (count <= before ? count : before + 1) * sizeof *bigger);
	if (*(struct held_entry *volatile *)&record->held != smaller)
		return; /* a signal handler grew it meanwhile */
	/* The pointer first: a fork in between sees the old capacity with the new, larger array. */
	atomic_signal_fence(memory_order_seq_cst);
	*(struct held_entry *volatile *)&record->held = bigger;
	atomic_signal_fence(memory_order_seq_cst);
	record->held_capacity = capacity;
}

bool thread_record_any_abandoned(void)
{
	return atomic_load(&abandoned_count) > 0;
}

uint64_t thread_record_take_lost(void)
{
	return atomic_load_explicit(&lost_count, memory_order_relaxed) ? atomic_exchange(&lost_count, 0) : 0;
}
