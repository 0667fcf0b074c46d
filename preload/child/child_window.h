/* Who had to do with a lock that is locked and names no owner: of a mutex, somebody was just coming or going
 * at the fork, and stays so for ever. Part of child_check. Async-signal-safe, lock-free. */
#ifndef AFTERFORK_PRELOAD_CHILD_WINDOW_H
#define AFTERFORK_PRELOAD_CHILD_WINDOW_H

#include "child_check.h"

struct child_window {
	struct thread_record *candidate;
	uint32_t entry;
	bool candidate_holds; /* its entry says so; else it was coming or going */
	unsigned count;       /* of equally good candidates */
	unsigned live;        /* entries of the child's threads */
	bool ended;           /* a thread that had ended has an entry, too */
};

/* True where only threads that are not in the child could let go: those counted in *ret_window. */
bool child_window_settle(const struct child_use *use, struct child_window *ret_window);

/* The latest entry for the lock that the thread made under the id, else the one that it was just letting go;
 * UINT32_MAX if there is none. tid 0: under any. */
uint32_t child_window_find_entry(const struct thread_record *thread, uint64_t lock, int32_t tid);

#endif
