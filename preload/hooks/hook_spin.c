/* Spinlocks. The lock is one word that names nobody: the record is all that tells who holds it. */
#include "hook_lock.h"
#include "init_site.h"

#define ACQUIRE(name, attempt)                                                                               \
	HOOK_ACQUIRE(name, (pthread_spinlock_t * l), (l), TRACE_LOCK_SPINLOCK, (const void *)l, false,       \
	             attempt, errno_of_posix)

ACQUIRE(pthread_spin_lock, CHILD_LOCK)
ACQUIRE(pthread_spin_trylock, CHILD_TRY)
HOOK_RELEASE(pthread_spin_unlock, (pthread_spinlock_t * l), (l), TRACE_LOCK_SPINLOCK, (const void *)l,
             errno_of_posix)

HOOK_EXPORT int pthread_spin_init(pthread_spinlock_t *l, int shared)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int result = real.pthread_spin_init(l, shared);
	struct thread_record *self = result == 0 ? hook_thread() : NULL;
	if (self) {
		hook_forget(self, (const void *)l);
		init_site_record(self, (const void *)l, &regs);
	}
	return result;
}

HOOK_EXPORT int pthread_spin_destroy(pthread_spinlock_t *l)
{
	int result = real.pthread_spin_destroy(l);
	struct thread_record *self = result == 0 ? hook_thread() : NULL;
	if (self) {
		hook_forget(self, (const void *)l);
		init_site_forget((const void *)l);
	}
	return result;
}
