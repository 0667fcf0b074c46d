#include "hook_lock.h"

int hook_settle_acquire_found(struct thread_record *self, const void *lock, int result)
{
	hook_settle_acquire(self, thread_record_find(self, lock), lock, result);
	return result;
}

int hook_settle_release_found(struct thread_record *self, const void *lock, int result)
{
	hook_settle_release(self, thread_record_find(self, lock), lock, result, true);
	return result;
}
