/* Read-write locks; std::shared_mutex comes through here, too. Rules as in hook_mutex.c, but that the record
 * says HELD once a lock is held: readers are not named by the lock. A thread that holds several read locks
 * has an entry for each. */
#include "hook_lock.h"
#include "init_site.h"

#define ACQUIRE(name, params, arguments, is_shared, attempt)                                                 \
	HOOK_ACQUIRE(name, params, arguments, TRACE_LOCK_RWLOCK, l, is_shared, attempt, errno_of_posix)

ACQUIRE(pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l), true, CHILD_LOCK)
ACQUIRE(pthread_rwlock_tryrdlock, (pthread_rwlock_t * l), (l), true, CHILD_TRY)
ACQUIRE(pthread_rwlock_timedrdlock, (pthread_rwlock_t * l, const struct timespec *t), (l, t), true,
        CHILD_TIMED)
ACQUIRE(pthread_rwlock_clockrdlock, (pthread_rwlock_t * l, clockid_t c, const struct timespec *t), (l, c, t),
        true, CHILD_TIMED)
ACQUIRE(pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l), false, CHILD_LOCK)
ACQUIRE(pthread_rwlock_trywrlock, (pthread_rwlock_t * l), (l), false, CHILD_TRY)
ACQUIRE(pthread_rwlock_timedwrlock, (pthread_rwlock_t * l, const struct timespec *t), (l, t), false,
        CHILD_TIMED)
ACQUIRE(pthread_rwlock_clockwrlock, (pthread_rwlock_t * l, clockid_t c, const struct timespec *t), (l, c, t),
        false, CHILD_TIMED)

HOOK_RELEASE(pthread_rwlock_unlock, (pthread_rwlock_t * l), (l), TRACE_LOCK_RWLOCK, l, errno_of_posix)

HOOK_EXPORT int pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *a)
{
	const struct call_registers regs = CALL_REGISTERS_OF_CALLER();
	int result = real.pthread_rwlock_init(l, a);
	struct thread_record *self = result == 0 ? hook_thread() : NULL;
	if (self) {
		hook_forget(self, l);
		init_site_record(self, l, &regs);
	}
	return result;
}

HOOK_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
	int result = real.pthread_rwlock_destroy(l);
	struct thread_record *self = result == 0 ? hook_thread() : NULL;
	if (self) {
		hook_forget(self, l);
		init_site_forget(l);
	}
	return result;
}
