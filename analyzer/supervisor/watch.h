/* Looks, from outside and seldom, for processes of the tree that came to a standstill, whatever they wait
 * for, or that go round in a loop that nothing ends.
 *
 * Cheap by construction: rounds are seldom while nothing in the tree has forked without exec; a look is one
 * system call's state for each process, further apart for a process that was seen busy; and whatever the
 * tree's and the machine's size, looking takes no more than a fixed share of one CPU. No process is stopped
 * or touched, but for one that seems to be in a loop (spin_watch.h). */
#ifndef AFTERFORK_WATCH_H
#define AFTERFORK_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proc_standstill.h"
#include "proc_tree.h"
#include "spin_watch.h"

struct watched_wait {
	struct proc_standstill standstill; /* as last seen; hash 0: it was in none */
	uint64_t since_ns;
	bool is_told; /* had its whole look, and was handed out if that found something */
};

struct watched_process {
	pid_t pid;
	uint64_t start_ticks;
	uint64_t due_ns;
	uint32_t pause_ms;
	pid_t busy_tid; /* the thread that was seen busy last; 0: none */
	struct watched_wait futexes, descriptors;
	struct spin_watch spin;
};

struct watch {
	struct watched_process *processes; /* by rising pid */
	size_t count;
	uint64_t due_ns; /* of whatever comes next */
	uint64_t round_due_ns;
	struct proc_list foreign; /* processes that are known to be none of the tree */
	unsigned rounds;          /* since all were looked at as if for the first time */
	uint32_t pause_ms;        /* to the next round */
	uint64_t forks;           /* as watch_note_forks() was told last */
};

/* A forked process that has not executed since, of which it is known that threads vanished, and that did not
 * move from *standstill since since_ns. Called for each standstill at once, and seldom again while it lasts.
 * Or one that was in a loop that nothing ends: of the wait there is the word that keeps it going and the
 * stack pointer, and its state is PROC_WAIT_OTHER. Or one that waits for descriptors, for work that it handed
 * to threads that vanished. */
typedef void watch_found(void *context, pid_t pid, const struct proc_standstill *standstill,
                         uint64_t since_ns);

/* Does what is due at now_ns (CLOCK_MONOTONIC); returns when to be called again. */
uint64_t watch_step(struct watch *watch, uint64_t now_ns, watch_found *found, void *context);
/* The library counts forks: once there are new ones, rounds are frequent. It does not see each of them. */
void watch_note_forks(struct watch *watch, uint64_t forks, uint64_t now_ns);
/* One look at one process, whenever it is due; for watch_step() and its tests. */
void watch_look(struct watched_process *process, uint64_t now_ns, watch_found *found, void *context);
/* A zeroed or released one is a no-op, and ready for use. */
void watch_release(struct watch *watch);

#endif
