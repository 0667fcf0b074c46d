/* One thread that the library, or the watch from outside, says is stuck, and the proof from outside that it
 * is.
 *
 * Proven means: a process of our own tree, forked and never executed since, has this thread in a futex wait
 * without a time limit on that very lock, over a span of time, and
 * - the lock still names an owner that is no thread of the process (mutexes, write-locked rwlocks), or
 * - no thread of the process has moved over a second, and no signal handler could end the wait; or
 * - the thread, alone in its process, burns CPU on a lock that the library says it spins on; or
 * - the thread, alone in its process, was seen twice in one loop that its code shows never to end; or
 * - the thread, alone in its process, waits for descriptors that nobody else has;
 * and no handler of a signal that may come could leave the wait by a jump. Where no fork is to blame as far
 * as can be told, it takes ten seconds more: a parent may end such a child itself, as it was meant to.
 * Everything is read from /proc; the process is not touched, but for a short stop in the last case. */
#ifndef AFTERFORK_SUPERVISOR_SUSPECT_H
#define AFTERFORK_SUPERVISOR_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "proc_standstill.h"
#include "proc_wait.h"
#include "spin_proof.h"
#include "supervisor_incidents.h"

enum suspect_state {
	SUSPECT_WATCHED,
	SUSPECT_PROVEN,
	SUSPECT_EXPLAINED, /* stuck, says the library, but not by a fork: for the watch from outside to prove
	                    */
	SUSPECT_CLEARED,   /* gone, executed another program, or not ours: never to be touched */
};

struct suspect {
	struct pending_incident incident;
	enum suspect_state state;
	uint64_t process_start_ticks, thread_start_ticks; /* 0: not looked at yet */
	struct proc_wait wait;                            /* as first seen in this span */
	uint64_t switches;                                /* of the thread, at that time */
	uint64_t cpu_ticks;                               /* the same */
	struct proc_standstill standstill;                /* of the process, at that time; hash 0: none */
	struct spin_loop loop;     /* of one from outside that is in a loop, as last seen */
	uint64_t since_ns;         /* start of the span; 0: none */
	uint64_t added_ns, due_ns; /* when to look again */
	bool is_in_trace;          /* as last read; false for one that was found in the tree */
	bool was_in_trace;
	bool from_outside; /* nobody inside said so */
	bool is_judged;    /* for one of those: stuck for good, and the trace says so */
	/* For one of those: only who asks the process to end could end its wait; and the trace says so. Such
	 * a process is never acted upon. */
	bool until_asked, is_noted;
	/* Stuck, but for handlers of these signals (bit N-1 for signal N), as last seen; 0: none. */
	uint64_t awaited;
	bool is_told;   /* of those */
	bool is_marked; /* in the trace, as stuck but for those */
	bool weak;      /* proven without a look at the system call: no ptrace right on the process */
};

/* Starts to watch. now_ns is CLOCK_MONOTONIC, here and below. */
void supervisor_suspect_init(struct suspect *ret_suspect, const struct pending_incident *incident,
                             uint64_t now_ns);
/* The same for the first thread of a process that is at a standstill, or in a loop, since since_ns: as the
 * watch hands them out. */
void supervisor_suspect_init_outside(struct suspect *ret_suspect, pid_t pid,
                                     const struct proc_standstill *standstill, uint64_t since_ns,
                                     uint64_t now_ns);
/* Takes the process's standstill as it is now for what it was all along: after a look that needed a stop of
 * its threads, which counts as a context switch. */
void supervisor_suspect_rebase(struct suspect *suspect);
/* It was judged, with or without a fork to blame; goes on to be watched, or is proven at once. */
void supervisor_suspect_take_judgement(struct suspect *suspect, bool is_by_fork);
/* It was judged to be stuck until it is asked to end: judged once more when its time is over, and noted then.
 */
void supervisor_suspect_take_note(struct suspect *suspect);
/* True where a deadlock that is no fork's is given time. */
bool supervisor_suspect_is_given_time(const struct suspect *suspect);
/* True for one that the watch saw in a loop. */
bool supervisor_suspect_is_in_loop(const struct suspect *suspect);
/* It waits for descriptors: given as much time as what no fork explains. */
bool supervisor_suspect_awaits_descriptors(const struct suspect *suspect);
/* Looks once; moves the state and due_ns on. */
void supervisor_suspect_examine(struct suspect *suspect, uint64_t now_ns);
/* True when a thread, in the wait, is stuck on a mutex whose owner is none of its process's threads: how
 * repeats of a fault are found that the trace only counts. Fills the parts of *ret_incident that this shows.
 */
bool supervisor_suspect_recognise(pid_t pid, pid_t tid, struct pending_incident *ret_incident);

#endif
