/* Joins. In a child of fork() the join of a vanished thread returns at once (glibc marks its descriptor as
 * ended); in one of _Fork() or of a raw system call it waits for ever. */
#include "child_wait.h"
#include "hook.h"

#define JOIN(name, handle_type, value_type, to_errno)                                                        \
	HOOK_EXPORT int name(handle_type t, value_type *value)                                               \
	{                                                                                                    \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = process_is_plain() ? NULL : hook_thread();                      \
		if (__builtin_expect(!self || !process_is_child(), 1))                                       \
			return real.name(t, value);                                                          \
		struct child_use use = {.attempt = CHILD_LOCK};                                              \
		child_wait_join(&use, self, t, CALL_##name, &regs);                                          \
		int result = real.name(t, value);                                                            \
		child_check_after(&use, to_errno(result));                                                   \
		return result;                                                                               \
	}

JOIN(pthread_join, pthread_t, void *, errno_of_posix)
JOIN(thrd_join, thrd_t, int, errno_of_thrd)
