/* Condition variables. Waits: inside libc they release the mutex and take it again. Rules as in hook_mutex.c.
 * During the wait the mutex's entry is WAITING: after a fork the lock word tells whether the vanished thread
 * had the mutex. A cancelled wait leaves it so, with the mutex retaken, until its clean-up unlocks. The
 * condition has an entry beside it, so that a child can name who was waiting; that goes with the wait, or
 * with its thread. */
#include "child_wait.h"
#include "handler_check.h"
#include "handover.h"
#include "hook.h"
#include "wake_site.h"

/* The mutex will next be taken by this call, here: an entry of its own replaces the one of the acquisition,
 * which a fork in between still finds whole. */
static inline void begin_wait(struct thread_record *self, const void *condition, const void *mutex,
                              unsigned call, const struct call_registers *regs)
{
	uint32_t held = thread_record_find(self, mutex);
	wake_site_see(condition);
	if (held != UINT32_MAX) {
		uint32_t waiting = thread_record_want(self, mutex, TRACE_LOCK_MUTEX, call, regs);
		thread_record_set(self, waiting, TRACE_HOLD_WAITING);
		if (held < waiting && self->held[held].lock == (uint64_t)(uintptr_t)mutex)
			thread_record_remove(self, held); /* not if it was dropped to make room */
	}
	uint32_t index = thread_record_want(self, condition, TRACE_LOCK_CONDVAR, call, regs);
	thread_record_set(self, index, TRACE_HOLD_WAITING);
	/* The stack is in the cache since the mutex's entry. */
	thread_record_note_use(self, &self->held[index]);
}

/* It came back with the mutex, but for a robust one that is beyond repair. */
static inline void end_wait(struct thread_record *self, const void *condition, const void *mutex, int error)
{
	thread_record_remove(self, thread_record_find(self, condition));
	uint32_t index = thread_record_find(self, mutex);
	if (error == ENOTRECOVERABLE)
		thread_record_remove(self, index);
	else
		thread_record_set(self, index, TRACE_HOLD_HELD);
}

static void look(struct child_use *ret_use, struct thread_record *self, const void *condition,
                 const void *mutex, unsigned call, bool has_limit, const struct call_registers *regs)
{
	child_check_before(ret_use, self, &(struct lock_ref){mutex, TRACE_LOCK_MUTEX, false}, call,
	                   CHILD_WAIT, regs);
	handover_look_for_taker(self, condition);
	if (!has_limit)
		child_wait_condition(ret_use, self, condition, call, regs);
}

/* Who woke may have taken the work. */
static void look_after(struct child_use *use, const struct thread_record *self, const void *condition,
                       int error)
{
	child_check_after(use, error);
	handover_look_for_taker(self, condition);
}

#define WAIT(call, condition, mutex, has_limit, to_errno, original)                                          \
	do {                                                                                                 \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return original;                                                                     \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		begin_wait(self, condition, mutex, call, &regs);                                             \
		bool is_child = process_is_child();                                                          \
		struct child_use use;                                                                        \
		if (__builtin_expect(is_child, 0))                                                           \
			look(&use, self, condition, mutex, call, has_limit, &regs);                          \
		struct incident_handle handle = {0};                                                         \
		if (!(has_limit) && hook_in_handlers(self))                                                  \
			handle = handler_check_wait(self, condition, TRACE_LOCK_CONDVAR, call, &regs);       \
		int result = original;                                                                       \
		if (__builtin_expect(handle.record != NULL, 0))                                              \
			incident_returned(handle, to_errno(result));                                         \
		if (__builtin_expect(is_child, 0))                                                           \
			look_after(&use, self, condition, to_errno(result));                                 \
		end_wait(self, condition, mutex, to_errno(result));                                          \
		return result;                                                                               \
	} while (0)

HOOK_EXPORT int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	WAIT(CALL_pthread_cond_wait, c, m, false, errno_of_posix, real.pthread_cond_wait(c, m));
}

HOOK_EXPORT int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t)
{
	WAIT(CALL_pthread_cond_timedwait, c, m, true, errno_of_posix, real.pthread_cond_timedwait(c, m, t));
}

HOOK_EXPORT int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t k,
                                       const struct timespec *t)
{
	WAIT(CALL_pthread_cond_clockwait, c, m, true, errno_of_posix,
	     real.pthread_cond_clockwait(c, m, k, t));
}

HOOK_EXPORT int cnd_wait(cnd_t *c, mtx_t *m)
{
	WAIT(CALL_cnd_wait, c, mutex_of(m), false, errno_of_thrd, real.cnd_wait(c, m));
}

HOOK_EXPORT int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *t)
{
	WAIT(CALL_cnd_timedwait, c, mutex_of(m), true, errno_of_thrd, real.cnd_timedwait(c, m, t));
}

/* In a child that looks at what it meets the thread's gate stays closed. */
static inline void note_wake(struct thread_record *self, const void *condition, unsigned call,
                             const struct call_registers *regs)
{
	wake_site_wake(self, condition, call, false, regs);
	if (__builtin_expect(!thread_record_gate->record, 0) && process_is_child())
		handover_note(self, condition, TRACE_LOCK_CONDVAR, call, regs);
}

#define WAKE(name, type)                                                                                     \
	HOOK_EXPORT int name(type *c)                                                                        \
	{                                                                                                    \
		const struct call_registers regs = CALL_REGISTERS_OF_CALLER();                               \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(self != NULL, 1))                                                       \
			note_wake(self, c, CALL_##name, &regs);                                              \
		return real.name(c);                                                                         \
	}

WAKE(pthread_cond_signal, pthread_cond_t)
WAKE(pthread_cond_broadcast, pthread_cond_t)
WAKE(cnd_signal, cnd_t)
WAKE(cnd_broadcast, cnd_t)

static void note_init(const void *condition)
{
	if (hook_thread())
		wake_site_init(condition, 0);
}

HOOK_EXPORT int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *a)
{
	int result = real.pthread_cond_init(c, a);
	if (result == 0)
		note_init(c);
	return result;
}

HOOK_EXPORT int cnd_init(cnd_t *c)
{
	int result = real.cnd_init(c);
	if (result == thrd_success)
		note_init(c);
	return result;
}

/* Before the end, which waits for those that the condition counts as waiting. */
static void look_at_end(struct child_use *ret_use, const pthread_cond_t *condition, unsigned call,
                        const struct call_registers *regs)
{
	struct thread_record *self = hook_thread();
	*ret_use = (struct child_use){.attempt = CHILD_LOCK};
	if (self && process_is_child())
		child_wait_destroy(ret_use, self, condition, call, regs);
}

HOOK_EXPORT int pthread_cond_destroy(pthread_cond_t *c)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct child_use use;
	look_at_end(&use, c, CALL_pthread_cond_destroy, &regs);
	int result = real.pthread_cond_destroy(c);
	child_check_after(&use, result);
	wake_site_forget(c, true);
	return result;
}

HOOK_EXPORT void cnd_destroy(cnd_t *c)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct child_use use;
	/* glibc's cnd_t is a pthread_cond_t (glibc nptl/thrd_priv.h). */
	look_at_end(&use, (const pthread_cond_t *)c, CALL_cnd_destroy, &regs);
	real.cnd_destroy(c);
	child_check_after(&use, 0);
	wake_site_forget(c, true);
}
