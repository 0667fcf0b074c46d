#include "proc_lock.h"

#include "proc_memory.h"
#include "proc_tree.h"
#include "trace_format.h"

enum {
	MUTEX_WAITED_FOR = 2,     /* `lock` while somebody sleeps on it */
	MUTEX_KIND_LIMIT = 0x200, /* all bits of `kind` that glibc uses are below */
};

bool proc_mutex_is_waited_for(const struct proc_mutex *mutex)
{
	return mutex->lock == MUTEX_WAITED_FOR && mutex->users <= 1 && mutex->owner > 0 && mutex->kind >= 0 &&
	       mutex->kind < MUTEX_KIND_LIMIT;
}

static enum proc_lock_state state_of_owner(pid_t pid, pid_t owner)
{
	if (!owner)
		return PROC_LOCK_TAKEN;
	return proc_tree_has_thread(pid, owner) ? PROC_LOCK_OWNED_BY_LIVE : PROC_LOCK_OWNED_BY_OTHER;
}

enum proc_lock_state proc_lock_read(pid_t pid, uint32_t kind, uint64_t address, pid_t *ret_owner)
{
	struct proc_mutex mutex;
	struct proc_rwlock rwlock;
	uint32_t value;
	int32_t word;

	*ret_owner = 0;
	switch (kind) {
	case TRACE_LOCK_MUTEX:
		if (!proc_memory_read(pid, address, &mutex, sizeof(mutex)))
			return PROC_LOCK_UNKNOWN;
		*ret_owner = mutex.owner;
		return mutex.lock ? state_of_owner(pid, mutex.owner) : PROC_LOCK_FREE;
	case TRACE_LOCK_RWLOCK:
		if (!proc_memory_read(pid, address, &rwlock, sizeof(rwlock)))
			return PROC_LOCK_UNKNOWN;
		*ret_owner = rwlock.writer;
		return rwlock.writer || rwlock.readers ? state_of_owner(pid, rwlock.writer) : PROC_LOCK_FREE;
	case TRACE_LOCK_SPINLOCK:
		if (!proc_memory_read(pid, address, &word, sizeof(word)))
			return PROC_LOCK_UNKNOWN;
		return word <= 0 ? PROC_LOCK_TAKEN : PROC_LOCK_FREE;
	case TRACE_LOCK_SEMAPHORE:
		if (!proc_memory_read(pid, address, &value, sizeof(value)))
			return PROC_LOCK_UNKNOWN;
		return value ? PROC_LOCK_FREE : PROC_LOCK_TAKEN;
	default:
		return PROC_LOCK_UNKNOWN;
	}
}
