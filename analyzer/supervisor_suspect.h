/* One thread that the library says is stuck, and the proof from outside that it is.
 *
 * Proven means: a process of our own tree, forked and never executed since, has this thread in a futex wait
 * without a time limit on that very lock, over a span of time, while the lock still names an owner that is no
 * thread of the process. Everything is read from /proc; the process is not touched. */
#ifndef AFTERFORK_SUPERVISOR_SUSPECT_H
#define AFTERFORK_SUPERVISOR_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "proc_wait.h"
#include "supervisor_incidents.h"

enum suspect_state {
	SUSPECT_WATCHED,
	SUSPECT_PROVEN,
	SUSPECT_CLEARED, /* gone, executed another program, or not ours: never to be touched */
};

struct suspect {
	struct pending_incident incident;
	enum suspect_state state;
	uint64_t process_start_ticks, thread_start_ticks; /* 0: not looked at yet */
	struct proc_wait wait;                            /* as first seen in this span */
	uint64_t switches;                                /* of the thread, at that time */
	uint64_t since_ns;                                /* start of the span; 0: none */
	uint64_t added_ns, due_ns;                        /* when to look again */
	bool is_in_trace; /* as last read; false for one that was found in the tree */
	bool was_in_trace;
	bool weak; /* proven without a look at the system call: no ptrace right on the process */
};

/* Starts to watch. now_ns is CLOCK_MONOTONIC, here and below. */
void supervisor_suspect_init(struct suspect *ret_suspect, const struct pending_incident *incident,
                             uint64_t now_ns);
/* Looks once; moves the state and due_ns on. */
void supervisor_suspect_examine(struct suspect *suspect, uint64_t now_ns);
/* True when a thread, in the wait, is stuck on a mutex whose owner is none of its process's threads: how
 * repeats of a fault are found that the trace only counts. Fills the parts of *ret_incident that this shows.
 */
bool supervisor_suspect_recognise(pid_t pid, pid_t tid, struct pending_incident *ret_incident);

#endif
