/* Mutexes, POSIX and C11. Rules of this file:
 * 1. A wrapper saves the caller's registers, records, calls the original once, records. errno is never touched.
 * 2. The record says WANT before the lock can be taken, HELD after, RELEASING before it can be let go: a fork at
 *    any instruction finds an entry for every lock that is held.
 * 3. No unwinder, writer, stdio or allocator here; what a child looks at is child_check's work. */
#include <errno.h>

#include "child_check.h"
#include "hook.h"
#include "init_site.h"

static inline void settle_acquire(struct thread_record *self, uint32_t index, int error)
{
	if (__builtin_expect(error == 0 || error == EOWNERDEAD, 1))
		thread_record_set(self, index, TRACE_HOLD_HELD);
	else
		thread_record_remove(self, index);
}

#define ACQUIRE(call, attempt, mutex, to_errno, original)                                         \
	do {                                                                                      \
		struct thread_record *self = hook_thread();                                       \
		if (__builtin_expect(!self, 0))                                                   \
			return original;                                                          \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                    \
		uint32_t index = thread_record_want(self, mutex, TRACE_LOCK_MUTEX, call, &regs);  \
		bool is_child = !process_is_plain();                                              \
		struct child_use use;                                                             \
		if (__builtin_expect(is_child, 0))                                                \
			child_check_before(&use, self, mutex, call, attempt, &regs);              \
		int result = original;                                                            \
		if (__builtin_expect(is_child, 0))                                                \
			child_check_after(&use, to_errno(result));                                \
		settle_acquire(self, index, to_errno(result));                                    \
		return result;                                                                    \
	} while (0)

#define RELEASE(call, mutex, to_errno, original)                                                  \
	do {                                                                                      \
		struct thread_record *self = hook_thread();                                       \
		if (__builtin_expect(!self, 0))                                                   \
			return original;                                                          \
		uint32_t index = thread_record_find(self, mutex);                                 \
		thread_record_set(self, index, TRACE_HOLD_RELEASING);                             \
		bool is_child = !process_is_plain();                                              \
		struct child_use use;                                                             \
		if (__builtin_expect(is_child, 0)) {                                              \
			const struct call_registers regs = CALL_REGISTERS_OF_CALLER();            \
			child_check_before(&use, self, mutex, call, CHILD_UNLOCK, &regs);         \
		}                                                                                 \
		int result = original;                                                            \
		if (__builtin_expect(is_child, 0))                                                \
			child_check_after(&use, to_errno(result));                                \
		if (__builtin_expect(to_errno(result) == 0, 1))                                   \
			thread_record_remove(self, index);                                        \
		else                                                                              \
			thread_record_set(self, index, TRACE_HOLD_HELD);                          \
		return result;                                                                    \
	} while (0)

HOOK_EXPORT int pthread_mutex_lock(pthread_mutex_t *m)
{
	ACQUIRE(CALL_pthread_mutex_lock, CHILD_LOCK, m, errno_of_posix, real.pthread_mutex_lock(m));
}

HOOK_EXPORT int pthread_mutex_trylock(pthread_mutex_t *m)
{
	ACQUIRE(CALL_pthread_mutex_trylock, CHILD_TRY, m, errno_of_posix, real.pthread_mutex_trylock(m));
}

HOOK_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *t)
{
	ACQUIRE(CALL_pthread_mutex_timedlock, CHILD_TIMED, m, errno_of_posix, real.pthread_mutex_timedlock(m, t));
}

HOOK_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t c, const struct timespec *t)
{
	ACQUIRE(CALL_pthread_mutex_clocklock, CHILD_TIMED, m, errno_of_posix, real.pthread_mutex_clocklock(m, c, t));
}

HOOK_EXPORT int pthread_mutex_unlock(pthread_mutex_t *m)
{
	RELEASE(CALL_pthread_mutex_unlock, m, errno_of_posix, real.pthread_mutex_unlock(m));
}

HOOK_EXPORT int mtx_lock(mtx_t *m)
{
	ACQUIRE(CALL_mtx_lock, CHILD_LOCK, mutex_of(m), errno_of_thrd, real.mtx_lock(m));
}

HOOK_EXPORT int mtx_trylock(mtx_t *m)
{
	ACQUIRE(CALL_mtx_trylock, CHILD_TRY, mutex_of(m), errno_of_thrd, real.mtx_trylock(m));
}

HOOK_EXPORT int mtx_timedlock(mtx_t *m, const struct timespec *t)
{
	ACQUIRE(CALL_mtx_timedlock, CHILD_TIMED, mutex_of(m), errno_of_thrd, real.mtx_timedlock(m, t));
}

HOOK_EXPORT int mtx_unlock(mtx_t *m)
{
	RELEASE(CALL_mtx_unlock, mutex_of(m), errno_of_thrd, real.mtx_unlock(m));
}

/* An initialisation frees the lock whatever was recorded of it by this thread. */
static void note_init(const void *mutex, const struct call_registers *regs)
{
	struct thread_record *self = hook_thread();
	if (!self)
		return;
	thread_record_remove(self, thread_record_find(self, mutex));
	init_site_record(self, mutex, regs);
}

static void note_destroy(const void *mutex)
{
	struct thread_record *self = hook_thread();
	if (!self)
		return;
	thread_record_remove(self, thread_record_find(self, mutex));
	init_site_forget(mutex);
}

HOOK_EXPORT int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int result = real.pthread_mutex_init(m, a);
	if (result == 0)
		note_init(m, &regs);
	return result;
}

HOOK_EXPORT int mtx_init(mtx_t *m, int type)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int result = real.mtx_init(m, type);
	if (result == thrd_success)
		note_init(m, &regs);
	return result;
}

HOOK_EXPORT int pthread_mutex_destroy(pthread_mutex_t *m)
{
	int result = real.pthread_mutex_destroy(m);
	if (result == 0)
		note_destroy(m);
	return result;
}

HOOK_EXPORT void mtx_destroy(mtx_t *m)
{
	real.mtx_destroy(m);
	note_destroy(m);
}

/* Taken over from a dead owner: the entry is there since the lock call returned EOWNERDEAD. */
HOOK_EXPORT int pthread_mutex_consistent(pthread_mutex_t *m) { return real.pthread_mutex_consistent(m); }
