#include "thread_record.h"

#include "arena.h"

__thread struct thread_record *thread_record_self __attribute__((tls_model("initial-exec")));

static struct thread_record *_Atomic all_records;
/* Head of the free list: 48 bits of address, 16 bits of a counter against reuse between load and swap. */
static _Atomic uint64_t free_records;
static _Atomic uint32_t abandoned_count;
static _Atomic uint64_t lost_count;

enum { FREE_TAG_SHIFT = 48 };
static const uint64_t FREE_ADDRESS_MASK = ((uint64_t)1 << FREE_TAG_SHIFT) - 1;

static uint64_t free_link(const struct thread_record *record, uint64_t old_head)
{
	uint64_t tag = (old_head >> FREE_TAG_SHIFT) + 1;
	return (uint64_t)(uintptr_t)record | tag << FREE_TAG_SHIFT;
}

static struct thread_record *take_free(void)
{
	uint64_t head = atomic_load(&free_records);
	for (;;) {
		struct thread_record *record = (struct thread_record *)(uintptr_t)(head & FREE_ADDRESS_MASK);
		if (!record)
			return NULL;
		if (atomic_compare_exchange_weak(&free_records, &head, free_link(record->next_free, head)))
			return record;
	}
}

static void give_free(struct thread_record *record)
{
	uint64_t head = atomic_load(&free_records);
	do {
		record->next_free = (struct thread_record *)(uintptr_t)(head & FREE_ADDRESS_MASK);
	} while (!atomic_compare_exchange_weak(&free_records, &head, free_link(record, head)));
}

static struct thread_record *make(void)
{
	struct thread_record *record = arena_alloc(sizeof *record);
	if (!record)
		return NULL;
	record->held = record->held_initial;
	record->held_capacity = THREAD_HELD_INITIAL;
	struct thread_record *head = atomic_load(&all_records);
	do {
		record->next = head;
	} while (!atomic_compare_exchange_weak(&all_records, &head, record));
	return record;
}

static void reset(struct thread_record *record)
{
	record->tid = 0;
	record->former_tid = 0;
	record->fork_noted = false;
	record->bounds = (struct stack_bounds){0};
	__builtin_memset(record->name, 0, sizeof record->name);
	record->start_routine = NULL;
	record->start_argument = NULL;
	record->handle = 0;
	record->stack_size_bytes = 0;
	record->created_count = 0;
	record->created_flags = 0;
	record->created_exact = 0;
}

struct thread_record *thread_record_new(uint32_t generation)
{
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

/* True if the thread ends with a lock held. A wait that was cancelled counts: the mutex was retaken. */
static bool drop_unheld(struct thread_record *record)
{
	for (uint32_t i = atomic_load(&record->held_count); i-- > 0;) {
		uint8_t state = atomic_load(&record->held[i].state);
		if (state != TRACE_HOLD_HELD && state != TRACE_HOLD_WAITING)
			thread_record_remove(record, i);
	}
	return atomic_load(&record->held_count) > 0;
}

void thread_record_release(struct thread_record *record)
{
	if (drop_unheld(record)) {
		if (atomic_fetch_add(&abandoned_count, 1) < THREAD_ABANDONED_MAX) {
			atomic_store(&record->state, THREAD_ENDED);
			return;
		}
		atomic_fetch_add(&lost_count, atomic_load(&record->held_count));
		while (atomic_load(&record->held_count) > 0)
			thread_record_remove(record, atomic_load(&record->held_count) - 1);
	}
	atomic_store(&record->state, THREAD_FREE);
	give_free(record);
}

struct thread_record *thread_record_first(void) { return atomic_load_explicit(&all_records, memory_order_acquire); }

bool thread_record_grow(struct thread_record *record)
{
	uint32_t capacity = record->held_capacity * 2;
	struct held_entry *bigger =
		capacity <= THREAD_HELD_MAX ? arena_alloc(capacity * sizeof *bigger) : NULL;
	if (!bigger) {
		atomic_fetch_add_explicit(&lost_count, 1, memory_order_relaxed);
		return false;
	}
	__builtin_memcpy(bigger, record->held, record->held_capacity * sizeof *bigger);
	/* The pointer first: a fork in between sees the old capacity with the new, larger array. */
	atomic_signal_fence(memory_order_seq_cst);
	*(struct held_entry *volatile *)&record->held = bigger;
	atomic_signal_fence(memory_order_seq_cst);
	record->held_capacity = capacity;
	return true;
}

uint64_t thread_record_lost_count(void) { return atomic_load(&lost_count); }
