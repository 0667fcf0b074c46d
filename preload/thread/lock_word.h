/* What a glibc lock says of itself. Layouts: <bits/struct_mutex.h> (unchanged from glibc 2.3 to 2.42 on
 * x86-64), <bits/struct_rwlock.h> and nptl/pthread_rwlock_common.c (since 2.25), struct new_sem of
 * nptl/semaphoreP.h (since 2.21), nptl/pthread_spin_lock.c for x86. Reads the lock's memory without atomicity
 * beyond a single load: for a lock that the caller is itself about to use, so the memory is there.
 */
#ifndef AFTERFORK_PRELOAD_LOCK_WORD_H
#define AFTERFORK_PRELOAD_LOCK_WORD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "trace_format.h"

/* A lock as a call names it. */
struct lock_ref {
	const void *address;
	enum trace_lock_kind kind;
	bool shared; /* asked for, or let go, as a read lock */
};

struct lock_state {
	bool locked;       /* an acquisition of the kind that was asked for would have to wait */
	bool names_nobody; /* who holds it so is written nowhere in it: readers, spinlocks, semaphores */
	int32_t owner_tid; /* 0: the lock names nobody (free, or its owner was just coming or going) */
	uint32_t word;
	uint32_t kind;    /* enum trace_lock_kind */
	uint32_t type;    /* enum trace_mutex_type */
	uint32_t flags;   /* TRACE_LOCK_* */
	uint32_t holders; /* of a lock that names nobody: how many there are */
};

struct lock_state lock_word_of_mutex(const pthread_mutex_t *mutex);
/* For a kind that no table entry reads, a state that is not locked. */
struct lock_state lock_word_of(const struct lock_ref *lock);

/* Room for a copy of a lock of any kind that has a size. */
union lock_copy {
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	pthread_spinlock_t spinlock;
	sem_t semaphore;
	int64_t guard; /* Itanium C++ ABI, 3.3.2 */
};
/* 0 for kinds that are no locks, or not in memory of the program. */
size_t lock_word_size_of(enum trace_lock_kind kind);

/* True where an unlock by a thread other than the owner recorded is refused (EPERM) or without effect, and a
 * relock depends on the owner: rwlocks, and mutexes of every type but normal and adaptive ones that are
 * neither robust nor priority-inheriting. */
bool lock_word_checks_owner(const struct lock_state *state);

#endif
