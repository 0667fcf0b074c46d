/* Barriers: a child lacks the threads that a round needs. */
#include "child_wait.h"
#include "handler_check.h"
#include "hook.h"
#include "init_site.h"
#include "wake_site.h"

static int errno_of_round(int result)
{
	return result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : result;
}

static int wait_in_handler(struct thread_record *self, pthread_barrier_t *b,
                           const struct call_registers *regs)
{
	struct incident_handle handle =
	    handler_check_wait(self, b, TRACE_LOCK_BARRIER, CALL_pthread_barrier_wait, regs);
	int result = real.pthread_barrier_wait(b);
	incident_returned(handle, errno_of_round(result));
	return result;
}

HOOK_EXPORT int pthread_barrier_wait(pthread_barrier_t *b)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *self = hook_forking_thread();
	if (__builtin_expect(self != NULL, 0))
		return wait_in_handler(self, b, &regs);
	self = process_is_plain() ? NULL : hook_thread();
	if (__builtin_expect(!self || !process_is_child(), 1))
		return real.pthread_barrier_wait(b);
	struct child_use use = {.attempt = CHILD_LOCK};
	child_wait_barrier(&use, self, b, CALL_pthread_barrier_wait, &regs);
	int result = real.pthread_barrier_wait(b);
	child_check_after(&use, errno_of_round(result));
	return result;
}

HOOK_EXPORT int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *a, unsigned count)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int result = real.pthread_barrier_init(b, a, count);
	struct thread_record *self = result == 0 ? hook_thread() : NULL;
	if (self) {
		wake_site_init(b, count);
		init_site_record(self, b, &regs);
	}
	return result;
}

HOOK_EXPORT int pthread_barrier_destroy(pthread_barrier_t *b)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	struct thread_record *self = process_is_plain() ? NULL : hook_thread();
	struct child_use use = {.attempt = CHILD_LOCK};
	if (self && process_is_child())
		child_wait_barrier_destroy(&use, self, b, CALL_pthread_barrier_destroy, &regs);
	int result = real.pthread_barrier_destroy(b);
	child_check_after(&use, result);
	if (result == 0) {
		wake_site_forget(b, true);
		init_site_forget(b);
	}
	return result;
}
