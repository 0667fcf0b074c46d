/* A thread that waits for a lock may sleep on a word of its own: in a record that it puts into the lock's
 * queue. The word says nothing of the lock then, but from the record to the lock there is a way. */
#ifndef AFTERFORK_STUCK_QUEUE_H
#define AFTERFORK_STUCK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_maps.h"
#include "stack_reader.h"
#include "stuck_object.h"

/* Address 0: none was found. */
struct stuck_queue {
	/* Memory from before the fork that the child has linked the record into. */
	struct stuck_object link;
	/* Memory, as a rule from before the fork, that the record names: in a parking lot the lock. */
	struct stuck_object key;
	bool key_is_pythons; /* a lock of CPython's that was there at the fork: stuck_python.h */
};

struct stuck_waiter {
	pid_t pid, parent; /* parent 0: none that still runs the program that forked */
	const char *exe;   /* the program's file; NULL: not known */
	const struct proc_maps *maps;
	const struct stack_source *source;
	uint64_t thread_pointer; /* 0: not known */
	uint64_t word;           /* that it sleeps on */
};

/* Looks at what the thread's registers and innermost frames point to: who waits in a lock's function has the
 * lock in its hands. */
void stuck_queue_find(const struct stuck_waiter *waiter, struct stuck_queue *ret_queue);

#endif
