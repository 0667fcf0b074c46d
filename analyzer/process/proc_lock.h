/* Locks of glibc in the memory of another process: are they still taken, and by whom? x86-64 layouts. */
#ifndef AFTERFORK_PROC_LOCK_H
#define AFTERFORK_PROC_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum proc_lock_state {
	PROC_LOCK_UNKNOWN, /* unreadable, or of a kind whose memory does not say */
	PROC_LOCK_FREE,
	PROC_LOCK_TAKEN,          /* by somebody whom the lock does not name */
	PROC_LOCK_OWNED_BY_LIVE,  /* by a thread of the process */
	PROC_LOCK_OWNED_BY_OTHER, /* by an id that no thread of the process has */
};

/* The heads of glibc's objects. */
struct proc_mutex {
	int32_t lock;
	uint32_t count;
	int32_t owner;
	uint32_t users;
	int32_t kind;
};
struct proc_rwlock {
	uint32_t readers, writers, wrphase_futex, writers_futex, pad[2];
	int32_t writer;
};

/* True for what looks in every field like a mutex that has an owner and that somebody sleeps on. */
bool proc_mutex_is_waited_for(const struct proc_mutex *mutex);

/* kind is an enum trace_lock_kind; *ret_owner is 0 where the lock names nobody. */
enum proc_lock_state proc_lock_read(pid_t pid, uint32_t kind, uint64_t address, pid_t *ret_owner);

#endif
