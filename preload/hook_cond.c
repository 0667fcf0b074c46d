/* Waits on condition variables: inside libc they release the mutex and take it again.
 * Rules as in hook_mutex.c. During the wait the entry is WAITING: after a fork the lock word tells whether
 * the vanished thread had the mutex. A cancelled wait leaves it so, with the mutex retaken, until its
 * clean-up unlocks. */
#include "child_check.h"
#include "hook.h"

#define WAIT(call, mutex, to_errno, original)                                                                \
	do {                                                                                                 \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return original;                                                                     \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		begin_wait(self, mutex, call, &regs);                                                        \
		bool is_child = process_is_child();                                                          \
		struct child_use use;                                                                        \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_before(&use, self, mutex, call, CHILD_WAIT, &regs);                      \
		int result = original;                                                                       \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, to_errno(result));                                           \
		end_wait(self, mutex, to_errno(result));                                                     \
		return result;                                                                               \
	} while (0)

/* The mutex will next be taken by this call, here: an entry of its own replaces the one of the acquisition,
 * which a fork in between still finds whole. */
static inline void begin_wait(struct thread_record *self, const void *mutex, unsigned call,
                              const struct call_registers *regs)
{
	uint32_t held = thread_record_find(self, mutex);
	if (held == UINT32_MAX)
		return;
	uint32_t waiting = thread_record_want(self, mutex, TRACE_LOCK_MUTEX, call, regs);
	thread_record_set(self, waiting, TRACE_HOLD_WAITING);
	thread_record_remove(self, waiting == UINT32_MAX ? waiting : held);
}

/* It came back with the mutex, but for a robust one that is beyond repair. */
static inline void end_wait(struct thread_record *self, const void *mutex, int error)
{
	uint32_t index = thread_record_find(self, mutex);
	if (error == ENOTRECOVERABLE)
		thread_record_remove(self, index);
	else
		thread_record_set(self, index, TRACE_HOLD_HELD);
}

HOOK_EXPORT int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	WAIT(CALL_pthread_cond_wait, m, errno_of_posix, real.pthread_cond_wait(c, m));
}

HOOK_EXPORT int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t)
{
	WAIT(CALL_pthread_cond_timedwait, m, errno_of_posix, real.pthread_cond_timedwait(c, m, t));
}

HOOK_EXPORT int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t k,
                                       const struct timespec *t)
{
	WAIT(CALL_pthread_cond_clockwait, m, errno_of_posix, real.pthread_cond_clockwait(c, m, k, t));
}

HOOK_EXPORT int cnd_wait(cnd_t *c, mtx_t *m)
{
	WAIT(CALL_cnd_wait, mutex_of(m), errno_of_thrd, real.cnd_wait(c, m));
}

HOOK_EXPORT int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *t)
{
	WAIT(CALL_cnd_timedwait, mutex_of(m), errno_of_thrd, real.cnd_timedwait(c, m, t));
}
