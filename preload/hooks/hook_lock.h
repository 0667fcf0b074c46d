/* One use of a lock other than a mutex: record, look at it in a child, call, settle. The entry is WANT until
 * the lock was taken and HELD from then on, since most of these locks name no owner; it is RELEASING while it
 * is let go, and gone after.
 *
 * `result` is the original's, as the errno value that `error_of` makes of it. errno itself is left alone. */
#ifndef AFTERFORK_PRELOAD_HOOK_LOCK_H
#define AFTERFORK_PRELOAD_HOOK_LOCK_H

#include "child_check.h"
#include "handler_check.h"
#include "hook.h"

/* What sem_* return, as an errno value. */
static inline int errno_of_unix(int result)
{
	return result == 0 ? 0 : errno;
}

static inline void hook_settle_acquire(struct thread_record *self, uint32_t index, const void *lock,
                                       int error)
{
	index = thread_record_confirm(self, index, lock);
	if (__builtin_expect(error == 0, 1))
		thread_record_set(self, index, TRACE_HOLD_HELD);
	else
		thread_record_remove(self, index);
}

/* An unlock that had no effect leaves the lock to its owner. */
static inline void hook_settle_release(struct thread_record *self, uint32_t index, const void *lock,
                                       int error, bool had_effect)
{
	index = thread_record_confirm(self, index, lock);
	if (__builtin_expect(error == 0 && had_effect, 1))
		thread_record_remove(self, index);
	else
		thread_record_set(self, index, TRACE_HOLD_HELD);
}

/* The same for the latest entry, wherever it is; they return the result. Out of line, since they are seldom
 * called. */
int hook_settle_acquire_found(struct thread_record *self, const void *lock, int result);
int hook_settle_release_found(struct thread_record *self, const void *lock, int result);

/* The same where it is the last, unless a signal handler has let go of it. */
static inline __attribute__((always_inline)) int hook_settle_acquire_last(struct thread_record *self,
                                                                          const void *lock, int result)
{
	struct held_entry *entry = thread_record_last(self, lock);
	if (__builtin_expect(!entry || result != 0, 0))
		return hook_settle_acquire_found(self, lock, result);
	atomic_store_explicit(&entry->state, TRACE_HOLD_HELD, memory_order_release);
	return 0;
}

static inline __attribute__((always_inline)) int hook_settle_release_last(struct thread_record *self,
                                                                          const void *lock, int result)
{
	struct held_entry *entry = thread_record_last(self, lock);
	if (__builtin_expect(!entry || result != 0, 0))
		return hook_settle_release_found(self, lock, result);
	thread_record_remove_last(self, entry);
	return 0;
}

/* The last entry, if it says that the thread holds the lock. */
static inline __attribute__((always_inline)) struct held_entry *
hook_last_held(const struct thread_record *self, const void *lock)
{
	struct held_entry *entry = thread_record_last(self, lock);
	bool is_held = entry && atomic_load_explicit(&entry->state, memory_order_relaxed) == TRACE_HOLD_HELD;
	return __builtin_expect(is_held, 1) ? entry : NULL;
}

/* A wrapper takes its parameters and the arguments made of them in parentheses. */
#define HOOK_LIST(...) __VA_ARGS__

/* As in hook_mutex.c, watched_* does it all. The plain case, with the thread's gate open and so in no child
 * that looks at locks, writes the thread's own entry and nothing else. can_be_plain: what else it needs. */
#define HOOK_ACQUIRE_PLAIN(name, params, arguments, lock_kind, object, can_be_plain)                         \
	HOOK_EXPORT int name params                                                                          \
	{                                                                                                    \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = thread_record_gate->record;                                     \
		if (__builtin_expect(!self || !thread_record_has_room(self) || !(can_be_plain), 0))          \
			return watched_##name(HOOK_LIST arguments, regs.pc, regs.sp, regs.bp);               \
		if (__builtin_expect(!thread_record_push(self, object, lock_kind, CALL_##name, regs), 0))    \
			thread_record_push_missed(self, lock_kind, CALL_##name, regs.pc, regs.sp, regs.bp);  \
		int result = real.name arguments;                                                            \
		return hook_settle_acquire_last(self, object, result);                                       \
	}

#define HOOK_ACQUIRE(name, params, arguments, lock_kind, object, is_shared, attempt, error_of)               \
	static __attribute__((noinline)) int watched_##name(HOOK_LIST params, uint64_t pc, uint64_t sp,      \
	                                                    uint64_t bp)                                     \
	{                                                                                                    \
		const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};                           \
		const struct lock_ref lock = {object, lock_kind, is_shared};                                 \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return real.name arguments;                                                          \
		uint32_t index = thread_record_want(self, object, lock_kind, CALL_##name, &regs);            \
		struct child_use use;                                                                        \
		bool is_child = process_is_child();                                                          \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_before(&use, self, &lock, CALL_##name, attempt, &regs);                  \
		struct incident_handle handle = {0};                                                         \
		bool acquired = attempt == CHILD_LOCK && hook_in_handlers(self) &&                           \
		                handler_check_acquire(self, &lock, CALL_##name, &regs, &handle);             \
		int result = acquired ? 0 : real.name arguments;                                             \
		if (__builtin_expect(handle.record != NULL, 0))                                              \
			incident_returned(handle, error_of(result));                                         \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, error_of(result));                                           \
		hook_settle_acquire(self, index, object, error_of(result));                                  \
		return result;                                                                               \
	}                                                                                                    \
	HOOK_ACQUIRE_PLAIN(name, params, arguments, lock_kind, object, true)

/* The last lock taken is let go first, and the thread holds it. */
#define HOOK_RELEASE_PLAIN(name, params, arguments, object, can_be_plain)                                    \
	HOOK_EXPORT int name params                                                                          \
	{                                                                                                    \
		struct thread_record *self = thread_record_gate->record;                                     \
		struct held_entry *entry = self ? hook_last_held(self, object) : NULL;                       \
		if (__builtin_expect(!entry || !(can_be_plain), 0)) {                                        \
			const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                       \
			return watched_##name(HOOK_LIST arguments, regs.pc, regs.sp, regs.bp);               \
		}                                                                                            \
		atomic_store_explicit(&entry->state, TRACE_HOLD_RELEASING, memory_order_release);            \
		int result = real.name arguments;                                                            \
		return hook_settle_release_last(self, object, result);                                       \
	}

#define HOOK_RELEASE(name, params, arguments, lock_kind, object, error_of)                                   \
	static __attribute__((noinline)) int watched_##name(HOOK_LIST params, uint64_t pc, uint64_t sp,      \
	                                                    uint64_t bp)                                     \
	{                                                                                                    \
		const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};                           \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return real.name arguments;                                                          \
		uint32_t index = thread_record_find(self, object);                                           \
		thread_record_set(self, index, TRACE_HOLD_RELEASING);                                        \
		struct child_use use;                                                                        \
		bool is_child = process_is_child(), had_effect = true;                                       \
		if (__builtin_expect(is_child, 0)) {                                                         \
			child_check_before(&use, self, &(struct lock_ref){object, lock_kind, false},         \
			                   CALL_##name, CHILD_UNLOCK, &regs);                                \
			had_effect = use.suspect.observed != TRACE_UNLOCK_WITHOUT_EFFECT;                    \
		}                                                                                            \
		int result = real.name arguments;                                                            \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, error_of(result));                                           \
		hook_settle_release(self, index, object, error_of(result), had_effect);                      \
		return result;                                                                               \
	}                                                                                                    \
	HOOK_RELEASE_PLAIN(name, params, arguments, object, true)

/* An initialisation or the object's end: whatever was recorded of it by this thread is over. */
static inline void hook_forget(struct thread_record *self, const void *object)
{
	thread_record_remove(self, thread_record_find(self, object));
}

#endif
