/* Mutexes, POSIX and C11. Rules of this file:
 * 1. A wrapper saves the caller's registers, records, calls the original once, records. errno is never
 * touched.
 * 2. The entry is there before the lock can be taken and readable until it was let go: a fork at any
 * instruction finds an entry for every lock that is held. What is held is for the lock's own word to say.
 * 3. No unwinder, writer, stdio or allocator here; what a child looks at is child_check's work. */
#include <errno.h>

#include "child_check.h"
#include "handler_check.h"
#include "hook.h"
#include "init_site.h"

/* What cannot fail, and what only its owner word describes: most mutexes there are. */
static inline bool is_normal(const pthread_mutex_t *mutex)
{
	enum {
		KIND_MASK = 127
	}; /* without process-shared, which changes nothing here (glibc nptl/pthreadP.h) */
	return __builtin_expect((mutex->__data.__kind & KIND_MASK) == PTHREAD_MUTEX_TIMED_NP, 1);
}

static inline void settle_acquire(struct thread_record *self, uint32_t index, const void *mutex, int error)
{
	index = thread_record_confirm(self, index, mutex);
	if (__builtin_expect(error == 0 || error == EOWNERDEAD, 1))
		thread_record_set(self, index, TRACE_HOLD_HELD);
	else
		thread_record_remove(self, index);
}

static inline void settle_release(struct thread_record *self, uint32_t index, const void *mutex, int error)
{
	index = thread_record_confirm(self, index, mutex);
	if (__builtin_expect(error == 0, 1))
		thread_record_remove(self, index);
	else
		thread_record_set(self, index, TRACE_HOLD_HELD);
}

/* watched_* does it all: a thread's first call, forked children, mutexes of every kind, full records. The
 * arguments that an original may take besides the mutex m are named c (clock) and t (time). */
#define WATCHED_ACQUIRE(name, mutex_type, attempt, mutex, to_errno, original)                                \
	static __attribute__((noinline)) int watched_##name(                                                 \
	    mutex_type *m, clockid_t c, const struct timespec *t, uint64_t pc, uint64_t sp, uint64_t bp)     \
	{                                                                                                    \
		(void)c;                                                                                     \
		(void)t;                                                                                     \
		const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};                           \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return original;                                                                     \
		uint32_t index = thread_record_want(self, mutex, TRACE_LOCK_MUTEX, CALL_##name, &regs);      \
		struct child_use use;                                                                        \
		bool is_child = process_is_child();                                                          \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_before(&use, self, &(struct lock_ref){mutex, TRACE_LOCK_MUTEX, false},   \
			                   CALL_##name, attempt, &regs);                                     \
		struct incident_handle handle = {0};                                                         \
		bool acquired =                                                                              \
		    attempt == CHILD_LOCK && fork_snapshot_in_handlers(self) &&                              \
		    handler_check_acquire(self, &(struct lock_ref){mutex, TRACE_LOCK_MUTEX, false},          \
		                          CALL_##name, &regs, &handle);                                      \
		int result = acquired ? 0 : original;                                                        \
		incident_returned(handle, to_errno(result));                                                 \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, to_errno(result));                                           \
		settle_acquire(self, index, mutex, to_errno(result));                                        \
		return result;                                                                               \
	}

/* The plain case jumps to the original with nothing left to do after it. Registers are handed on one by one,
 * since a pointer to them would keep a stack frame alive. */
#define LOCK(name, mutex_type, mutex, to_errno)                                                              \
	WATCHED_ACQUIRE(name, mutex_type, CHILD_LOCK, mutex, to_errno, real.name(m))                         \
	static __attribute__((noinline)) int walked_##name(mutex_type *m, uint64_t pc, uint64_t sp,          \
	                                                   uint64_t bp, enum thread_record_stack stack)      \
	{                                                                                                    \
		thread_record_push_walked(thread_record_self, TRACE_LOCK_MUTEX, CALL_##name, pc, sp, bp,     \
		                          stack);                                                            \
		return real.name(m);                                                                         \
	}                                                                                                    \
	static __attribute__((noinline)) int missed_##name(mutex_type *m, uint64_t pc, uint64_t sp,          \
	                                                   uint64_t bp)                                      \
	{                                                                                                    \
		enum thread_record_stack stack =                                                             \
		    thread_record_push_by_bp(thread_record_self, TRACE_LOCK_MUTEX, CALL_##name, pc, sp, bp); \
		if (__builtin_expect(stack != THREAD_RECORD_STACK_PUSHED, 0))                                \
			return walked_##name(m, pc, sp, bp, stack);                                          \
		return real.name(m);                                                                         \
	}                                                                                                    \
	HOOK_EXPORT int name(mutex_type *m)                                                                  \
	{                                                                                                    \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = thread_record_gate->record;                                     \
		if (__builtin_expect(!self || !thread_record_has_room(self) || !is_normal(mutex), 0))        \
			return watched_##name(m, 0, NULL, regs.pc, regs.sp, regs.bp);                        \
		if (__builtin_expect(!thread_record_push(self, mutex, TRACE_LOCK_MUTEX, CALL_##name, regs),  \
		                     0))                                                                     \
			return missed_##name(m, regs.pc, regs.sp, regs.bp);                                  \
		return real.name(m);                                                                         \
	}

#define UNLOCK(name, mutex_type, mutex, to_errno)                                                            \
	static __attribute__((noinline)) int watched_##name(mutex_type *m, uint64_t pc, uint64_t sp,         \
	                                                    uint64_t bp)                                     \
	{                                                                                                    \
		const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};                           \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return real.name(m);                                                                 \
		uint32_t index = is_normal(mutex) ? thread_record_find_once(self, mutex)                     \
		                                  : thread_record_find(self, mutex);                         \
		thread_record_set(self, index, TRACE_HOLD_RELEASING);                                        \
		struct child_use use;                                                                        \
		bool is_child = process_is_child();                                                          \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_before(&use, self, &(struct lock_ref){mutex, TRACE_LOCK_MUTEX, false},   \
			                   CALL_##name, CHILD_UNLOCK, &regs);                                \
		int result = real.name(m);                                                                   \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, to_errno(result));                                           \
		settle_release(self, index, mutex, to_errno(result));                                        \
		return result;                                                                               \
	}                                                                                                    \
	HOOK_EXPORT int name(mutex_type *m)                                                                  \
	{                                                                                                    \
		struct thread_record *self = thread_record_gate->record;                                     \
		if (__builtin_expect(!self || !is_normal(mutex) || !thread_record_pop(self, mutex), 0)) {    \
			const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                       \
			return watched_##name(m, regs.pc, regs.sp, regs.bp);                                 \
		}                                                                                            \
		return real.name(m);                                                                         \
	}

LOCK(pthread_mutex_lock, pthread_mutex_t, m, errno_of_posix)
UNLOCK(pthread_mutex_unlock, pthread_mutex_t, m, errno_of_posix)
LOCK(mtx_lock, mtx_t, mutex_of(m), errno_of_thrd)
UNLOCK(mtx_unlock, mtx_t, mutex_of(m), errno_of_thrd)

#define ACQUIRE(name, mutex_type, params, clock, time, attempt, mutex, to_errno, original)                   \
	WATCHED_ACQUIRE(name, mutex_type, attempt, mutex, to_errno, original)                                \
	HOOK_EXPORT int name params                                                                          \
	{                                                                                                    \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		return watched_##name(m, clock, time, regs.pc, regs.sp, regs.bp);                            \
	}

ACQUIRE(pthread_mutex_trylock, pthread_mutex_t, (pthread_mutex_t * m), 0, NULL, CHILD_TRY, m, errno_of_posix,
        real.pthread_mutex_trylock(m))
ACQUIRE(pthread_mutex_timedlock, pthread_mutex_t, (pthread_mutex_t * m, const struct timespec *t), 0, t,
        CHILD_TIMED, m, errno_of_posix, real.pthread_mutex_timedlock(m, t))
ACQUIRE(pthread_mutex_clocklock, pthread_mutex_t,
        (pthread_mutex_t * m, clockid_t c, const struct timespec *t), c, t, CHILD_TIMED, m, errno_of_posix,
        real.pthread_mutex_clocklock(m, c, t))
ACQUIRE(mtx_trylock, mtx_t, (mtx_t * m), 0, NULL, CHILD_TRY, mutex_of(m), errno_of_thrd, real.mtx_trylock(m))
ACQUIRE(mtx_timedlock, mtx_t, (mtx_t * m, const struct timespec *t), 0, t, CHILD_TIMED, mutex_of(m),
        errno_of_thrd, real.mtx_timedlock(m, t))

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
HOOK_EXPORT int pthread_mutex_consistent(pthread_mutex_t *m)
{
	return real.pthread_mutex_consistent(m);
}
