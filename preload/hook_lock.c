#include "hook_lock.h"

void hook_settle_acquire_found(struct thread_record *self, const void *lock, int error)
{
	hook_settle_acquire(self, thread_record_find(self, lock), lock, error);
}

void hook_settle_release_found(struct thread_record *self, const void *lock, int error)
{
	hook_settle_release(self, thread_record_find(self, lock), lock, error, true);
}
