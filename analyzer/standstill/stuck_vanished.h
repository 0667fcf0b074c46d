/* The threads that a stuck process lacks: who they were, and what is known of what they were doing. */
#ifndef AFTERFORK_STUCK_VANISHED_H
#define AFTERFORK_STUCK_VANISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "library_threads.h"
#include "proc_maps.h"
#include "stack_reader.h"
#include "stuck_parent.h"

struct stuck_vanished {
	struct library_thread known; /* by the library; by the parent alone: tid and name */
	struct stack_source stack;   /* memory owned: what the child has of its stack; registers not known */
};

struct stuck_vanished_list {
	struct stuck_vanished *items;
	size_t count;
	bool made_no_threads; /* the process is known to have made none since the fork */
	struct library_threads threads;
};

/* state NULL: without the library. sp is the initial thread's. */
void stuck_vanished_take(pid_t pid, const struct library_state *state, const struct stuck_parent *parent,
                         pid_t parent_pid, const struct proc_maps *maps, uint64_t sp,
                         struct stuck_vanished_list *ret_list);
/* The one that libc calls so in the locks that it owns, or NULL. */
const struct stuck_vanished *stuck_vanished_find(const struct stuck_vanished_list *list, pid_t owner_tid);
/* What the thread had to do with the lock last, or NULL. */
const struct library_hold *stuck_vanished_hold_of(const struct stuck_vanished *vanished, uint64_t lock);
/* The first that waited on the object, or was about to; NULL: none. */
const struct stuck_vanished *stuck_vanished_sleeper_on(const struct stuck_vanished_list *list,
                                                       uint64_t object);
/* What it was doing, as the latest of its records tells; NULL: not known. */
const struct library_hold *stuck_vanished_latest(const struct stuck_vanished *vanished);
/* A zeroed or released one is a no-op. */
void stuck_vanished_release(struct stuck_vanished_list *list);

#endif
