/* Joins. In a child of fork() the join of a vanished thread returns at once (glibc marks its descriptor as
 * ended); in one of _Fork() or of a raw system call it waits for ever. */
#include "child_wait.h"
#include "handler_check.h"
#include "hook.h"

#define JOIN(name, params, how, to_errno, original)                                                          \
	HOOK_EXPORT int name params                                                                          \
	{                                                                                                    \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = hook_forking_thread();                                          \
		if (__builtin_expect(self && (how) == CHILD_LOCK, 0)) {                                      \
			struct incident_handle handle = handler_check_wait(                                  \
			    self, (const void *)(uintptr_t)t, TRACE_LOCK_THREAD, CALL_##name, &regs);        \
			int result = original;                                                               \
			incident_returned(handle, to_errno(result));                                         \
			return result;                                                                       \
		}                                                                                            \
		self = process_is_plain() ? NULL : hook_thread();                                            \
		if (__builtin_expect(!self || !process_is_child(), 1))                                       \
			return original;                                                                     \
		struct child_use use = {.attempt = how};                                                     \
		child_wait_join(&use, self, t, CALL_##name, &regs);                                          \
		int result = original;                                                                       \
		child_check_after(&use, to_errno(result));                                                   \
		return result;                                                                               \
	}

/* NULL: without a limit. */
static inline enum child_attempt until(const struct timespec *limit)
{
	return limit ? CHILD_TIMED : CHILD_LOCK;
}

JOIN(pthread_join, (pthread_t t, void **value), CHILD_LOCK, errno_of_posix, real.pthread_join(t, value))
JOIN(thrd_join, (thrd_t t, int *value), CHILD_LOCK, errno_of_thrd, real.thrd_join(t, value))
JOIN(pthread_tryjoin_np, (pthread_t t, void **value), CHILD_TRY, errno_of_posix,
     real.pthread_tryjoin_np(t, value))
JOIN(pthread_timedjoin_np, (pthread_t t, void **value, const struct timespec *limit), until(limit),
     errno_of_posix, real.pthread_timedjoin_np(t, value, limit))
JOIN(pthread_clockjoin_np, (pthread_t t, void **value, clockid_t clock, const struct timespec *limit),
     until(limit), errno_of_posix, real.pthread_clockjoin_np(t, value, clock, limit))
