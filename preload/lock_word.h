/* What a glibc lock says of itself. The layouts are those of struct __pthread_mutex_s in
 * <bits/struct_mutex.h>, unchanged from glibc 2.3 to 2.42 on x86-64. Reads the lock's memory without
 * atomicity beyond a single load: for a lock that the caller is itself about to use, so the memory is there.
 */
#ifndef AFTERFORK_PRELOAD_LOCK_WORD_H
#define AFTERFORK_PRELOAD_LOCK_WORD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lock_state {
	bool locked;
	int32_t owner_tid; /* 0: the lock names nobody (free, or its owner was just coming or going) */
	uint32_t word;
	uint32_t type;  /* enum trace_mutex_type */
	uint32_t flags; /* TRACE_LOCK_* */
};

struct lock_state lock_word_of_mutex(const pthread_mutex_t *mutex);

/* True where an unlock by a thread other than the owner recorded is refused (EPERM), and a relock depends on
 * the owner: every type but normal and adaptive ones that are neither robust nor priority-inheriting. */
bool lock_word_checks_owner(const struct lock_state *state);

#endif
