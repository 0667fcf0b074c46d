/* Spinlocks. The lock is one word that names nobody: the record is all that tells who holds it. */
#include "hook_lock.h"
#include "init_site.h"

HOOK_EXPORT int pthread_spin_lock(pthread_spinlock_t *l)
{
	HOOK_ACQUIRE(TRACE_LOCK_SPINLOCK, (const void *)l, false, CALL_pthread_spin_lock, CHILD_LOCK,
	             errno_of_posix, real.pthread_spin_lock(l));
}

HOOK_EXPORT int pthread_spin_trylock(pthread_spinlock_t *l)
{
	HOOK_ACQUIRE(TRACE_LOCK_SPINLOCK, (const void *)l, false, CALL_pthread_spin_trylock, CHILD_TRY,
	             errno_of_posix, real.pthread_spin_trylock(l));
}

HOOK_EXPORT int pthread_spin_unlock(pthread_spinlock_t *l)
{
	HOOK_RELEASE(TRACE_LOCK_SPINLOCK, (const void *)l, CALL_pthread_spin_unlock, errno_of_posix,
	             real.pthread_spin_unlock(l));
}

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
