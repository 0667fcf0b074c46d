/* A process of which no thread can go on by itself: each is in a futex wait without a time limit. */
#ifndef AFTERFORK_PROC_STANDSTILL_H
#define AFTERFORK_PROC_STANDSTILL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_wait.h"

/* Two looks that found equal ones saw the same waits: none of the threads ran in between. */
struct proc_standstill {
	uint64_t hash; /* over all threads: id, futex, stack pointer; never 0 */
	uint64_t
	    switches; /* context switches of all threads: tell one that was woken and went back to sleep */
	uint32_t thread_count;
	pid_t tid;             /* of the first thread, mostly the initial one */
	struct proc_wait wait; /* its wait */
};

/* False as soon as one thread is seen that does anything else, or cannot be looked at: only its id is set in
 * *ret_standstill then. Cheap in that case: the initial thread is looked at first. */
bool proc_standstill_read(pid_t pid, struct proc_standstill *ret_standstill);

static inline bool proc_standstill_equal(const struct proc_standstill *a, const struct proc_standstill *b)
{
	return a->hash == b->hash && a->switches == b->switches;
}
/* The same waits, perhaps begun anew. */
static inline bool proc_standstill_same_waits(const struct proc_standstill *a,
                                              const struct proc_standstill *b)
{
	return a->hash == b->hash;
}

#endif
