/* How an acquisition gets into its thread's record, and a mutex out of it: the hot path of the wrappers, and
 * what it leaves to thread_record_push.c. Rules and signal safety as in thread_record.h; own thread only. */
#ifndef AFTERFORK_PRELOAD_THREAD_RECORD_PUSH_H
#define AFTERFORK_PRELOAD_THREAD_RECORD_PUSH_H

#include "thread_record.h"

/* One store for state, kind, call and former_tid: the entry counts from here on. */
static inline void thread_record_mark_wanted(struct held_entry *entry, unsigned kind, unsigned call)
{
	uint64_t packed = TRACE_HOLD_WANT | (uint64_t)kind << 8 | (uint64_t)call << 16;
	__atomic_store_n((uint64_t *)(void *)&entry->state, packed, __ATOMIC_RELEASE);
}

/* Lets the entry's stack be the cache's entry, which was just found. False: it is not what it was, a signal
 * handler has put its own stack there, under another sp. */
static inline __attribute__((always_inline)) bool
thread_record_refer(struct held_entry *entry, const struct call_stack_cache_entry *found,
                    const struct call_registers *regs)
{
	*(volatile uint64_t *)&entry->stack = (uint64_t)(uintptr_t)found;
	*(volatile uint64_t *)&entry->bp = call_stack_outer_bp(found, regs);
	return __builtin_expect(*(const volatile uint64_t *)&found->sp == regs->sp, 1);
}

/* Appends an entry in state WANT for a lock about to be acquired. Needs room. False: the stack is not in the
 * cache, and thread_record_push_missed() has to finish the entry. */
static inline __attribute__((always_inline)) bool thread_record_push(struct thread_record *record,
                                                                     const void *lock, unsigned kind,
                                                                     unsigned call,
                                                                     struct call_registers regs)
{
	uint32_t index = atomic_load_explicit(&record->held_count, memory_order_relaxed);
	/* The count goes up first: a signal handler that takes a lock from here on uses the next entry. */
	atomic_store_explicit(&record->held_count, index + 1, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	struct held_entry *entry = &record->held[index];
	entry->lock = (uint64_t)(uintptr_t)lock;
	const struct call_stack_cache_entry *hit = call_stack_find(&record->cache, regs.pc, regs.sp);
	if (__builtin_expect(!hit, 0))
		return false;
	if (!thread_record_refer(entry, hit, &regs))
		return false;
	thread_record_mark_wanted(entry, kind, call);
	return true;
}

/* Has the use remembered (lock_use.h), unless the lock is the one that was noted last in its slot. */
static inline void thread_record_note_use(struct thread_record *record, const struct held_entry *entry)
{
	if (__builtin_expect(
	        record->noted[lock_use_noted_slot(entry->lock)] != lock_use_noted_key(entry->lock), 0))
		lock_use_note(record, entry);
}

/* Finish the last entry. Registers are handed on one by one, since a pointer to them would put them on the
 * stack in every call. */
void thread_record_push_any(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                            uint64_t sp, uint64_t bp);
/* The same, faster for a stack that is not in the cache, */
void thread_record_push_plain(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                              uint64_t sp, uint64_t bp);
/* and for one of more than four frames that is. The first four were just found to be right. */
void thread_record_push_deep(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                             uint64_t sp, uint64_t bp);

enum thread_record_stack { THREAD_RECORD_STACK_PUSHED, THREAD_RECORD_STACK_DEEP, THREAD_RECORD_STACK_OTHER };

/* Finishes the last entry of code that is compiled with frame pointers, which comes here each time. Else
 * thread_record_push_walked() has to do it. */
static inline __attribute__((always_inline)) enum thread_record_stack
thread_record_push_by_bp(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc, uint64_t sp,
                         uint64_t bp)
{
	const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};
	const struct call_stack_cache_entry *hit =
	    call_stack_find_special(&record->cache, &regs, CALL_STACK_ENTRY_USES_BP | CALL_STACK_ENTRY_DEEP);
	if (__builtin_expect(!hit, 0))
		return THREAD_RECORD_STACK_OTHER;
	if (*(const volatile uint32_t *)&hit->state & CALL_STACK_ENTRY_DEEP)
		return THREAD_RECORD_STACK_DEEP;
	struct held_entry *entry = &record->held[atomic_load(&record->held_count) - 1];
	if (__builtin_expect(!thread_record_refer(entry, hit, &regs), 0))
		return THREAD_RECORD_STACK_OTHER;
	thread_record_mark_wanted(entry, kind, call);
	return THREAD_RECORD_STACK_PUSHED;
}

static inline __attribute__((always_inline)) void
thread_record_push_walked(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                          uint64_t sp, uint64_t bp, enum thread_record_stack stack)
{
	const struct call_stack_cache_entry *cached = call_stack_cache_entry_for(&record->cache, pc, sp);
	if (stack == THREAD_RECORD_STACK_DEEP)
		thread_record_push_deep(record, kind, call, pc, sp, bp);
	else if (!(*(const volatile uint32_t *)&cached->state & CALL_STACK_ENTRY_ANY) || cached->sp != sp)
		thread_record_push_plain(record, kind, call, pc, sp, bp);
	else
		thread_record_push_any(record, kind, call, pc, sp, bp);
}

/* What is left to do where thread_record_push() fails. */
void thread_record_push_missed(struct thread_record *record, unsigned kind, unsigned call, uint64_t pc,
                               uint64_t sp, uint64_t bp);

/* Both, growing where needed. Returns the entry's index. */
static inline uint32_t thread_record_want(struct thread_record *record, const void *lock, unsigned kind,
                                          unsigned call, const struct call_registers *regs)
{
	if (!thread_record_has_room(record))
		thread_record_grow(record);
	if (!thread_record_push(record, lock, kind, call, *regs))
		thread_record_push_missed(record, kind, call, regs->pc, regs->sp, regs->bp);
	return atomic_load_explicit(&record->held_count, memory_order_relaxed) - 1;
}

/* In a wrapper's fast path, which has no frame: the return address. The compiler's own way to it would make
 * it set one up. Should something else stand there, then only a hint is lost. */
static inline __attribute__((always_inline)) uint64_t thread_record_top_word(void)
{
	uint64_t word;
	__asm__ volatile("mov (%%rsp), %0" : "=r"(word));
	return word;
}

/* Takes the last entry out if it is the lock's, before the lock is let go. What it said stays in place, one
 * above the count: a child that finds the lock still owned reads it there. False: it is not the last. */
static inline __attribute__((always_inline)) bool thread_record_pop(struct thread_record *record,
                                                                    const void *lock)
{
	uint32_t last = atomic_load_explicit(&record->held_count, memory_order_relaxed) - 1;
	if (__builtin_expect((int32_t)last < 0 || record->held[last].lock != (uint64_t)(uintptr_t)lock, 0))
		return false;
	record->released_pc = thread_record_top_word();
	atomic_store_explicit(&record->held_count, last, memory_order_release);
	return true;
}

#endif
