/* The process that forked a stuck one, as long as it is there: whom of its threads the child lacks. */
#ifndef AFTERFORK_STUCK_PARENT_H
#define AFTERFORK_STUCK_PARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_maps.h"

enum { STUCK_PARENT_THREADS_MAX = 256 };

struct stuck_parent {
	/* It runs the program that forked, in the same layout of memory: what it has at an address is what
	 * became there of what the child has. False: nothing else here is known. */
	bool is_same_program;
	pid_t forking_tid;       /* the thread that called fork; 0: not known */
	bool has_other_contents; /* than the child at one address: they do not share their memory */
	/* Its threads that were there before the child was, the forking one among them. */
	pid_t tids[STUCK_PARENT_THREADS_MAX];
	size_t count;
};

/* child_maps are the child's; thread_pointer is that of its initial thread, 0: not known. */
void stuck_parent_read(pid_t pid, pid_t child, const struct proc_maps *child_maps, uint64_t thread_pointer,
                       struct stuck_parent *ret_parent);
bool stuck_parent_has(const struct stuck_parent *parent, pid_t tid);

#endif
