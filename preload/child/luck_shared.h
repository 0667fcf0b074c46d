/* Locks that a child takes and that threads which vanished are known to have used: whether the child hangs is
 * a matter of the moment of the fork.
 *
 * Async-signal-safe and lock-free; no system call in a sandbox. */
#ifndef AFTERFORK_PRELOAD_LUCK_SHARED_H
#define AFTERFORK_PRELOAD_LUCK_SHARED_H

#include "hash.h"
#include "incident.h"

/* In a new child, before its first lock call is recorded: what the forking thread holds now is covered. */
void luck_shared_enter(const struct thread_record *self);
/* The child took a lock that was free, as a read lock or not: `use` says which, who, and where; other fields
 * are not read. A lock of libc's own is one that the child is about to take, and that nobody was seen to
 * have: state.type is its family. */
void luck_shared_took(const struct incident *use, bool shared);

/* For hashes by which repeats are found before any stack is walked to its end. */
static inline uint64_t luck_shared_hash_of_fork(enum trace_observed observed, const struct fork_note *note)
{
	uint64_t hash = HASH_START ^ observed;
	for (uint32_t i = 0; note && i < note->stack.count; i++)
		hash_mix(&hash, note->stack.pc[i]);
	return hash;
}

#endif
