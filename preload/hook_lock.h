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

#define HOOK_ACQUIRE(lock_kind, object, is_shared, call, attempt, error_of, original)                        \
	do {                                                                                                 \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return original;                                                                     \
		uint32_t index = thread_record_want(self, object, lock_kind, call, &regs);                   \
		struct child_use use;                                                                        \
		bool is_child = process_is_child();                                                          \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_before(&use, self, &(struct lock_ref){object, lock_kind, is_shared},     \
			                   call, attempt, &regs);                                            \
		struct incident_handle handle = {0};                                                         \
		bool acquired =                                                                              \
		    attempt == CHILD_LOCK && hook_in_handlers(self) &&                                       \
		    handler_check_acquire(self, &(struct lock_ref){object, lock_kind, is_shared}, call,      \
		                          &regs, &handle);                                                   \
		int result = acquired ? 0 : original;                                                        \
		if (__builtin_expect(handle.record != NULL, 0))                                              \
			incident_returned(handle, error_of(result));                                         \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, error_of(result));                                           \
		hook_settle_acquire(self, index, object, error_of(result));                                  \
		return result;                                                                               \
	} while (0)

#define HOOK_RELEASE(lock_kind, object, call, error_of, original)                                            \
	do {                                                                                                 \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return original;                                                                     \
		uint32_t index = thread_record_find(self, object);                                           \
		thread_record_set(self, index, TRACE_HOLD_RELEASING);                                        \
		struct child_use use;                                                                        \
		bool is_child = process_is_child(), had_effect = true;                                       \
		if (__builtin_expect(is_child, 0)) {                                                         \
			const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                       \
			child_check_before(&use, self, &(struct lock_ref){object, lock_kind, false}, call,   \
			                   CHILD_UNLOCK, &regs);                                             \
			had_effect = use.suspect.observed != TRACE_UNLOCK_WITHOUT_EFFECT;                    \
		}                                                                                            \
		int result = original;                                                                       \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, error_of(result));                                           \
		hook_settle_release(self, index, object, error_of(result), had_effect);                      \
		return result;                                                                               \
	} while (0)

/* An initialisation or the object's end: whatever was recorded of it by this thread is over. */
static inline void hook_forget(struct thread_record *self, const void *object)
{
	thread_record_remove(self, thread_record_find(self, object));
}

#endif
