#include "proc_lock.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "proc_memory.h"
#include "trace_format.h"

/* The heads of glibc's objects. */
struct mutex {
	int32_t lock;
	uint32_t count;
	int32_t owner;
};
struct rwlock {
	uint32_t readers, writers, wrphase_futex, writers_futex, pad[2];
	int32_t writer;
};

static enum proc_lock_state state_of_owner(pid_t pid, pid_t owner)
{
	char path[64];

	if (!owner)
		return PROC_LOCK_TAKEN;
	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)owner);
	return access(path, F_OK) == 0 ? PROC_LOCK_OWNED_BY_LIVE : PROC_LOCK_OWNED_BY_OTHER;
}

enum proc_lock_state proc_lock_read(pid_t pid, uint32_t kind, uint64_t address, pid_t *ret_owner)
{
	struct mutex mutex;
	struct rwlock rwlock;
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
