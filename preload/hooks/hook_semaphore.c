/* Semaphores, which serve as locks (who took it posts it) or as signals (others do). An entry says that the
 * thread took it and did not post it since; one for each semaphore, since a thread that only takes owes no
 * post. Which of the two it is tells wake_site, from who posted. */
#include <semaphore.h>

#include "child_wait.h"
#include "handover.h"
#include "hook_lock.h"
#include "init_site.h"
#include "wake_site.h"

/* The new entry replaces the one of an earlier acquisition, which a fork in between still finds. */
static uint32_t want(struct thread_record *self, const sem_t *s, unsigned call,
                     const struct call_registers *regs, uint32_t *ret_before)
{
	*ret_before = thread_record_find(self, s);
	return thread_record_want(self, s, TRACE_LOCK_SEMAPHORE, call, regs);
}

static void settle(struct thread_record *self, uint32_t before, const sem_t *s, int error)
{
	uint32_t index = thread_record_find(self, s);
	if (error != 0) {
		thread_record_remove(self, index);
		return;
	}
	thread_record_set(self, index, TRACE_HOLD_HELD);
	if (before != UINT32_MAX && before != index && self->held[before].lock == (uint64_t)(uintptr_t)s)
		thread_record_remove(self, before);
}

static void look(struct child_use *ret_use, struct thread_record *self, const sem_t *s, unsigned call,
                 enum child_attempt attempt, const struct call_registers *regs)
{
	child_check_before(ret_use, self, &(struct lock_ref){s, TRACE_LOCK_SEMAPHORE, false}, call, attempt,
	                   regs);
	handover_look_for_taker(self, s);
	if (attempt == CHILD_LOCK && !ret_use->suspect.observed)
		child_wait_semaphore(ret_use, self, s, call, regs);
}

/* A try that fails says EAGAIN here, and EBUSY everywhere else. */
static inline int errno_of_try(int result)
{
	int error = errno_of_unix(result);
	return error == EAGAIN ? EBUSY : error;
}

#define ACQUIRE(name, params, arguments, attempt)                                                            \
	static __attribute__((noinline)) int watched_##name(HOOK_LIST params, uint64_t pc, uint64_t sp,      \
	                                                    uint64_t bp)                                     \
	{                                                                                                    \
		const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};                           \
		struct thread_record *self = hook_thread();                                                  \
		if (__builtin_expect(!self, 0))                                                              \
			return real.name arguments;                                                          \
		uint32_t before;                                                                             \
		want(self, s, CALL_##name, &regs, &before);                                                  \
		struct child_use use;                                                                        \
		bool is_child = process_is_child();                                                          \
		if (__builtin_expect(is_child, 0))                                                           \
			look(&use, self, s, CALL_##name, attempt, &regs);                                    \
		struct incident_handle handle = {0};                                                         \
		if (attempt == CHILD_LOCK && hook_in_handlers(self))                                         \
			handle = handler_check_wait(self, s, TRACE_LOCK_SEMAPHORE, CALL_##name, &regs);      \
		int result = real.name arguments;                                                            \
		if (__builtin_expect(handle.record != NULL, 0))                                              \
			incident_returned(handle, errno_of_unix(result));                                    \
		if (__builtin_expect(is_child, 0))                                                           \
			child_check_after(&use, errno_of_try(result));                                       \
		settle(self, before, s, errno_of_unix(result));                                              \
		return result;                                                                               \
	}                                                                                                    \
	HOOK_ACQUIRE_PLAIN(name, params, arguments, TRACE_LOCK_SEMAPHORE, s,                                 \
	                   thread_record_find(self, s) == UINT32_MAX)

ACQUIRE(sem_wait, (sem_t * s), (s), CHILD_LOCK)
ACQUIRE(sem_trywait, (sem_t * s), (s), CHILD_TRY)
ACQUIRE(sem_timedwait, (sem_t * s, const struct timespec *t), (s, t), CHILD_TIMED)
ACQUIRE(sem_clockwait, (sem_t * s, clockid_t c, const struct timespec *t), (s, c, t), CHILD_TIMED)

static __attribute__((noinline)) int watched_sem_post(sem_t *s, uint64_t pc, uint64_t sp, uint64_t bp)
{
	const struct call_registers regs = {.pc = pc, .sp = sp, .bp = bp};
	struct thread_record *self = hook_thread();
	if (__builtin_expect(!self, 0))
		return real.sem_post(s);
	uint32_t index = thread_record_find(self, s);
	thread_record_set(self, index, TRACE_HOLD_RELEASING);
	wake_site_wake(self, s, CALL_sem_post, index != UINT32_MAX, &regs);
	if (index == UINT32_MAX && process_is_child())
		handover_note(self, s, TRACE_LOCK_SEMAPHORE, CALL_sem_post, &regs);
	int result = real.sem_post(s);
	hook_settle_release(self, index, s, errno_of_unix(result), true);
	return result;
}

HOOK_RELEASE_PLAIN(sem_post, (sem_t * s), (s), s, wake_site_knows_holder(s))

HOOK_EXPORT int sem_init(sem_t *s, int shared, unsigned value)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int result = real.sem_init(s, shared, value);
	struct thread_record *self = result == 0 ? hook_thread() : NULL;
	if (self) {
		hook_forget(self, s);
		wake_site_init(s, value);
		init_site_record(self, s, &regs);
	}
	return result;
}

HOOK_EXPORT int sem_destroy(sem_t *s)
{
	int result = real.sem_destroy(s);
	struct thread_record *self = result == 0 ? hook_thread() : NULL;
	if (self) {
		uint32_t index = thread_record_find(self, s);
		thread_record_remove(self, index);
		wake_site_forget(s, index != UINT32_MAX);
		init_site_forget(s);
	}
	return result;
}
